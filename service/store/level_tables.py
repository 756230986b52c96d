"""The tables of levels, as SQLAlchemy sees them."""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from service.store.tables import metadata

_Bytewise = Text(collation="C")


def _moment() -> DateTime:
    return DateTime(timezone=True)


levels = Table(
    "levels",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("kind", _Bytewise, nullable=False),
    Column("name", _Bytewise, nullable=False),
    Column("first_at", _moment()),
    Column("heard_from", _moment()),
    Column("heard_at", _moment()),
    UniqueConstraint("site_id", "kind", "name"),
    comment="resources by kind and name, and queues by the kind staffing: when each is first heard of, and its first "
    "and latest heartbeat; a writer locks the row to change what is kept of it",
)

level_changes = Table(
    "level_changes",
    metadata,
    Column("level_id", Integer, nullable=False),
    Column("at", _moment(), nullable=False),
    Column("source_id", Integer, nullable=False),
    Column("source", _Bytewise, nullable=False),
    Column("id", _Bytewise, nullable=False),
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
    Column("start_at", _moment(), nullable=False),
    Column("end_at", _moment(), nullable=False),
    PrimaryKeyConstraint("level_id", "start_at"),
    comment="the time that the heartbeats of a resource cover, in the fewest pieces; their ends do not belong to them",
)
