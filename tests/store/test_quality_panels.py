"""What dashboards ask PostgreSQL of good service and of changes: it is there, and is what the service says."""

from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.core.calendar import Calendar
from service.core.catalogue.kpi import Shape
from service.core.catalogue.kpis import KPIS
from service.core.event import microseconds, moment
from service.core.interval import Interval, Step
from service.core.kpi import evaluate, needs
from service.core.promises import read_promises
from service.core.quality import STANDARDS, Dimension
from service.core.quality_index import quality_index
from service.core.question import ask
from service.core.window import number_of
from service.generate.dashboards import before_after, changes, quality
from service.simulator.changes import programme
from service.simulator.model import Simulation
from service.simulator.profile import sites
from service.store.cohorts import Selection
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.report_columns import OF_QUALITY
from service.store.rollups import Rollups
from service.store.verdicts import Post
from tests.books import accept
from tests.store.grafana import Connection, Grafana, Row, reader
from tests.store.stored import fetch

ROOT = Path(__file__).parent.parent.parent
START = datetime(2026, 11, 2, tzinfo=UTC)
PAST = timedelta(days=16)
NOW = START + PAST
SPAN = (START.isoformat(), NOW.isoformat())
SITES = [site.times(0.04) for site in sites(3)]
CHANGES = programme(SITES, START, PAST)
STAFFING = {
    "id": "more-tills",
    "source": "test",
    "type": "change.made",
    "time": (START + timedelta(days=8, hours=9)).isoformat(),
    "data": {"name": "more-tills", "kind": "staffing", "queues": ["tills"]},
}
TRAINED, UNTRAINED = {"vilnius-1", "care-riga-1"}, {"chicago-1"}
DAYS = 7


@pytest.fixture
async def simulated(database: Database, registry: Registry, ledger: Ledger) -> Rollups:
    """The reader of a database in which simulated sites had two weeks, with a training in the middle."""
    for site in SITES:
        await registry.put_site(
            site.name, time_zone=site.time_zone, hours=None, holidays=None, since=None, queues=[], actor="test"
        )
    shipped = read_promises((ROOT / "objectives.yaml").read_text(encoding="utf-8"))
    assert await Policies(database).publish(shipped, microseconds(START - timedelta(days=9)))
    story = Simulation(SITES, seed=5, start=START, label="t", changes=CHANGES).until(NOW)
    events = [*story, STAFFING]
    for first in range(0, len(events), 5000):
        some = accept(events[first : first + 5000], microseconds(NOW))
        await ledger.commit([Post(1, some)], microseconds(NOW))
    return Rollups(database)


@pytest.fixture
async def connection(simulated: Rollups, database: Database, database_url: str) -> AsyncIterator[Connection]:
    async with reader(database, database_url) as connection:
        yield connection


def of_changes(connection: Connection, change: str = CHANGES[0].name) -> Grafana:
    fixed = {"change": change, "days": str(DAYS), "share": "resolution_rate", "time": "average_speed_of_answer"}
    return Grafana(connection, changes.dashboard(), SPAN, **fixed)


def empty(grafana: Grafana, title: str, rows: list[Row]) -> list[str]:
    """What a panel does not show."""
    panel = grafana.panels[title]
    if not rows:
        return [f"{title} is empty"]
    if panel["type"] == "table":
        assert list(rows[0]) == [one["matcher"]["options"] for one in panel["fieldConfig"]["overrides"]]
    return [f"{title} has no {name}" for name in rows[0] if all(row[name] is None for row in rows)]


async def test_no_panel_and_no_mark_is_empty(connection: Connection) -> None:
    boards = (of_changes(connection), Grafana(connection, quality.dashboard(), SPAN))
    assert [len(board.panels) for board in boards] == [5, len(Dimension)]
    found = [
        fault for board in boards for title in board.panels for fault in empty(board, title, await board.ask(title))
    ]
    assert found == []
    for board in boards:
        assert {(mark["time"], mark["text"], mark["tags"]) for mark in await board.marks("Changes")} == {
            *((change.at, change.name, change.kind) for change in CHANGES),
            (datetime.fromisoformat(str(STAFFING["time"])), "more-tills", "staffing"),
        }
        marks = await board.marks("Changes", site=["vilnius-1"])
        assert {mark["text"] for mark in marks} == {CHANGES[0].name, "more-tills"}


async def test_before_and_after_are_what_the_service_says(connection: Connection, simulated: Rollups) -> None:
    expected: dict[str, list[float | None]] = defaultdict(list)
    kpis = [*before_after.shares(), *before_after.times()]
    questions = ask([kpi.name for kpi in kpis])
    for names in (TRAINED, UNTRAINED):
        for later in (False, True):
            sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
            for site in (site for site in SITES if site.name in names):
                calendar = Calendar.of(site.time_zone)
                turned = calendar.day_of(microseconds(CHANGES[0].at) // 60_000_000)
                first, last = (turned + 1, turned + 1 + DAYS) if later else (turned - DAYS, turned)
                days = Interval(*(moment(calendar.midnight_us(day)) for day in (first, last)))
                gathered = await simulated.gather(days, Step.TOTAL, Selection(site=(site.name,)), (), needs(questions))
                for found in gathered.groups.values():
                    for question in questions:
                        values = evaluate(question, found)
                        for place, part in enumerate((values.numerators, values.denominators)):
                            sums[question.kpi.name][place] += part[0] or 0.0
            for name, (above, below) in sums.items():
                expected[name].append(above / below if below else None)
    board = of_changes(connection)
    rows = {row["kpi"]: row for title in ("Shares", "Times") for row in await board.ask(f"{title} before and after")}
    columns = ("changed_before", "changed_after", "other_before", "other_after")
    assert {name: [rows[name][column] for column in columns] for name in rows} == {
        name: pytest.approx(values) for name, values in expected.items() if values[:2] != [None, None]
    }
    assert len(rows) > 25
    one = rows["standards_compliance"]
    assert one["changed_moved"] == pytest.approx(one["changed_after"] - one["changed_before"])
    assert one["difference"] == pytest.approx(one["changed_moved"] - one["other_moved"])
    # The training can be found again.
    assert one["difference"] > 0.02


async def test_a_change_of_some_queues_is_about_these_at_all_sites(connection: Connection, simulated: Rollups) -> None:
    sums = [0.0, 0.0]
    (question,) = ask(["average_handle_time"])
    for site in SITES:
        calendar = Calendar.of(site.time_zone)
        turned = calendar.day_of(microseconds(datetime.fromisoformat(str(STAFFING["time"]))) // 60_000_000)
        days = Interval(*(moment(calendar.midnight_us(day)) for day in (turned - DAYS, turned)))
        tills = Selection(site=(site.name,), queue=("tills",))
        for found in (await simulated.gather(days, Step.TOTAL, tills, (), needs([question]))).groups.values():
            values = evaluate(question, found)
            sums = [sums[0] + (values.numerators[0] or 0), sums[1] + (values.denominators[0] or 0)]
    board = of_changes(connection, "more-tills")
    (row,) = (row for row in await board.ask("Times before and after") if row["kpi"] == "average_handle_time")
    assert row["changed_before"] == pytest.approx(sums[0] / sums[1])
    assert (row["other_before"], row["other_after"], row["difference"]) == (None, None, None)


async def test_a_day_is_that_of_the_service(connection: Connection, simulated: Rollups) -> None:
    board = of_changes(connection)
    (question,) = ask(["csat"])
    day = number_of((START + timedelta(days=3)).date())
    sums = [0.0, 0.0]
    for site in (site for site in SITES if site.name in TRAINED):
        calendar = Calendar.of(site.time_zone)
        whole = Interval(*(moment(calendar.midnight_us(number)) for number in (day, day + 1)))
        gathered = await simulated.gather(whole, Step.TOTAL, Selection(site=(site.name,)), (), needs([question]))
        for found in gathered.groups.values():
            values = evaluate(question, found)
            sums = [sums[0] + (values.numerators[0] or 0), sums[1] + (values.denominators[0] or 0)]
    (row,) = (
        row
        for row in await board.ask("A share day by day", share=["csat"])
        if number_of(row["time"]) == day and row["metric"] == "sites of the change"
    )
    assert row["value"] == pytest.approx(sums[0] / sums[1])


async def test_objectives_of_a_dimension_are_the_parts_of_its_index(connection: Connection, simulated: Rollups) -> None:
    board = Grafana(connection, quality.dashboard(), SPAN)
    now_us = microseconds(NOW)
    for chosen in ([], ["chicago-1"]):
        policy, standings = await simulated.standings(Selection(site=tuple(chosen)), now_us)
        for index in quality_index(policy.objectives.all, standings, number_of(NOW.date())):
            rows = await board.ask(f"{index.dimension.capitalize()}: objectives", site=chosen)
            assert {(row["objective"], row["kpi"], row["events"], row["breaches"]) for row in rows} == {
                (part.objective.name, part.terms.kpi, part.spend.events, part.spend.breaches)
                for part in index.parts
                if part.spend.events
            }
            assert sum(row["result"] == "met" for row in rows) == index.met
            assert sum(row["result"] == "not met" for row in rows) == index.judged - index.met


async def test_days_of_quality_are_those_of_the_service(database: Database, simulated: Rollups) -> None:
    kpis = [kpi for kpi in KPIS if kpi.group in OF_QUALITY and not kpi.is_of_levels]
    questions = ask([kpi.name for kpi in kpis])
    whole = Interval(START - timedelta(days=2), NOW + timedelta(days=2))
    labels = ("site", "queue", "channel", "dimension", "standard")
    gathered = await simulated.gather(whole, Step.TOTAL, Selection(), labels, needs(questions))
    parts = [
        f"sum({question.kpi.name}{part})::float8 AS {question.kpi.name}{part}"
        for question in questions
        for part in (("",) if question.kpi.shape is Shape.COUNT else ("_numerator", "_denominator"))
    ]
    rows = await fetch(
        database, f"SELECT {', '.join((*labels, *parts))} FROM report.quality_days GROUP BY {', '.join(labels)}"
    )
    found = {tuple(row[:5]): dict(row._mapping) for row in rows}
    assert {key[3] for key in found} == {"", *Dimension}
    assert {key[4] for key in found} >= {"", *STANDARDS, "clean-tables"}
    for key, sums in gathered.groups.items():
        row = found.get(key, {})
        for question in questions:
            name, values = question.kpi.name, evaluate(question, sums)
            if question.kpi.shape is Shape.COUNT:
                assert row.get(name, 0) == (values.values[0] or 0), (key, name)
            else:
                assert row.get(f"{name}_numerator", 0) == pytest.approx(values.numerators[0] or 0), (key, name)
                assert row.get(f"{name}_denominator", 0) == (values.denominators[0] or 0), (key, name)
    assert found.keys() <= gathered.groups.keys()
