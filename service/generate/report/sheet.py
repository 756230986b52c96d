"""The report as CSV: one row for each objective, place or day, and maturity."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from service.core.budget import Spend
from service.core.catalogue.measures import PROVISIONAL, SETTLED
from service.core.objective import Terms
from service.core.standing import Place
from service.core.window import date_of
from service.generate.report.figures import Report, Section, result
from service.generate.report.words import promise

COLUMNS: Mapping[str, str] = {
    "month": "the month as YYYY-MM, of local days at each site",
    "so_far": "true where more is to come: the month is not over, or cases are provisional; else false",
    "objective": "its name",
    "title": "its title",
    "kpi": "the KPI",
    "formula": "the name of the KPI's formula",
    "definition": "the formula",
    "within": "the span in which a customer may come back",
    "scope": "all, site, series (a site's queue and channel), or day (all sites on one local day)",
    "site": "the site",
    "queue": "the queue",
    "channel": "the channel",
    "first_date": "the first local date of the row",
    "last_date": "the last one, included",
    "maturity": "settled, or provisional: cases for which the customer may still come back; never both in one row",
    "settled_on": "the date on which all cases closed by the month's end are settled",
    "terms": "what was promised, each with the date from which it holds in the month",
    "threshold_seconds": "T, as it last was",
    "target_is": "at_least or at_most",
    "target_ratio": "the target as it last was there",
    "weighted_target_ratio": "the target of these events; another where targets changed, or differ from site to site",
    "value_ratio": "the share to be held against it: numerator over denominator",
    "numerator": "events that were kept; where the target is at_most, the breaches",
    "denominator": "events",
    "events": "events that were judged",
    "breaches": "events that were not kept",
    "allowed_breaches": "the budget: how many might have been",
    "budget_left_ratio": "the share of the budget that is left; below 0 it is overspent",
    "minimum_events": "with fewer events nothing is said",
    "result": "met, not_met, or no_data (fewer than minimum_events); empty for days and for what is provisional",
}
"""The columns by name, and what they say. What does not apply is empty; numbers are not rounded, dates are ISO 8601."""
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def sheet(report: Report) -> str:
    """The table, with a row of names first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for section in report.sections:
        for row in _rows(report, section):
            writer.writerow({name: _cell(value) for name, value in row.items()})
    return text.getvalue()


def _rows(report: Report, section: Section) -> Iterator[dict[str, Any]]:
    for scope, places in (("all", [section.whole]), ("site", section.sites), ("series", section.series)):
        for place in places:
            row = _place(report, section, place, scope)
            yield row | _spend(place.terms, place.settled, SETTLED) | {"result": result(place).value}
            if place.provisional is not None:
                yield row | _spend(place.terms, place.provisional, PROVISIONAL)
    for day in section.days:
        when = date_of(day.day)
        terms = next((terms for terms, days in section.terms if day.day in days), section.whole.terms)
        row = _place(report, section, section.whole, "day") | _terms(terms) | {"first_date": when, "last_date": when}
        row["so_far"] = report.is_so_far(day.provisional)
        yield row | _spend(terms, day.settled, SETTLED)
        if day.provisional is not None:
            yield row | _spend(terms, day.provisional, PROVISIONAL)


def _place(report: Report, section: Section, place: Place, scope: str) -> dict[str, Any]:
    terms, about = place.terms, section.objective.about
    return {
        "month": report.month,
        "so_far": report.is_so_far(place.provisional),
        "objective": section.objective.name,
        # The only free text. A spreadsheet would compute one that looks like a formula.
        "title": f"'{about.title}" if about.title.startswith(_FORMULA_SIGNS) else about.title,
        "kpi": terms.kpi,
        "formula": terms.formula,
        "definition": terms.definition,
        "within": terms.within,
        "scope": scope,
        "site": place.site,
        "queue": place.queue,
        "channel": place.channel,
        "first_date": date_of(report.days[0]),
        "last_date": date_of(report.days[-1]),
        "settled_on": report.settled_on(terms),
        "terms": "; ".join(
            f"{date_of(days[0])}: {promise(there if place.site is None else there.of_site(place.site))}"
            for there, days in section.terms
        ),
        **_terms(terms),
    }


def _terms(terms: Terms) -> dict[str, Any]:
    return {
        "threshold_seconds": terms.threshold_seconds,
        "target_is": "at_most" if terms.is_at_most else "at_least",
        "target_ratio": terms.stated_target,
        "minimum_events": terms.minimum_events,
    }


def _spend(terms: Terms, spend: Spend, maturity: str) -> dict[str, Any]:
    at_most = terms.is_at_most
    return {
        "maturity": maturity,
        "weighted_target_ratio": spend.target(at_most=at_most),
        "value_ratio": spend.value(at_most=at_most),
        "numerator": spend.breaches if at_most else spend.events - spend.breaches,
        "denominator": spend.events,
        "events": spend.events,
        "breaches": spend.breaches,
        "allowed_breaches": spend.allowed,
        "budget_left_ratio": spend.left_ratio,
    }


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
