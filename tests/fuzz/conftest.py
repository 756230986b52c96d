"""The whole app on a PostgreSQL of its own, running beside the tests that attack it."""

import asyncio
import json
import os
import secrets
import socket
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import asyncpg
import pytest
import uvicorn

from service.api.deps import Services
from service.app import create_app
from service.files import promises_in, shipped_objectives
from service.settings import Settings
from service.store.audit import auditing
from service.store.clock import system_clock_us
from service.store.database import Database
from service.store.policies import Policies
from service.store.registry import Registry
from tests.fuzz.answers import Answer
from tests.fuzz.hostile_posts import Headers

LONG = int(os.environ.get("FRONTLINE_FUZZ", "0"))
"""How many hostile posts the long form sends; everything else grows with it."""
_SECONDS_TO_ANSWER = 60
_MAX_SITES = 30
T = TypeVar("T")


class Target:
    """A running service: reached in its own process as ASGI, or at `url` over HTTP."""

    def __init__(self, database_url: str) -> None:
        self.database_url = database_url
        self.admin_key = f"admin-{secrets.token_hex(16)}"
        settings = Settings(admin_key=self.admin_key, max_sites=_MAX_SITES, read_key_required=True)
        self.app = create_app(settings, database_url)
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self.app, log_config=None, lifespan="on"))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)
        self.key = ""

    def _serve(self) -> None:
        self._loop.run_until_complete(self._server.serve([self._socket]))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def start(self) -> None:
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the service ended at its start"
            threading.Event().wait(0.01)
        services: Services = self.app.state.services
        self.run(services.policies.publish(promises_in(shipped_objectives()), system_clock_us()))
        made = self.ask("POST", "/v1/admin/sources", self.as_admin(), json.dumps({"name": "vendor"}).encode())
        assert made.status == 201, made.content
        self.key = made.body()["key"]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of some work in the service's own loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def as_admin(self) -> Headers:
        return [(b"authorization", f"Bearer {self.admin_key}".encode()), (b"content-type", b"application/json")]

    def as_source(self) -> Headers:
        return [(b"authorization", f"Bearer {self.key}".encode())]

    def ask(self, method: str, path: str, headers: Headers = [], content: bytes = b"", query: bytes = b"") -> Answer:  # noqa: B006 # never changed
        """The answer to a request."""
        return self.run(self.answer(method, path, headers, content, query))

    async def answer(self, method: str, path: str, headers: Headers, content: bytes, query: bytes = b"") -> Answer:
        """The answer to a request that nobody has put in order before. Fails where it takes too long."""
        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(errors="replace"),
            "root_path": "",
            "query_string": query,
            "headers": headers,
            "server": ("test", 80),
            "client": ("127.0.0.1", 1),
            "state": {},
        }
        sent: list[Any] = []
        pieces = [{"type": "http.request", "body": content, "more_body": False}]

        async def receive() -> Any:
            return pieces.pop() if pieces else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            await self.app(scope, receive, send)
        return Answer(
            sent[0]["status"],
            {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in sent[0]["headers"]},
            b"".join(message.get("body", b"") for message in sent[1:]),
        )

    async def audit(self) -> list[Any]:
        """What is stored otherwise than the log says."""
        database = Database(self.database_url)
        try:
            registry = Registry(database, max_sites=_MAX_SITES, max_queues_per_site=100)
            policies = Policies(database)
            async with auditing(database, registry, policies, system_clock_us, lambda _stage, _report: None) as audit:
                await audit.run()
            return list(audit.report.findings)
        finally:
            await database.close()

    async def stored(self) -> int:
        """How many events are in the log."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM events"))
        finally:
            await connection.close()


@pytest.fixture(scope="module")
def target(module_database_url: str) -> Iterator[Target]:
    """A service to be attacked. In the end nothing may be half done: an audit of its database must find nothing."""
    made = Target(module_database_url)
    made.start()
    yield made
    made.stop()
    assert asyncio.run(made.audit()) == []
