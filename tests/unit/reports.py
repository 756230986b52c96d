"""Reports on a month, made by hand, and what their table and their page say."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from service.commands.report import compose
from service.core.budget import Spend, allowed_parts
from service.core.calendar import Calendar
from service.core.judge import Objectives
from service.core.objective import About, Objective, Terms
from service.core.policy import Policy
from service.core.series import Series
from service.core.standing import Standing
from service.core.window import month_of
from service.generate.report.figures import Report
from service.generate.report.page import page
from service.generate.report.sheet import sheet
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
