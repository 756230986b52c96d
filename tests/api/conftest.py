"""The whole app on a database of the test's own, reached as a client reaches it."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from service.api import errors, kpis, live, metrics, resources
from service.api.deps import Services
from service.app import create_app
from service.settings import Settings
from service.store.access import Access
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from tests.api.reading import Service

ADMIN_KEY = "fl_admin_of_the_tests"
_numbers = itertools.count(1)


def event(type_: str = "interaction.queued", **changes: Any) -> dict[str, Any]:
    """A valid event with an id of its own; attributes given as ... are left out."""
    number = next(_numbers)
    made = {
        "id": f"e{number}",
        "source": "till-3",
        "type": type_,
        "time": (datetime.now(UTC) - timedelta(seconds=60)).isoformat(),
        "subject": f"order-{number}",
        "data": {"site": "vilnius-1", "queue": "tills", "channel": "pos"},
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not ...}


class Api:
    """A client of a running app, and the way behind its back into the database."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, database_url: str) -> None:
        self.app = app
        self.client = client
        self.database_url = database_url
        self.key = ""

    @property
    def parts(self) -> Services:
        """The parts of the running process."""
        found: Services = self.app.state.services
        return found

    async def admin(self, method: str, path: str, body: Any = None, *, key: str = ADMIN_KEY) -> httpx.Response:
        """A request to the administration."""
        headers = {"Authorization": f"Bearer {key}"}
        return await self.client.request(method, f"/v1/admin{path}", json=body, headers=headers)

    async def source(self, name: str = "pos-vendor", sites: list[str] | None = None) -> str:
        """Register a source; its key is returned, and used from now on."""
        response = await self.admin("POST", "/sources", {"name": name, "sites": sites or ["*"]})
        assert response.status_code == 201, response.text
        self.key = str(response.json()["key"])
        return self.key

    async def post(
        self,
        body: Any,
        *,
        key: str | None = None,
        content_type: str | None = "application/json",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Post events: bytes as they are, anything else as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.key if key is None else key}", **(headers or {})}
        if content_type is not None:
            sent["Content-Type"] = content_type
        return await self.client.post("/v1/events", content=content, headers=sent)

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement, run behind the service's back."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def stored(self) -> int:
        """How many events are in the log."""
        return int((await self.sql("SELECT count(*) FROM events"))[0][0])


Serve = Callable[..., Awaitable[Api]]


@pytest.fixture
async def serve(database_url: str) -> AsyncIterator[Serve]:
    """Start apps on the test's database, with settings of one's own."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Api:
            app = create_app(Settings(admin_key=ADMIN_KEY, **settings), database_url)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://test"))
            return Api(app, client, database_url)

        yield start


@pytest.fixture
async def api(serve: Serve) -> Api:
    """An app with a registered source."""
    api = await serve()
    await api.source()
    return api


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """Wait for something to become true, and fail if it doesn't."""
    async with asyncio.timeout(seconds):
        while not await condition():  # what is awaited cannot tell by itself
            await asyncio.sleep(0.05)


def accepted(response: httpx.Response, count: int, duplicates: int = 0) -> None:
    """The answer of a post of which everything was good."""
    assert response.status_code == 202, response.text
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"accepted": count, "duplicates": duplicates, "rejected": []}


def is_problem(response: httpx.Response, status: int) -> dict[str, Any]:
    """The members of an answer that must be problem+json."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["type"]
    assert body["title"]
    assert body["detail"]
    return body


@asynccontextmanager
async def held(api: Api, table: str = "events") -> AsyncIterator[asyncpg.Connection]:
    """Let no transaction of the service commit while the context is open."""
    connection = await asyncpg.connect(api.database_url)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield connection
    finally:
        await connection.close()


@pytest.fixture
async def service(database: Database, registry: Registry) -> AsyncIterator[Service]:
    """The read endpoints alone, and a source that posts to their database."""
    app = FastAPI()
    errors.install(app)
    for module in (kpis, live, resources, metrics):
        app.include_router(module.router)
    app.state.services = SimpleNamespace(rollups=Rollups(database), policies=Policies(database))
    await Access(database).create_source("pos", ["*"], actor="test")
    (source,) = await Access(database).list_sources()
    ledger = Ledger(database, registry, Partitions(database), Policies(database), number=0, live_horizon_seconds=3600)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://frontline") as client:
        yield Service(client, ledger, source.id)
    await ledger.close()
