"""Days and minutes give the same: what is gathered, held against everything added up minute by minute."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from service.core.calendar import Calendar
from service.core.catalogue.measures import HISTOGRAM_BY_NAME, MEASURE_BY_NAME
from service.core.codes import cell, objective_codes
from service.core.difference import Differences
from service.core.event import MINUTE_US, microseconds
from service.core.interval import Interval, Step
from service.core.kpi import Needs, Sums
from service.store.cohorts import Group, Selection
from service.store.database import Database
from service.store.flush import flush_differences
from service.store.rollups import Gathered, Rollups
from tests.store.stored import TABLES

# Summer time comes and goes by an hour, by half an hour, and at midnight; and two places that are minutes off.
DATES = {
    "Europe/Vilnius": ("2025-03-30", "2025-10-26", "2025-01-01"),
    "America/New_York": ("2025-03-09", "2025-11-02"),
    "Australia/Lord_Howe": ("2025-04-06", "2025-10-05"),
    "America/Sao_Paulo": ("2018-02-18", "2018-11-04"),
    "Asia/Kolkata": ("2025-03-30",),
    "Africa/Monrovia": ("1972-01-07",),
    "UTC": ("2025-03-30",),
}
QUEUES = ("sales", "billing")
SECOND_US = 1_000_000
WAIT, GAVE_UP = HISTOGRAM_BY_NAME["wait"], HISTOGRAM_BY_NAME["abandoned_wait"]
BOUNDS_US = [round(bound * SECOND_US) for bound in WAIT.bounds]
WAITS_US = (0, 1, SECOND_US, 20 * SECOND_US, 20 * SECOND_US + 1, 20_120_000, 3600 * SECOND_US, 5000 * SECOND_US)
OBJECTIVE = 3
MEASURES = frozenset({"offered", "answered_waits", "answered_wait_us"})


class Visit(NamedTuple):
    """One who came: where and when, how long the wait was and whether its end was an answer.

    `stripe` is that of the writer; one that is `taken_back` was booked first and removed by another writer later.
    """

    site: int
    queue: int
    minute: int
    wait_us: int
    answered: bool
    stripe: int
    taken_back: bool

    def booking(self, sign: int) -> dict[int, int]:
        events, breaches, *_ = objective_codes(OBJECTIVE)
        histogram = WAIT if self.answered else GAVE_UP
        found = {"offered": 1}
        if self.answered:
            found |= {"answered_waits": 1, "answered_wait_us": self.wait_us}
        booked = {MEASURE_BY_NAME[name].code: sign * amount for name, amount in found.items() if amount}
        booked |= {cell(histogram.code, self.wait_us): sign, events: sign}
        return booked | ({breaches: sign} if self.wait_us > 20 * SECOND_US else {})


@dataclass(frozen=True)
class Scene:
    """Sites in time zones, who came there, and what is asked for."""

    zones: tuple[str, ...]
    visits: tuple[Visit, ...]
    interval: Interval
    step: Step
    group_by: tuple[str, ...]
    selection: Selection
    needs: Needs


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    zones = tuple(draw(st.lists(st.sampled_from(sorted(DATES)), min_size=1, max_size=3)))
    day = date.fromisoformat(draw(st.sampled_from(DATES[zones[0]])))
    # Moments near the midnights and the middles of some days, in any of the zones.
    near = [
        datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)) + timedelta(days=days, minutes=minutes)
        for zone in zones
        for days in (-2, -1, 0, 1, 2)
        for hour in (0, 11, 12, 13)
        for minutes in (-30, -1, 0, 1, 45)
    ]
    moments = sorted({microseconds(moment) for moment in near})
    seconds = st.sampled_from((0, 0, 0, 1, 59 * SECOND_US))
    start, end = sorted(draw(st.lists(st.sampled_from(moments), min_size=2, max_size=2, unique=True)))
    minutes = [moment // MINUTE_US for moment in moments]
    edges = [edge // MINUTE_US + by for edge in (start, end) for by in (-1, 0, 1)]
    visit = st.builds(
        Visit,
        site=st.integers(0, len(zones) - 1),
        queue=st.integers(0, len(QUEUES) - 1),
        minute=st.sampled_from(minutes) | st.sampled_from(edges),
        wait_us=st.sampled_from(WAITS_US),
        answered=st.booleans(),
        stripe=st.integers(0, 2),
        taken_back=st.sampled_from((False, False, True)),
    )
    return Scene(
        zones,
        tuple(draw(st.lists(visit, min_size=draw(st.sampled_from((0, 20))), max_size=40))),
        Interval(*(moment(edge + draw(seconds)) for edge in (start, end))),
        draw(st.sampled_from((Step.DAY, Step.DAY, Step.TOTAL, Step.TOTAL, Step.HOUR, Step.MINUTE))),
        draw(st.sampled_from(((), ("site",), ("queue",), ("site", "queue", "channel")))),
        Selection(queue=draw(st.sampled_from(((), (), QUEUES[:1])))),
        Needs(
            MEASURES,
            {"wait": "answered_within", "abandoned_wait": "abandoned_within"},
            draw(st.sampled_from((20 * SECOND_US, 20_120_000, 0))),
            OBJECTIVE,
            frozenset({"wait"}),
            longest=True,
        ),
    )


def moment(us: int) -> datetime:
    return datetime.fromtimestamp(0, ZoneInfo("UTC")) + timedelta(microseconds=us)


def by_minutes(scene: Scene, starts: Sequence[datetime]) -> dict[Group, Sums]:
    """The sums of a scene, from each visit by itself."""
    found: dict[Group, Sums] = {} if scene.group_by else {(): blank(len(starts))}
    for visit in scene.visits:
        labels = {"site": f"site-{visit.site}", "queue": QUEUES[visit.queue], "channel": "pos"}
        selected = not scene.selection.queue or labels["queue"] in scene.selection.queue
        if selected and visit.minute in scene.interval.minutes:
            group = tuple(labels[label] for label in scene.group_by)
            sums = found.setdefault(group, blank(len(starts)))
            if not visit.taken_back:
                count(sums, point_of(scene, starts, visit), visit, scene.needs.threshold_us)
    return found


def point_of(scene: Scene, starts: Sequence[datetime], visit: Visit) -> int:
    match scene.step:
        case Step.TOTAL:
            return 0
        case Step.DAY:
            shown = Calendar.of(scene.zones[visit.site]).day_of(visit.minute)
            return [(start.date() - date(1970, 1, 1)).days for start in starts].index(shown)
        case step:
            at = moment(visit.minute * MINUTE_US)
            return starts.index(at.replace(minute=0) if step is Step.HOUR else at)


def blank(points: int) -> Sums:
    names = (*MEASURES, "slo_events", "slo_breaches", "answered_within", "abandoned_within")
    return Sums(
        points,
        {name: [0] * points for name in names},
        {"wait": [[0] * points for _ in range(len(BOUNDS_US) + 1)]},
        [None] * points,
    )


def count(sums: Sums, at: int, visit: Visit, threshold_us: int) -> None:
    terms = sums.terms
    terms["offered"][at] += 1
    terms["slo_events"][at] += 1
    terms["slo_breaches"][at] += visit.wait_us > 20 * SECOND_US
    terms["answered_within" if visit.answered else "abandoned_within"][at] += visit.wait_us <= threshold_us
    sums.longest_us[at] = max(sums.longest_us[at] or 0, visit.wait_us)
    if visit.answered:
        terms["answered_waits"][at] += 1
        terms["answered_wait_us"][at] += visit.wait_us
        sums.buckets["wait"][bisect_left(BOUNDS_US, visit.wait_us)][at] += 1


class Stage:
    """A database that is emptied before each scene."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url

    async def play(self, scene: Scene) -> Gathered:
        """Book who came, and gather what is asked for."""
        database = Database(self.url)
        try:
            async with database.engine.begin() as connection:
                await connection.execute(text(f"TRUNCATE {TABLES}, sites, sources CASCADE"))
                await self._register(connection, scene.zones)
            await self._book(database, scene)
            asked = (scene.interval, scene.step, scene.selection, scene.group_by, scene.needs)
            return await Rollups(database).gather(*asked)
        finally:
            await database.close()

    async def _register(self, connection: Any, zones: Sequence[str]) -> None:
        for number, zone in enumerate(zones):
            site = {"id": number, "name": f"site-{number}", "zone": zone}
            await connection.execute(text("INSERT INTO sites (id, name, time_zone) VALUES (:id, :name, :zone)"), site)
            for place, queue in enumerate(QUEUES):
                values = {"id": number * 10 + place, "site": number, "queue": queue}
                insert = "INSERT INTO series (id, site_id, queue, channel) VALUES (:id, :site, :queue, 'pos')"
                await connection.execute(text(insert), values)

    async def _book(self, database: Database, scene: Scene) -> None:
        numbers = {site * 10 + queue: zone for site, zone in enumerate(scene.zones) for queue in range(len(QUEUES))}
        calendars = {number: Calendar.of(zone) for number, zone in numbers.items()}
        writer = await database.connect_writer()
        try:
            for visits, sign in ((scene.visits, 1), ([one for one in scene.visits if one.taken_back], -1)):
                for stripe in range(3):
                    differences = Differences()
                    for visit in visits:
                        if (visit.stripe + (sign < 0)) % 3 == stripe:
                            key = (visit.site * 10 + visit.queue, visit.minute)
                            amounts = differences.rollups.setdefault(key, {})
                            for code, amount in visit.booking(sign).items():
                                amounts[code] = amounts.get(code, 0) + amount
                    await flush_differences(writer, differences, stripe, calendars)
        finally:
            await writer.close()


@pytest.fixture(scope="module")
def stage(module_database_url: str) -> Iterator[Stage]:
    made = Stage(module_database_url)
    yield made
    made.runner.close()


def filled(sums: Sums) -> Sums:
    """Sums with what is missing in its place."""
    whole = blank(sums.points)
    return Sums(
        sums.points, whole.terms | sums.terms, whole.buckets | sums.buckets, sums.longest_us or whole.longest_us
    )


@settings(max_examples=150, deadline=None)
@given(scene=scenes())
def test_days_and_minutes_at_the_edges_give_what_minutes_give(stage: Stage, scene: Scene) -> None:
    gathered = stage.runner.run(stage.play(scene))
    expected = by_minutes(scene, gathered.grid.starts)
    assert list(gathered.groups) == sorted(expected)
    assert {group: filled(sums) for group, sums in gathered.groups.items()} == expected


def scene_of(visits: Sequence[Visit], start: str, end: str, step: Step, *zones: str) -> Scene:
    """Sites in Vilnius unless told, each a group, and everything asked for."""
    interval = Interval(datetime.fromisoformat(start), datetime.fromisoformat(end))
    zones = zones or ("Europe/Vilnius",) * (1 + max(visit.site for visit in visits))
    within = {"wait": "answered_within", "abandoned_wait": "abandoned_within"}
    needs = Needs(MEASURES, within, 20 * SECOND_US, OBJECTIVE, frozenset({"wait"}), longest=True)
    return Scene(zones, tuple(visits), interval, step, ("site",), Selection(), needs)


def came(site: int, at: str, wait_us: int = SECOND_US, *, taken_back: bool = False) -> Visit:
    return Visit(site, 0, microseconds(datetime.fromisoformat(at)) // MINUTE_US, wait_us, True, 0, taken_back)


async def test_who_came_on_an_edge_day_but_outside_makes_no_group(stage: Stage) -> None:
    visits = [
        came(0, "2025-06-02T01:00+03:00"),
        came(1, "2025-06-02T02:00+03:00"),
        came(1, "2025-06-02T01:00+03:00"),
        came(2, "2025-06-02T22:00+03:00"),
        came(3, "2025-06-02T04:00+03:00", taken_back=True),
    ]
    for step in (Step.TOTAL, Step.DAY, Step.HOUR):
        scene = scene_of(visits, "2025-06-02T02:00+03:00", "2025-06-02T22:00+03:00", step)
        gathered = await asyncio.to_thread(stage.runner.run, stage.play(scene))
        assert list(gathered.groups) == [("site-1",), ("site-3",)]
        assert [sum(sums.terms["offered"]) for sums in gathered.groups.values()] == [1, 0]


async def test_of_a_whole_day_what_was_not_taken_back_is_the_longest(stage: Stage) -> None:
    visits = [
        came(0, "2025-06-02T12:00+03:00", 50 * SECOND_US, taken_back=True),
        came(0, "2025-06-02T23:59+03:00", 7 * SECOND_US),
        came(0, "2025-06-03T00:00+03:00", 5 * SECOND_US),
        came(1, "2025-06-03T12:00+03:00", 9 * SECOND_US, taken_back=True),
    ]
    scene = scene_of(visits, "2025-06-02T00:00+03:00", "2025-06-05T00:00+03:00", Step.DAY)
    gathered = await asyncio.to_thread(stage.runner.run, stage.play(scene))
    first, second = gathered.groups.values()
    assert first.longest_us == [7 * SECOND_US, 5 * SECOND_US, None]
    assert filled(second).longest_us == [None, None, None]


async def test_days_of_several_zones_are_put_together_by_date(stage: Stage) -> None:
    zones = ("Asia/Kolkata", "UTC", "America/New_York")
    visits = [came(site, f"2025-06-02T{hour}:00+00:00") for site in range(3) for hour in ("03", "20", "23")]
    scene = scene_of(visits, "2025-06-02T20:00+00:00", "2025-06-05T19:00+00:00", Step.DAY, *zones)
    gathered = await asyncio.to_thread(stage.runner.run, stage.play(scene))
    assert [start.date().isoformat() for start in gathered.grid.starts] == [
        f"2025-06-0{day}" for day in (2, 3, 4, 5, 6)
    ]
    assert {group: sums.terms["offered"] for group, sums in gathered.groups.items()} == {
        ("site-0",): [0, 2, 0, 0, 0],
        ("site-1",): [2, 0, 0, 0, 0],
        ("site-2",): [2, 0, 0, 0, 0],
    }
