"""The site itself: checks of its standards, what breaks and works again, and who is at work."""

from collections.abc import Iterable
from functools import partial
from random import Random

from service.simulator.care import Resource, Upkeep
from service.simulator.lines import Line, Place
from service.simulator.stage import Stage

_BEAT = 900.0  # seconds from one sign of life to the next
_SILENCE = 1000  # what is allowed, in seconds
ROTA = 900.0  # seconds from one look at who is at work to the next
_UNTRAINED = 0.4  # of the items that are not in order, how many still aren't after a training
_HURRIED = 0.15  # of the items of these standards, how many more are not in order when all are hard pressed
_SUFFERS = ("speed", "distance")


class Inspection:
    """Mystery shoppers and supervisors, who check all standards of an open site every few hours."""

    def __init__(self, stage: Stage, place: Place, upkeep: Upkeep, lines: Iterable[Line], chance: Random) -> None:
        self._stage, self._place, self._upkeep, self._lines, self._chance = stage, place, upkeep, lines, chance
        self._checks = 0
        stage.plan(chance.uniform(300.0, 3000.0), self._check)

    def _check(self) -> None:
        if any(line.rate(self._stage.now) for line in self._lines):
            self._checks += 1
            strain = max(line.strain for line in self._lines)
            for standard, usual in self._upkeep.standards.items():
                self._assess(standard, usual, strain)
        self._stage.plan(self._upkeep.checked.sample(self._chance), self._check)

    def _assess(self, standard: str, usual: float, strain: float) -> None:
        wrong = (1 - usual) * (_UNTRAINED if self._place.trained else 1.0)
        if standard in _SUFFERS:
            wrong += _HURRIED * strain
        items = self._chance.randint(5, 12)
        self._stage.say(
            "assessment.recorded",
            f"{self._place.label}:check-{self._checks}:{standard}",
            "inspection",
            site=self._place.name,
            standard=standard,
            passed=sum(self._chance.random() >= wrong for _ in range(items)),
            of=items,
        )


class Works:
    """A resource that works and breaks."""

    def __init__(self, stage: Stage, place: Place, resource: Resource, chance: Random) -> None:
        self._stage, self._place, self._resource, self._chance = stage, place, resource, chance
        self._told = 0
        self._in_trouble = False
        if resource.beats:
            stage.plan(0.0, self._beat)
        else:
            stage.plan(0.0, partial(self._change, "up"))
        stage.plan(resource.works.sample(chance), self._break)

    def _break(self) -> None:
        self._in_trouble = True
        self._place.broken += 1
        state = "degraded" if self._chance.random() < self._resource.degraded else "down"
        if not self._resource.beats:
            self._change(state)
        self._stage.plan(self._resource.fails.sample(self._chance), self._mend)

    def _mend(self) -> None:
        self._in_trouble = False
        self._place.broken -= 1
        if not self._resource.beats:
            self._change("up")
        self._stage.plan(self._resource.works.sample(self._chance), self._break)

    def _change(self, state: str) -> None:
        self._say("availability.changed", resource=self._resource.name, kind=self._resource.kind, state=state)

    def _beat(self) -> None:
        if not self._in_trouble:
            resource, kind = (self._resource.name, self._resource.kind) if self._resource.name else (None, None)
            self._say("heartbeat", resource=resource, kind=kind, interval_seconds=_SILENCE)
        self._stage.plan(_BEAT, self._beat)

    def _say(self, what: str, **data: str | int | None) -> None:
        self._told += 1
        name = f"{self._place.label}:{self._resource.name or 'site'}:{self._told}"
        self._stage.say(what, name, "monitoring", site=self._place.name, **data)


class Rota:
    """Who serves in a line: all while it is open, nobody when it is closed, fewer when service slips."""

    def __init__(self, stage: Stage, line: Line) -> None:
        self._stage, self._line = stage, line
        self._staffed: int | None = None
        self._told = 0

    def follow(self, slip: float) -> None:
        """Say how many serve, if that is news."""
        line = self._line
        open_ = line.rate(self._stage.now) > 0 or line.waiting or line.busy
        staffed = line.capacity(slip) if open_ else 0
        if staffed == self._staffed:
            return
        self._staffed, self._told = staffed, self._told + 1
        self._stage.say(
            "staffing.changed",
            f"{line.place.label}:{line.profile.name}:staff-{self._told}",
            "rota",
            site=line.place.name,
            queue=line.profile.name,
            staffed=staffed,
            available=max(0, staffed - line.busy),
        )
