"""What is true over time, by brute force: whether things work, and how many serve.

It walks from one moment at which anything changes to the next, and asks what is true in between. Readings adopted where
the definitions are silent:

- A resource is what a site calls so, of a kind: the same name of another kind is another one. All registered sources
  tell of the same resources. A heartbeat that names none is of the site itself, which is a resource of its own name.
- A heartbeat that names a resource and not its kind is one of the resource of that name, whatever kind others tell; of
  all of them where several have that name, and of equipment where nobody tells.
- A resource exists from its first event on, whichever it is, and for good.
- What is the latest is told by time, registered source, CloudEvents source and id; it holds from its time on.
- A heartbeat proves life from its time up to, but not at, the end of its own interval; several are one union. Whoever
  is alive is in the state that the latest change tells; whoever is silent, after having sent any, is down.
- Before its first heartbeat a resource is in the state of its changes.
- Staffed time is counted at all hours, and nobody serves before the first event of a queue.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.reference.calendar import ALWAYS_OPEN, Calendar
from tests.reference.walk import SECOND, Event, instant, once, span

HEARTBEAT = 120 * SECOND

Resource = tuple[str, str, str]  # site, kind, name
Line = tuple[str, str]  # site, queue


@dataclass(frozen=True)
class Told:
    """An event of a level, and where it stands among all."""

    time: int
    registration: int
    source: str
    id: str
    event: Event

    @property
    def order(self) -> tuple[int, int, str, str]:
        """What makes one event later than another."""
        return self.time, self.registration, self.source, self.id


@dataclass
class Levels:
    """What the levels come to over an interval: microseconds by site and kind, and by site and queue."""

    open_us: dict[tuple[str, str], int]
    up_us: dict[tuple[str, str], int]
    degraded_us: dict[tuple[str, str], int]
    staffed_us: dict[Line, int]


def levels(
    posted: Mapping[int, Iterable[Event]], calendars: Mapping[str, Calendar], start: int, end: int, now: int
) -> Levels:
    """All levels between two moments, as far as `now`, from what each registered source posted, by its number."""
    told = [
        Told(instant(event["time"]), registration, event["source"], event["id"], event)
        for registration, events in posted.items()
        for event in once(events)
    ]
    end = min(end, now)
    found = Levels({}, {}, {}, {})
    for resource, mine in _resources(told).items():
        site, kind, _ = resource
        calendar = calendars.get(site, ALWAYS_OPEN)
        for begin, finish in _pieces(mine, start, end):
            state = state_at(mine, begin)
            if state is None:
                continue
            lasting = calendar.open_time(begin, finish)
            _add(found.open_us, (site, kind), lasting)
            _add(found.up_us, (site, kind), lasting if state == "up" else 0)
            _add(found.degraded_us, (site, kind), lasting if state == "degraded" else 0)
    for line, mine in _lines(told).items():
        for begin, finish in _pieces(mine, start, end):
            _add(found.staffed_us, line, staffed_at(mine, begin) * (finish - begin))
    return found


def state_at(told: Sequence[Told], time: int) -> str | None:
    """The state of a resource at a time, from all its events: up, degraded or down; None before the first of them."""
    past = [one for one in told if one.time <= time]
    if not past:
        return None
    heartbeats = [one for one in past if one.event["type"] == "heartbeat"]
    if heartbeats and not any(time < one.time + _interval(one) for one in heartbeats):
        return "down"
    changes = [one for one in past if one.event["type"] == "availability.changed"]
    return max(changes, key=lambda one: one.order).event["data"]["state"] if changes else "up"


def staffed_at(told: Sequence[Told], time: int) -> int:
    """How many serve in a line at a time."""
    past = [one for one in told if one.time <= time]
    return max(past, key=lambda one: one.order).event["data"]["staffed"] if past else 0


def _interval(one: Told) -> int:
    seconds = one.event["data"].get("interval_seconds")
    return HEARTBEAT if seconds is None else span(seconds)


def _resources(told: Iterable[Told]) -> dict[Resource, list[Told]]:
    by_name: dict[tuple[str, str], list[tuple[str | None, Told]]] = {}
    for one in told:
        data = one.event["data"]
        if one.event["type"] in ("availability.changed", "heartbeat"):
            kind = data.get("kind") or (None if "resource" in data else "site")
            by_name.setdefault((data["site"], data.get("resource", data["site"])), []).append((kind, one))
    found: dict[Resource, list[Told]] = {}
    for (site, name), mine in by_name.items():
        for kind in {kind for kind, _ in mine if kind is not None} or {"equipment"}:
            found[site, kind, name] = [one for told_kind, one in mine if told_kind in (kind, None)]
    return found


def _lines(told: Iterable[Told]) -> dict[Line, list[Told]]:
    found: dict[Line, list[Told]] = {}
    for one in told:
        if one.event["type"] == "staffing.changed":
            found.setdefault((one.event["data"]["site"], one.event["data"]["queue"]), []).append(one)
    return found


def _pieces(told: Iterable[Told], start: int, end: int) -> Iterator[tuple[int, int]]:
    """The pieces of an interval within which nothing changes."""
    changes = {start, end}
    for one in told:
        changes.add(one.time)
        if one.event["type"] == "heartbeat":
            changes.add(one.time + _interval(one))
    within = sorted(time for time in changes if start <= time <= end)
    yield from pairwise(within)


def _add(sums: dict[tuple[str, str], int], key: tuple[str, str], amount: int) -> None:
    sums[key] = sums.get(key, 0) + amount
