"""`frontline migrate`: bring the database's schema up to this version."""

import asyncio

import click

from service.commands.database import database_url
from service.core.errors import ConfigurationError, Unavailable
from service.settings import Settings
from service.store import reports, schema
from service.store.database import Database
from service.store.pseudonyms import key_in_use
from service.store.report_view import SCHEMA

_EXAMPLES = """\b
Examples:
  FRONTLINE_DATABASE_URL=postgresql://frontline@db/frontline frontline migrate
  frontline migrate --read-role grafana
  frontline migrate --wait && frontline serve
"""
_LOOK_SECONDS = 2


async def bring_up_to_date(url: str, read_role: str | None = None) -> str:
    """Migrate the database at a URL; the revision that it is at is returned.

    A `read_role` may read the views for reports from then on. Raises ConfigurationError where it can't be given that.
    """
    database = Database(url, command_timeout_seconds=3600)
    try:
        revision = await schema.migrate(database)
        if read_role is not None:
            await reports.let_read(database, read_role)
        return revision
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


async def wait_until_current(url: str) -> None:
    """Wait until the schema of the database at a URL is of this version; what it waits for is told once."""
    database = Database(url)
    told = ""
    try:
        while True:
            try:
                return await schema.check(database)
            except (ConfigurationError, Unavailable) as error:
                if str(error) != told:
                    told = str(error)
                    click.echo(f"waiting: {told}", err=True)
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        await database.close()


@click.command("migrate", epilog=_EXAMPLES)
@click.option(
    "--read-role", metavar="NAME", help="Let this role, which must exist, read the views of the schema report."
)
@click.option("--wait", is_flag=True, help="Change nothing, and wait until someone else has brought it up to date.")
def command(read_role: str | None, wait: bool) -> None:
    """Bring the schema of FRONTLINE_DATABASE_URL, or of the embedded database, up to this version.

    Several may run at once: one works, the others wait for it. `frontline serve` migrates the embedded database by
    itself, and refuses to serve a server's database that is too old.

    The schema `report` has views of KPIs and objectives by day and month, for Grafana and for SQL of your own. A role
    that may read them sees nothing else, and keeps that over later migrations; it must have no other rights here.
    """
    if wait and read_role is not None:
        raise click.UsageError("--wait changes nothing; give --read-role where the schema is migrated")
    with database_url(Settings.read()) as url:
        if wait:
            asyncio.run(wait_until_current(url))
            click.echo("the schema is the one that this version needs")
            return
        click.echo(f"the schema is at {asyncio.run(bring_up_to_date(url, read_role))}")
    if read_role is not None:
        click.echo(f"{read_role} may read the views of the schema {SCHEMA}")
