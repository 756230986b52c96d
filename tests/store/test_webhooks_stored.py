"""Webhooks and unread parts in the database: sealed, rotated, kept once, and nothing of them readable in a dump."""

import asyncio

import asyncpg
import pytest

from service.core.errors import ConfigurationError, NotFound
from service.store.access import Access
from service.store.database import Database
from service.store.trail import actions
from service.store.unread import UnreadParts
from service.store.vault import Vault
from service.store.webhooks import Webhooks
from tests.store.stored import scalar

SECRETS = ("whsec-of-the-vendor-new", "whsec-of-the-vendor-old")
URL = "https://frontline.example.com/v1/webhooks/shop"
MAPPING = {"sites": {"L1": "vilnius-1"}}


@pytest.fixture
async def source(database: Database) -> str:
    await Access(database).create_source("shop", ["vilnius-1"], actor="test")
    return "shop"


def webhooks(database: Database, key: str | None = "a key", now: list[float] | None = None) -> Webhooks:
    clock = now if now is not None else [0.0]
    return Webhooks(database, Vault(key), monotonic=lambda: clock[0])


async def put(hooks: Webhooks, source: str, secrets: tuple[str, ...] | None = SECRETS, **changes: object) -> None:
    given = {"vendor": "shopify", "public_url": URL, "mapping": MAPPING, "actor": "key 1"} | changes
    await hooks.put(source, secrets=secrets, **given)  # type: ignore[arg-type]  # as they are


def test_what_is_sealed_is_opened_for_its_purpose_only_and_by_its_key_only() -> None:
    vault = Vault("a key")
    sealed = vault.seal(b"content", "secrets of 1")
    assert vault.open(sealed, "secrets of 1") == b"content"
    assert b"content" not in sealed
    assert vault.seal(b"content", "secrets of 1") != sealed
    for other, purpose, what in (
        (vault, "secrets of 2", sealed),
        (Vault("another key"), "secrets of 1", sealed),
        (vault, "secrets of 1", sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (vault, "secrets of 1", b"short"),
    ):
        with pytest.raises(ConfigurationError, match="FRONTLINE_ENCRYPTION_KEY"):
            other.open(what, purpose)


def test_without_a_key_nothing_is_sealed_and_nothing_opened() -> None:
    for act in (lambda: Vault(None).seal(b"", ""), lambda: Vault(None).open(b"", "")):
        with pytest.raises(ConfigurationError, match="FRONTLINE_ENCRYPTION_KEY is not set"):
            act()


async def test_a_webhook_is_given_changed_and_read_again(database: Database, source: str) -> None:
    hooks = webhooks(database)
    await put(hooks, source)
    found = await hooks.of(source)
    assert (found.vendor, found.public_url, found.secrets, found.mapping) == ("shopify", URL, SECRETS, MAPPING)
    assert found.may_post("vilnius-1")
    assert not found.may_post("kaunas-1")
    await put(hooks, source, None, vendor="square", mapping={})
    changed = await hooks.of(source)
    assert (changed.vendor, changed.secrets, changed.mapping) == ("square", SECRETS, {})
    await put(hooks, source, ("another-secret",))
    assert (await hooks.of(source)).secrets == ("another-secret",)
    assert await hooks.listed() == [(source, "shopify", URL, MAPPING)]


async def test_another_process_knows_of_a_change_within_a_second(database: Database, source: str) -> None:
    now = [100.0]
    here, there = webhooks(database), webhooks(database, now=now)
    with pytest.raises(NotFound):
        await there.of(source)
    await put(here, source)
    now[0] += 1
    assert (await there.of(source)).secrets == SECRETS
    await put(here, source, ("another-secret",))
    assert (await there.of(source)).secrets == SECRETS
    now[0] += 1
    assert (await there.of(source)).secrets == ("another-secret",)


async def test_a_source_without_webhook_and_a_webhook_without_source(database: Database, source: str) -> None:
    hooks = webhooks(database)
    with pytest.raises(NotFound):
        await hooks.of("nobody")
    with pytest.raises(NotFound, match="no source named nobody"):
        await put(hooks, "nobody")
    with pytest.raises(NotFound, match="no secrets to keep"):
        await put(hooks, source, None)
    with pytest.raises(ConfigurationError):
        await put(webhooks(database, None), source)
    assert await hooks.listed() == []


async def test_no_secret_and_no_payload_stands_in_the_database_as_it_is(
    database: Database, source: str, database_url: str
) -> None:
    await put(webhooks(database), source)
    kept = UnreadParts(database, Vault("a key"), keep_days=30)
    await kept.keep(1, {"x-topic": "orders"}, [("unmapped", "mapping.sites", b'{"customer": "loyalty-8812"}')])
    connection = await asyncpg.connect(database_url)
    try:
        tables = await connection.fetch(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        everything = [
            repr([bytes(value) if isinstance(value, bytes | memoryview) else value for value in row])
            for (table,) in map(tuple, tables)
            for row in await connection.fetch(f"SELECT * FROM {table}")
        ]
    finally:
        await connection.close()
    assert any("unmapped" in row for row in everything)
    for secret in (*SECRETS, "loyalty-8812", "x-topic"):
        assert not any(secret in row for row in everything), secret
    told = [(one.actor, one.action, one.target, one.detail) for one in await actions(database, before=None, limit=1)]
    assert told == [("key 1", "put webhook", "shop", {"vendor": "shopify", "new_secrets": 2})]


async def test_a_part_is_kept_once_listed_read_and_dropped(database: Database, source: str) -> None:
    kept = UnreadParts(database, Vault("a key"), keep_days=30)
    parts = [("unmapped", "mapping.sites: …", b"one"), ("unreadable", "no JSON", b"two")]
    assert await kept.keep(1, {"x-topic": "a"}, parts) == 2
    assert await kept.keep(1, {"x-topic": "a"}, parts) == 0
    assert await kept.keep(1, {"x-topic": "b"}, parts[:1]) == 1
    assert await kept.keep(1, {}, []) == 0
    listed = await kept.listed(None, before=None, limit=10)
    assert [(one.source, one.code, one.size_bytes) for one in listed] == [
        (source, "unmapped", 3),
        (source, "unreadable", 3),
        (source, "unmapped", 3),
    ]
    assert [one.id for one in await kept.listed(source, before=listed[0].id, limit=1)] == [listed[1].id]
    assert await kept.listed("nobody", before=None, limit=10) == []
    first, second, third = await kept.of(1, after=0, limit=10)
    assert first.part is not None
    assert (first.part.headers, first.part.body) == ({"x-topic": "a"}, b"one")
    assert [one.id for one in await kept.of(1, after=second.id, limit=10)] == [third.id]
    assert await kept.of(2, after=0, limit=10) == []
    await kept.explain(first.id, "missing_field", "id: is missing")
    await kept.drop(second.id)
    left = await kept.listed(None, before=None, limit=10)
    assert [(one.id, one.code) for one in left] == [(third.id, "unmapped"), (first.id, "missing_field")]


async def test_what_is_kept_comes_to_its_end(database: Database, source: str) -> None:
    kept = UnreadParts(database, Vault("a key"), keep_days=2)
    await kept.keep(1, {}, [("unreadable", "", b"old"), ("unreadable", "", b"new")])
    (entry, _) = await kept.listed(None, before=None, limit=10)
    assert 1.99 < (entry.expires_at - entry.received_at).total_seconds() / 86_400 < 2.01
    assert await kept.expire() == 0
    await scalar(database, "SELECT 1")
    async with database.engine.begin() as connection:
        await connection.exec_driver_sql(f"UPDATE unread SET expires_at = now() WHERE id <> {entry.id}")
    assert await asyncio.gather(kept.expire(), kept.expire()) in ([1, 0], [0, 1])
    assert [one.id for one in await kept.listed(None, before=None, limit=10)] == [entry.id]
