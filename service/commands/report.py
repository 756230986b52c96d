"""`frontline report`: what was promised for a month, and what it came to, as a table or a page for the client."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click

from service import __version__
from service.commands.database import database_url
from service.core.event import MINUTE_US, microseconds, moment
from service.core.objective import Objective, Terms
from service.core.standing import everywhere, places
from service.core.window import month_of
from service.generate.report.figures import DayFigure, Report, Section
from service.generate.report.page import page
from service.generate.report.sheet import COLUMNS, sheet
from service.settings import Settings
from service.store import schema
from service.store.clock import system_clock_us
from service.store.cohorts import Selection
from service.store.database import Database
from service.store.month import Month
from service.store.rollups import Rollups

_FORMS = {"csv": sheet, "html": page}
_EXAMPLES = """\b
Examples:
  frontline report --output last-month.html
  frontline report --month 2026-11 --site vilnius-1 --site vilnius-2 > november.csv
  frontline report --month 2026-11 --objective phone-80-in-20 --format html --output phone.html

\b
Columns of the CSV (what does not apply is empty, nothing is rounded):
""" + "\n".join(f"  {name:<22} {text}" for name, text in COLUMNS.items())


@click.command("report", epilog=_EXAMPLES)
@click.option("--month", metavar="YYYY-MM", help="The month, by each site's own local days. [default: the last one]")
@click.option("--objective", "objectives", multiple=True, metavar="NAME", help="Only this one; several may be named.")
@click.option("--site", "sites", multiple=True, metavar="NAME", help="Only at this site; several may be named.")
@click.option("--format", "form", type=click.Choice(list(_FORMS)), help="[default: by the name of FILE, else csv]")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Instead of stdout.")
def command(
    month: str | None, objectives: tuple[str, ...], sites: tuple[str, ...], form: str | None, output: Path | None
) -> None:
    """What was promised for a month, and what it came to: for those to whom it was promised.

    For every objective, whatever its own window: everywhere, at each site, in each queue and channel, and day by day.
    Figures of several sites or days are those of their sums. What was promised from a day on counts from that day.
    First-contact resolution tells settled and provisional cases apart. Reads one snapshot of the database, while posts
    go on, and changes nothing.
    """
    now_us = system_clock_us()
    days = _days(month or f"{moment(now_us).replace(day=1) - timedelta(days=1):%Y-%m}")
    settings = Settings.read()
    with database_url(settings) as url:
        read = asyncio.run(_read(url, Selection(site=sites), now_us, days))
    made = compose(read, objectives, sites, days, moment(now_us))
    if made.is_outdated:
        click.echo(
            "objectives or calendars have changed since the past was measured; run `frontline rebuild`", err=True
        )
    form = form or ("html" if output is not None and output.suffix in (".html", ".htm") else "csv")
    text = _FORMS[form](made)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written: {error.strerror}") from error


def compose(read: Month, objectives: Sequence[str], sites: Sequence[str], days: range, now: datetime) -> Report:
    """The report on what was read; without names it is on all objectives, and without sites on all of them.

    Raises UsageError for names that are not known, and for a month that has begun nowhere.
    """
    policy = read.policy
    _check("--site", sites, policy.calendars)
    _check("--objective", objectives, [one.name for one in policy.objectives.all])
    calendars = [policy.calendar(site) for site in (sites or list(policy.calendars) or [""])]
    today = [calendar.day_of(microseconds(now) // MINUTE_US) for calendar in calendars]
    if max(today) < days.start:
        raise click.UsageError("the month has not begun yet")
    wanted = [one for one in policy.objectives.all if not objectives or one.name in objectives]
    return Report(
        days=days,
        is_over=min(today) >= days.stop,
        sites=sites,
        since=moment(min(calendar.midnight_us(days.start) for calendar in calendars)),
        until=moment(max(calendar.midnight_us(days.stop) for calendar in calendars)),
        made_at=now,
        last_event_at=read.last_event_at,
        version=__version__,
        is_outdated=read.rebuild_wanted,
        sections=[_section(read, one, days, max(today)) for one in sorted(wanted, key=_name) if _held(one, days)],
    )


def _days(month: str) -> range:
    try:
        return month_of(month)
    except ValueError:
        raise click.BadParameter(f"{month!r} is no month; write it as 2026-11", param_hint="--month") from None


async def _read(url: str, selection: Selection, now_us: int, days: range) -> Month:
    database = Database(url)
    try:
        await schema.check(database)
        return await Rollups(database).month(selection, now_us, days)
    finally:
        await database.close()


def _check(option: str, names: Iterable[str], known: Iterable[str]) -> None:
    told = sorted(known)
    for name in names:
        if name not in told:
            raise click.BadParameter(
                f"{name!r} is not known; there are: {', '.join(told) or 'none'}", param_hint=option
            )


def _held(objective: Objective, days: range) -> list[tuple[Terms, range]]:
    return [(terms, held) for terms, held in objective.during(days) if not terms.ended]


def _section(read: Month, objective: Objective, days: range, today: int) -> Section:
    own = [standing for standing in read.standings if standing.objective.number == objective.number]
    own.sort(key=lambda one: one.series)
    held = _held(objective, days)
    terms = [terms for terms, held_on in held if held_on.start <= today] or [held[0][0]]
    shown = [one for one in own if not one.series.is_placeholder or one.settled.events]
    return Section(
        objective,
        list(objective.during(days)),
        everywhere(terms[-1], own),
        places(terms[-1], own, ("site",)),
        places(terms[-1], shown, ("site", "queue", "channel")),
        [
            DayFigure(day.day, day.settled, day.provisional)
            for day in read.days
            if day.objective.number == objective.number
        ],
    )


def _name(objective: Objective) -> str:
    return objective.name
