"""The tables of who may do what, and of what comes from outside in other forms, as SQLAlchemy sees them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from service.store.tables import metadata, timestamp

keys = Table(
    "keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("role", Text, nullable=False),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=True),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("hint", Text, nullable=False),
    Column("created_at", timestamp(), nullable=False, server_default=func.now()),
    Column("expires_at", timestamp()),
    Column("revoked_at", timestamp()),
    Column("per_second", Integer),
    Column("replaces", Integer, ForeignKey("keys.id"), nullable=True),
    CheckConstraint("role IN ('ingest', 'read', 'admin')", "keys_role"),
    CheckConstraint("(role = 'ingest') = (source_id IS NOT NULL)", "keys_source"),
    comment="API keys by their SHA-256: those of sources, for ingest, and those that read or administrate",
)

admin_actions = Table(
    "admin_actions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", timestamp(), nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", JSONB, nullable=False),
    comment="the trail of administration: who changed what, and when; nothing in it is ever changed",
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("source_id", Integer, ForeignKey("sources.id"), primary_key=True),
    Column("vendor", Text, nullable=False),
    Column("public_url", Text, nullable=False),
    Column("secrets", LargeBinary, nullable=False),
    Column("mapping", JSONB, nullable=False),
    Column("changed_at", timestamp(), nullable=False, server_default=func.now()),
    comment="what vendors post to sources: by which adapter and mapping it is read, and, sealed, what signs it",
)

unread = Table(
    "unread",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("received_at", timestamp(), nullable=False, server_default=func.now()),
    Column("expires_at", timestamp(), nullable=False),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("source_id", "digest"),
    Index("unread_by_end", "expires_at"),
    comment="parts of deliveries that could not be read or mapped, sealed, until they are read or at their end",
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    comment="what was made because the environment did not give it",
)
