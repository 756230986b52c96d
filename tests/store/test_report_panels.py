"""The panels of the dashboard of reports, asked as Grafana asks: as the role that may read, and what `report` says."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date

import pytest

from service.commands.report import compose
from service.core.calendar import Calendar
from service.core.event import microseconds, moment
from service.core.interval import Interval, Step
from service.core.kpi import evaluate, needs
from service.core.question import ask
from service.generate.dashboards.reports import dashboard
from service.generate.report.sheet import sheet
from service.store.cohorts import Selection
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.registry import Registry
from service.store.rollups import Rollups
from tests.store.grafana import Grafana, as_json, panels, reader
from tests.store.reported import NOVEMBER, NOW, ZONES, happen

BOARD = as_json(dashboard())
PANELS = panels(BOARD)
VARIABLES = {one["name"]: one for one in BOARD["templating"]["list"] if one["type"] == "query"}
WHOLE_NOVEMBER = ("2026-11-01T00:00:00Z", "2026-11-30T23:59:59.999Z")
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
KPIS = {
    "visits": "offered",
    "abandonment": "abandonment_rate",
    "answer": "average_speed_of_answer",
    "handle": "average_handle_time",
    "resolved": "resolution_rate",
    "first_contact": "first_contact_resolution",
    "repeats": "repeat_contact_rate",
    "transferred": "transfer_rate",
    "accuracy": "accuracy",
}
"""The columns of tables of KPIs, and what they are; spans are of 7 days, and cases settled, unless told otherwise."""


@pytest.fixture
async def told(database: Database, registry: Registry, ledger: Ledger) -> Rollups:
    """The reader of a database in which November has happened."""
    await happen(database, registry, ledger)
    return Rollups(database)


@pytest.fixture
async def grafana(told: Rollups, database: Database, database_url: str) -> AsyncIterator[Grafana]:
    """The dashboard on that database."""
    async with reader(database, database_url) as connection:
        yield Grafana(connection, dashboard(), WHOLE_NOVEMBER)


async def reported(told: Rollups) -> list[dict[str, str]]:
    """The rows of the report on November for the client."""
    month = await told.month(Selection(), microseconds(NOW), NOVEMBER)
    return list(csv.DictReader(io.StringIO(sheet(compose(month, [], [], NOVEMBER, NOW)))))


def test_every_panel_asks_the_database_of_reports() -> None:
    assert len(PANELS) == len(BOARD["panels"]) == 10
    for panel in PANELS.values():
        (target,) = panel["targets"]
        assert target["datasource"] == panel["datasource"]
        assert panel["datasource"] == {"type": "grafana-postgresql-datasource", "uid": "frontline-postgresql"}
    assert list(VARIABLES) == ["site", "queue", "channel", "objective"]


@pytest.mark.parametrize("title", PANELS)
async def test_every_panel_shows_something_in_each_of_its_columns(grafana: Grafana, title: str) -> None:
    rows = await grafana.ask(title)
    assert rows
    for name in rows[0]:
        assert any(row[name] is not None for row in rows), name
    panel = PANELS[title]
    if panel["type"] == "table":
        shown = [override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]]
        assert list(rows[0]) == shown
    else:
        times = [row["time"] for row in rows]
        assert times == sorted(times)
        assert {type(time) for time in times} == {date}
        assert {type(value) for row in rows for name, value in row.items() if name not in ("time", "metric")} <= {
            *(int, float, type(None))
        }


async def test_months_are_those_of_the_report_for_the_client(grafana: Grafana, told: Rollups) -> None:
    sheet = await reported(told)
    for title, scope, places in (
        ("Objectives by month", "all", ()),
        ("Objectives by month and site", "site", ("site",)),
    ):
        names = ("objective", *places, *(() if places else ("maturity",)))
        expected = {
            tuple(row[name] for name in names): (
                *(number(row[name]) for name in ("value_ratio", "weighted_target_ratio", "events", "breaches")),
                *(number(row[name]) for name in ("allowed_breaches", "budget_left_ratio")),
                {"no_data": "too few", "not_met": "not met"}.get(row["result"], row["result"]),
            )
            for row in sheet
            if row["scope"] == scope and int(row["events"]) and (not places or row["maturity"] == "settled")
        }
        found = {
            tuple(row[name] for name in names): (
                *(row[name] for name in ("value", "target", "events", "breaches", "allowed", "budget_left")),
                row["result"],
            )
            for row in await grafana.ask(title)
        }
        assert found.keys() == expected.keys()
        for key, figures in found.items():
            assert figures[:-1] == pytest.approx(expected[key][:-1]), key
            assert figures[-1] == expected[key][-1], key
        assert {"met", "not met", "too few"} <= {figures[-1] for figures in found.values()}


async def test_days_are_those_of_the_report_for_the_client(grafana: Grafana, told: Rollups) -> None:
    expected = {
        (row["objective"], row["first_date"]): (float(row["allowed_breaches"]) - int(row["breaches"]))
        / int(row["events"])
        for row in await reported(told)
        if row["scope"] == "day" and row["maturity"] == "settled" and int(row["events"])
    }
    found = {
        (row["metric"], row["time"].isoformat()): row["margin"]
        for row in await grafana.ask("Margin to the target by day")
    }
    assert found == pytest.approx(expected)


async def test_kpis_are_those_of_the_service(grafana: Grafana, told: Rollups) -> None:
    questions = ask(KPIS.values())
    expected = {}
    for site, zone in ZONES.items():
        calendar = Calendar.of(zone)
        november = Interval(*(moment(calendar.midnight_us(day)) for day in (NOVEMBER.start, NOVEMBER.stop)))
        gathered = await told.gather(
            november, Step.TOTAL, Selection(site=(site,)), ("queue", "channel"), needs(questions)
        )
        for group, sums in gathered.groups.items():
            expected[site, *group] = [evaluate(question, sums).values[0] for question in questions]
    rows = await grafana.ask("KPIs by site, queue and channel")
    found = {(row["site"], row["queue"], row["channel"]): [row[name] for name in KPIS] for row in rows}
    assert found.keys() == expected.keys()
    for key, values in found.items():
        assert values == pytest.approx(expected[key]), key
    (month,) = await grafana.ask("KPIs by month")
    assert (month["month"], month["visits"]) == ("2026-11", sum(row["visits"] for row in rows))
    assert month["days"] == len(NOVEMBER) * len(ZONES)
    days = await grafana.ask("Visits by day")
    assert [row["time"].day for row in days] == list(range(1, 31))
    assert sum(sum(row.values()) for row in days for _ in [row.pop("time")]) == month["visits"]
    weekdays = await grafana.ask("Business days by weekday")
    assert [row["weekday"] for row in weekdays] == WEEKDAYS
    assert sum(row["visits"] for row in weekdays) == month["visits"]
    assert [row["days"] for row in weekdays] == [15 if name in ("Sunday", "Monday") else 12 for name in WEEKDAYS]


async def test_what_is_chosen_narrows_every_panel(grafana: Grafana) -> None:
    everywhere = await grafana.ask("KPIs by site, queue and channel")
    assert len(everywhere) == 9
    for chosen, amount in (
        ({"site": ["apia"]}, 3),
        ({"site": ["apia", "utc"]}, 6),
        ({"queue": ["sales", "tills"]}, 6),
        ({"site": ["utc"], "channel": ["phone"]}, 2),
        ({"site": ["ut.", "ap"]}, 0),
    ):
        assert len(await grafana.ask("KPIs by site, queue and channel", **chosen)) == amount
    of_one = {"site": ["apia"], "queue": ["sales"], "channel": ["phone"], "objective": ["phone"]}
    (row,) = await grafana.ask("Objectives by month", **of_one)
    (same,) = await grafana.ask("Objectives by month and site", **of_one)
    assert (row["objective"], row["events"]) == ("phone", same["events"])
    assert {row["metric"] for row in await grafana.ask("Margin to the target by day", **of_one)} == {"phone"}


async def test_variables_chain(grafana: Grafana) -> None:
    assert await grafana.options("site") == sorted(ZONES)
    assert await grafana.options("queue", site=["apia"]) == ["billing", "sales", "tills"]
    assert await grafana.options("queue", site=["nowhere"]) == []
    assert await grafana.options("channel", site=["apia"], queue=["tills"]) == ["pos"]
    assert await grafana.options("channel", queue=["sales", "tills"]) == ["phone", "pos"]
    assert await grafana.options("objective") == ["ended", "late", "lost", "modest", "once", "phone"]


async def test_a_range_within_a_month_shows_the_whole_month(grafana: Grafana) -> None:
    within = ("2026-11-20T10:00:00Z", "2026-11-21T00:00:00Z")
    for title in ("Objectives by month", "Objectives by month and site", "KPIs by month"):
        (target,) = PANELS[title]["targets"]
        assert await grafana.fetch(grafana.filled(target["rawSql"], {}, within)) == await grafana.ask(title)


def number(text: str) -> float | None:
    return float(text) if text else None
