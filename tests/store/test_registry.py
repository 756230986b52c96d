"""The registry on its own: sites, numbers of series, secrets."""

import asyncio
import hmac

import asyncpg
import pytest

from service.core.errors import Unavailable
from service.core.series import OTHER
from service.store.access import Access
from service.store.database import Database
from service.store.registry import Registry, pseudonym


async def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


ALL_SERIES = "SELECT name, queue, channel, facet FROM series JOIN sites ON sites.id = site_id ORDER BY series.id"


async def test_series_get_numbers_that_stay(registry: Registry, database: Database, database_url: str) -> None:
    wanted = {("a", "tills", "pos", ""), ("a", "", "pos", ""), ("b", "tills", "phone", "")}
    await registry.ensure_series(wanted)
    assert set(registry.series) == wanted
    assert len(set(registry.series.values())) == 3
    another = Registry(database, max_sites=10, max_queues_per_site=10)
    await another.ensure_series([*wanted, ("c", "", "", "")])
    assert {key: another.series[key] for key in wanted} == registry.series
    found = await rows(database_url, ALL_SERIES)
    assert sorted(found) == sorted({*wanted, ("a", "", "", ""), ("b", "", "", ""), ("c", "", "", "")})
    assert [site.name for site in await registry.list_sites()] == ["a", "b", "c"]
    assert (await registry.list_sites())[0].time_zone == "UTC"


async def test_registrations_at_once_agree(database: Database, database_url: str) -> None:
    registries = [Registry(database, max_sites=10, max_queues_per_site=10) for _ in range(6)]
    keys = [(f"site-{number % 3}", f"q{number}", "pos", "") for number in range(9)]
    await asyncio.gather(
        *(registry.ensure_series(keys[start:] + keys[:start]) for start, registry in enumerate(registries))
    )
    assert all(registry.series == registries[0].series for registry in registries)
    assert len(await rows(database_url, ALL_SERIES)) == 9 + 3


async def test_sites_over_the_limit_share_other(database: Database) -> None:
    registry = Registry(database, max_sites=2, max_queues_per_site=10)
    await registry.ensure_series([(site, "tills", "pos", "") for site in "abcd"])
    numbers = registry.series
    assert numbers["c", "tills", "pos", ""] == numbers["d", "tills", "pos", ""]
    assert len(set(numbers.values())) == 3
    assert [site.name for site in await registry.list_sites()] == ["a", "b", OTHER]
    await registry.ensure_series([("a", "billing", "phone", ""), ("e", "billing", "phone", "")])
    assert numbers["e", "billing", "phone", ""] not in (
        numbers["a", "billing", "phone", ""],
        numbers["c", "tills", "pos", ""],
    )
    # An administrator may go over the limit; then the site's next events find it.
    await registry.put_site("c", time_zone="UTC", hours=None, holidays=None, since=None, queues=[], actor="test")
    await registry.ensure_series([("c", "tills", "pos", ""), ("d", "tills", "pos", "")])
    assert numbers["c", "tills", "pos", ""] != numbers["d", "tills", "pos", ""]


async def test_queues_over_the_limit_share_other(database: Database, database_url: str) -> None:
    registry = Registry(database, max_sites=10, max_queues_per_site=2)
    await registry.ensure_series([("a", queue, "pos", "") for queue in ("", "q1", "q2")])
    await registry.ensure_series(
        [("a", "q3", "pos", ""), ("a", "q4", "pos", ""), ("a", "q1", "phone", ""), ("b", "q3", "pos", "")]
    )
    numbers = registry.series
    assert numbers["a", "q3", "pos", ""] == numbers["a", "q4", "pos", ""]
    assert numbers["a", "q3", "pos", ""] != numbers["a", "", "pos", ""]
    assert len({numbers["a", "q1", "pos", ""], numbers["a", "q1", "phone", ""], numbers["b", "q3", "pos", ""]}) == 3
    assert ("a", OTHER, "pos", "") in await rows(database_url, ALL_SERIES)


async def test_the_number_of_series_is_bounded_whatever_comes(database: Database, database_url: str) -> None:
    registry = Registry(database, max_sites=2, max_queues_per_site=3)
    await registry.ensure_series([(f"s{n % 20}", f"q{n}", ("pos", "phone")[n % 2], "") for n in range(200)])
    # Three sites with other, each with three queues and other, two channels, and its own line.
    assert len(await rows(database_url, ALL_SERIES)) <= 3 * (4 * 2 + 1)


async def test_a_site_is_put_again_as_the_same_site(registry: Registry, database_url: str) -> None:
    queues = [("tills", "pos"), ("tills", "pos"), ("tills", "phone")]
    first = await registry.put_site(
        "a", time_zone="Europe/Vilnius", hours={}, holidays=[], since=None, queues=queues, actor="test"
    )
    second = await registry.put_site(
        "a", time_zone="UTC", hours=None, holidays=None, since=None, queues=queues[:1], actor="test"
    )
    assert (first.time_zone, second.time_zone) == ("Europe/Vilnius", "UTC")
    assert await registry.list_sites() == [second]
    found = await rows(database_url, ALL_SERIES)
    assert sorted(found) == [("a", "", "", ""), ("a", "tills", "phone", ""), ("a", "tills", "pos", "")]
    await registry.ensure_series([("a", "tills", "pos", "")])
    assert len(await rows(database_url, ALL_SERIES)) == 3
    assert await rows(database_url, "SELECT calendars::text FROM sites") == [("[]",)]


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
        for call in (registry.answers, registry.list_sites, Access(away).list_keys):
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
            await Access(database).create_source("vendor", ["*"], actor="test")
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
