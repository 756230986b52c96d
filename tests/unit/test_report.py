"""The report on a month: the table's numbers by hand, what the page says, and that nothing breaks it."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET

import click
import pytest

from service.commands.report import compose
from service.core.budget import Spend, allowed_parts
from service.core.calendar import Calendar
from service.core.judge import Objectives
from service.core.objective import About, Objective, Override, Terms
from service.core.policy import Policy
from service.core.series import Series
from service.core.standing import Standing
from service.core.window import month_of, number_of
from service.generate.report.figures import Report
from service.generate.report.page import page
from service.generate.report.sheet import COLUMNS, sheet
from service.generate.report.words import amount, duration, percent, promise, share, symbols
from service.store.month import Month
from service.store.standings import Day
from tests.terms import answered_within

DAYS = month_of("2026-11")
AFTER = datetime(2026, 12, 9, 8, 30, tzinfo=UTC)
WITHIN = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
SECOND = 1_000_000
IN_20 = answered_within(20 * SECOND)
NAMES = ("bank", "shop")
BANK, LOANS, SHOP = (
    Series("bank", "sales", "phone", 1),
    Series("bank", "loans", "phone", 2),
    Series("shop", "desk", "phone", 3),
)
PLACEHOLDER = Series("shop", "", "", 4)
FIRST_CONTACT = Terms(None, "first_contact_resolution", 0.75, within="7d")
Row = dict[str, str]


def spent(events: int, breaches: int, *budgets: tuple[float, int]) -> Spend:
    """Events and breaches, of which so many were promised each target; 80 % of all unless told."""
    parts = sum(allowed_parts(target) * number for target, number in budgets or ((0.8, events),))
    return Spend(events, breaches, parts)


def objective(*terms: Terms, name: str = "phone", **about: Any) -> Objective:
    return Objective(1, name, terms, About(**about))


def standing(one: Objective, series: Series, settled: Spend, provisional: Spend | None = None) -> Standing:
    return Standing(one, one.terms[-1].of_site(series.site), series, DAYS, 1.0, settled, provisional)


def report(
    objectives: Iterable[Objective],
    standings: Iterable[Standing] = (),
    days: Iterable[Day] = (),
    now: datetime = AFTER,
    named: tuple[str, ...] = (),
    **more: Any,
) -> Report:
    policy = Policy(1, Objectives(list(objectives)), dict.fromkeys(NAMES, Calendar.of("Europe/Vilnius", [])))
    latest = datetime(2026, 11, 30, 21, 59, tzinfo=UTC)
    month = Month(policy, list(standings), list(days), more.get("latest", latest), more.get("outdated", False))
    return compose(month, named, more.get("sites", ()), more.get("month", DAYS), now)


def rows(made: Report, **wanted: str) -> list[Row]:
    """The rows of the table of which some cells are as wanted."""
    found = list(csv.DictReader(io.StringIO(sheet(made))))
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


def row(made: Report, **wanted: str) -> Row:
    (found,) = rows(made, **wanted)
    return found


def cells(one: Row, *names: str) -> tuple[str, ...]:
    return tuple(one[name] for name in names)


class Page:
    """A page that is well-formed: its elements and their texts."""

    def __init__(self, made: Report) -> None:
        self.html = page(made)
        self.root = ET.fromstring(self.html.removeprefix("<!DOCTYPE html>\n"))

    def texts(self, tag: str, **attributes: str) -> list[str]:
        found = (one for one in self.root.iter(tag) if all(one.get(name) == text for name, text in attributes.items()))
        return [" ".join("".join(one.itertext()).split()) for one in found]

    @property
    def text(self) -> str:
        return " ".join(self.texts("body"))


@pytest.fixture
def two_sites() -> Report:
    """One objective at two sites, one of which was promised something else."""
    phone = objective(replace(IN_20, overrides=(Override(("shop",), 0.9, 30 * SECOND),)), title="Calls")
    return report(
        [phone],
        [
            standing(phone, BANK, spent(300, 45)),
            standing(phone, LOANS, spent(30, 9)),
            standing(phone, SHOP, spent(70, 7, (0.9, 70))),
            standing(phone, PLACEHOLDER, spent(0, 0)),
        ],
        [
            Day(phone, DAYS[1], spent(100, 21), None),
            Day(phone, DAYS[2], spent(300, 40, (0.8, 230), (0.9, 70)), None),
        ],
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


def test_the_page_says_when_and_from_what_it_was_made(two_sites: Report) -> None:
    told = Page(two_sites)
    assert told.texts("h1") == ["Service quality, November 2026"]
    assert (
        f"Made 2026-12-09 08:30 UTC by Frontline {two_sites.version}; latest event 2026-11-30 21:59 UTC." in told.text
    )
    assert "since=2026-10-31T22:00:00Z&until=2026-11-30T22:00:00Z" in told.text
    assert "have changed since" not in told.text
    assert "frontline rebuild" in Page(report([], outdated=True)).text
    assert "no events yet" in Page(report([], latest=None)).text


def test_the_page_spells_the_figure_out(two_sites: Report) -> None:
    told = Page(two_sites)
    assert told.texts("span", **{"class": "big"}) == ["84.75 %"]
    assert "339 / 400 = 84.75 %" in told.texts("dd")
    assert "61; 73 were allowed" in told.texts("dd")
    assert "A≤T / (A + B) (A≤T answered within T; A answered; B gave up; T = 20 s)" in told.texts("dd")
    assert "at least 90 % within 30 s at shop" in told.texts("dd")
    names = [one for one in told.texts("td", **{"class": "name"}) if one != "Calls"]
    assert names == ["Everywhere", "bank", "loans / phone", "sales / phone", "shop · desk / phone"]


def test_the_chart_marks_each_day_by_whether_it_met_its_target(two_sites: Report) -> None:
    told = Page(two_sites)
    titles = [one.split(",")[0] for one in told.texts("title")]
    assert "2026-11-02: 79.00 % (79 / 100)" in titles
    assert "2026-11-03: 86.67 % (260 / 300)" in titles
    assert len(told.texts("g", **{"class": "missed"})) == 1
    assert len(told.texts("g", **{"class": "kept"})) == 1


@pytest.mark.parametrize("breaches", [0, 20, 100])
def test_a_chart_of_a_single_value_has_a_scale(breaches: int) -> None:
    phone = objective(IN_20)
    made = report([phone], [], [Day(phone, DAYS[0], spent(100, breaches), None)])
    heights = [float(found) for found in re.findall(r"M56 ([\d.]+)H708", page(made))]
    assert len(heights) >= 3
    assert heights == sorted(heights, reverse=True)
    assert all(0 <= height <= 210 for height in heights)


def test_without_days_there_is_no_chart() -> None:
    assert "<svg" not in page(report([objective(IN_20)]))


NASTY = "</title></style><script>alert('x')</script> & \"quotes\" <b>"


def test_all_text_is_escaped() -> None:
    phone = objective(replace(IN_20, channels=(NASTY,)), title=NASTY, description=NASTY)
    series = Series(NASTY, NASTY, NASTY, 1)
    made = report([phone], [standing(phone, series, spent(100, 10))], [Day(phone, DAYS[0], spent(100, 10), None)])
    told = Page(made)
    assert told.texts("script") == []
    assert told.texts("b") == ["A≤T / (A + B)"]
    assert NASTY in told.texts("h2")
    assert f"{NASTY} · {NASTY} / {NASTY}" in told.texts("td")


def test_the_page_loads_nothing_and_can_be_printed(two_sites: Report) -> None:
    told = Page(two_sites)
    assert {one.tag for one in told.root.iter()}.isdisjoint({"script", "link", "img", "iframe", "object", "embed"})
    links = [one.get("href", "") for one in told.root.iter() if "href" in one.attrib]
    assert links == ["#phone"]
    assert not re.search(r"url\(|@import|https?:|src=", told.html)
    assert "@page { size: A4;" in told.html
    assert "@media print" in told.html
    assert told.root.find("./body//*[@id='phone']") is not None


def test_a_title_is_no_formula_in_a_spreadsheet() -> None:
    assert row(report([objective(IN_20, title="=1+1")]), scope="all")["title"] == "'=1+1"
    assert row(report([objective(IN_20, title='Calls, "all"\nof them')]), scope="all")["title"] == (
        'Calls, "all"\nof them'
    )


@pytest.mark.parametrize(
    ("value", "target", "said"),
    [
        (None, 0.8, "-"),
        (0.8123456, None, "81.23 %"),
        (0.8, 0.8, "80.00 %"),
        (0.79998, 0.8, "79.998 %"),
        (0.7999951, 0.8, "79.9995 %"),
        (0.9, 0.8, "90.00 %"),
    ],
)
def test_rounding_does_not_hide_on_which_side_of_its_target_a_value_is(
    value: float | None, target: float | None, said: str
) -> None:
    assert percent(value, target) == said


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (20 * SECOND, "20 s"),
        (180 * SECOND, "3 min"),
        (90 * SECOND, "90 s"),
        (250_000, "250 ms"),
        (86_400 * SECOND, "1 d"),
    ],
)
def test_spans_in_words(us: int, said: str) -> None:
    assert duration(us) == said


def test_numbers_in_words() -> None:
    assert [amount(1234), amount(868.55), amount(0.5), amount(100)] == ["1,234", "868.55", "0.5", "100"]
    assert [share(0.8), share(0.9995), share(0.07)] == ["80 %", "99.95 %", "7 %"]


def test_the_signs_of_a_formula_are_explained() -> None:
    short = replace(IN_20, formula="short_abandons_excluded", short_us=3 * SECOND)
    assert symbols("A<=T / (A + B - B<=s)", short) == [
        "A≤T answered within T",
        "A answered",
        "B gave up",
        "B≤s gave up within s",
        "T = 20 s",
        "s = 3 s",
    ]
    p90 = Terms(None, "wait_p90", 0.9, 30 * SECOND)
    assert promise(p90) == "at least 90 % within 30 s"
    assert symbols("those of at most T / all", p90) == [
        "T = 30 s",
        "so wait_p90 is at most T where this is at least 90 %",
    ]
    assert symbols("resolved / completed whose resolved is known", FIRST_CONTACT) == []
