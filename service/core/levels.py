"""Levels: how things stand from one change to the next, and how long they stood so.

The state of a resource and the number of those who serve a queue are step functions of time. What is kept of them are
changes and heartbeats; from these, integrals over any interval are computed in whole microseconds when somebody asks.
Nothing here depends on the order in which changes or heartbeats came.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from service.core.calendar import Calendar
from service.core.event import MINUTE_US, AsideData, Fact, Kind, duration_us, microseconds
from service.core.interval import Grid, Step
from service.core.quality import RESOURCE_KINDS

UP, DEGRADED, DOWN = range(3)
STATES = ("up", "degraded", "down")
"""The states of a resource, by the numbers that are kept."""
KINDS_OF_LEVELS = (Kind.AVAILABILITY_CHANGED, Kind.HEARTBEAT, Kind.STAFFING_CHANGED)
"""The kinds of event that tell of levels."""
KINDS: tuple[str, ...] = tuple(RESOURCE_KINDS)
"""The kinds of resource."""
UNTOLD = ""
"""The kind of a resource that a heartbeat names without saying what it is."""
STAFFING = "staffing"
"""What stands in the place of a kind where the level is the staffing of a queue."""
DEFAULT_KIND, KIND_OF_SITES = "equipment", "site"
DEFAULT_INTERVAL_SECONDS = 120.0

Change = tuple[int, int]
"""When a level changed, and to what."""
Beat = tuple[int, int]
"""From when on a resource was heard, and until when it may be silent; the end does not belong to it."""


class LevelKey(NamedTuple):
    """What has a level: a resource of a site by its kind and name, or by STAFFING and its name a queue."""

    site: str
    kind: str
    name: str


class Level(NamedTuple):
    """A level that is known: its number, what it is of, when it is first heard of, its first and latest heartbeat."""

    id: int
    key: LevelKey
    first_us: int
    heard_from_us: int | None = None
    heard_at_us: int | None = None


class Resource(NamedTuple):
    """A resource of a known kind: what it is, and the levels that are of it, all but the first known by heartbeats."""

    key: LevelKey
    levels: tuple[Level, ...]

    @property
    def first_us(self) -> int:
        """When it is first heard of."""
        return min(level.first_us for level in self.levels)

    @property
    def heard_at_us(self) -> int | None:
        """Its latest heartbeat, None where it never sent one."""
        return max((level.heard_at_us for level in self.levels if level.heard_at_us is not None), default=None)


class Piece(NamedTuple):
    """A level from one moment on and before another."""

    start: int
    end: int
    value: int


def key_of(fact: Fact) -> LevelKey:
    """What a fact is about. A heartbeat that names no resource is of the site, which as a resource has its own name."""
    data = _data(fact)
    site = data.site or ""
    if fact.kind == Kind.STAFFING_CHANGED:
        return LevelKey(site, STAFFING, data.queue or "")
    if data.resource is None:
        return LevelKey(site, data.kind or KIND_OF_SITES, site)
    return LevelKey(site, data.kind or UNTOLD, data.resource)


def value_of(fact: Fact) -> int:
    """The level from a fact on that is no heartbeat: the number of a state, or of those who serve."""
    data = _data(fact)
    return (data.staffed or 0) if fact.kind == Kind.STAFFING_CHANGED else STATES.index(data.state or "")


def available_of(fact: Fact) -> int | None:
    """How many of those who serve are free, where staffing tells it."""
    return _data(fact).available


def beat_of(fact: Fact) -> Beat:
    """The time for which a heartbeat says that its resource lives."""
    seconds = _data(fact).interval_seconds
    return fact.at, fact.at + max(1, duration_us(DEFAULT_INTERVAL_SECONDS if seconds is None else seconds))


def union(beats: Iterable[Beat]) -> list[Beat]:
    """The time that beats cover, in the fewest pieces, sorted: the same whatever they were cut into."""
    found: list[Beat] = []
    for start, end in sorted(beats):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def resources(known: Iterable[Level]) -> list[Resource]:
    """The resources of some sites, all of whose levels are given; staffing is passed over.

    A heartbeat that names a resource and not its kind is one of the resource of that name, whatever kind it turns out
    to be; of all of them where several share a name. One whose kind nobody ever tells is equipment.
    """
    by_name: dict[tuple[str, str], list[Level]] = {}
    for level in known:
        if level.key.kind != STAFFING:
            by_name.setdefault((level.key.site, level.key.name), []).append(level)
    found = []
    for (site, name), of_name in by_name.items():
        if len(of_name) == 1 and of_name[0].key.kind != UNTOLD:
            found.append(Resource(of_name[0].key, (of_name[0],)))
            continue
        untold = [level for level in of_name if level.key.kind == UNTOLD]
        told = [level for level in of_name if level.key.kind != UNTOLD]
        found += [Resource(level.key, (level, *untold)) for level in told]
        if not told:
            found.append(Resource(LevelKey(site, DEFAULT_KIND, name), tuple(untold)))
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a level from a moment on: the changes, sorted, and the one in force then, if there was any.

    `first_us` is when it is first heard of. `heard_from_us` is the first heartbeat there ever was, None where there
    was none, and `beats` are what heartbeats cover.
    """

    first_us: int
    changes: Sequence[Change] = ()
    heard_from_us: int | None = None
    beats: Sequence[Beat] = ()

    def with_beats(self, other: "Record") -> "Record":
        """The same resource, heard by the heartbeats of another record too."""
        if other.heard_from_us is None:
            return self
        heard = [one.heard_from_us for one in (self, other) if one.heard_from_us is not None]
        beats = union((*self.beats, *other.beats))
        return Record(min(self.first_us, other.first_us), self.changes, min(heard), beats)


def record_of(resource: Resource, records: Mapping[int, Record]) -> Record | None:
    """What is known of a resource, None where nothing is."""
    found = [records[level.id] for level in resource.levels if level.id in records]
    if not found:
        return None
    record = found[0]
    for other in found[1:]:
        record = record.with_beats(other)
    return record


def pieces(record: Record, start_us: int, end_us: int) -> list[Piece]:
    """The level in an interval, from when it is first heard of on: up, or nobody, before any change.

    A resource that ever sent a heartbeat is down from its first one on wherever none covers it.
    """
    start_us = max(start_us, record.first_us)
    found = [Piece(*one) for one in _steps(record.changes, start_us, end_us)]
    if record.heard_from_us is not None and record.heard_from_us < end_us:
        found = list(_silenced(found, record.heard_from_us, record.beats))
    return _joined(found)


def _steps(changes: Sequence[Change], start_us: int, end_us: int) -> Iterator[tuple[int, int, int]]:
    level, since = 0, start_us
    for at, value in changes:
        if at >= end_us:
            break
        if at > since:
            yield since, at, level
            since = at
        level = value
    if since < end_us:
        yield since, end_us, level


def _silenced(found: Iterable[Piece], heard_from_us: int, beats: Sequence[Beat]) -> Iterator[Piece]:
    place = 0
    for start, end, value in found:
        if start < heard_from_us:
            yield Piece(start, min(end, heard_from_us), value)
        at = max(start, heard_from_us)
        while at < end:
            while place < len(beats) and beats[place][1] <= at:
                place += 1
            begin, stop = beats[place] if place < len(beats) else (end, end)
            if at < begin:
                yield Piece(at, min(begin, end), DOWN)
                at = begin
            else:
                yield Piece(at, min(stop, end), value)
                at = stop


def _joined(found: Iterable[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in found:
        if joined and joined[-1].value == piece.value:
            joined[-1] = Piece(joined[-1].start, piece.end, piece.value)
        else:
            joined.append(piece)
    return joined


class Integral:
    """Time added up per point: `bounds` are the moments between the points, `span_us` measures from one to another.

    What covers points whole is added up as counts of them, so a level costs its changes, not its points.
    """

    def __init__(self, bounds: Sequence[int], span_us: Callable[[int, int], int]) -> None:
        self._bounds = bounds
        self._span_us = span_us
        self._parts = [0] * (len(bounds) - 1)
        self._turns = [0] * len(bounds)

    def add(self, piece: Piece, weight: int = 1) -> None:
        """Count the time of a piece, so many times over."""
        bounds = self._bounds
        start, end = max(piece.start, bounds[0]), min(piece.end, bounds[-1])
        if start >= end or not weight:
            return
        first, last = bisect_right(bounds, start) - 1, bisect_right(bounds, end) - 1
        if first == last:
            self._parts[first] += weight * self._span_us(start, end)
            return
        if start > bounds[first]:
            self._parts[first] += weight * self._span_us(start, bounds[first + 1])
            first += 1
        if end > bounds[last]:
            self._parts[last] += weight * self._span_us(bounds[last], end)
        self._turns[first] += weight
        self._turns[last] -= weight

    def total(self) -> list[int]:
        """The time of each point."""
        found, whole = [], 0
        for place, part in enumerate(self._parts):
            whole += self._turns[place]
            span = self._span_us(self._bounds[place], self._bounds[place + 1]) if whole else 0
            found.append(part + whole * span)
        return found


def plain_us(start_us: int, end_us: int) -> int:
    """The time from one moment to another, whether the site is open or not."""
    return end_us - start_us


def bounds_of(grid: Grid, zone: str) -> tuple[int, list[int]]:
    """The place of the first point of an answer that a time zone has, and the moments between its points.

    The points are made of whole minutes, as for all other numbers.
    """
    minutes = grid.interval.minutes
    ends = minutes.start * MINUTE_US, minutes.stop * MINUTE_US
    if not minutes:
        return 0, []
    if grid.step is Step.TOTAL:
        return 0, [*ends]
    first, starts = 0, grid.starts
    if grid.step is Step.DAY:
        first, starts = grid.days[zone].first_point, grid.days[zone].midnights
    inner = (-(-microseconds(start) // MINUTE_US) * MINUTE_US for start in starts[1:])
    return first, [ends[0], *inner, ends[1]]


class StateTimes:
    """For how long resources of a site were in each state while it was open, added up over all of them, per point."""

    def __init__(self, bounds: Sequence[int], calendar: Calendar) -> None:
        self._by_state = [Integral(bounds, calendar.open_us) for _ in STATES]

    def add(self, found: Iterable[Piece]) -> None:
        """Count one more resource."""
        for piece in found:
            self._by_state[piece.value].add(piece)

    def total(self) -> dict[str, list[int]]:
        """The time of each point, by term."""
        up, degraded, down = (one.total() for one in self._by_state)
        every = [sum(states) for states in zip(up, degraded, down, strict=True)]
        return {"open_us": every, "up_us": up, "degraded_us": degraded}


def _data(fact: Fact) -> AsideData:
    data = fact.data
    if not isinstance(data, AsideData):
        raise TypeError(f"a fact of kind {fact.kind} says nothing of levels")
    return data
