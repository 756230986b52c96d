"""For how long things worked, and how many served: what the service makes of any events is what the reference says."""

from collections import defaultdict
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.calendar import Calendar
from service.core.event import Fact, Kind
from service.core.levels import (
    STAFFING,
    Integral,
    Level,
    LevelKey,
    Record,
    StateTimes,
    beat_of,
    key_of,
    pieces,
    plain_us,
    record_of,
    resources,
    union,
    value_of,
)
from tests.books import accept
from tests.reference import calendar as reference
from tests.reference.conditions import conditions
from tests.reference.histories import NOW, SITES
from tests.reference.levels import levels
from tests.reference.postings import deliveries, identify
from tests.reference.walk import DAY, HOUR, Event, micros
from tests.reference.worlds import HOURS, ZONES

NOW_US = micros(NOW)
SPANS = (HOUR, DAY, 3 * DAY + HOUR, 21 * DAY)


class Heard:
    """All facts of levels that were posted, in whatever order, each once."""

    def __init__(self) -> None:
        self.seen: set[tuple[int, str, str]] = set()
        self.facts: defaultdict[LevelKey, list[tuple[int, Fact]]] = defaultdict(list)

    def hear(self, registration: int, batch: list[Event]) -> None:
        """Take a batch of a registered source."""
        for one in accept(batch, NOW_US):
            identity = (registration, one.fact.source, one.fact.id)
            if identity not in self.seen and one.fact.kind != Kind.CHANGE_MADE:
                self.facts[key_of(one.fact)].append((registration, one.fact))
            self.seen.add(identity)

    def records(self) -> tuple[list[Level], dict[int, Record]]:
        """The levels that are known, and what is known of each."""
        known, records = [], {}
        for number, (key, facts) in enumerate(self.facts.items()):
            told = [(one.at, registration, one.source, one.id, one) for registration, one in facts]
            changes = sorted(one for one in told if one[-1].kind != Kind.HEARTBEAT)
            latest = {at: value_of(fact) for at, *_, fact in changes}
            beats = union(beat_of(one[-1]) for one in told if one[-1].kind == Kind.HEARTBEAT)
            heard_from = beats[0][0] if beats else None
            first = min(one[0] for one in told)
            known.append(Level(number, key, first, heard_from, heard_from))
            records[number] = Record(first, sorted(latest.items()), heard_from, beats)
        return known, records


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_order_of_events_gives_what_the_reference_says(data: st.DataObject) -> None:
    posted = {number: data.draw(conditions()) for number in (1, 2)}
    for events in posted.values():
        identify(events, data.draw(st.randoms(use_true_random=False)))
    zones = {site: data.draw(st.sampled_from(ZONES)) for site in SITES}
    hours = {site: data.draw(st.sampled_from(HOURS)) for site in SITES}
    start = NOW_US - data.draw(st.sampled_from(SPANS))
    end = data.draw(st.sampled_from([NOW_US, NOW_US - HOUR // 2]))
    heard = Heard()
    for registration, batch in data.draw(_batches(posted)):
        heard.hear(registration, batch)

    calendars = {site: reference.Calendar(zones[site], hours[site], []) for site in SITES}
    expected = levels(posted, calendars, start, end, NOW_US)
    known, records = heard.records()
    found: dict[str, dict[tuple[str, str], int]] = {"open_us": {}, "up_us": {}, "degraded_us": {}, "staffed_us": {}}
    for resource in resources(known):
        record = record_of(resource, records)
        assert record is not None
        times = StateTimes([start, end], Calendar.of(zones[resource.key.site], [(None, hours[resource.key.site], [])]))
        times.add(pieces(record, start, end))
        for name, (time,) in times.total().items():
            _add(found[name], resource.key[:2], time)
    for level in known:
        if level.key.kind == STAFFING:
            times_served = Integral([start, end], plain_us)
            for piece in pieces(records[level.id], start, end):
                times_served.add(piece, piece.value)
            _add(found["staffed_us"], (level.key.site, level.key.name), times_served.total()[0])
    for name, sums in found.items():
        assert _some(sums) == _some(getattr(expected, name)), name


@st.composite
def _batches(draw: st.DrawFn, posted: dict[int, list[Event]]) -> list[tuple[int, list[Event]]]:
    found = [(number, batch) for number, events in posted.items() for batch in draw(deliveries(events))]
    return draw(st.permutations(found))


def _add(sums: dict[Any, int], key: Any, amount: int) -> None:
    sums[key] = sums.get(key, 0) + amount


def _some(sums: dict[Any, int]) -> dict[Any, int]:
    return {key: amount for key, amount in sums.items() if amount}
