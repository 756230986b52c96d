"""The report on a month: the table's numbers by hand, and what it tells of."""

import csv
import io
import re
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import click
import pytest

from service.core.budget import Spend
from service.core.objective import Terms
from service.core.standing import Standing
from service.core.window import month_of, number_of
from service.generate.report.figures import Report
from service.generate.report.sheet import COLUMNS, sheet
from service.store.standings import Day
from tests.terms import answered_within
from tests.unit.reports import (
    BANK,
    DAYS,
    FIRST_CONTACT,
    IN_20,
    SECOND,
    SHOP,
    WITHIN,
    Page,
    cells,
    objective,
    report,
    row,
    rows,
    spent,
    standing,
)


def test_the_numbers_of_the_table_are_those_of_a_hand_computation(two_sites: Report) -> None:
    names = ("events", "breaches", "allowed_breaches", "numerator", "denominator", "value_ratio", "budget_left_ratio")
    told = {
        (one["scope"], one["site"], one["queue"]): cells(one, *names, "result")
        for one in rows(two_sites)
        if one["scope"] != "day"
    }
    assert told == {
        # 80 % of 330 and 90 % of 70: 66 and 7 breaches are allowed.
        ("all", "", ""): ("400", "61", "73.0", "339", "400", "0.8475", repr(12 / 73), "met"),
        ("site", "bank", ""): ("330", "54", "66.0", "276", "330", repr(276 / 330), repr(12 / 66), "met"),
        ("site", "shop", ""): ("70", "7", "7.0", "63", "70", "0.9", "0.0", "met"),
        ("series", "bank", "loans"): ("30", "9", "6.0", "21", "30", "0.7", "-0.5", "not_met"),
        ("series", "bank", "sales"): ("300", "45", "60.0", "255", "300", "0.85", "0.25", "met"),
        ("series", "shop", "desk"): ("70", "7", "7.0", "63", "70", "0.9", "0.0", "met"),
    }


def test_a_row_says_what_was_promised_there(two_sites: Report) -> None:
    names = ("target_is", "target_ratio", "threshold_seconds", "weighted_target_ratio", "terms")
    assert cells(row(two_sites, scope="site", site="bank"), *names) == (
        "at_least",
        "0.8",
        "20.0",
        "0.8",
        "2026-11-01: at least 80 % within 20 s",
    )
    assert cells(row(two_sites, scope="site", site="shop"), *names) == (
        "at_least",
        "0.9",
        "30.0",
        "0.9",
        "2026-11-01: at least 90 % within 30 s",
    )
    assert cells(row(two_sites, scope="all"), *names[1:4]) == ("0.8", "20.0", repr(1 - 73 / 400))


def test_the_rows_of_days_tell_each_day_of_all_sites(two_sites: Report) -> None:
    names = ("first_date", "last_date", "events", "breaches", "weighted_target_ratio", "result")
    assert [cells(one, *names) for one in rows(two_sites, scope="day")] == [
        ("2026-11-02", "2026-11-02", "100", "21", "0.8", ""),
        ("2026-11-03", "2026-11-03", "300", "40", repr(1 - 53 / 300), ""),
    ]


def test_the_table_has_the_columns_that_are_documented_in_every_row(two_sites: Report) -> None:
    first, *others = list(csv.reader(io.StringIO(sheet(two_sites))))
    assert first == list(COLUMNS)
    assert len(others) == 8
    assert {len(one) for one in others} == {len(COLUMNS)}
    one = row(two_sites, scope="all")
    assert cells(one, "month", "so_far", "objective", "title", "kpi", "formula", "definition", "maturity") == (
        "2026-11",
        "false",
        "phone",
        "Calls",
        "service_level",
        "abandons_hurt",
        "A<=T / (A + B)",
        "settled",
    )
    assert cells(one, "first_date", "last_date", "minimum_events", "within") == ("2026-11-01", "2026-11-30", "20", "")


def test_terms_of_within_the_month_are_told_with_their_dates() -> None:
    later = answered_within(30 * SECOND, 0.9, start_day=number_of(date(2026, 11, 16)))
    phone = objective(IN_20, later)
    made = report(
        [phone],
        [standing(phone, BANK, spent(200, 30, (0.8, 100), (0.9, 100)))],
        [
            Day(phone, number_of(date(2026, 11, 15)), spent(100, 20), None),
            Day(phone, number_of(date(2026, 11, 16)), spent(100, 10, (0.9, 100)), None),
        ],
    )
    whole = row(made, scope="all")
    assert whole["terms"] == "2026-11-01: at least 80 % within 20 s; 2026-11-16: at least 90 % within 30 s"
    assert cells(whole, "target_ratio", "weighted_target_ratio", "value_ratio", "result") == (
        "0.9",
        "0.85",
        "0.85",
        "met",
    )
    assert [cells(one, "target_ratio", "threshold_seconds") for one in rows(made, scope="day")] == [
        ("0.8", "20.0"),
        ("0.9", "30.0"),
    ]
    told = Page(made)
    assert "from 2026-11-01: at least 80 % within 20 s" in told.texts("dd")
    assert "from 2026-11-16: at least 90 % within 30 s" in told.texts("dd")
    assert "promised: at least 85.00 % overall" in told.text


def test_terms_of_days_to_come_are_told_but_not_held_against_yet() -> None:
    phone = objective(IN_20, answered_within(30 * SECOND, 0.9, start_day=number_of(date(2026, 11, 25))))
    made = report([phone], [Standing(phone, IN_20, BANK, DAYS, 0.6, spent(100, 20), None)], now=WITHIN)
    assert cells(row(made, scope="all"), "target_ratio", "result") == ("0.8", "met")
    assert "2026-11-25: at least 90 % within 30 s" in row(made, scope="all")["terms"]


def test_an_objective_that_ends_within_the_month_says_until_when_it_held() -> None:
    ended = replace(IN_20, start_day=number_of(date(2026, 11, 11)), ended=True)
    phone = objective(IN_20, ended)
    made = report([phone], [standing(phone, BANK, spent(100, 30))])
    assert row(made, scope="all")["terms"] == "2026-11-01: at least 80 % within 20 s; 2026-11-11: nothing"
    assert row(made, scope="all")["result"] == "not_met"
    assert "from 2026-11-11: nothing" in Page(made).texts("dd")


def test_an_objective_that_promised_nothing_in_the_month_is_left_out() -> None:
    over = replace(IN_20, start_day=DAYS.start, ended=True)
    ahead = replace(IN_20, start_day=DAYS.stop)
    made = report([objective(IN_20, over, name="over"), objective(ahead, name="ahead")])
    assert rows(made) == []
    assert "Nothing was promised in this month." in Page(made).text


def test_of_a_kpi_to_keep_low_the_breaches_are_the_numerator() -> None:
    gave_up = Terms(None, "abandonment_rate", 0.95, formula="of_answered_and_abandoned")
    phone = objective(gave_up)
    made = report([phone], [standing(phone, BANK, spent(200, 11, (0.95, 200)))])
    names = ("target_is", "target_ratio", "weighted_target_ratio", "value_ratio", "numerator", "denominator", "result")
    assert cells(row(made, scope="all"), *names) == ("at_most", "0.05", "0.05", "0.055", "11", "200", "not_met")
    told = Page(made)
    assert "promised: at most 5 %" in told.text
    assert "11 / 200 = 5.50 %" in told.texts("dd")


def test_settled_and_provisional_cases_are_told_apart() -> None:
    calls = objective(FIRST_CONTACT, name="calls")
    settled, provisional = spent(100, 20, (0.75, 100)), spent(40, 30, (0.75, 40))
    made = report([calls], [standing(calls, BANK, settled, provisional)], [Day(calls, DAYS[29], settled, provisional)])
    names = ("scope", "maturity", "events", "breaches", "value_ratio", "result", "so_far", "settled_on")
    assert [cells(one, *names) for one in rows(made)] == [
        ("all", "settled", "100", "20", "0.8", "met", "true", "2026-12-08"),
        ("all", "provisional", "40", "30", "0.25", "", "true", "2026-12-08"),
        ("site", "settled", "100", "20", "0.8", "met", "true", "2026-12-08"),
        ("site", "provisional", "40", "30", "0.25", "", "true", "2026-12-08"),
        ("series", "settled", "100", "20", "0.8", "met", "true", "2026-12-08"),
        ("series", "provisional", "40", "30", "0.25", "", "true", "2026-12-08"),
        ("day", "settled", "100", "20", "0.8", "", "true", "2026-12-08"),
        ("day", "provisional", "40", "30", "0.25", "", "true", "2026-12-08"),
    ]
    told = Page(made)
    assert told.texts("span", **{"class": "big"}) == ["80.00 %"]
    assert "Not in the figure: 40 cases are provisional" in told.text
    assert "10 / 40 = 25.00 %" in told.text
    assert "settled on 2026-12-08" in told.text
    assert len(told.texts("g", **{"class": "missed open"})) == 1


def test_once_all_cases_are_settled_the_figure_is_final() -> None:
    calls = objective(FIRST_CONTACT)
    made = report([calls], [standing(calls, BANK, spent(100, 20, (0.75, 100)), Spend())])
    assert {one["so_far"] for one in rows(made)} == {"false"}
    assert "None is provisional now." in Page(made).text
    assert "so far" not in Page(made).text


def test_with_too_few_events_nothing_is_said_of_the_promise() -> None:
    phone = objective(IN_20)
    made = report([phone], [standing(phone, BANK, spent(19, 19)), standing(phone, SHOP, spent(0, 0))])
    assert {one["site"]: one["result"] for one in rows(made, scope="site")} == {"bank": "no_data", "shop": "no_data"}
    assert row(made, scope="site", site="shop")["value_ratio"] == ""
    told = Page(made)
    assert "19 events are too few to tell: it takes 20." in told.text
    assert told.texts("span", **{"class": "badge no_data"})[-2:] == ["too few (19 of 20)", "no data"]


def test_a_month_that_is_not_over_is_told_so_far() -> None:
    phone = objective(IN_20)
    made = report([phone], [standing(phone, BANK, spent(100, 10))], now=WITHIN)
    assert {one["so_far"] for one in rows(made)} == {"true"}
    told = Page(made)
    assert "The month is not over: everything below is so far." in told.text
    assert set(told.texts("span", **{"class": "badge met"})) == {"met so far"}


@pytest.mark.parametrize(("now", "over"), [("2026-11-30T21:59", False), ("2026-11-30T22:00", True)])
def test_a_month_is_over_when_it_is_at_the_sites(now: str, over: bool) -> None:
    made = report([objective(IN_20)], now=datetime.fromisoformat(f"{now}+00:00"))
    assert made.is_over is over
    assert f"{made.since} {made.until}" == "2026-10-31 22:00:00+00:00 2026-11-30 22:00:00+00:00"


def test_only_what_is_named_is_told() -> None:
    made = report([objective(IN_20, name="phone"), objective(IN_20, name="other")], named=("other",))
    assert {one["objective"] for one in rows(made)} == {"other"}
    made = report([objective(IN_20, name="phone"), objective(IN_20, name="other")], sites=("bank",))
    assert [section.objective.name for section in made.sections] == ["other", "phone"]
    assert "2026-11-01 to 2026-11-30, bank, each by its own local days" in Page(made).texts("p")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"sites": ("bank", "moon")}, "'moon' is not known; there are: bank, shop"),
        ({"named": ("chat",)}, "'chat' is not known; there are: phone"),
        ({"month": month_of("2027-01")}, "the month has not begun yet"),
    ],
)
def test_what_cannot_be_told_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(click.UsageError, match=re.escape(said)):
        report([objective(IN_20)], **asked)


def test_a_title_is_no_formula_in_a_spreadsheet() -> None:
    assert row(report([objective(IN_20, title="=1+1")]), scope="all")["title"] == "'=1+1"
    assert row(report([objective(IN_20, title='Calls, "all"\nof them')]), scope="all")["title"] == (
        'Calls, "all"\nof them'
    )
