"""Sources and keys in the database: what is stored, who a key speaks for and for how long, and the trail of it."""

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from service.core.access import Role
from service.core.errors import Conflict, NotAuthenticated, NotFound, NotPermitted, Unavailable
from service.store.access import Access, KeyTerms, key_hash, new_secret
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.trail import COMMAND_LINE, actions
from service.store.verdicts import Outcome, Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.walk import micros
from tests.store.stored import scalar

READ, ADMIN = KeyTerms(Role.READ), KeyTerms(Role.ADMIN)
NOW_US = micros(NOW)


@pytest.fixture
def access(database: Database) -> Access:
    return Access(database)


async def test_a_source_and_its_keys(access: Access) -> None:
    key = await access.create_source("vendor", ["a", "b"], actor="test")
    with pytest.raises(Conflict, match="a source named vendor exists"):
        await access.create_source("vendor", ["*"], actor="test")
    found = await access.principal(key_hash(key.secret))
    assert found is not None
    assert (found.source, found.role, found.key_id) == ("vendor", Role.INGEST, key.entry.id)
    assert [found.may_post(site) for site in ("a", "b", "c", "*", "")] == [True, True, False, False, False]
    other = await access.create_source("other-vendor", ["*"], actor="test")
    anywhere = await access.principal(key_hash(other.secret))
    assert anywhere is not None
    assert anywhere.may_post("whatever")
    second = await access.create_key(KeyTerms(Role.INGEST, "vendor"), actor="test")
    assert second.secret != key.secret
    again = await access.principal(key_hash(second.secret))
    assert again is not None
    assert (again.source_id, again.sites) == (found.source_id, found.sites)
    with pytest.raises(NotFound, match="no source named nobody"):
        await access.create_key(KeyTerms(Role.INGEST, "nobody"), actor="test")
    assert [(source.name, source.sites) for source in await access.list_sources()] == [
        ("other-vendor", ("*",)),
        ("vendor", ("a", "b")),
    ]


def test_keys_are_long_random_and_stored_as_sha_256() -> None:
    keys = {new_secret(Role.INGEST) for _ in range(100)}
    assert len(keys) == 100
    # 43 characters of 64: 256 bits.
    assert all(key.startswith("fl_ingest_") and len(key.removeprefix("fl_ingest_")) == 43 for key in keys)
    assert key_hash("a") == hashlib.sha256(b"a").digest()


async def test_a_secret_is_stored_nowhere(access: Access, database: Database) -> None:
    made = [
        await access.create_source("vendor", ["*"], actor="test"),
        await access.create_key(READ, actor="test"),
        await access.create_key(ADMIN, actor="test"),
    ]
    made.append(await access.rotate_key(made[0].entry.id, timedelta(0), actor="test"))
    stored = [
        await scalar(database, f"SELECT string_agg(t::text, '') FROM {name} t") for name in ("keys", "admin_actions")
    ]
    for one in made:
        assert one.secret not in repr(await access.list_keys())
        for text in stored:
            assert one.secret[16:] not in text
        assert one.entry.hint == f"{one.secret[:12]}…"


@pytest.mark.parametrize("role", [Role.READ, Role.ADMIN])
async def test_a_key_is_for_what_its_role_says(access: Access, role: Role) -> None:
    made = await access.create_key(KeyTerms(role), actor="test")
    found = await access.principal(key_hash(made.secret))
    assert found is not None
    assert made.secret.startswith(f"fl_{role}_")
    found.require(role)
    for other in set(Role) - {role}:
        with pytest.raises(NotPermitted):
            found.require(other)
    assert not found.may_post("*")
    assert not found.may_post("vilnius-1")


async def test_a_revoked_key_speaks_for_nobody(access: Access) -> None:
    made = await access.create_source("vendor", ["*"], actor="test")
    await access.revoke_key(made.entry.id, actor="test")
    assert await access.principal(key_hash(made.secret)) is None
    with pytest.raises(NotFound):
        await access.revoke_key(made.entry.id, actor="test")
    with pytest.raises(NotFound):
        await access.rotate_key(made.entry.id, timedelta(days=1), actor="test")
    (entry,) = await access.list_keys()
    assert entry.revoked_at is not None
    for unknown in ("", "unknown", made.secret[:-1], made.secret + "a"):
        assert await access.principal(key_hash(unknown)) is None


async def test_a_key_ends_when_it_was_told_to(access: Access) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=1)
    made = await access.create_key(KeyTerms(Role.READ, expires_at=ends), actor="test")
    assert made.entry.expires_at == ends
    assert await access.principal(key_hash(made.secret)) is not None
    async with asyncio.timeout(20):
        while await access.principal(key_hash(made.secret)) is not None:
            await asyncio.sleep(0.05)
    assert datetime.now(UTC) >= ends - timedelta(milliseconds=100)
    with pytest.raises(NotFound):
        await access.rotate_key(made.entry.id, timedelta(days=1), actor="test")


async def test_a_key_is_rotated_with_an_overlap(access: Access) -> None:
    old = await access.create_source("vendor", ["a"], terms=KeyTerms(Role.INGEST, "vendor", per_second=7), actor="test")
    new = await access.rotate_key(old.entry.id, timedelta(hours=1), actor="test")
    assert new.entry.replaces == old.entry.id
    assert (new.entry.role, new.entry.source, new.entry.per_second) == (Role.INGEST, "vendor", 7)
    assert new.entry.expires_at is None
    principals = [await access.principal(key_hash(one.secret)) for one in (old, new)]
    assert [one is not None and one.source for one in principals] == ["vendor", "vendor"]
    listed = {entry.id: entry for entry in await access.list_keys()}
    left = listed[old.entry.id].expires_at
    assert left is not None
    assert timedelta(minutes=59) < left - datetime.now(UTC) <= timedelta(hours=1, minutes=1)
    # Once more, with a longer overlap: the end that it has stays.
    await access.rotate_key(old.entry.id, timedelta(days=9), actor="test")
    assert {entry.id: entry for entry in await access.list_keys()}[old.entry.id].expires_at == left


async def test_a_key_is_rotated_at_once(access: Access) -> None:
    old = await access.create_key(ADMIN, actor="test")
    new = await access.rotate_key(old.entry.id, timedelta(0), actor="test")
    assert await access.principal(key_hash(old.secret)) is None
    assert await access.principal(key_hash(new.secret)) is not None


async def test_keys_from_the_environment_are_kept_once(access: Access) -> None:
    for _ in range(2):
        await access.keep_key("given by hand", Role.ADMIN)
        await access.keep_key("to read with", Role.READ)
    found = [await access.principal(key_hash(secret)) for secret in ("given by hand", "to read with")]
    assert [one is not None and one.role for one in found] == [Role.ADMIN, Role.READ]
    assert [(entry.role, entry.hint) for entry in await access.list_keys()] == [("admin", "given"), ("read", "given")]
    # However long it is: of 24 figures in base 16, twelve would be half.
    await access.keep_key("0123456789abcdef01234567", Role.READ)
    assert (await access.list_keys())[-1].hint == "given"
    # One that was revoked does not come back with the next start.
    await access.revoke_key((await access.list_keys())[0].id, actor="test")
    await access.keep_key("given by hand", Role.ADMIN)
    assert await access.principal(key_hash("given by hand")) is None


async def test_nothing_is_committed_for_a_key_once_its_revocation_is_answered(
    access: Access, database: Database, ledger: Ledger
) -> None:
    """Whatever a process remembers of a key: the transaction asks, and a revocation waits for those that have asked."""
    made = await access.create_source("vendor", ["*"], actor="test")
    source_id = 1
    key_id = made.entry.id
    revoked = asyncio.Event()
    outcomes: list[tuple[bool, object]] = []

    async def post(number: int) -> None:
        after = revoked.is_set()
        (outcome,) = await ledger.commit([Post(source_id, accept([_event(number)], NOW_US), key_id)], NOW_US)
        outcomes.append((after, outcome))

    async def keep_posting() -> None:
        number = 0
        while sum(after for after, _ in outcomes) < 5:
            await post(number)
            number += 1

    posting = asyncio.create_task(keep_posting())
    while len(outcomes) < 5:
        await asyncio.sleep(0.01)
    await access.revoke_key(key_id, actor="test")
    stored = await scalar(database, "SELECT count(*) FROM events")
    revoked.set()
    await posting
    assert await scalar(database, "SELECT count(*) FROM events") == stored
    assert stored == outcomes.count((False, Outcome(1, 0)))
    assert all(isinstance(outcome, NotAuthenticated) for after, outcome in outcomes if after)


async def test_a_revoked_key_does_not_fail_the_neighbours(access: Access, database: Database, ledger: Ledger) -> None:
    made = [await access.create_source(name, ["*"], actor="test") for name in ("a", "b")]
    await access.revoke_key(made[0].entry.id, actor="test")
    posts = [Post(n, accept([_event(n), _event(9)], NOW_US), made[n - 1].entry.id) for n in (1, 2)]
    refused, taken = await ledger.commit([posts[0], posts[1]], NOW_US)
    assert isinstance(refused, NotAuthenticated)
    assert taken == Outcome(2, 0)
    assert await scalar(database, "SELECT count(DISTINCT source_id) FROM events") == 1
    (refused,) = await ledger.commit([posts[0]], NOW_US)
    assert isinstance(refused, NotAuthenticated)


async def test_the_trail_tells_who_did_what(access: Access, database: Database) -> None:
    source = await access.create_source("vendor", ["a"], actor="key 1")
    key = await access.create_key(READ, actor=COMMAND_LINE)
    await access.rotate_key(key.entry.id, timedelta(hours=2), actor="key 1")
    await access.revoke_key(key.entry.id, actor="key 1")
    with pytest.raises(NotFound):
        await access.revoke_key(key.entry.id, actor="key 1")
    found = await actions(database, before=None, limit=100)
    told = [(one.actor, one.action, one.target) for one in reversed(found)]
    assert told == [
        ("key 1", "create source", "vendor"),
        ("key 1", "create key", f"key {source.entry.id}"),
        ("command line", "create key", f"key {key.entry.id}"),
        ("key 1", "rotate key", f"key {key.entry.id}"),
        ("key 1", "create key", f"key {key.entry.id + 1}"),
        ("key 1", "revoke key", f"key {key.entry.id}"),
    ]
    assert found[0].at <= datetime.now(UTC)
    assert found[-1].detail == {"sites": ["a"]}
    assert found[2].detail == {"overlap_seconds": 7200}
    assert found[1].detail["replaces"] == key.entry.id
    assert [one.id for one in await actions(database, before=found[1].id, limit=2)] == [one.id for one in found[2:4]]


async def test_what_is_not_done_leaves_no_trace(access: Access, database: Database) -> None:
    await access.create_source("vendor", ["a"], actor="test")
    before = len(await actions(database, before=None, limit=100))
    with pytest.raises(Conflict):
        await access.create_source("vendor", ["b"], actor="test")
    with pytest.raises(NotFound):
        await access.create_key(KeyTerms(Role.INGEST, "nobody"), actor="test")
    assert len(await actions(database, before=None, limit=100)) == before


@pytest.mark.parametrize(("role", "source"), [("ingest", None), ("read", 1), ("admin", 1), ("owner", None)])
async def test_the_database_itself_refuses_a_key_of_another_kind(
    access: Access, database_url: str, role: str, source: int | None
) -> None:
    await access.create_source("vendor", ["*"], actor="test")
    connection = await asyncpg.connect(database_url)
    try:
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO keys (role, source_id, hash, hint) VALUES ($1, $2, '', '')", role, source
            )
    finally:
        await connection.close()


async def test_a_value_that_does_not_fit_is_no_outage(access: Access) -> None:
    with pytest.raises(Exception, match="int32") as caught:
        await access.revoke_key(1 << 40, actor="test")
    assert not isinstance(caught.value, Unavailable)


def _event(number: int) -> dict[str, object]:
    return {
        "id": f"e{number}",
        "source": "acd",
        "type": "interaction.queued",
        "time": (NOW - timedelta(seconds=60)).isoformat(),
        "subject": f"call-{number}",
        "data": {"site": "bank", "queue": "main", "channel": "phone"},
    }
