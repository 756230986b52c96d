"""Levels: what the definitions say, and integrals held against a walk over every second."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.calendar import Calendar
from service.core.event import MINUTE_US, SECOND_US, AsideData, Fact, Kind, microseconds
from service.core.interval import Interval, Step, grid
from service.core.levels import (
    DOWN,
    STATES,
    UP,
    Integral,
    Level,
    LevelKey,
    Piece,
    Record,
    StateTimes,
    beat_of,
    bounds_of,
    key_of,
    pieces,
    plain_us,
    resources,
    union,
    value_of,
)

DEGRADED = 1
MONDAY = microseconds(datetime(2026, 11, 23, tzinfo=UTC))
ALWAYS = Calendar.of("UTC")
AFTERNOONS = Calendar.of("UTC", [(None, {"mon": ["00:00-00:02", "00:03-00:05"]}, None)])
moments = st.integers(0, 400)
changes_ = st.lists(st.tuples(moments, st.integers(0, 2)), max_size=8)
beats_ = st.lists(st.tuples(moments, st.integers(1, 90)), max_size=8)


def fact(what: Kind, at: int = 0, /, **data: object) -> Fact:
    return Fact(at, what, "1", "scada", AsideData(site="shop-1", **data), at)  # type: ignore[arg-type]


def seconds(found: Sequence[Piece]) -> list[tuple[float, float, int]]:
    return [(piece.start / SECOND_US, piece.end / SECOND_US, piece.value) for piece in found]


def record(
    changes: Sequence[tuple[int, int]] = (), beats: Sequence[tuple[int, int]] = (), first: int | None = None
) -> Record:
    """What is known of a resource, in seconds; a beat is when it came and for how long it may be silent then."""
    told = sorted((at * SECOND_US, value) for at, value in changes)
    heard = union((at * SECOND_US, (at + lasts) * SECOND_US) for at, lasts in beats)
    begin = min([at for at, _ in told] + [at for at, _ in heard] + ([] if first is None else [first * SECOND_US]))
    return Record(begin, told, heard[0][0] if heard else None, heard)


def walked(at: int, changes: Sequence[tuple[int, int]], beats: Sequence[tuple[int, int]]) -> int | None:
    """The state in a second, as the definition has it; None before anything is heard."""
    if at < min([one for one, _ in changes] + [one for one, _ in beats]):
        return None
    if beats and at >= min(beats)[0] and not any(start <= at < start + lasts for start, lasts in beats):
        return DOWN
    before = sorted(((when, place), value) for place, (when, value) in enumerate(changes) if when <= at)
    return before[-1][1] if before else UP


def test_a_fact_says_what_it_is_about() -> None:
    changed = fact(Kind.AVAILABILITY_CHANGED, resource="till-1", kind="equipment", state="degraded")
    assert (key_of(changed), value_of(changed)) == (LevelKey("shop-1", "equipment", "till-1"), DEGRADED)
    staffed = fact(Kind.STAFFING_CHANGED, queue="tills", staffed=3)
    assert (key_of(staffed), value_of(staffed)) == (LevelKey("shop-1", "staffing", "tills"), 3)


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        ({}, "site", "shop-1"),
        ({"kind": "channel"}, "channel", "shop-1"),
        ({"resource": "till-1"}, "", "till-1"),
        ({"resource": "line-1", "kind": "channel"}, "channel", "line-1"),
    ],
)
def test_a_heartbeat_is_of_its_resource_or_of_the_site(data: dict[str, str], kind: str, name: str) -> None:
    assert key_of(fact(Kind.HEARTBEAT, **data)) == LevelKey("shop-1", kind, name)


def test_a_heartbeat_covers_its_interval_two_minutes_unless_told() -> None:
    assert beat_of(fact(Kind.HEARTBEAT, 7)) == (7, 7 + 120 * SECOND_US)
    assert beat_of(fact(Kind.HEARTBEAT, 7, interval_seconds=0.25)) == (7, 7 + SECOND_US // 4)
    assert beat_of(fact(Kind.HEARTBEAT, 7, interval_seconds=1e-9)) == (7, 8)


def test_a_heartbeat_without_a_kind_is_of_the_resource_of_that_name() -> None:
    def level(number: int, kind: str, name: str) -> Level:
        return Level(number, LevelKey("shop-1", kind, name), number)

    known = [
        level(1, "channel", "line-1"),
        level(2, "", "line-1"),
        level(3, "", "till-1"),
        level(4, "equipment", "both"),
        level(5, "channel", "both"),
        level(6, "", "both"),
        level(7, "staffing", "line-1"),
    ]
    found = {one.key[1:]: [level.id for level in one.levels] for one in resources(reversed(known))}
    assert found == {
        ("channel", "line-1"): [1, 2],
        ("equipment", "till-1"): [3],
        ("equipment", "both"): [4, 6],
        ("channel", "both"): [5, 6],
    }


def test_before_any_change_a_resource_is_up_from_its_first_event_on() -> None:
    known = record(changes=[(50, DOWN), (70, UP)], first=20)
    assert seconds(pieces(known, 0, 100 * SECOND_US)) == [(20, 50, UP), (50, 70, DOWN), (70, 100, UP)]


def test_who_sends_heartbeats_is_down_where_they_are_missing() -> None:
    known = record(changes=[(5, DEGRADED)], beats=[(10, 20), (25, 20), (80, 10)])
    assert seconds(pieces(known, 0, 100 * SECOND_US)) == [
        (5, 45, DEGRADED),
        (45, 80, DOWN),
        (80, 90, DEGRADED),
        (90, 100, DOWN),
    ]


def test_the_last_of_one_moment_is_in_force() -> None:
    known = Record(0, [(5, DOWN), (5, UP), (9, DEGRADED)])
    assert pieces(known, 0, 12) == [Piece(0, 9, UP), Piece(9, 12, DEGRADED)]


def test_beats_of_two_records_are_heard_as_one() -> None:
    told, untold = record(changes=[(30, DEGRADED)]), record(beats=[(10, 30), (60, 10)])
    assert seconds(pieces(told.with_beats(untold), 0, 70 * SECOND_US)) == [
        (10, 30, UP),
        (30, 40, DEGRADED),
        (40, 60, DOWN),
        (60, 70, DEGRADED),
    ]
    assert told.with_beats(record(changes=[(1, DOWN)])) == told


@given(st.lists(st.tuples(moments, st.integers(1, 60)), max_size=12), st.randoms(), st.integers(1, 5))
def test_the_union_of_beats_does_not_depend_on_their_order_nor_on_batches(beats, random, batches) -> None:  # type: ignore[no-untyped-def]
    spans = [(start, start + lasts) for start, lasts in beats]
    at_once = union(spans)
    random.shuffle(spans)
    kept: list[tuple[int, int]] = []
    for batch in range(batches):
        kept = union((*kept, *spans[batch::batches], *spans[:1]))
    assert kept == at_once
    assert all(one[1] < other[0] for one, other in pairwise(kept))
    covered = {second for start, end in spans for second in range(start, end)}
    assert covered == {second for start, end in kept for second in range(start, end)}


@given(changes_, beats_, moments, moments)
def test_pieces_are_as_a_walk_over_every_second_finds_them(
    changes: list[tuple[int, int]], beats: list[tuple[int, int]], start: int, end: int
) -> None:
    if not changes and not beats:
        return
    changes = sorted(changes, key=lambda change: change[0])
    # Reading begins with the change in force: none before it makes a difference.
    found = pieces(record_in_order(changes, beats), start * SECOND_US, end * SECOND_US)
    by_second = {second: value for begin, stop, value in seconds(found) for second in range(int(begin), int(stop))}
    assert by_second == {
        second: state for second in range(start, end) if (state := walked(second, changes, beats)) is not None
    }
    assert all(one.end < other.start or one.value != other.value for one, other in pairwise(found))


def record_in_order(changes: Sequence[tuple[int, int]], beats: Sequence[tuple[int, int]]) -> Record:
    """A record whose changes of one moment keep the order that they have."""
    heard = union((at * SECOND_US, (at + lasts) * SECOND_US) for at, lasts in beats)
    told = [(at * SECOND_US, value) for at, value in changes]
    first = min([at for at, _ in told] + [at for at, _ in heard])
    return Record(first, told, heard[0][0] if heard else None, heard)


@given(
    st.lists(st.tuples(moments, moments, st.integers(0, 3)), max_size=6),
    st.lists(moments, min_size=2, max_size=9).map(sorted),
    st.booleans(),
)
def test_integrals_are_as_a_walk_over_every_second_finds_them(
    spans: list[tuple[int, int, int]], bounds: list[int], hours: bool
) -> None:
    calendar = AFTERNOONS if hours else ALWAYS
    integral = Integral([MONDAY + bound * SECOND_US for bound in bounds], calendar.open_us)
    for start, end, weight in spans:
        if start < end:
            integral.add(Piece(MONDAY + start * SECOND_US, MONDAY + end * SECOND_US, UP), weight)
    right = [
        SECOND_US
        * sum(
            weight
            for second in range(begin, stop)
            for start, end, weight in spans
            if start <= second < end and calendar.is_open(MONDAY + second * SECOND_US)
        )
        for begin, stop in pairwise(bounds)
    ]
    assert integral.total() == right


@given(st.lists(st.tuples(changes_, beats_), min_size=1, max_size=3), st.lists(moments, min_size=2, max_size=9))
def test_the_parts_of_an_interval_add_up_to_the_whole(
    histories: list[tuple[list[tuple[int, int]], list[tuple[int, int]]]], cuts: list[int]
) -> None:
    bounds = [second * SECOND_US for second in sorted(cuts)]
    parts = StateTimes(bounds, ALWAYS)
    whole = StateTimes([bounds[0], bounds[-1]], ALWAYS)
    for changes, beats in histories:
        if changes or beats:
            found = pieces(record(changes, beats), bounds[0], bounds[-1])
            parts.add(found)
            whole.add(found)
    assert {term: [sum(points)] for term, points in parts.total().items()} == whole.total()


def test_states_are_counted_while_the_site_is_open() -> None:
    times = StateTimes([MONDAY, MONDAY + 10 * MINUTE_US], AFTERNOONS)
    times.add([Piece(MONDAY, MONDAY + MINUTE_US, UP), Piece(MONDAY + MINUTE_US, MONDAY + 4 * MINUTE_US, DOWN)])
    times.add([Piece(MONDAY + 4 * MINUTE_US, MONDAY + 9 * MINUTE_US, DEGRADED)])
    assert times.total() == {"open_us": [4 * MINUTE_US], "up_us": [MINUTE_US], "degraded_us": [MINUTE_US]}
    assert STATES == ("up", "degraded", "down")


@pytest.mark.parametrize("step", [*Step])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/St_Johns"])
def test_the_points_of_an_answer_lie_between_bounds(step: Step, zone: str) -> None:
    begin = datetime(2026, 11, 1, 3, 17, 30, tzinfo=UTC)
    interval = Interval(begin, begin + timedelta(hours=4, minutes=10))
    cut = grid(interval, step, {zone, "UTC"})
    first, bounds = bounds_of(cut, zone)
    assert bounds[0] == microseconds(begin) + 30 * SECOND_US
    assert bounds[-1] == microseconds(interval.end) + 30 * SECOND_US
    assert bounds == sorted(set(bounds))
    assert first + len(bounds) - 1 <= len(cut.starts)
    whole = Integral(bounds, plain_us)
    whole.add(Piece(bounds[0], bounds[-1], UP), 2)
    assert sum(whole.total()) == 2 * (bounds[-1] - bounds[0])
    if step in (Step.MINUTE, Step.HOUR):
        assert bounds[1:-1] == [microseconds(start) for start in cut.starts[1:]]


def test_an_interval_without_a_minute_has_no_points() -> None:
    begin = datetime(2026, 11, 1, 3, 17, 10, tzinfo=UTC)
    assert bounds_of(grid(Interval(begin, begin + timedelta(seconds=5)), Step.HOUR), "UTC") == (0, [])
