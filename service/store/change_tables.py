"""The table of changes, as SQLAlchemy sees it."""

from sqlalchemy import Column, DateTime, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY

from service.store.tables import metadata

_Bytewise = Text(collation="C")

changes = Table(
    "changes",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("source", _Bytewise, nullable=False),
    Column("id", _Bytewise, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("name", _Bytewise, nullable=False),
    Column("kind", Text, nullable=False),
    Column("sites", ARRAY(Text)),
    Column("queues", ARRAY(Text)),
    PrimaryKeyConstraint("source_id", "source", "id"),
    Index("changes_by_name", "name", "at", "source_id", "source", "id"),
    comment="what was changed on purpose, an event a row; of those with one name the earliest decides",
)
