"""The service that anyone would write in an afternoon: one row an event, a session a request, counters in the process.

It is written with care. An event is stored once whatever is sent twice, its interaction is changed by one upsert, and
everything of a post is committed before it is answered. What it leaves out is what takes longer than an afternoon:
events out of order, corrections, several processes, restarts, repeats, objectives, limits.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from pydantic import BaseModel
from sqlalchemy import DateTime, Text, func
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

_POOL = 16
_WAITS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
_MOMENTS = {
    "interaction.queued": "queued_at",
    "interaction.answered": "answered_at",
    "interaction.abandoned": "abandoned_at",
    "interaction.completed": "completed_at",
}


class Base(DeclarativeBase):
    """The tables."""


class StoredEvent(Base):
    """An event as it came."""

    __tablename__ = "afternoon_events"

    source: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[str] = mapped_column(Text, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    time: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Interaction(Base):
    """One customer's encounter: where it is, and when what happened."""

    __tablename__ = "afternoon_interactions"

    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    site: Mapped[str | None] = mapped_column(Text)
    queue: Mapped[str | None] = mapped_column(Text)
    channel: Mapped[str | None] = mapped_column(Text)
    queued_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    abandoned_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    completed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Event(BaseModel):
    """An event as it is posted."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    data: dict[str, Any]


class Answer(BaseModel):
    """What became of a post."""

    accepted: int
    duplicates: int


class Kpis:
    """The counters and the histogram."""

    def __init__(self) -> None:
        labels = ["site", "queue", "channel"]
        self.registry = CollectorRegistry()
        self.offered = Counter("queue_offered", "Customers who joined a line.", labels, registry=self.registry)
        self.answered = Counter("queue_answered", "Of these, answered.", labels, registry=self.registry)
        self.abandoned = Counter("queue_abandoned", "Of these, gone.", labels, registry=self.registry)
        self.completed = Counter("interactions_completed", "Served to the end.", labels, registry=self.registry)
        self.waits = Histogram("wait_seconds", "Waits.", labels, buckets=_WAITS, registry=self.registry)

    def count(self, kind: str, it: Interaction) -> None:
        """Count what an event has made of its interaction."""
        labels = (it.site or "", it.queue or "", it.channel or "")
        if kind == "interaction.queued":
            self.offered.labels(*labels).inc()
        elif kind == "interaction.answered":
            self.answered.labels(*labels).inc()
            if it.queued_at is not None and it.answered_at is not None:
                self.waits.labels(*labels).observe((it.answered_at - it.queued_at).total_seconds())
        elif kind == "interaction.abandoned":
            self.abandoned.labels(*labels).inc()
        elif kind == "interaction.completed":
            self.completed.labels(*labels).inc()


async def take(session: AsyncSession, event: Event) -> Interaction | None:
    """Store an event and change its interaction; the interaction, or None where the event was there already."""
    stored = await session.execute(
        insert(StoredEvent).values(**event.model_dump()).on_conflict_do_nothing().returning(StoredEvent.id)
    )
    if stored.first() is None:
        return None
    values: dict[str, Any] = {name: event.data.get(name) for name in ("site", "queue", "channel")}
    moment = _MOMENTS.get(event.type)
    if moment is not None:
        values[moment] = event.time
    put = insert(Interaction).values(subject=event.subject, **values)
    put = put.on_conflict_do_update(
        index_elements=["subject"],
        set_={name: func.coalesce(put.excluded[name], getattr(Interaction, name)) for name in values},
    )
    changed = await session.scalars(put.returning(Interaction), execution_options={"populate_existing": True})
    return changed.one()


def create_app() -> FastAPI:
    """The service, on the database of `AFTERNOON_DATABASE_URL`, for those who send `AFTERNOON_KEY`."""
    engine = create_async_engine(
        os.environ["AFTERNOON_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1),
        pool_size=_POOL,
        max_overflow=0,
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    authorization = f"Bearer {os.environ['AFTERNOON_KEY']}"
    kpis = Kpis()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as one:
            yield one

    def check_key(given: Annotated[str, Header(alias="authorization")] = "") -> None:
        if given != authorization:
            raise HTTPException(401)

    async def take_all(events: list[Event], session: AsyncSession) -> Answer:
        # In one order, or posts side by side that have an interaction in common would deadlock.
        ordered = sorted(events, key=lambda event: (event.subject, event.time, event.id))
        changed = [(event.type, it) for event in ordered if (it := await take(session, event)) is not None]
        await session.commit()
        for kind, it in changed:
            kpis.count(kind, it)
        return Answer(accepted=len(changed), duplicates=len(events) - len(changed))

    @app.post("/v1/events", status_code=202, dependencies=[Depends(check_key)])
    async def post_event(event: Event, session: Annotated[AsyncSession, Depends(session)]) -> Answer:
        return await take_all([event], session)

    @app.post("/v1/batches", status_code=202, dependencies=[Depends(check_key)])
    async def post_lines(request: Request, session: Annotated[AsyncSession, Depends(session)]) -> Answer:
        lines = (await request.body()).splitlines()
        return await take_all([Event.model_validate_json(line) for line in lines], session)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(kpis.registry), media_type=CONTENT_TYPE_LATEST)

    return app
