"""The key of the customers' keyed hash: which one is in use here, and what puts another one in use.

A customer is recognised only under the key that he was first hashed with. So the database keeps a fingerprint of the
key, and a process that comes with another one does not start.
"""

import hmac
import secrets as random_secrets

from sqlalchemy import delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.errors import ConfigurationError, Conflict
from service.store.access_tables import secrets
from service.store.database import Database, translated
from service.store.trail import COMMAND_LINE, note

_KEY = "pseudonym_key"
_FINGERPRINT = "pseudonym_key_fingerprint"
_KEY_LOCK = 0x50534555
_WRITERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'frontline-writer'"
)
_ROTATE = "stop the service everywhere and run `frontline keys rotate-pseudonym`"


def fingerprint(key: bytes) -> bytes:
    """What is stored of a key to know it again. No customer's hash is made with SHA-512, so none can equal it."""
    return hmac.digest(key, b"frontline pseudonym key", "sha512")


async def key_in_use(database: Database, given: str | None) -> bytes:
    """The key that the customers here are known under: the one given, else one that is made once and stored.

    Raises ConfigurationError where they are known under another one, and Unavailable.
    """
    with translated():
        async with database.engine.begin() as connection:
            stored = await _locked(connection)
            made, known = stored.get(_KEY), _known(stored)
            key = made if given is None else given.encode()
            if key is None and known is None:
                key = await _make(connection)
            if key is None:
                raise ConfigurationError(
                    "FRONTLINE_PSEUDONYM_KEY is not set, and the customers in this database are known under a key "
                    f"that was given; set it to that key, or, where the key is lost, {_ROTATE}"
                )
            if known is not None and not hmac.compare_digest(known, fingerprint(key)):
                right = "leave it unset, for the key is stored in the database" if made else "set it to that key"
                raise ConfigurationError(
                    "FRONTLINE_PSEUDONYM_KEY is not the key that the customers in this database are known under, "
                    f"so none of them would be recognised; {right}, or, to use the new one from now on, {_ROTATE}"
                )
            if _FINGERPRINT not in stored:
                await _keep(connection, _FINGERPRINT, fingerprint(key))
            return key


async def rotate_key(database: Database, given: str | None) -> bool:
    """Put another key in use: the one given, else a new one that is made and stored; whether it is another is returned.

    A stored key that is not in use any more is deleted. Raises Conflict while a service runs, which would go on with
    the old one, and Unavailable.
    """
    with translated():
        async with database.engine.begin() as connection:
            stored = await _locked(connection)
            if given is not None and _known(stored) == fingerprint(given.encode()):
                return False
            running = await connection.scalar(_WRITERS)
            if running:
                raise Conflict(
                    f"a service runs on this database ({running} connections) and would go on with the old key; "
                    "stop it everywhere first"
                )
            if given is None:
                key = await _make(connection)
            else:
                key = given.encode()
                await connection.execute(delete(secrets).where(secrets.c.name == _KEY))
            await _keep(connection, _FINGERPRINT, fingerprint(key))
            await note(connection, COMMAND_LINE, "rotate pseudonym key", "pseudonym key", given=given is not None)
            return True


async def _locked(connection: AsyncConnection) -> dict[str, bytes]:
    """What is stored, which nobody else changes before the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(_KEY_LOCK)))
    wanted = select(secrets.c.name, secrets.c.value).where(secrets.c.name.in_((_KEY, _FINGERPRINT)))
    return {name: bytes(value) for name, value in await connection.execute(wanted)}


def _known(stored: dict[str, bytes]) -> bytes | None:
    """The fingerprint of the key in use; a key that was made before there were fingerprints tells its own."""
    if _FINGERPRINT in stored:
        return stored[_FINGERPRINT]
    return fingerprint(stored[_KEY]) if _KEY in stored else None


async def _make(connection: AsyncConnection) -> bytes:
    key = random_secrets.token_bytes(32)
    await _keep(connection, _KEY, key)
    return key


async def _keep(connection: AsyncConnection, name: str, value: bytes) -> None:
    statement = insert(secrets).values(name=name, value=value)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))
