"""The registry on its own: numbers of series, sources, keys, secrets."""

import asyncio
import hashlib
import hmac

import asyncpg
import pytest

from service.core.errors import Conflict, NotFound, Unavailable
from service.store.database import Database
from service.store.registry import OTHER, Registry, key_hash, new_key, pseudonym


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


ALL_SERIES = "SELECT name, queue, channel FROM series JOIN sites ON sites.id = site_id ORDER BY series.id"


async def test_series_get_numbers_that_stay(registry: Registry, database: Database, database_url: str) -> None:
    wanted = {("a", "tills", "pos"), ("a", "", "pos"), ("b", "tills", "phone")}
    await registry.ensure_series(wanted)
    assert set(registry.series) == wanted
    assert len(set(registry.series.values())) == 3
    another = Registry(database, max_sites=10, max_queues_per_site=10)
    await another.ensure_series([*wanted, ("c", "", "")])
    assert {key: another.series[key] for key in wanted} == registry.series
    found = await rows(database_url, ALL_SERIES)
    assert sorted(found) == sorted({*wanted, ("a", "", ""), ("b", "", ""), ("c", "", "")})
    assert [site.name for site in await registry.list_sites()] == ["a", "b", "c"]
    assert (await registry.list_sites())[0].time_zone == "UTC"


async def test_registrations_at_once_agree(database: Database, database_url: str) -> None:
    registries = [Registry(database, max_sites=10, max_queues_per_site=10) for _ in range(6)]
    keys = [(f"site-{number % 3}", f"q{number}", "pos") for number in range(9)]
    await asyncio.gather(
        *(registry.ensure_series(keys[start:] + keys[:start]) for start, registry in enumerate(registries))
    )
    assert all(registry.series == registries[0].series for registry in registries)
    assert len(await rows(database_url, ALL_SERIES)) == 9 + 3


async def test_sites_over_the_limit_share_other(database: Database) -> None:
    registry = Registry(database, max_sites=2, max_queues_per_site=10)
    await registry.ensure_series([(site, "tills", "pos") for site in "abcd"])
    numbers = registry.series
    assert numbers["c", "tills", "pos"] == numbers["d", "tills", "pos"]
    assert len(set(numbers.values())) == 3
    assert [site.name for site in await registry.list_sites()] == ["a", "b", OTHER]
    await registry.ensure_series([("a", "billing", "phone"), ("e", "billing", "phone")])
    assert numbers["e", "billing", "phone"] not in (numbers["a", "billing", "phone"], numbers["c", "tills", "pos"])
    # An administrator may go over the limit; then the site's next events find it.
    await registry.put_site("c", time_zone="UTC", hours=None, holidays=None, since=None, queues=[])
    await registry.ensure_series([("c", "tills", "pos"), ("d", "tills", "pos")])
    assert numbers["c", "tills", "pos"] != numbers["d", "tills", "pos"]


async def test_queues_over_the_limit_share_other(database: Database, database_url: str) -> None:
    registry = Registry(database, max_sites=10, max_queues_per_site=2)
    await registry.ensure_series([("a", queue, "pos") for queue in ("", "q1", "q2")])
    await registry.ensure_series([("a", "q3", "pos"), ("a", "q4", "pos"), ("a", "q1", "phone"), ("b", "q3", "pos")])
    numbers = registry.series
    assert numbers["a", "q3", "pos"] == numbers["a", "q4", "pos"]
    assert numbers["a", "q3", "pos"] != numbers["a", "", "pos"]
    assert len({numbers["a", "q1", "pos"], numbers["a", "q1", "phone"], numbers["b", "q3", "pos"]}) == 3
    assert ("a", OTHER, "pos") in await rows(database_url, ALL_SERIES)


async def test_the_number_of_series_is_bounded_whatever_comes(database: Database, database_url: str) -> None:
    registry = Registry(database, max_sites=2, max_queues_per_site=3)
    await registry.ensure_series([(f"s{n % 20}", f"q{n}", ("pos", "phone")[n % 2]) for n in range(200)])
    # Three sites with other, each with three queues and other, two channels, and its own line.
    assert len(await rows(database_url, ALL_SERIES)) <= 3 * (4 * 2 + 1)


async def test_a_site_is_put_again_as_the_same_site(registry: Registry, database_url: str) -> None:
    queues = [("tills", "pos"), ("tills", "pos"), ("tills", "phone")]
    first = await registry.put_site("a", time_zone="Europe/Vilnius", hours={}, holidays=[], since=None, queues=queues)
    second = await registry.put_site("a", time_zone="UTC", hours=None, holidays=None, since=None, queues=queues[:1])
    assert (first.time_zone, second.time_zone) == ("Europe/Vilnius", "UTC")
    assert await registry.list_sites() == [second]
    found = await rows(database_url, ALL_SERIES)
    assert sorted(found) == [("a", "", ""), ("a", "tills", "phone"), ("a", "tills", "pos")]
    await registry.ensure_series([("a", "tills", "pos")])
    assert len(await rows(database_url, ALL_SERIES)) == 3
    assert await rows(database_url, "SELECT calendars::text FROM sites") == [("[]",)]


async def test_a_source_and_its_keys(registry: Registry) -> None:
    key = await registry.create_source("vendor", ["a", "b"])
    with pytest.raises(Conflict, match="a source named vendor exists"):
        await registry.create_source("vendor", ["*"])
    found = await registry.principal(key)
    assert found is not None
    assert (found.source, found.is_admin) == ("vendor", False)
    assert [found.may_post(site) for site in ("a", "b", "c", "*", "")] == [True, True, False, False, False]
    anywhere = await registry.principal(await registry.create_source("other-vendor", ["*"]))
    assert anywhere is not None
    assert anywhere.may_post("whatever")
    second = await registry.create_key("vendor")
    assert second != key
    assert await registry.principal(second) == found
    with pytest.raises(NotFound, match="no source named nobody"):
        await registry.create_key("nobody")
    assert [(source.name, source.sites) for source in await registry.list_sources()] == [
        ("other-vendor", ("*",)),
        ("vendor", ("a", "b")),
    ]


async def test_a_revoked_key_speaks_for_nobody(registry: Registry) -> None:
    key = await registry.create_source("vendor", ["*"])
    (entry,) = await registry.list_keys()
    await registry.revoke_key(entry.id)
    assert await registry.principal(key) is None
    with pytest.raises(NotFound):
        await registry.revoke_key(entry.id)
    (entry,) = await registry.list_keys()
    assert entry.revoked_at is not None
    assert await registry.principal("") is None
    assert await registry.principal("unknown") is None


async def test_admin_keys(registry: Registry) -> None:
    made = await registry.create_key(None)
    await registry.keep_admin_key("given by hand")
    await registry.keep_admin_key("given by hand")
    for key in (made, "given by hand"):
        found = await registry.principal(key)
        assert found is not None
        assert found.is_admin
    entries = await registry.list_keys()
    assert [(entry.source, entry.hint) for entry in entries] == [(None, f"{made[:12]}…"), (None, "given")]


async def test_keeping_an_admin_key_does_not_bring_back_a_revoked_one(registry: Registry) -> None:
    await registry.keep_admin_key("given by hand")
    await registry.revoke_key((await registry.list_keys())[0].id)
    await registry.keep_admin_key("given by hand")
    assert await registry.principal("given by hand") is None


def test_keys_are_long_random_and_stored_as_sha_256() -> None:
    keys = {new_key("ingest") for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("fl_ingest_") and len(key) >= 50 for key in keys)
    assert key_hash("a") == hashlib.sha256(b"a").digest()


async def test_the_pseudonym_key_is_made_once(database: Database) -> None:
    registries = [Registry(database, max_sites=1, max_queues_per_site=1) for _ in range(5)]
    made = await asyncio.gather(*(registry.pseudonym_key(None) for registry in registries))
    assert len(set(made)) == 1
    assert len(made[0]) == 32


def test_a_pseudonym_is_a_keyed_hash() -> None:
    made = pseudonym(b"key", "loyalty-8812")
    assert made == hmac.new(b"key", b"loyalty-8812", "sha256").hexdigest()[:32]
    assert made != pseudonym(b"another", "loyalty-8812")
    assert made != pseudonym(b"key", "loyalty-8813")


async def test_a_database_that_does_not_answer_is_unavailable(tmp_path: object) -> None:
    away = Database(f"postgresql://nobody@/nothing?host={tmp_path}")
    registry = Registry(away, max_sites=1, max_queues_per_site=1)
    try:
        for call in (registry.answers, registry.list_sites, registry.list_keys):
            with pytest.raises(Unavailable, match="does not answer"):
                await call()
        with pytest.raises(Unavailable):
            await away.connect_writer()
    finally:
        await away.close()


@pytest.mark.parametrize(
    "refusal", ["ALTER DATABASE {name} ALLOW_CONNECTIONS false", "DROP DATABASE {name} WITH (FORCE)"]
)
async def test_a_database_that_refuses_is_unavailable(
    database_url: str, database: Database, registry: Registry, postgres_url: str, refusal: str
) -> None:
    await registry.answers()
    name = database_url.partition("?")[0].rpartition("/")[2]
    await database.close()
    administrator = await asyncpg.connect(postgres_url)
    try:
        await administrator.execute(refusal.format(name=name))
        for call in (registry.answers, registry.list_sites, database.connect_writer):
            with pytest.raises(Unavailable, match="does not answer"):
                await call()
    finally:
        await administrator.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await administrator.execute(f"CREATE DATABASE {name}")
        await administrator.close()


async def test_a_standby_that_takes_no_writes_is_unavailable(database_url: str, postgres_url: str) -> None:
    name = database_url.partition("?")[0].rpartition("/")[2]
    administrator = await asyncpg.connect(postgres_url)
    try:
        await administrator.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    finally:
        await administrator.close()
    database = Database(database_url)
    try:
        with pytest.raises(Unavailable, match="ReadOnlySQLTransactionError"):
            await Registry(database, max_sites=1, max_queues_per_site=1).create_source("vendor", ["*"])
    finally:
        await database.close()


async def test_a_database_that_hangs_is_told_of_soon(database_url: str, database: Database, registry: Registry) -> None:
    """Every connection of the pool waits for a lock: who asks whether the database answers must not wait as well."""
    blocker = await asyncpg.connect(database_url)
    try:
        await blocker.execute("SELECT pg_advisory_lock(1)")
        async with asyncio.timeout(20):

            async def wait() -> None:
                async with database.engine.connect() as connection:
                    await connection.exec_driver_sql("SELECT pg_advisory_lock_shared(1)")

            waiting = [asyncio.create_task(wait()) for _ in range(10)]
            await asyncio.sleep(0.5)
            with pytest.raises(Unavailable):
                await registry.answers()
    finally:
        await blocker.close()
    await asyncio.gather(*waiting)


async def test_a_value_that_does_not_fit_is_no_outage(registry: Registry) -> None:
    with pytest.raises(Exception, match="int32") as caught:
        await registry.revoke_key(1 << 40)
    assert not isinstance(caught.value, Unavailable)
