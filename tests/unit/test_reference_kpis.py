"""The KPIs of the reference, against results worked out by hand, a published vector and a real month of calls."""

from __future__ import annotations

import gzip
import json
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.reference.customers import contact_kpi, contacts
from tests.reference.histories import NOW
from tests.reference.kpis import (
    KPIS,
    SERVICE_LEVEL_FORMULAS,
    InteractionRow,
    Row,
    Value,
    kpi,
    rows,
)
from tests.reference.walk import (
    SECOND,
    gather,
    micros,
)
from tests.reference_cases import interaction, visits

DATA = Path(__file__).parent.parent / "data"


# KPIs


def exactly(value: Fraction | int, numerator: int, denominator: int) -> Value:
    """A ratio or mean with its parts."""
    return Value(Fraction(value), Fraction(numerator), Fraction(denominator))


VECTOR = [
    *visits(860, "A", 20),
    *visits(140, "A", 20.000001),
    *visits(10, "B", 5),
    *visits(10, "B", 5.000001),
    *visits(40, "B", 20.000001),
]


@pytest.mark.parametrize(
    ("formula", "numerator", "denominator", "percent"),
    [
        ("abandons_help", 880, 1060, 83.02),
        ("abandons_ignored", 860, 1000, 86.00),
        ("abandons_hurt", 860, 1060, 81.13),
        ("late_abandons_hurt", 860, 1040, 82.69),
        ("short_abandons_help", 870, 1060, 82.08),
        ("short_abandons_excluded", 860, 1050, 81.90),
        ("diversions_hurt", 860, 1060, 81.13),
    ],
)
def test_the_published_service_levels(formula: str, numerator: int, denominator: int, percent: float) -> None:
    level = kpi("service_level", VECTOR, threshold=20, formula=formula)
    assert level == exactly(Fraction(numerator, denominator), numerator, denominator)
    assert level.value is not None
    assert round(float(100 * level.value), 2) == percent


def test_a_service_level_defaults_to_abandons_hurt_and_diversions_hurt_where_there_are_any() -> None:
    sample = [*VECTOR, *visits(15, "F", 1)]
    assert kpi("service_level", sample, threshold=20).denominator == 1060
    assert kpi("service_level", sample, threshold=20, formula="diversions_hurt").denominator == 1075


def test_unknown_waits_are_within_no_threshold() -> None:
    sample = [*visits(1, "A", 1), *visits(1, "A"), *visits(1, "B", 1), *visits(1, "B")]
    levels: dict[str, Any] = {
        formula: kpi("service_level", sample, threshold=20, formula=formula)[1:] for formula in SERVICE_LEVEL_FORMULAS
    }
    assert levels == {
        "abandons_help": (2, 4),
        "abandons_ignored": (1, 2),
        "abandons_hurt": (1, 4),
        "late_abandons_hurt": (1, 2),
        "short_abandons_help": (2, 4),
        "short_abandons_excluded": (1, 3),
        "diversions_hurt": (1, 4),
    }
    assert kpi("average_speed_of_answer", sample) == exactly(1, 1, 1)
    assert kpi("average_wait", sample) == exactly(1, 2, 2)
    assert kpi("short_abandoned", sample) == Value(Fraction(1))


def test_populations_and_rates_of_visits() -> None:
    sample = [
        *visits(3, "A", 10),
        *visits(1, "A", 2, handled=True, service=5 * SECOND, hold=2 * SECOND, wrap=SECOND),
        *visits(2, "B", 4),
        *visits(4, "F", 99),
        *visits(5, "X"),
        *visits(6, "W"),
        *visits(7, "A", 1000, site=None),
    ]
    expected = {
        "offered": 21,
        "answered": 4,
        "abandoned": 2,
        "short_abandoned": 2,
        "diverted": 4,
        "expired": 5,
        "waiting": 6,
        "average_speed_of_answer": 8,
        "average_wait": Fraction(40, 6),
        "max_wait": 10,
        "abandonment_rate": Fraction(2, 6),
        "average_handle_time": 8,
        "average_hold_time": 2,
        "wait_p50": 10,
    }
    assert {name: kpi(name, sample).value for name in expected} == expected
    assert kpi("abandonment_rate", sample, formula="excluding_short") == exactly(0, 0, 4)
    assert kpi("abandonment_rate", sample, formula="of_offered") == exactly(Fraction(2, 21), 2, 21)
    assert kpi("short_abandoned", sample, short=3).value == 0


def test_quantiles_are_of_the_nearest_rank() -> None:
    sample = [row for wait in range(10, 0, -1) for row in visits(1, "A", wait)]
    assert [kpi(name, sample).value for name in ("wait_p50", "wait_p90", "wait_p95", "wait_p99")] == [
        5,
        9,
        10,
        10,
    ]


def test_rates_of_interactions() -> None:
    sample: list[Row] = [
        interaction(answered=True, completed=True, resolved=True, resolution=7 * SECOND, conflicts=2),
        interaction(answered=True, completed=True, resolved=True, reopened=True, resolution=8 * SECOND),
        interaction(answered=True, completed=True, resolved=False, transferred=True, conflicts=1),
        interaction(answered=True, completed=True, corrected=True, recoveries=(SECOND, 4 * SECOND)),
        interaction(answered=True, escalated=True, transferred=True),
        interaction(),
        interaction(site=None, answered=True, completed=True, resolved=False, conflicts=9),
    ]
    expected = {
        "completed": (4, None, None),
        "resolved": (2, None, None),
        "reopened": (1, None, None),
        "transferred": (2, None, None),
        "escalated": (1, None, None),
        "corrected": (1, None, None),
        "conflicts": (3, None, None),
        "resolution_rate": (Fraction(2, 3), 2, 3),
        "reopen_rate": (Fraction(1, 4), 1, 4),
        "transfer_rate": (Fraction(2, 5), 2, 5),
        "escalation_rate": (Fraction(1, 5), 1, 5),
        "accuracy": (Fraction(3, 4), 3, 4),
        "time_to_resolution": (Fraction(15, 2), 15, 2),
        "recovery_time": (Fraction(5, 2), 5, 2),
    }
    assert {name: tuple(kpi(name, sample)) for name in expected} == expected


def test_no_data_is_never_a_number() -> None:
    counts = {name for name in KPIS if kpi(name, [], threshold=20).value == 0}
    assert counts == {
        "offered",
        "answered",
        "abandoned",
        "short_abandoned",
        "diverted",
        "expired",
        "waiting",
        "completed",
        "resolved",
        "reopened",
        "transferred",
        "escalated",
        "corrected",
        "conflicts",
    }
    assert all(kpi(name, [], threshold=20).value is None for name in KPIS if name not in counts)


def test_time_to_resolution_by_the_business_clock_counts_what_was_laid_with_calendars() -> None:
    sample: list[Row] = [
        interaction(resolution=7 * SECOND, business_resolution=3 * SECOND),
        interaction(resolution=7 * SECOND, business_resolution=0),
        interaction(resolution=7 * SECOND),
        interaction(),
    ]
    assert kpi("time_to_resolution", sample, formula="business") == exactly(Fraction(3, 2), 3, 2)
    assert kpi("time_to_resolution", sample, formula="wall") == exactly(7, 21, 3)
    assert kpi("time_to_resolution", sample) == exactly(7, 21, 3)


# A real month


@cache
def month() -> list[Row]:
    """The rows of a month of a bank's calls."""
    with gzip.open(DATA / "january.ndjson.gz", "rt") as lines:
        return rows(gather(json.loads(line) for line in lines), NOW)


@cache
def truth() -> dict[str, Any]:
    """What is known of that month, by group and for all."""
    known = json.loads((DATA / "january.truth.json").read_text())
    return {"all": known["all"], **known["groups"]}


@pytest.mark.parametrize("group", list(truth()))
def test_the_real_month(group: str) -> None:
    known = truth()[group]
    sample = [row for row in month() if group in ("all", f"{row.site}/{row.queue}/{row.channel}")]
    interactions = [row for row in sample if isinstance(row, InteractionRow)]
    counts = ("offered", "answered", "abandoned", "short_abandoned", "diverted", "waiting", "completed")
    assert {name: kpi(name, sample).value for name in (*counts, "conflicts")} == {
        name: known[name] for name in (*counts, "conflicts")
    }
    assert kpi("average_handle_time", sample).denominator == known["handled"]
    assert len(interactions) == known["interactions"]
    assert kpi("max_wait", sample).value == known["max_wait"]
    for percent, wait in known["wait_quantiles_exact"].items():
        assert kpi(f"wait_p{percent}", sample).value == wait

    same(kpi("abandonment_rate", sample, formula="excluding_short"), known["abandonment_rate_excluding_short"])
    for name in (
        "average_speed_of_answer",
        "average_wait",
        "abandonment_rate",
        "average_handle_time",
        "average_hold_time",
        "resolution_rate",
        "reopen_rate",
        "transfer_rate",
        "escalation_rate",
        "accuracy",
    ):
        same(kpi(name, sample), known[name])
    for threshold, levels in known["service_level"].items():
        for formula in SERVICE_LEVEL_FORMULAS:
            same(kpi("service_level", sample, threshold=int(threshold), formula=formula), levels[formula])
        ignored = kpi("service_level", sample, threshold=int(threshold), formula="abandons_ignored")
        helped = kpi("service_level", sample, threshold=int(threshold), formula="abandons_help")
        assert ignored.numerator == levels["answered_within"]
        assert helped.numerator == levels["answered_within"] + levels["abandoned_within"]

    assert sum(row.customer is not None for row in interactions) == known["contacts_with_customer"]
    # What is known of a group joins a customer's contacts within that group only.
    found = contacts(sample)
    for days in (1, 7, 30):
        repeats = contact_kpi("repeat_contact_rate", found, within=days)
        assert repeats.numerator == known["repeat_contacts"][f"{days}d"]
        same(repeats, known["repeat_contact_rate"][f"{days}d"])
        resolved_first = contact_kpi("first_contact_resolution", found, within=days, now=micros(NOW))
        assert resolved_first.denominator == 0
        # Nothing in this month says whether it was resolved, so no first contact resolved anything.
        assert known["first_contact_resolution_if_settled"][f"{days}d"] is None
    assert all(row.resolved is None for row in interactions)


def same(value: Value, known: float | None) -> None:
    """Assert that an exact value is the known one, which was divided in floating point."""
    if known is None:
        assert value.value is None
    else:
        assert value.value is not None
        assert float(value.value) == pytest.approx(known, rel=1e-12, abs=0)
