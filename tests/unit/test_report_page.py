"""The report as a page: what it says and shows, and that no text breaks it."""

import re
from dataclasses import replace

import pytest

from service.core.objective import Terms
from service.core.series import Series
from service.generate.report.figures import Report
from service.generate.report.page import page
from service.store.standings import Day
from tests.unit.reports import DAYS, IN_20, Page, objective, report, spent, standing


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


def test_what_is_told_apart_beside_the_place_is_one_row_of_it_and_a_site_may_do_without_queues() -> None:
    csat = objective(Terms(None, "csat", 0.8, facets=("dimension:access", "dimension:courtesy")), name="csat")
    kept = replace(objective(Terms(None, "promise_kept_rate", 0.95), name="kept"), number=2)
    at_bank = [
        standing(csat, Series("bank", "", "", 1, f"dimension:{dimension}"), spent(50, breaches, (0.8, 50)))
        for dimension, breaches in (("access", 5), ("courtesy", 10))
    ]
    beside = [
        standing(kept, Series("shop", "", channel, number), spent(20, 1, (0.95, 20)))
        for number, channel in enumerate(("", "phone"), 3)
    ]
    told = Page(report([csat, kept], [*at_bank, *beside]))
    names = [one for one in told.texts("td", **{"class": "name"}) if one not in ("csat", "kept")]
    assert names == ["Everywhere", "bank", "Everywhere", "shop", "no queue", "phone"]
    assert "85 / 100 = 85.00 %" in told.texts("dd")
    assert any("(dimensions: access, courtesy)" in fact for fact in told.texts("dd"))
    assert any("promises kept in time / promises due" in fact for fact in told.texts("dd"))
