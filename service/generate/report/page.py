"""The report as one page of HTML: to be read in a browser, printed, and sent; it loads nothing and runs nothing."""

from collections.abc import Iterator
from html import escape

from service.core.budget import Spend
from service.core.quality import LABELS_OF_FACETS
from service.core.standing import Place
from service.core.window import date_of
from service.generate.report.chart import chart
from service.generate.report.figures import Report, Result, Section, result
from service.generate.report.style import STYLE
from service.generate.report.tables import badge, cell, daily_tables, is_mixed, places, promised, table, value
from service.generate.report.words import amount, days_of, minute, percent, pretty, promise, symbols

_KEY = "Disc: the day met its target. Red diamond: it did not. Dashes: the target."
_KEY_OF_OPEN = " Outlines: provisional."


def page(report: Report) -> str:
    """The page."""
    title = f"Service quality, {date_of(report.days[0]):%B %Y}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
{_head(report)}
</header>
<main>
{_summary(report)}
{"".join(_section(report, section) for section in report.sections)}
</main>
<footer>
{_foot(report)}
</footer>
</body>
</html>
"""


def _head(report: Report) -> str:
    sites = ", ".join(report.sites) or "all sites"
    latest = "no events yet" if report.last_event_at is None else f"latest event {minute(report.last_event_at)}"
    made = f"Made {minute(report.made_at)} by Frontline {report.version}; {latest}."
    lines = [
        f"<p>{date_of(report.days[0])} to {date_of(report.days[-1])}, {escape(sites)}, each by its own local days</p>",
        f'<p class="soft">{escape(made)}</p>',
    ]
    if not report.is_over:
        lines.append('<p class="note">The month is not over: everything below is so far.</p>')
    if report.is_outdated:
        lines.append(
            '<p class="note">Objectives or calendars have changed since the past was measured. '
            "<code>frontline rebuild</code> measures it by what is in force now; make this report again then.</p>"
        )
    return "\n".join(lines)


def _summary(report: Report) -> str:
    if not report.sections:
        return "<p>Nothing was promised in this month.</p>"
    rows = [
        [
            f'<td class="name"><a href="#{escape(section.objective.name)}">{escape(section.title)}</a></td>',
            cell(promised(section.whole), "text"),
            cell(value(section.whole.terms, section.whole.settled)),
            f"<td>{badge(report, section.whole)}</td>",
        ]
        for section in report.sections
    ]
    return f"<h3>At a glance</h3>\n{table(('Objective', 'Promised', 'Value', 'Result'), rows)}"


def _section(report: Report, section: Section) -> str:
    about, whole = section.objective.about, section.whole
    parts = [
        f'<section id="{escape(section.objective.name)}">',
        f"<h2>{escape(section.title)}</h2>",
        f'<p class="soft"><code>{escape(section.objective.name)}</code></p>',
        f"<p>{escape(about.description)}</p>" if about.description else "",
        f'<div class="figure"><span class="big">{escape(value(whole.terms, whole.settled))}</span>'
        f"<span>promised: {escape(promised(whole))}</span> {badge(report, whole)}</div>",
        _facts(section, report.days),
        *_notes(report, section),
        _daily_chart(report, section),
        "<h3>By site</h3>",
        places(report, section),
        *daily_tables(section),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _facts(section: Section, days: range) -> str:
    terms, spend = section.whole.terms, section.whole.settled
    counted = spend.breaches if terms.is_at_most else spend.events - spend.breaches
    formula = terms.definition
    told = symbols(formula, terms)
    if terms.within:
        told.append(f"within {days_of(terms.within)}")
    if terms.open_only:
        told.append("of those who arrived in opening hours")
    filters = [("sites", terms.sites), ("queues", terms.queues), ("channels", terms.channels)]
    filters += [(f"{label}s", terms.facet_values(label)) for label in LABELS_OF_FACETS]
    for name, values in filters:
        if values:
            told.append(f"{name}: {', '.join(values)}")
    more = f" ({'; '.join(told)})" if told else ""
    facts = [
        ("Formula", f"<b>{escape(pretty(formula))}</b>{escape(more)}"),
        (
            "In numbers",
            escape(
                f"{amount(counted)} / {amount(spend.events)} = {value(terms, spend)}" if spend.events else "no events"
            ),
        ),
        ("Breaches", escape(f"{amount(spend.breaches)}; {amount(spend.allowed)} were allowed")),
        ("Budget left", escape(percent(spend.left_ratio))),
    ]
    if terms.of_kpi.needs_threshold:
        facts.append(("Waiting", "One who still waits at T is a breach at that moment, whatever becomes of the visit."))
    facts += [("Promised", escape(text)) for text in _promises(section, days)]
    return f"<dl>{''.join(f'<dt>{name}</dt><dd>{told}</dd>' for name, told in facts)}</dl>"


def _promises(section: Section, month: range) -> Iterator[str]:
    """What was promised from when on, where that is not one thing all the month, and what otherwise at some sites."""
    has_changed = [days for _, days in section.terms] != [month]
    formulas = {terms.definition for terms, _ in section.terms}
    for terms, days in section.terms:
        since = f"from {date_of(days[0])}: " if has_changed else ""
        if has_changed:
            formula = f", {pretty(terms.definition)}" if len(formulas) > 1 and not terms.ended else ""
            yield f"{since}{promise(terms)}{formula}"
        for override in () if terms.ended else terms.overrides:
            yield f"{since}{promise(terms.of_site(override.sites[0]))} at {', '.join(override.sites)}"


def _notes(report: Report, section: Section) -> Iterator[str]:
    whole = section.whole
    if result(whole) is Result.NO_DATA:
        yield (
            f'<p class="note">{amount(whole.settled.events)} events are too few to tell: it takes '
            f"{amount(whole.terms.minimum_events)}.</p>"
        )
    if is_mixed(whole):
        yield (
            '<p class="note">Each event is held against what was promised at its site on its day. The budgets add up, '
            "and with them what the promises come to.</p>"
        )
    if whole.provisional is not None:
        yield _provisional(report, whole, whole.provisional)


def _provisional(report: Report, whole: Place, spend: Spend) -> str:
    terms = whole.terms
    settled = (
        f"A case is settled {days_of(terms.within)} after it was closed; all that were closed in the month are settled "
        f"on {report.settled_on(terms)}."
    )
    if not spend.events:
        return f'<p class="soft">{escape(settled)} None is provisional now.</p>'
    counted = spend.breaches if terms.is_at_most else spend.events - spend.breaches
    text = (
        f"Not in the figure: {amount(spend.events)} cases are provisional, as the customer may still come back. So far "
        f"{amount(counted)} / {amount(spend.events)} = {value(terms, spend)}. {settled}"
    )
    return f'<p class="note">{escape(text)}</p>'


def _daily_chart(report: Report, section: Section) -> str:
    picture = chart(section, report.days)
    key = _KEY + (_KEY_OF_OPEN if section.whole.provisional is not None else "")
    return f'<h3>Day by day</h3>\n{picture}\n<p class="soft">{key}</p>' if picture else ""


def _foot(report: Report) -> str:
    times = f"since={report.since:%Y-%m-%dT%H:%M:%SZ}&until={report.until:%Y-%m-%dT%H:%M:%SZ}"
    lines = [
        "Values are shown rounded; nothing is rounded before it is compared or added up. <code>--format csv</code> has "
        "all digits.",
        "How to check it: <code>frontline verify</code> computes every number again from the log of events. "
        f"<code>GET /v1/objectives/NAME/breaches?{escape(times)}</code> lists what is behind the breaches, "
        "and each interaction among it leads to its own story.",
        "Late events and corrections move the figures of a past month; made again, the report has what they come to.",
    ]
    return "\n".join(f"<p>{line}</p>" for line in lines)
