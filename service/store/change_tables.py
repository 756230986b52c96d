"""The table of changes, as SQLAlchemy sees it."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from service.store.tables import BYTEWISE, metadata, timestamp

changes = Table(
    "changes",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("source", BYTEWISE, nullable=False),
    Column("id", BYTEWISE, nullable=False),
    Column("at", timestamp(), nullable=False),
    Column("name", BYTEWISE, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sites", ARRAY(Text)),
    Column("queues", ARRAY(Text)),
    PrimaryKeyConstraint("source_id", "source", "id"),
    Index("changes_by_name", "name", "at", "source_id", "source", "id"),
    comment="what was changed on purpose, an event a row; of those with one name the earliest decides",
)
