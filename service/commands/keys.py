"""`frontline keys`: make, list and revoke API keys, and rotate the pseudonym key, straight in the database."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from rich.console import Console
from rich.table import Table

from service.commands.database import database_url
from service.settings import Settings
from service.store import schema
from service.store.database import Database
from service.store.registry import KeyEntry, Registry

T = TypeVar("T")

_EXAMPLES = """\b
Examples:
  frontline keys list
  frontline keys create --source pos-vendor --site vilnius-1 --site vilnius-2
  frontline keys create --admin
  frontline keys revoke 3
  FRONTLINE_PSEUDONYM_KEY=… frontline keys rotate-pseudonym
"""


def _with_registry(work: Callable[[Registry], Awaitable[T]]) -> T:
    async def run(url: str) -> T:
        settings = Settings.read()
        database = Database(url)
        try:
            await schema.check(database)
            registry = Registry(
                database, max_sites=settings.max_sites, max_queues_per_site=settings.max_queues_per_site
            )
            return await work(registry)
        finally:
            await database.close()

    with database_url(Settings.read()) as url:
        return asyncio.run(run(url))


@click.group("keys", epilog=_EXAMPLES)
def command() -> None:
    """Make, list and revoke API keys, and rotate the pseudonym key, without a running service."""


@command.command("list")
def list_keys() -> None:
    """All keys, without their secrets."""
    entries: list[KeyEntry] = _with_registry(lambda registry: registry.list_keys())
    table = Table("id", "source", "key", "made", "revoked")
    for entry in entries:
        made = f"{entry.created_at:%Y-%m-%d %H:%M}Z"
        revoked = f"{entry.revoked_at:%Y-%m-%d %H:%M}Z" if entry.revoked_at else ""
        table.add_row(str(entry.id), entry.source or "(admin)", entry.hint, made, revoked)
    Console().print(table)


@command.command("create")
@click.option("--source", help="The source that will post with it; registered if it is new.")
@click.option("--site", "sites", multiple=True, help="A site for which a new source may post; several, or all.")
@click.option("--admin", is_flag=True, help="Make an admin key.")
def create_key(source: str | None, sites: tuple[str, ...], admin: bool) -> None:
    """Make a key, and show it this once."""
    if admin == (source is not None):
        raise click.UsageError("give either --source NAME or --admin")

    async def work(registry: Registry) -> str:
        if source is not None and source not in {known.name for known in await registry.list_sources()}:
            return await registry.create_source(source, list(sites) or ["*"])
        return await registry.create_key(source)

    click.echo(_with_registry(work))


@command.command("revoke")
@click.argument("number", type=int)
def revoke_key(number: int) -> None:
    """Take the key with a NUMBER of `frontline keys list` out of use."""
    _with_registry(lambda registry: registry.revoke_key(number))
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
    if not _with_registry(lambda registry: registry.rotate_pseudonym_key(given)):
        click.echo("the key of FRONTLINE_PSEUDONYM_KEY is in use already; nothing has changed")
    elif given is None:
        click.echo("a new pseudonym key is made, stored in the database and in use")
    else:
        click.echo("the key of FRONTLINE_PSEUDONYM_KEY is in use from now on; start the service with it")
