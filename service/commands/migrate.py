"""`frontline migrate`: bring the database's schema up to this version."""

import asyncio

import click

from service.commands.database import database_url
from service.settings import Settings
from service.store import schema
from service.store.database import Database
from service.store.pseudonyms import key_in_use

_EXAMPLES = """\b
Examples:
  FRONTLINE_DATABASE_URL=postgresql://frontline@db/frontline frontline migrate
"""


async def bring_up_to_date(url: str) -> str:
    """Migrate the database at a URL; the revision that it is at is returned."""
    database = Database(url, command_timeout_seconds=3600)
    try:
        return await schema.migrate(database)
    finally:
        await database.close()


async def check(url: str, pseudonym_key: str | None) -> None:
    """Raise ConfigurationError where a service with the pseudonym key given could not start on the database at a URL.

    That is, where its schema is not of this version, or its customers are known under another key. Raises Unavailable.
    """
    database = Database(url)
    try:
        await schema.check(database)
        await key_in_use(database, pseudonym_key)
    finally:
        await database.close()


@click.command("migrate", epilog=_EXAMPLES)
def command() -> None:
    """Bring the schema of FRONTLINE_DATABASE_URL, or of the embedded database, up to this version.

    Several may run at once: one works, the others wait for it. `frontline serve` migrates the embedded database by
    itself, and refuses to serve a server's database that is too old.
    """
    with database_url(Settings.read()) as url:
        click.echo(f"the schema is at {asyncio.run(bring_up_to_date(url))}")
