"""The views for reports: their columns are stable, and what they show is what the service says."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from service.core.budget import Spend
from service.core.calendar import Calendar
from service.core.catalogue.kpi import Kpi, Shape
from service.core.catalogue.kpis import KPIS
from service.core.event import microseconds, moment
from service.core.interval import Interval, Step
from service.core.kpi import evaluate, needs
from service.core.objective import Terms
from service.core.question import Choices, ask
from service.core.window import date_of
from service.store.cohorts import Selection
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from tests.store.reported import NOVEMBER, NOW, PROMISED, ZONES, happen
from tests.store.stored import fetch, scalar

PAGE = Path(__file__).parent.parent.parent / "docs" / "dashboards.md"
PLACE = ("site", "queue", "channel")
FACETS = ("dimension", "standard")

COUNTS = [
    *("offered", "answered", "abandoned", "short_abandoned", "diverted", "expired", "waiting", "interactions"),
    *("answered_waits", "abandoned_waits", "handled", "interactions_answered", "contacts", "store_contacts"),
    *("completed", "resolved", "unresolved", "reopened", "transferred", "escalated", "corrected", "recovered"),
    *("unrecovered", "resolutions", "recoveries"),
]
MEANS = [
    *("average_speed_of_answer", "average_wait", "average_handle_time", "average_hold_time"),
    *("time_to_resolution", "time_to_resolution_business", "recovery_time"),
]
RATIOS = [
    *("abandonment_rate", "abandonment_rate_excluding_short", "abandonment_rate_of_offered", "resolution_rate"),
    *("first_contact_resolution_1d_settled", "first_contact_resolution_1d_provisional"),
    *("first_contact_resolution_7d_settled", "first_contact_resolution_7d_provisional"),
    *("first_contact_resolution_30d_settled", "first_contact_resolution_30d_provisional"),
    *("repeat_contact_rate_1d", "repeat_contact_rate_7d", "repeat_contact_rate_30d"),
    *("repeat_visit_rate_1d", "repeat_visit_rate_7d", "repeat_visit_rate_30d"),
    *("reopen_rate", "transfer_rate", "escalation_rate", "accuracy"),
]
COUNTS_OF_QUALITY = [
    *("quoted_waits", "quotes_kept", "misrouted", "long_matters", "informed_matters", "responses"),
    *("initiations_known", "proactive", "recognitions_known", "recognised", "decided", "one_window"),
    *("verifiable", "verified", "same_agent", "promises_due", "promises_kept", "promises_open"),
    *("surveys", "reviews", "comments", "complaints", "complaints_open", "complaints_answered"),
    *("complaints_answered_1d", "complaints_due", "csat_scores", "csat_top", "nps_scores", "nps_promoters"),
    *("nps_detractors", "ces_scores", "ces_easy", "star_ratings"),
    *("assessments", "items_checked", "items_passed"),
]
RATIOS_OF_QUALITY = [
    *("promise_kept_rate", "quote_kept_rate", "informed_rate", "proactive_rate", "known_customer_rate"),
    *("misroute_rate", "decided_rate", "one_window_rate", "same_agent_rate", "identity_verified_rate"),
    *("standards_compliance", "csat", "nps", "ces", "feedback_response_rate", "complaint_rate"),
    *("complaints_answered_rate", "complaints_answered_rate_of_due"),
]
MEANS_OF_QUALITY = ["quote_overrun", "first_response_time", "csat_mean", "stars", "complaint_answer_time"]
COLUMNS = {
    "sites": {"site": "text", "time_zone": "text", "registered_at": "timestamp with time zone"},
    "series": dict.fromkeys(PLACE, "text"),
    "status": {"last_event_at": "timestamp with time zone", "rebuild_wanted": "boolean"},
    "objectives": {"objective": "text", "title": "text", "kpi": "text", "ended": "boolean"},
    "kpi_days": {
        **dict.fromkeys(PLACE, "text"),
        "day": "date",
        **dict.fromkeys(COUNTS, "bigint"),
        **{
            f"{name}{part}": kind
            for name in RATIOS
            for part, kind in (("", "double precision"), ("_numerator", "bigint"), ("_denominator", "bigint"))
        },
        **{
            f"{name}{part}": kind
            for name in MEANS
            for part, kind in (("", "double precision"), ("_numerator", "numeric"), ("_denominator", "bigint"))
        },
    },
    "quality_days": {
        **dict.fromkeys((*PLACE, *FACETS), "text"),
        "day": "date",
        **dict.fromkeys(COUNTS_OF_QUALITY, "bigint"),
        **{
            f"{name}{part}": kind
            for name in RATIOS_OF_QUALITY
            for part, kind in (("", "double precision"), ("_numerator", "bigint"), ("_denominator", "bigint"))
        },
        **{
            f"{name}{part}": kind
            for name in MEANS_OF_QUALITY
            for part, kind in (("", "double precision"), ("_numerator", "numeric"), ("_denominator", "bigint"))
        },
    },
    "changes": {
        **dict.fromkeys(("change", "kind"), "text"),
        "made_at": "timestamp with time zone",
        **dict.fromkeys(("sites", "queues"), "ARRAY"),
    },
    "objective_days": {
        **dict.fromkeys(("objective", "title", "kpi", "formula", "within"), "text"),
        "threshold_seconds": "numeric",
        **dict.fromkeys((*PLACE, *FACETS), "text"),
        "day": "date",
        "maturity": "text",
        "events": "bigint",
        "breaches": "bigint",
        "allowed_breaches": "numeric",
        "numerator": "bigint",
        "value": "double precision",
        "target_is": "text",
        "target": "numeric",
        "minimum_events": "integer",
    },
    "objective_months": {
        **dict.fromkeys(("objective", "title", "kpi", *PLACE), "text"),
        "month": "date",
        "maturity": "text",
        "events": "bigint",
        "breaches": "bigint",
        "allowed_breaches": "numeric",
        "numerator": "bigint",
        "value": "double precision",
        "target_is": "text",
        "target": "double precision",
        "minimum_events": "integer",
        "budget_left": "double precision",
        "result": "text",
    },
}
"""What people who write SQL rely on: a column may be added, none may change."""


@pytest.fixture
async def told(database: Database, registry: Registry, ledger: Ledger) -> Rollups:
    """The reader of a database in which November has happened."""
    await happen(database, registry, ledger)
    return Rollups(database)


async def change(database: Database, *statements: str) -> None:
    async with database.engine.begin() as connection:
        for statement in statements:
            await connection.exec_driver_sql(statement)


async def rows(database: Database, sql: str) -> list[dict[str, Any]]:
    return [dict(row._mapping) for row in await fetch(database, sql)]


def spend(events: int, breaches: int, allowed: Any) -> tuple[int, int, float]:
    return events, breaches, float(allowed)


async def test_the_columns_are_those_that_people_rely_on(database: Database) -> None:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for view, column, kind in await fetch(
        database,
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'report' ORDER BY 1, ordinal_position",
    ):
        found[view][column] = kind
    assert dict(found) == COLUMNS


async def test_every_view_and_column_says_what_it_is(database: Database) -> None:
    silent = await fetch(
        database,
        "SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE c.relnamespace = 'report'::regnamespace"
        " AND (obj_description(c.oid) IS NULL OR col_description(c.oid, a.attnum) IS NULL)",
    )
    assert silent == []


async def test_days_of_objectives_are_those_of_the_service(database: Database, told: Rollups) -> None:
    month = await told.month(Selection(), microseconds(NOW), NOVEMBER)
    expected = {}
    for day in month.days:
        for maturity, came in (("settled", day.settled), ("provisional", day.provisional)):
            if came is not None and came.events:
                key = (day.objective.name, date_of(day.day), maturity)
                expected[key] = spend(came.events, came.breaches, came.allowed)
    found = {
        (row["objective"], row["day"], row["maturity"]): spend(row["events"], row["breaches"], row["allowed"])
        for row in await rows(
            database,
            "SELECT objective, day, maturity, sum(events)::int AS events, sum(breaches)::int AS breaches,"
            " sum(allowed_breaches) AS allowed FROM report.objective_days"
            " WHERE day BETWEEN '2026-11-01' AND '2026-11-30' GROUP BY 1, 2, 3",
        )
    }
    assert found == expected
    assert {name for name, *_ in found} == {"phone", "lost", "once", "ended", "late", "modest"}
    assert {maturity for *_, maturity in found} == {"settled", "provisional"}


async def test_months_of_objectives_are_the_standings_of_each_series(database: Database, told: Rollups) -> None:
    _, standings = await told.standings(Selection(), microseconds(NOW), NOVEMBER)
    expected = {}
    for one in standings:
        for maturity, came in (("settled", one.settled), ("provisional", one.provisional)):
            if came is not None and came.events:
                at_most = one.terms.is_at_most
                key = (one.objective.name, one.series.site, one.series.queue, one.series.channel, maturity)
                expected[key] = (
                    *spend(came.events, came.breaches, came.allowed),
                    pytest.approx(came.value(at_most=at_most)),
                    pytest.approx(came.target(at_most=at_most)),
                    pytest.approx(came.left_ratio),
                    result(one.terms, came) if maturity == "settled" else None,
                )
    found = {
        (row["objective"], row["site"], row["queue"], row["channel"], row["maturity"]): (
            *spend(row["events"], row["breaches"], row["allowed_breaches"]),
            row["value"],
            row["target"],
            row["budget_left"],
            row["result"],
        )
        for row in await rows(database, "SELECT * FROM report.objective_months WHERE month = '2026-11-01'")
    }
    assert found == expected
    assert {"met", "not_met", "no_data"} <= {row[-1] for row in found.values()}


def result(terms: Terms, came: Spend) -> str:
    if came.events < terms.minimum_events:
        return "no_data"
    return "not_met" if came.is_overspent else "met"


async def test_each_day_has_the_terms_of_its_date_and_site(database: Database, told: Rollups) -> None:
    found = {
        (row["site"], row["early"]): (float(row["target"]), float(row["threshold_seconds"]))
        for row in await rows(
            database,
            "SELECT DISTINCT site, day < '2026-11-16' AS early, target, threshold_seconds"
            " FROM report.objective_days WHERE objective = 'phone'",
        )
    }
    assert found == {
        **{(site, True): (0.8, 20.0) for site in ZONES},
        ("honolulu", False): (0.9, 20.0),
        ("apia", False): (0.5, 20.0),
        # Of the overrides of a site, the first is the one.
        ("utc", False): (0.5, 20.0),
    }
    last = "SELECT max(day) FROM report.objective_days WHERE objective = 'ended'"
    assert await scalar(database, last) == date(2026, 11, 15)
    lost = await rows(database, "SELECT DISTINCT target_is, target FROM report.objective_days WHERE objective = 'lost'")
    assert [(row["target_is"], float(row["target"])) for row in lost] == [("at_most", 0.1)]


def variants(kpi: Kpi) -> Iterator[tuple[str, Choices]]:
    """The columns of a KPI, and what is to be asked for to get the same."""
    takes = kpi.parameters
    for formula in takes["formula"].choices if "formula" in takes else (None,):
        for within in takes["within"].choices if "within" in takes else (None,):
            for maturity in takes["maturity"].choices if "maturity" in takes else (None,):
                kind = None if formula == kpi.default_formula else formula
                yield (
                    "_".join(filter(None, (kpi.name, kind, within, maturity))),
                    Choices(formula=formula, within=within, maturity=maturity),
                )


async def test_days_of_kpis_are_those_of_the_service(database: Database, told: Rollups) -> None:
    wanted = {
        name: ask([kpi.name], choices)[0]
        for kpi in KPIS
        if kpi.shape in (Shape.COUNT, Shape.RATIO, Shape.MEAN) and not kpi.needs_threshold and not kpi.needs_objective
        for name, choices in variants(kpi)
    }
    wanted = {name: question for name, question in wanted.items() if name in COLUMNS["kpi_days"]}
    assert wanted.keys() == {*COUNTS, *RATIOS, *MEANS}
    found = {
        (row["site"], row["queue"], row["channel"], row["day"]): row
        for row in await rows(database, "SELECT * FROM report.kpi_days WHERE day >= '2026-11-01'")
    }
    seen = set()
    for site, zone in ZONES.items():
        calendar = Calendar.of(zone)
        days = range(NOVEMBER.start, NOVEMBER.stop + 7)
        whole = Interval(*(moment(calendar.midnight_us(day)) for day in (days.start, days.stop)))
        gathered = await told.gather(
            whole, Step.DAY, Selection(site=(site,)), ("queue", "channel"), needs(wanted.values())
        )
        for group, sums in gathered.groups.items():
            for name, question in wanted.items():
                values = evaluate(question, sums)
                for day, *parts in zip(days, *values, strict=True):
                    row = found.get((site, *group, date_of(day)))
                    if row is None:
                        assert not any(parts), (name, parts)
                        continue
                    seen.add((site, *group, date_of(day)))
                    counted = question.kpi.shape is Shape.COUNT
                    assert row[name] == parts[0], (name, row[name], parts)
                    assert counted or float(row[f"{name}_numerator"]) == parts[1], (name, parts)
                    assert counted or row[f"{name}_denominator"] == parts[2], (name, parts)
    assert seen == found.keys()
    # Anything that could go wrong was there to go wrong.
    assert {name for name in wanted if not any(row[name] for row in found.values())} == set()


async def test_sites_series_objectives_and_status(database: Database, told: Rollups) -> None:
    sites = await rows(database, "SELECT site, time_zone FROM report.sites")
    assert {row["site"]: row["time_zone"] for row in sites} == ZONES
    assert len(await rows(database, "SELECT * FROM report.series")) == len(ZONES) * 3
    promised = await rows(database, "SELECT objective, title, kpi, ended FROM report.objectives")
    assert {row["objective"]: (row["kpi"], row["ended"]) for row in promised} == {
        one.name: (one.terms[0].kpi, one.terms[-1].ended) for one in PROMISED
    }
    (status,) = await rows(database, "SELECT * FROM report.status")
    assert status["last_event_at"] == (await told.month(Selection(), microseconds(NOW), NOVEMBER)).last_event_at
    assert status["rebuild_wanted"] is False
    rewritten = [replace(one, rewrites=True, terms=(replace(one.terms[0], short_us=1),)) for one in PROMISED]
    await Policies(database).publish(rewritten, microseconds(NOW))
    assert await scalar(database, "SELECT rebuild_wanted FROM report.status") is True


async def test_days_of_which_nothing_is_left_are_not_shown(database: Database, told: Rollups) -> None:
    before = await scalar(database, "SELECT count(*) FROM report.kpi_days")
    # What a correction leaves that moved all that a day had.
    await change(
        database,
        "INSERT INTO rollups_daily (series_id, day, stripe) SELECT id, '2026-12-24', 0 FROM series",
        "INSERT INTO objective_rollups_daily SELECT s.id, '2026-12-24', o.id, 0, 0, 0, 0, 0"
        " FROM series s, objectives o",
    )
    assert await scalar(database, "SELECT count(*) FROM report.kpi_days") == before
    assert await scalar(database, "SELECT count(*) FROM report.objective_days WHERE day = '2026-12-24'") == 0


async def test_the_page_tells_of_every_view_and_its_examples_run(database: Database, told: Rollups) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"`report\.(\w+)`", page)) == COLUMNS.keys()
    (block,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    examples = [statement for statement in block.split(";") if statement.strip()]
    assert len(examples) == 2
    for example in examples:
        assert {row["site"] for row in await rows(database, example)} == set(ZONES)
