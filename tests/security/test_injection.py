"""What clients write is never taken for anything else: not for SQL, not for a header, a path or an address."""

import ast
import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.api.conftest import ADMIN_KEY, Api, accepted, event

ROOT = Path(__file__).parent.parent.parent
DATA = {"site": "vilnius-1", "queue": "tills", "channel": "pos"}
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
HOSTILE = [
    *("'", '"', "''", "\\'", "' OR '1'='1", "'; DROP TABLE events; --", "x'); SELECT pg_sleep(9); --", "$1", ":name"),
    *("%s", "%(name)s", "{0}", "{site}", "${x}", "/*", "--", "\\", "\\0", "E'\\x27'", "$$", "U&'\\0027'", "a;b", "%"),
    *("_", "*", "../..", "\u02bc", "\uff07", "null", "NULL", "true", "[]", "{}", '{"a":1}', "1e1", "{1,2}", "'{}'"),
    *("ARRAY[1]", "(SELECT 1)", "version()", "\r\nX-Forged: 1", "\nX-Forged: 1", "\u010d\u010aX-Forged: 1"),
]
SQL = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "WITH", "LOCK", "TRUNCATE")
QUERIES = [
    *("/v1/kpis?kpi=offered&site={}", "/v1/kpis?kpi=offered&queue={}", "/v1/kpis?kpi=offered&channel={}"),
    *("/v1/kpis?kpi={}", "/v1/kpis?kpi=offered&step={}", "/v1/kpis?kpi=offered&group_by={}"),
    *("/v1/kpis?kpi=csat&dimension={}", "/v1/kpis?kpi=standards_compliance&standard={}"),
    *("/v1/kpis?kpi=offered&from={}", "/v1/kpis?kpi=offered&to={}", "/v1/kpis?kpi=offered&{}=1"),
    *("/v1/kpis?kpi=service_level&objective={}", "/v1/kpis?kpi=service_level&formula={}"),
    *("/v1/kpis?kpi=service_level&threshold={}", "/v1/kpis?kpi=repeat_contact_rate&within={}"),
    *("/v1/kpis?kpi=repeat_contact_rate&maturity={}", "/v1/live?site={}", "/v1/live?queue={}", "/v1/live?channel={}"),
    *("/v1/kpis?kpi=availability&kind={}", "/v1/resources?site={}", "/v1/resources?kind={}", "/v1/resources?state={}"),
    *("/v1/objectives?site={}", "/v1/objectives?by={}", "/v1/objectives?worst={}", "/v1/objectives?queue={}"),
    "/v1/quality?site={}",
    *(
        "/v1/objectives/{}/breaches",
        "/v1/objectives/x/breaches?since={}",
        "/v1/objectives/x/breaches?until={}",
        "/v1/objectives/x/breaches?limit={}",
    ),
    *(
        "/v1/admin/unread?source={}",
        "/v1/interactions/{}/order-1",
        "/v1/interactions/pos-vendor/{}",
        "/v1/sites/{}/days",
    ),
    *(
        "/v1/sites/vilnius-1/days?from={}",
        "/v1/sites/vilnius-1/days?to={}",
        "/v1/admin/actions?before={}",
        "/v1/admin/actions?limit={}",
    ),
    *("/v1/changes?site={}", "/v1/changes?kind={}", "/v1/changes?from={}", "/v1/changes?to={}", "/v1/changes?limit={}"),
    *("/v1/changes/{}/effect?kpi=offered", "/v1/changes/x/effect?kpi={}", "/v1/changes/x/effect?kpi=offered&span={}"),
    *("/v1/changes/x/effect?kpi=offered&queue={}", "/v1/changes/x/effect?kpi=offered&threshold={}"),
    *("/v1/changes/x/effect?kpi=csat&dimension={}", "/v1/changes/x/effect?kpi=standards_compliance&standard={}"),
    *("/runbooks/{}", "/docs-static/{}", "/{}"),
]


async def test_every_parameter_is_asked_in_a_hostile_way(api: Api) -> None:
    """A parameter that is new has to be put among those asked above."""
    asked = "".join(QUERIES)
    described = (await api.client.get("/openapi.json")).json()["paths"]
    reading = [operations["get"] for operations in described.values() if "get" in operations]
    names = {one["name"] for operation in reading for one in operation.get("parameters", []) if one["in"] == "query"}
    assert {"kpi", "site", "limit"} <= names
    assert {name for name in names if f"{name}={{}}" not in asked} == set()


@pytest.mark.parametrize("query", QUERIES)
async def test_no_question_is_taken_for_sql_or_for_a_header(api: Api, query: str) -> None:
    accepted(await api.post(event(subject="order-1")), 1)
    for text in HOSTILE:
        response = await api.client.get(query.format(quote(text, safe="")), headers=ADMIN)
        assert response.status_code in (200, 404, 405, 422), (text, response.text)
        assert "x-forged" not in response.headers
        for word in ("syntax error", "asyncpg", "psycopg", "sqlalchemy", "pg_"):
            assert word not in response.text.lower().replace(json.dumps(text)[1:-1].lower(), "")
        if response.status_code == 200 and response.headers["content-type"] == "application/json":
            found = response.json()
            for result in found.get("results", []) if isinstance(found, dict) else found:
                for point in result.get("points", []):
                    assert not point["value"], f"{text} counted somebody"
    assert await api.stored() == 1


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_is_posted_is_stored_as_it_is_or_refused(api: Api, text: str) -> None:
    data = DATA | {"customer": text, "topic": text, "agent": text}
    posted = event(id=text, source=text, subject=text, data=data)
    response = await api.post([posted, *(event(data=DATA | {field: text}) for field in DATA)])
    bare = text.isprintable()
    assert response.json()["accepted"] >= bare, response.text
    for row in await api.sql("SELECT id, source, subject, data ->> 'topic' FROM events WHERE data ? 'customer'"):
        assert tuple(row) == (text,) * 4
    found = await api.client.get(f"/v1/interactions/pos-vendor/{quote(text, safe='')}", headers=ADMIN)
    assert (found.status_code == 200) is bare
    for path, body in (
        ("/sources", {"name": text}),
        ("/sites/riga-1", {"time_zone": text}),
        ("/sites/riga-1", {"holidays": [text]}),
        ("/sites/riga-1", {"hours": {"mon": [text]}}),
        ("/keys", {"role": text}),
        ("/erasures", {"customer": text}),
    ):
        response = await api.admin("PUT" if path.startswith("/sites") else "POST", path, body)
        assert response.status_code in (200, 201, 422), response.text
    assert await api.stored() >= bare


PUT_TOGETHER = {
    "audit.py:sums": "names of columns",
    "contacts.py:_nearest": "names of columns, and statements made of them",
    "days.py:cut_days": "names of tables",
    "flush.py:_measures_sql": "names of tables and columns, and numbers of places",
    "flush.py:_objectives_sql": "names of tables and columns, and numbers of places",
    "partitions.py:_make": "a month, which has come through a date",
    "partitions.py:drop_partition": "the name of a partition, as the database lists it",
    "report_view.py:statements": "names of columns and views",
    "reports.py:create_views": "the name of the schema",
    "reports.py:drop_views": "names of views",
    "schema.py:_migrate": "names of measures and of tables",
    "statements.py:_in_arrays": "a number of points",
    "statements.py:longest_in": "conditions of the code's own, with places for values",
    "statements.py:over_days": "conditions of the code's own, with places for values",
    "statements.py:over_spans": "conditions of the code's own, with places for values",
}
"""The functions that put statements together, and of what: nowhere of what a client has sent."""


def put_together(tree: ast.AST) -> Iterator[str]:
    """The functions in which something is put into a text that begins as SQL does."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.JoinedStr):
                    words = "".join(part.value for part in node.values if isinstance(part, ast.Constant)).split()
                    if words and words[0] in SQL and any(isinstance(part, ast.FormattedValue) for part in node.values):
                        yield function.name


def test_statements_that_are_put_together_are_known() -> None:
    """One that is new has to be read, and put among those above with what it is made of."""
    found = {
        f"{path.name}:{name}"
        for path in (ROOT / "service/store").glob("*.py")
        for name in put_together(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set(PUT_TOGETHER)


CLIENTS = {"httpx", "httpcore", "requests", "aiohttp", "urllib3", "urllib.request", "http.client", "smtplib", "ftplib"}


def test_what_serves_cannot_make_a_request() -> None:
    """API7: so no address that a client gives is ever gone to."""
    code = "import service.app, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    own = [name for name in loaded if name.startswith("service.")]
    assert "service.api.ingest" in own
    assert {"httpx", "httpcore", "requests", "aiohttp", "urllib3"} & set(loaded) == set()
    for name in own:  # of the standard library's clients some are loaded by libraries
        path = ROOT / (name.replace(".", "/") + ".py")
        if path.exists():
            tree = ast.parse(path.read_text(encoding="utf-8"))
            imported = {one.name for node in ast.walk(tree) if isinstance(node, ast.Import) for one in node.names}
            imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            assert imported & CLIENTS == set(), name


async def test_while_it_serves_nothing_but_the_database_is_connected_to(api: Api) -> None:
    """API7: addresses in every field of an event and in every parameter lead nowhere."""
    asked: list[Any] = []
    watching = True

    def watch(name: str, arguments: tuple[Any, ...]) -> None:
        if watching and name in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "subprocess.Popen"):
            asked.append(arguments)

    sys.addaudithook(watch)  # there is no way to take it away again
    try:
        for address in ("http://127.0.0.1:9/", "http://attacker.invalid/x", "file:///etc/passwd", "//attacker.invalid"):
            attributes = {"id": address, "source": address, "subject": address, "dataschema": address}
            data = DATA | {"customer": address, "topic": address, "agent": address, "callback": address}
            accepted(await api.post(event(**attributes, data=data)), 1)
            for query in QUERIES:
                await api.client.get(query.format(quote(address, safe="")), headers=ADMIN)
            await api.admin("PUT", "/sites/riga-1", {"time_zone": address})
        await asyncio.sleep(0)
    finally:
        watching = False
    assert not [one for one in asked if "attacker" in str(one) or "9)" in str(one) or "passwd" in str(one)]
