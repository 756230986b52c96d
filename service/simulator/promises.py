"""What is promised to customers for a time: kept mostly, late or never where people are hard pressed."""

from functools import partial

from service.simulator.lines import Visit
from service.simulator.stage import Stage, utc

_DUE = {"callback": 3600.0, "delivery": 5400.0, "fix": 14_400.0, "visit": 28_800.0}  # seconds until then, about
_LATE, _NEVER, _WITHDRAWN = 0.04, 0.02, 0.04  # chances, when nobody is hard pressed
_LATE_STRAINED, _NEVER_STRAINED = 0.5, 0.2  # what is added when all are


class Promises:
    """Makes promises at the end of an encounter, and keeps them or not."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def after_service(self, visit: Visit, *, resolved: bool, returns_in: float | None) -> bool:
        """Promise something for what comes next; answers whether it is us who begin the customer's next contact.

        A customer whose matter was left open comes back in `returns_in` seconds, if ever: where a call was promised
        that is when we call, or when a call that was forgotten is asked for.
        """
        care, beside = visit.line.profile.care, visit.encounter.beside
        if care is None:
            return False
        if resolved:
            if care.promises and beside.random() < care.promised:
                self._promise(visit, beside.choice(care.promises))
            return False
        if beside.random() >= care.called_back:
            return False
        if returns_in is None:
            self._promise(visit, "callback")
            return False
        return self._call_back(visit, returns_in)

    def instead_of_waiting(self, visit: Visit) -> None:
        """One who would wait no longer is promised a call."""
        if visit.line.profile.care is not None:
            self._promise(visit, "callback")

    def _promise(self, visit: Visit, kind: str) -> None:
        beside = visit.encounter.beside
        due = _DUE[kind] * beside.uniform(0.7, 1.3)
        name = self._make(visit, kind, due)
        if beside.random() < _WITHDRAWN:
            self._later(due * beside.uniform(0.1, 0.9), visit, name, "withdrawn")
            return
        fate = self._fate(visit)
        if fate == "kept":
            self._later(due * beside.uniform(0.3, 0.98), visit, name, "kept")
        elif fate == "late":
            self._later(due * beside.uniform(1.05, 2.0), visit, name, "kept")

    def _call_back(self, visit: Visit, after: float) -> bool:
        """A call is promised for about the time at which it will be made: just after it, or before it if it is late."""
        beside, fate = visit.encounter.beside, self._fate(visit)
        share = beside.uniform(1.05, 1.6) if fate == "kept" else beside.uniform(0.5, 0.95)
        name = self._make(visit, "callback", after * share)
        if fate == "never":
            return False
        self._later(after, visit, name, "kept")
        return True

    def _fate(self, visit: Visit) -> str:
        strain, drawn = visit.line.strain, visit.encounter.beside.random()
        never = _NEVER + _NEVER_STRAINED * strain
        late = _LATE + _LATE_STRAINED * strain
        return "never" if drawn < never else "late" if drawn < never + late else "kept"

    def _make(self, visit: Visit, kind: str, due: float) -> str:
        encounter = visit.encounter
        name = f"{encounter.subject}:{kind}"
        self._say(visit, name, "made", due=utc(self._stage.now + due), kind=kind)
        return name

    def _later(self, after: float, visit: Visit, name: str, what: str) -> None:
        self._stage.plan(after, partial(self._say, visit, name, what))

    def _say(self, visit: Visit, name: str, what: str, **data: str) -> None:
        encounter = visit.encounter
        self._stage.say(f"promise.{what}", f"{name}:{what}", encounter.source, encounter.subject, promise=name, **data)
