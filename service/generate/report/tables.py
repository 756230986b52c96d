"""The tables of the page: places and days, and what their cells say."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from service.core.budget import Spend
from service.core.objective import Terms
from service.core.standing import Place
from service.core.window import date_of
from service.generate.report.figures import Report, Result, Section, result
from service.generate.report.words import amount, percent, promise

_PLACES = ("Site", "Promised", "Value", "Events", "Breaches", "Allowed", "Budget left", "Result")
_NOWHERE = "no queue"
_DAYS = ("Date", "Events", "Breaches", "Value", "Target")


def places(report: Report, section: Section) -> str:
    """What an objective came to everywhere, at each site, and in each of its queues and channels."""
    rows = [_row(report, section.whole, "Everywhere", "all")]
    for site in section.sites:
        parts = [part for part in section.series if part.site == site.site]
        # A site with a single line needs no line of its own for it.
        is_alone = len(parts) == 1
        named = [line for part in parts if (line := _line(part)) != _NOWHERE] if is_alone else []
        rows.append(_row(report, site, " · ".join((site.site or "", *named)), ""))
        if not is_alone:
            rows += [_row(report, part, _line(part), "part") for part in parts]
    return f'<div class="wide"><table><thead>{_titles(_PLACES)}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def daily_tables(section: Section) -> Iterator[str]:
    """Each day of which there is anything, in numbers; in two halves, side by side where there is room."""
    for name, spends in (
        ("Days in numbers", [(day.day, day.settled) for day in section.days]),
        ("Days in numbers, provisional", [(day.day, day.provisional or Spend()) for day in section.days]),
    ):
        rows = [_day(section.whole.terms, day, spend) for day, spend in spends if spend.events]
        half = (len(rows) + 1) // 2
        if rows:
            yield f"<h3>{name}</h3>"
            halves = "".join(table(_DAYS, part) for part in (rows[:half], rows[half:]) if part)
            yield f'<div class="days">{halves}</div>'


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of rows of cells."""
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead>{_titles(head)}</thead><tbody>{body}</tbody></table></div>'


def cell(text: str, kind: str = "") -> str:
    """A cell of a table, of a class of the style."""
    return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"


def value(terms: Terms, spend: Spend) -> str:
    """The KPI over some events."""
    at_most = terms.is_at_most
    return percent(spend.value(at_most=at_most), spend.target(at_most=at_most))


def promised(place: Place) -> str:
    """What was promised; where that is not one thing for all events, what it comes to over all of them."""
    if not is_mixed(place):
        return promise(place.terms)
    at_most = place.terms.is_at_most
    target = percent(place.settled.target(at_most=at_most), place.settled.value(at_most=at_most))
    return f"at {'most' if at_most else 'least'} {target} overall"


def is_mixed(place: Place) -> bool:
    """Whether its events were promised different things."""
    target = place.settled.target(at_most=place.terms.is_at_most)
    return target is not None and target != place.terms.stated_target


def badge(report: Report, place: Place) -> str:
    """Whether the promise was kept."""
    found = result(place)
    text = {Result.MET: "met", Result.NOT_MET: "not met", Result.NO_DATA: "no data"}[found]
    if found is Result.NO_DATA and place.settled.events:
        text = f"too few ({amount(place.settled.events)} of {amount(place.terms.minimum_events)})"
    elif found is not Result.NO_DATA and report.is_so_far(place.provisional):
        text += " so far"
    return f'<span class="badge {found.value}">{text}</span>'


def _row(report: Report, place: Place, name: str, kind: str) -> str:
    spend = place.settled
    cells = [
        cell(name, "name"),
        cell(promised(place), "text"),
        cell(value(place.terms, spend)),
        cell(amount(spend.events)),
        cell(amount(spend.breaches)),
        cell(amount(spend.allowed)),
        cell(percent(spend.left_ratio)),
        f"<td>{badge(report, place)}</td>",
    ]
    return f'<tr class="{kind}">{"".join(cells)}</tr>' if kind else f"<tr>{''.join(cells)}</tr>"


def _line(place: Place) -> str:
    return " / ".join(filter(None, (place.queue, place.channel))) or _NOWHERE


def _day(terms: Terms, day: int, spend: Spend) -> list[str]:
    return [
        cell(f"{date_of(day)}"),
        cell(amount(spend.events)),
        cell(amount(spend.breaches)),
        cell(value(terms, spend)),
        cell(percent(spend.target(at_most=terms.is_at_most))),
    ]


def _titles(head: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>"
