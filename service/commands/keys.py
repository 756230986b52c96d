"""`frontline keys`: make, list, rotate and revoke API keys, and rotate the pseudonym key, straight in the database."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from service.commands.database import database_url
from service.core.access import Role
from service.settings import Settings
from service.store import schema
from service.store.access import Access, KeyTerms
from service.store.database import Database
from service.store.pseudonyms import rotate_key
from service.store.trail import COMMAND_LINE

T = TypeVar("T")

_EXAMPLES = """\b
Examples:
  frontline keys list
  frontline keys create --source pos-vendor --site vilnius-1 --site vilnius-2
  frontline keys create --read --expires 365d
  frontline keys create --admin
  frontline keys rotate 3 --overlap 2d
  frontline keys revoke 3
  FRONTLINE_PSEUDONYM_KEY=… frontline keys rotate-pseudonym
"""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class _Span(click.ParamType[timedelta]):
    """A span of time, as 12h or 90d."""

    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """A whole number of seconds, minutes, hours or days."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"(\d{1,5})([smhd])", str(value))
        if match is None:
            self.fail(f"{value} is not a span of time, such as 30m, 12h or 90d", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _in_database(work: Callable[[Database], Awaitable[T]]) -> T:
    async def run(url: str) -> T:
        database = Database(url)
        try:
            await schema.check(database)
            return await work(database)
        finally:
            await database.close()

    with database_url(Settings.read()) as url:
        return asyncio.run(run(url))


@click.group("keys", epilog=_EXAMPLES)
def command() -> None:
    """Make, list, rotate and revoke API keys, and rotate the pseudonym key, without a running service."""


@command.command("list")
def list_keys() -> None:
    """All keys, without their secrets."""
    entries = _in_database(lambda database: Access(database).list_keys())
    table = Table("id", "for", "source", "key", "made", "ends", "revoked", "in place of")
    for entry in entries:
        times = (_told(at) for at in (entry.created_at, entry.expires_at, entry.revoked_at))
        replaces = "" if entry.replaces is None else str(entry.replaces)
        table.add_row(str(entry.id), entry.role, entry.source or "", entry.hint, *times, replaces)
    Console().print(table)


@command.command("create")
@click.option("--source", help="The source that will post with it; registered if it is new.")
@click.option("--site", "sites", multiple=True, help="A site for which a new source may post; several, or all.")
@click.option("--read", "role", flag_value=Role.READ.value, help="Make a read key.")
@click.option("--admin", "role", flag_value=Role.ADMIN.value, help="Make an admin key.")
@click.option("--expires", type=_Span(), help="When it ends, from now, as 90d; never, unless told.")
@click.option("--per-second", type=click.IntRange(1), help="Events or requests that it may bring in a second.")
def create_key(
    source: str | None, sites: tuple[str, ...], role: str | None, expires: timedelta | None, per_second: int | None
) -> None:
    """Make a key, and show it this once."""
    if (role is None) == (source is None):
        raise click.UsageError("give one of --source NAME, --read and --admin")
    terms = KeyTerms(Role(role or Role.INGEST), source, _end(expires), per_second)

    async def work(database: Database) -> str:
        access = Access(database)
        if source is not None and source not in {known.name for known in await access.list_sources()}:
            made = await access.create_source(source, list(sites) or ["*"], terms=terms, actor=COMMAND_LINE)
        else:
            made = await access.create_key(terms, actor=COMMAND_LINE)
        return made.secret

    click.echo(_in_database(work))


@command.command("rotate")
@click.argument("number", type=int)
@click.option("--overlap", type=_Span(), default="1d", show_default=True, help="How long the old one stays valid.")
@click.option("--expires", type=_Span(), help="When the new one ends, from now, as 90d; never, unless told.")
def rotate(number: int, overlap: timedelta, expires: timedelta | None) -> None:
    """Make a key in the place of that with a NUMBER of `frontline keys list`, and show it this once."""
    made = _in_database(
        lambda database: Access(database).rotate_key(number, overlap, expires_at=_end(expires), actor=COMMAND_LINE)
    )
    click.echo(made.secret)


@command.command("revoke")
@click.argument("number", type=int)
def revoke_key(number: int) -> None:
    """Take the key with a NUMBER of `frontline keys list` out of use."""
    _in_database(lambda database: Access(database).revoke_key(number, actor=COMMAND_LINE))
    click.echo(f"key {number} is revoked")


@command.command("rotate-pseudonym")
@click.confirmation_option(prompt="Customers of before become strangers. Go on?")
def rotate_pseudonym_key() -> None:
    """Put another pseudonym key in use: that of FRONTLINE_PSEUDONYM_KEY, else a new one that is made and stored.

    The pseudonym key is the secret of the keyed hash that stands for a customer. Under another one the customers of
    before become strangers: whoever comes after the rotation comes for the first time, so numbers of repeats and of
    first-contact resolution begin anew. Those that are published stay as they are.

    An erasure finds a customer under the key in use only, so carry out first what was asked for. A stored key that is
    replaced is deleted, and with it the last way from identifiers to the pseudonyms of before; a given one you destroy
    yourself. While you keep it, rotating back to it brings recognition back.

    Stop the service everywhere before, and start it with the same FRONTLINE_PSEUDONYM_KEY after.
    """
    given = Settings.read().pseudonym_key
    if not _in_database(lambda database: rotate_key(database, given)):
        click.echo("the key of FRONTLINE_PSEUDONYM_KEY is in use already; nothing has changed")
    elif given is None:
        click.echo("a new pseudonym key is made, stored in the database and in use")
    else:
        click.echo("the key of FRONTLINE_PSEUDONYM_KEY is in use from now on; start the service with it")


def _end(after: timedelta | None) -> datetime | None:
    return None if after is None else datetime.now(UTC) + after


def _told(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}Z"
