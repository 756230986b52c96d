"""The panels of dashboards that ask PostgreSQL, asked as Grafana asks: as the role that may read."""

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from service.store import reports
from service.store.database import Database

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row = dict[str, Any]
Span = tuple[str, str]


class Grafana:
    """A dashboard on a connection; `span` is the range that is looked at, in UTC."""

    def __init__(self, connection: Connection, dashboard: Dashboard, span: Span, **fixed: str) -> None:
        self._connection = connection
        self._span = span
        self._fixed = fixed
        self.board = as_json(dashboard)
        self.panels = panels(self.board)

    async def ask(self, title: str, **chosen: Sequence[str]) -> list[Row]:
        """What a panel gets; what is not chosen is all of it."""
        (target,) = self.panels[title]["targets"]
        return await self.fetch(self.filled(target["rawSql"], chosen))

    async def options(self, name: str, **chosen: Sequence[str]) -> list[str]:
        """What a variable offers."""
        (query,) = (one["query"] for one in self.board["templating"]["list"] if one["name"] == name)
        return [row[name] for row in await self.fetch(self.filled(query, chosen))]

    async def marks(self, name: str, **chosen: Sequence[str]) -> list[Row]:
        """What an annotation marks."""
        (mark,) = (one for one in self.board["annotations"]["list"] if one["name"] == name)
        return await self.fetch(self.filled(mark["target"]["rawSql"], chosen))

    async def fetch(self, sql: str) -> list[Row]:
        return [
            {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
            for row in await self._connection.fetch(sql)
        ]

    def filled(self, sql: str, chosen: Mapping[str, Sequence[str]], span: Span | None = None) -> str:
        """A statement with macros and variables as Grafana fills them in."""
        since, until = span or self._span

        def value(found: re.Match[str]) -> str:
            values = [re.escape(one) for one in chosen.get(found[1], ())]
            if not values:
                return ".*"
            return values[0] if len(values) == 1 else f"({'|'.join(values)})"

        def text(found: re.Match[str]) -> str:
            (one,) = chosen.get(found[1]) or (self._fixed[found[1]],)
            return "'" + one.replace("'", "''") + "'"

        sql = re.sub(r"\$__timeFilter\((.*?)\)", rf"\1 BETWEEN '{since}' AND '{until}'", sql)
        sql = sql.replace("$__timeFrom()", f"'{since}'").replace("$__timeTo()", f"'{until}'")
        sql = re.sub(r"\$\{(\w+):regex\}", value, sql)
        sql = re.sub(r"\$\{(\w+):sqlstring\}", text, sql)
        sql = re.sub(r"\$\{(\w+)\}", lambda found: (*chosen.get(found[1], ()), self._fixed.get(found[1], ""))[0], sql)
        assert not re.search(r"\$[_{\w]", sql), sql
        return sql


def as_json(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard as it is checked in."""
    board: dict[str, Any] = json.loads(json.dumps(dashboard, cls=JSONEncoder))
    return board


def panels(board: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The panels that ask PostgreSQL, by their titles."""
    return {
        panel["title"]: panel
        for panel in board["panels"]
        if panel.get("datasource", {}).get("type") == "grafana-postgresql-datasource"
    }


@asynccontextmanager
async def reader(database: Database, database_url: str) -> AsyncIterator[Connection]:
    """A connection as a role that sees the schema `report` and nothing else."""
    role = f"grafana_{uuid4().hex[:12]}"
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'of Grafana'")
    await reports.let_read(database, role)
    found = await asyncpg.connect(database_url, user=role, password="of Grafana")
    try:
        yield found
    finally:
        await found.close()
        async with database.engine.begin() as connection:
            await connection.exec_driver_sql(f"DROP OWNED BY {role}")
            await connection.exec_driver_sql(f"DROP ROLE {role}")
