"""The database's schema: bringing it up to this version, and refusing to work on one that is too old."""

from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, inspect, text
from sqlalchemy.schema import CreateColumn

from service.core.catalogue.measures import MEASURES
from service.core.errors import ConfigurationError
from service.files import shipped
from service.store.database import Database, translated
from service.store.reports import are_current, create_views, drop_views
from service.store.tables import live_totals, rollups, rollups_daily

_MIGRATION_LOCK = 0x46524F4E54
_MEASURED = (rollups, rollups_daily, live_totals)
_OLDEST, _OLDEST_NUMBER = "15", 150000


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(shipped("_migrations", "migrations")))
    return config


async def migrate(database: Database) -> str:
    """Bring the schema up to this version, one caller at a time; the revision that it is at is returned."""
    with translated():
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MIGRATION_LOCK})
            await connection.commit()
            try:
                return await connection.run_sync(_migrate)
            finally:
                await connection.rollback()  # of what failed, so that this is what is told
                await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MIGRATION_LOCK})
                await connection.commit()


def _migrate(connection: Connection) -> str:
    if connection.dialect.server_version_info is not None:
        number = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
        if number < _OLDEST_NUMBER:
            raise ConfigurationError(f"the PostgreSQL server is older than {_OLDEST}, the oldest that is supported")
    config = _config()
    config.attributes["connection"] = connection
    head = ScriptDirectory.from_config(config).get_current_head()
    views_stay = MigrationContext.configure(connection).get_current_revision() == head and are_current(connection)
    if not views_stay:
        drop_views(connection)
    command.upgrade(config, "head")
    for column in _missing_measures(connection):
        declared = CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(text(f"ALTER TABLE {column.table.name} ADD COLUMN {declared}"))
    if not views_stay:
        create_views(connection)
    connection.commit()
    return str(head)


async def check(database: Database) -> None:
    """Raise ConfigurationError where the schema is not the one that this version needs."""
    with translated():
        async with database.engine.connect() as connection:
            await connection.run_sync(_check)


def _check(connection: Connection) -> None:
    head = ScriptDirectory.from_config(_config()).get_current_head()
    current = MigrationContext.configure(connection).get_current_revision()
    if current != head:
        known = {revision.revision for revision in ScriptDirectory.from_config(_config()).walk_revisions()}
        right = "run `frontline migrate`" if current in known or current is None else "run a newer version"
        raise ConfigurationError(
            f"the database's schema is at {current or 'nothing'}, this version needs {head}; {right}"
        )
    if _missing_measures(connection):
        raise ConfigurationError("the database lacks columns of new measures; run `frontline migrate`")


def _missing_measures(connection: Connection) -> list[Column[Any]]:
    inspector = inspect(connection)
    present = {table.name: {column["name"] for column in inspector.get_columns(table.name)} for table in _MEASURED}
    return [
        table.c[measure.name] for table in _MEASURED for measure in MEASURES if measure.name not in present[table.name]
    ]
