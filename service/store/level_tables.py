"""The tables of levels, as SQLAlchemy sees them."""

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from service.store.tables import BYTEWISE, metadata, timestamp

levels = Table(
    "levels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("kind", BYTEWISE, nullable=False),
    Column("name", BYTEWISE, nullable=False),
    Column("first_at", timestamp()),
    Column("heard_from", timestamp()),
    Column("heard_at", timestamp()),
    UniqueConstraint("site_id", "kind", "name"),
    comment="resources by kind and name, and queues by the kind staffing: when each is first heard of, and its first "
    "and latest heartbeat; a writer locks the row to change what is kept of it",
)

level_changes = Table(
    "level_changes",
    metadata,
    Column("level_id", Integer, nullable=False),
    Column("at", timestamp(), nullable=False),
    Column("source_id", Integer, nullable=False),
    Column("source", BYTEWISE, nullable=False),
    Column("id", BYTEWISE, nullable=False),
    Column("value", Integer, nullable=False),
    Column("available", Integer),
    Column("turns", Boolean, nullable=False),
    PrimaryKeyConstraint("level_id", "at", "source_id", "source", "id"),
    Index("level_changes_that_turn", "level_id", "at", "source_id", "source", "id", postgresql_where="turns"),
    comment="what levels changed to and when: up 0, degraded 1, down 2, or how many serve; one that turns is another "
    "than the one before it",
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("level_id", Integer, nullable=False),
    Column("start_at", timestamp(), nullable=False),
    Column("end_at", timestamp(), nullable=False),
    PrimaryKeyConstraint("level_id", "start_at"),
    comment="the time that the heartbeats of a resource cover, in the fewest pieces; their ends do not belong to them",
)
