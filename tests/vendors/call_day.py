"""A simulated day of a call centre: its calls, and what of them is posted natively by a form that carries less."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.simulator.model import Simulation
from service.simulator.profile import call_centre
from service.vendors.reading.delivery import Event, event
from tests.lines import lines_only
from tests.vendors.calls import NINE, Batch, Outcome

SITE = "riga"
QUEUES = ("sales", "billing", "support")
_MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
_DIFFERS = ("late_events", "told_waits", "told_services", "wait_difference_us", "service_difference_us")
"""How much is said, and what a vendor says of durations beside: no part of what happened."""


@dataclass(frozen=True)
class Leg:
    """A wait in a line and what followed: `outcome` is that of the wait, or None where the day ended before."""

    queue: str
    queued: datetime
    agent: str | None = None
    answered: datetime | None = None
    outcome: str | None = None
    ended: datetime | None = None
    transferred: datetime | None = None
    held: timedelta = timedelta(0)
    wrap_up: float = 0.0


@dataclass(frozen=True)
class Call:
    subject: str
    customer: str | None
    legs: tuple[Leg, ...]

    @property
    def is_over(self) -> bool:
        return self.legs[-1].ended is not None


@dataclass(frozen=True)
class Carried:
    """What of a call a form tells natively.

    `first_ends` is when who hands a customer over is done with him: when the next one answers (`answer`), when he is
    handed over (`transfer`), or just before he is in the next line (`line`).
    """

    customers: bool = True
    holds: bool = True
    wrap_up_apart: bool = True
    first_ends: str = "answer"
    hold_of_transferred: bool = True


@dataclass
class _Building:
    call: Call
    legs: list[Leg] = field(default_factory=list)
    held_from: datetime | None = None


def simulated() -> list[Event]:
    """The day as the simulator tells it, without the calls that were not over at its end."""
    simulation = Simulation([lines_only(call_centre(SITE, "Europe/Riga"))], seed=7, start=_MIDNIGHT)
    events = list(simulation.until(_MIDNIGHT + timedelta(days=1)))
    over = {call.subject for call in _calls(events) if call.is_over}
    return [event for event in events if event["subject"] in over]


def calls() -> list[Call]:
    """The calls of that day, in which what came after their end has no place."""
    return _calls(simulated())


def whole_seconds(of: Iterable[Call]) -> list[Call]:
    """The calls as a system has them that knows whole seconds only."""
    return [replace(call, legs=tuple(_whole(leg) for leg in call.legs)) for call in of]


def _whole(leg: Leg) -> Leg:
    times = {name: getattr(leg, name) for name in ("queued", "answered", "ended", "transferred")}
    cut = {name: when and when.replace(microsecond=0) for name, when in times.items()}
    return replace(
        leg, **cut, held=timedelta(seconds=leg.held // timedelta(seconds=1)), wrap_up=float(int(leg.wrap_up))
    )


def _calls(events: Iterable[Event]) -> list[Call]:
    building: dict[str, _Building] = {}
    for told in events:
        subject, data = told["subject"], told["data"]
        one = building.setdefault(subject, _Building(Call(subject, data.get("customer"), ())))
        _tell(one, told["type"].removeprefix("interaction."), datetime.fromisoformat(told["time"]), data)
    return [replace(one.call, legs=tuple(one.legs)) for one in building.values()]


def _tell(one: _Building, kind: str, when: datetime, data: dict[str, Any]) -> None:
    if kind == "queued":
        one.legs.append(Leg(data["queue"], when))
        return
    leg = one.legs[-1]
    if leg.ended is not None:
        return
    if kind == "answered":
        one.legs[-1] = replace(leg, answered=when, agent=data["agent"], outcome="answered")
    elif kind == "held":
        one.held_from = when
    elif kind == "resumed":
        assert one.held_from is not None
        one.legs[-1] = replace(leg, held=leg.held + (when - one.held_from))
    elif kind == "transferred":
        one.legs[-1] = replace(leg, transferred=when)
    elif kind == "completed":
        one.legs[-1] = replace(leg, ended=when, wrap_up=data.get("wrap_up_seconds", 0.0))
    elif kind in ("abandoned", "diverted"):
        one.legs[-1] = replace(leg, ended=when, outcome=data.get("to", kind))


def native(of: Iterable[Call], carried: Carried) -> list[Event]:
    """The calls in the contract's own form, as far as a form carries them."""
    return [event for call in of for event in _native(call, carried)]


def _native(call: Call, carried: Carried) -> Iterator[Event]:
    for number, leg in enumerate(call.legs):
        following = call.legs[number + 1] if number + 1 < len(call.legs) else None
        for kind, when, data in _leg(leg, following, carried):
            about = {"site": SITE, "queue": leg.queue, "channel": "phone", **data}
            if carried.customers:
                about["customer"] = call.customer
            yield event(kind, f"{call.subject}/{number}/{kind}", when.isoformat(), call.subject, "native", **about)


def _leg(leg: Leg, following: Leg | None, carried: Carried) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    yield "queued", leg.queued, {}
    if leg.answered is None:
        if leg.ended is not None:
            kind = "abandoned" if leg.outcome == "abandoned" else "diverted"
            yield kind, leg.ended, {} if kind == "abandoned" else {"to": leg.outcome}
        return
    yield "answered", leg.answered, {"agent": leg.agent}
    if leg.held and carried.holds and (following is None or carried.hold_of_transferred):
        yield "held", leg.answered, {}
        yield "resumed", leg.answered + leg.held, {}
    if following is not None:
        assert leg.transferred is not None
        yield "transferred", leg.transferred, {"to_queue": following.queue}
        if carried.first_ends == "transfer":
            yield "completed", leg.transferred, {}
        elif carried.first_ends == "line":
            yield "completed", following.queued - timedelta(microseconds=1), {}
    elif leg.ended is not None and carried.wrap_up_apart:
        yield "completed", leg.ended, {"wrap_up_seconds": leg.wrap_up}
    elif leg.ended is not None:
        yield "completed", leg.ended + timedelta(seconds=leg.wrap_up), {}


def since_nine(when: datetime) -> float:
    return (when - NINE).total_seconds()


def differences(of: Outcome, and_of: Outcome, *besides: str) -> list[str]:
    """Where two outcomes differ in rollups or exact durations; but in what is said, and in what differs `besides`."""
    one, other = _in_common(of, besides), _in_common(and_of, besides)
    assert one
    return [f"{key}: {one.get(key)}, {other.get(key)}" for key in one | other if one.get(key) != other.get(key)]


def _in_common(of: Outcome, besides: Iterable[str]) -> dict[Any, int]:
    rollups, cells, _ = of
    without = {*_DIFFERS, *besides}
    amounts = {(place, name): amount for place, one in rollups.items() for name, amount in one.items()}
    found: dict[Any, int] = {key: amount for key, amount in amounts.items() if key[1] not in without}
    return found | {key: amount for key, amount in cells.items() if key[1] not in without}


def shuffled(of: list[Batch], batches: int = 10) -> list[Batch]:
    """All events in an order of no meaning, but always the same, in a few batches."""
    events = sorted((event for batch in of for event in batch), key=lambda event: event["id"][::-1])
    return [events[start::batches] for start in range(batches)]
