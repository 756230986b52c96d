"""Making the schema `report`, and letting a role read it and nothing else.

The views are made when the schema is brought up to a version: their columns follow the catalogue, as those of the
tables of measures do. While the schema changes they are away, so that none of them stands in a migration's way.
"""

import hashlib

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from service.core.errors import ConfigurationError
from service.store.database import Database, translated
from service.store.report_view import SCHEMA
from service.store.report_views import VIEWS

_DEPENDENT_OBJECTS = "2BP01"
_STATEMENTS = tuple(statement for view in VIEWS for statement in view.statements)
_MARK = f"views of Frontline for reports, {hashlib.sha256(repr(_STATEMENTS).encode()).hexdigest()[:16]}"
_PLACES = [f"{SCHEMA}.{view.name}" for view in VIEWS]
_STANDING_SQL = """
SELECT obj_description(to_regnamespace(:schema), 'pg_namespace') = :mark
    AND NOT EXISTS (SELECT FROM unnest(CAST(:places AS text[])) AS place WHERE to_regclass(place) IS NULL)
"""
_READERS_SQL = """
SELECT quote_ident(pg_roles.rolname) FROM pg_namespace CROSS JOIN aclexplode(nspacl) AS granted
JOIN pg_roles ON pg_roles.oid = granted.grantee
WHERE nspname = :schema AND granted.privilege_type = 'USAGE' AND granted.grantee <> nspowner
"""
_ROLE_SQL = """
SELECT quote_ident(rolname) AS name, quote_ident(current_database()) AS database,
    has_database_privilege(oid, current_database(), 'CONNECT') AS connects
FROM pg_roles WHERE rolname = :role
"""
_SEEN_SQL = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm')
AND (has_any_column_privilege(:role, oid, 'SELECT, INSERT, UPDATE, REFERENCES')
    OR has_table_privilege(:role, oid, 'DELETE, TRUNCATE, TRIGGER'))
ORDER BY relname
"""


def are_current(connection: Connection) -> bool:
    """Whether the views are those of this version."""
    known = {"schema": SCHEMA, "mark": _MARK, "places": _PLACES}
    return bool(connection.scalar(text(_STANDING_SQL), known))


def drop_views(connection: Connection) -> None:
    """Take the views away, where there are any. Raises ConfigurationError where others were made of them."""
    try:
        connection.execute(text(f"DROP VIEW IF EXISTS {', '.join(_PLACES)}"))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _DEPENDENT_OBJECTS:
            raise
        detail = getattr(error.orig.__cause__ if error.orig else None, "detail", None)
        raise ConfigurationError(
            f"the views of the schema {SCHEMA} are others in this version, and something was made of them: {detail}; "
            "drop that, migrate, and make it again"
        ) from error


def create_views(connection: Connection) -> None:
    """Make the views. Whoever may use their schema may read them."""
    if connection.scalar(text("SELECT to_regnamespace(:schema)"), {"schema": SCHEMA}) is None:
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    for statement in _STATEMENTS:
        connection.exec_driver_sql(statement)
    readers = list(connection.scalars(text(_READERS_SQL), {"schema": SCHEMA}))
    if readers:
        connection.exec_driver_sql(f"GRANT SELECT ON {', '.join(_PLACES)} TO {', '.join(readers)}")
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {SCHEMA} IS '{_MARK}'")


async def let_read(database: Database, role: str) -> None:
    """Let a role connect and read the views, as often as it is asked for.

    Raises ConfigurationError where there is no such role, or where it would see more than the views.
    """
    with translated():
        async with database.engine.begin() as connection:
            await connection.run_sync(_let_read, role)


def _let_read(connection: Connection, role: str) -> None:
    found = connection.execute(text(_ROLE_SQL), {"role": role}).one_or_none()
    if found is None:
        raise ConfigurationError(
            f"the database has no role {role}; make it first, as with psql: CREATE ROLE {role} LOGIN, then \\password "
            f"{role}"
        )
    seen = list(connection.scalars(text(_SEEN_SQL), {"role": role}))
    if seen:
        raise ConfigurationError(
            f"the role {role} has rights on {len(seen)} tables, such as {seen[0]}, and would see more than reports; "
            "name a role that has none, and is no superuser"
        )
    if not found.connects:
        connection.exec_driver_sql(f"GRANT CONNECT ON DATABASE {found.database} TO {found.name}")
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {found.name}")
    connection.exec_driver_sql(f"GRANT SELECT ON {', '.join(_PLACES)} TO {found.name}")
