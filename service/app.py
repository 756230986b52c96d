"""The composition root: the one place where the parts of a process are put together."""

import asyncio
import ctypes
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from multiprocessing import parent_process
from typing import Any

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from service import __version__, logs
from service.api import (
    admin,
    admin_keys,
    admin_webhooks,
    changes,
    description,
    errors,
    health,
    ingest,
    kpis,
    live,
    metrics,
    objectives,
    quality,
    resources,
    runbooks,
    sites,
    webhooks,
)
from service.api.admission import Admission
from service.api.deps import READING, Services
from service.api.headers import Headers
from service.api.keys import KeyRing
from service.connections import TELEMETRY
from service.core.access import Role
from service.core.errors import ConfigurationError
from service.deliveries import Deliveries
from service.settings import Settings
from service.store import schema
from service.store.access import Access
from service.store.changes import ChangeLog
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry, pseudonym
from service.store.retention import Retention
from service.store.rollups import Rollups
from service.store.unread import UnreadParts
from service.store.vault import Vault
from service.store.webhooks import Webhooks
from service.telemetry import Telemetry
from service.timer import Timer
from service.writer import Writer

_PR_SET_PDEATHSIG = 1
_GC_THRESHOLD = 50_000
_DESCRIPTION = """
Frontline watches the quality of service that people get in stores and call centres, while it happens.

Post events to `/v1/events`, read exact KPIs from `/v1/kpis`, and let Prometheus scrape `/metrics/kpi`. Every number
shows its formula in `/v1/catalogue`. To begin: make a source with `POST /v1/admin/sources` and your admin key, and
post the first event with the key that it answers.
"""


def create_app(settings: Settings, database_url: str) -> FastAPI:
    """An app on a database that is migrated already. It holds no connection until it is started."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        database = Database(database_url, command_timeout_seconds=settings.commit_timeout_seconds)
        try:
            await schema.check(database)
            async with _running(settings, database) as parts:
                app.state.services = parts
                yield {TELEMETRY: parts.telemetry}
        finally:
            await database.close()

    # Not FastAPI's own page at /docs, which would load its scripts from a third party.
    app = FastAPIOffline(
        title="Frontline",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs-static",
        # A redirection would lead to where the Host header says, and behind a proxy out of TLS, key and all.
        redirect_slashes=False,
    )
    app.add_middleware(Admission, metrics_port=settings.metrics_port)
    errors.install(app)
    app.openapi = partial(_described, app)  # type: ignore[method-assign]  # as FastAPI says that it is extended
    for module in (ingest, webhooks, runbooks, admin, admin_keys, admin_webhooks, health):
        app.include_router(module.router)
    keyed: dict[str, Any] = {"dependencies": [READING], "responses": errors.described(401, 403, 429)}
    for module in (kpis, objectives, quality, changes, live, resources, sites, metrics):
        app.include_router(module.router, **(keyed if settings.reading_needs_key else {}))
    app.middleware_stack = Headers(app.build_middleware_stack())
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        description.complete(FastAPI.openapi(app))
    return FastAPI.openapi(app)


@asynccontextmanager
async def _running(settings: Settings, database: Database) -> AsyncIterator[Services]:
    registry = Registry(database, max_sites=settings.max_sites, max_queues_per_site=settings.max_queues_per_site)
    pseudonym_key = await registry.pseudonym_key(settings.pseudonym_key)
    telemetry = Telemetry()
    partitions = Partitions(database)
    policies = Policies(database)
    ledgers = [
        Ledger(
            database,
            registry,
            partitions,
            policies,
            number=number,
            live_horizon_seconds=settings.live_horizon_seconds,
        )
        for number in range(settings.writers + 2)
    ]
    timing, forgetting, *writing = ledgers
    writer = Writer(
        writing,
        telemetry,
        queue_events=settings.queue_events,
        batch_events=settings.batch_events,
        wait_seconds=settings.wait_seconds,
    )
    retention = None
    if settings.retention_days is not None:
        retention = Retention(database, policies, forgetting, days=settings.retention_days)
    vault = Vault(settings.encryption_key)
    hooks, unread = Webhooks(database, vault), UnreadParts(database, vault, keep_days=settings.unread_days)
    timer = Timer(timing, telemetry, retention, unread)
    access = Access(database)
    for secret, role in ((settings.admin_key, Role.ADMIN), (settings.read_key, Role.READ)):
        if secret:
            await access.keep_key(secret, role)
    parts = Services(
        settings=settings,
        database=database,
        registry=registry,
        access=access,
        rollups=Rollups(database),
        changes=ChangeLog(database),
        policies=policies,
        writer=writer,
        webhooks=hooks,
        unread=unread,
        deliveries=Deliveries(hooks, unread, writer, telemetry, partial(pseudonym, pseudonym_key)),
        telemetry=telemetry,
        key_ring=KeyRing(access, settings),
        pseudonym_key=pseudonym_key,
    )
    await writer.start()
    await timer.start()
    # What is there by now stays; of what comes, little is in circles, so looking for circles less often is enough.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        yield parts
    finally:
        parts.ready = False
        async with asyncio.TaskGroup() as group:
            group.create_task(timer.stop())
            group.create_task(writer.stop(settings.drain_seconds))


def from_environment() -> FastAPI:
    """The app of a worker process, whose parent has put everything into the environment."""
    settings = Settings.read(os.environ)
    logs.configure(settings.log_level)
    _end_with_parent()
    if settings.database_url is None:
        raise ConfigurationError("FRONTLINE_DATABASE_URL is not set; start the service with `frontline serve`")
    return create_app(settings, settings.database_url)


def _end_with_parent() -> None:
    """Let the kernel end this worker when its parent is killed, so that no orphan keeps the port."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    parent = parent_process()
    if parent is not None and not parent.is_alive():  # it ended before the kernel was told
        raise ConfigurationError("the process that started this worker has ended")
