"""`frontline verify` and `frontline rebuild`: the numbers held against the log, and made again."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

import click

from service.commands.database import database_url
from service.core.event import moment
from service.settings import Settings
from service.store import schema
from service.store.audit import auditing
from service.store.clock import system_clock_us
from service.store.database import Database
from service.store.findings import Progress, Report
from service.store.ledger import STRIPES, Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.rebuild import Rebuild
from service.store.registry import Registry

_TOLD_EVERY_SECONDS = 2.0
_SHOWN = 50
_VERIFY_EXAMPLES = """\b
Examples:
  frontline verify
  FRONTLINE_DATABASE_URL=postgresql://frontline@db/frontline frontline verify
"""
_REBUILD_EXAMPLES = """\b
Examples:
  frontline rebuild
  FRONTLINE_DATABASE_URL=postgresql://frontline@db/frontline frontline rebuild
"""


@click.command("verify", epilog=_VERIFY_EXAMPLES)
@click.option("--all", "all_", is_flag=True, help=f"Show every difference, not the first {_SHOWN} only.")
def verify(all_: bool) -> None:
    """Compute everything again from the log of events, and report any difference with what is stored.

    Reads one snapshot of the database, while posts go on. Ends with exit code 1 where anything differs; a differing
    interaction is named as in /v1/interactions/SOURCE/SUBJECT. Nothing is changed: `frontline rebuild` does that.
    Sums of months that retention has forgotten are taken as given, and all else must follow from them.
    """
    settings = Settings.read()
    with database_url(settings) as url:
        report, kept_from_us, is_behind = asyncio.run(_verify(url, settings))
    _tell(report, None if all_ else _SHOWN)
    _tell_of_forgotten(kept_from_us, "its sums are taken as given")
    if is_behind:
        click.echo(
            "the policy has changed since the past was measured; `frontline rebuild` measures it again", err=True
        )
    if report.findings:
        raise click.exceptions.Exit(1)
    click.echo("everything stored is what the log says")


@click.command("rebuild", epilog=_REBUILD_EXAMPLES)
def rebuild() -> None:
    """Make all numbers again from the log of events, by the objectives and calendars in force.

    Works while posts go on. What is right already is not written, so it can be stopped and run again at any time; it
    goes on where it was. Numbers stay the same wherever their definition does, and live counters never go down.
    Sums of months that retention has forgotten stay as they are: a change for the past reaches back to there.
    """
    settings = Settings.read()
    with database_url(settings) as url:
        report, kept_from_us = asyncio.run(_rebuild(url, settings))
    _tell(report, _SHOWN)
    _tell_of_forgotten(kept_from_us, "its sums stay as they were measured then")
    click.echo(f"put right: {len(report.findings):,}")


class _Parts(NamedTuple):
    database: Database
    registry: Registry
    policies: Policies
    ledger: Ledger


@asynccontextmanager
async def _parts(url: str, settings: Settings) -> AsyncIterator[_Parts]:
    database = Database(url)
    try:
        await schema.check(database)
        registry = Registry(database, max_sites=settings.max_sites, max_queues_per_site=settings.max_queues_per_site)
        policies = Policies(database)
        ledger = Ledger(
            database,
            registry,
            Partitions(database),
            policies,
            number=STRIPES - 1,
            live_horizon_seconds=settings.live_horizon_seconds,
        )
        try:
            yield _Parts(database, registry, policies, ledger)
        finally:
            await ledger.close()
    finally:
        await database.close()


async def _verify(url: str, settings: Settings) -> tuple[Report, int | None, bool]:
    async with (
        _parts(url, settings) as parts,
        auditing(parts.database, parts.registry, parts.policies, system_clock_us, _progress()) as audit,
    ):
        await audit.run()
        return audit.report, audit.policy.kept_from_us, await parts.policies.rebuild_wanted()


async def _rebuild(url: str, settings: Settings) -> tuple[Report, int | None]:
    async with _parts(url, settings) as parts:
        work = Rebuild(parts.database, parts.registry, parts.policies, parts.ledger, system_clock_us, _progress())
        return await work.run(), (await parts.policies.latest()).kept_from_us


def _tell_of_forgotten(kept_from_us: int | None, what: str) -> None:
    if kept_from_us is not None:
        click.echo(f"what happened before {moment(kept_from_us):%Y-%m-%d} (UTC) is forgotten; {what}")


def _progress() -> Progress:
    """Tells every few seconds how far it is; on a terminal in one line."""
    last = time.monotonic()
    on_terminal = sys.stderr.isatty()

    def tell(stage: str, report: Report) -> None:
        nonlocal last
        if time.monotonic() - last < _TOLD_EVERY_SECONDS:
            return
        last = time.monotonic()
        text = (
            f"{stage}: {report.events:,} events of {report.interactions:,} interactions, {report.contacts:,} contacts"
        )
        click.echo(f"\r{text:<100}" if on_terminal else text, err=True, nl=not on_terminal)

    return tell


def _tell(report: Report, most: int | None) -> None:
    show: Callable[[str], None] = click.echo
    for finding in report.findings[:most]:
        show(f"{finding.what} {finding.where}: {finding.detail}")
    if most is not None and len(report.findings) > most:
        show(f"… and {len(report.findings) - most:,} more")
    for name in ("events", "interactions", "contacts", "overdue"):
        show(f"{name:<13}{getattr(report, name):>14,}")
    show(f"{'differences':<13}{len(report.findings):>14,}")
