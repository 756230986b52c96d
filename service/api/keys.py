"""Who sends a request: its API key, and how much it may bring."""

import asyncio
import base64
import time
from collections.abc import Callable
from functools import partial

from fastapi import Request

from service.core.access import Principal, Role
from service.core.allowance import Allowance
from service.core.errors import NotAuthenticated, ReaderUnknown, TooMany
from service.settings import Settings
from service.store.access import KEY_UNKNOWN, Access, key_hash

_ASKED_AGAIN_SECONDS = 10.0
_FRESH_SECONDS = 1.0
_REMEMBERED = 10_000
_LONGEST_KEY = 512
_STRANGERS_AT_ONCE = 2


class KeyRing:
    """Looks keys up. Those of sources are remembered for some seconds, for the ledger asks again at each commit.

    Keys that were never seen are looked up two at a time, so that a flood of invented ones leaves the database to
    others. Nobody is shut out for having tried: keys are too long to be guessed, and a limit on trying would shut out
    those who share a proxy with the one who tries.
    """

    def __init__(self, access: Access, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._access = access
        self._per_second = {
            Role.INGEST: settings.key_events_per_second,
            Role.READ: settings.key_reads_per_second,
            Role.ADMIN: 0,
        }
        self._monotonic = monotonic
        self._remembered: dict[bytes, tuple[float, Principal]] = {}
        self._known: set[bytes] = set()
        self._allowances: dict[int, Allowance] = {}
        self._strangers = asyncio.Semaphore(_STRANGERS_AT_ONCE)
        self._asked: dict[bytes, asyncio.Task[Principal]] = {}

    async def source(self, request: Request) -> Principal:
        """The source that posts. Raises NotAuthenticated, NotPermitted, Unavailable."""
        return await self._remembered_source(request, _ASKED_AGAIN_SECONDS)

    async def source_still(self, request: Request) -> Principal:
        """The same source once more, for a post that no commit will ask for; a second ago is soon enough."""
        return await self._remembered_source(request, _FRESH_SECONDS)

    async def _remembered_source(self, request: Request, seconds: float) -> Principal:
        hashed = key_hash(_bearer_key(request))
        at, found = self._remembered.get(hashed, (0.0, None))
        if found is None or self._monotonic() - at > seconds:
            found = await self._look_up_once(hashed)
        found.require(Role.INGEST)
        return found

    async def checked(self, request: Request, role: Role) -> Principal:
        """Who sends a request that takes a role, as the database knows at this moment.

        Raises NotAuthenticated, NotPermitted, Unavailable.
        """
        found = await self._look_up(key_hash(_bearer_key(request)))
        found.require(role)
        return found

    async def reader(self, request: Request) -> Principal:
        """Who reads: with a read key or an admin key, which a browser may send as the password of anybody.

        Nothing is changed by reading, so it does no harm that browsers send a password for other sites' pages too.
        Raises ReaderUnknown, NotPermitted, Unavailable.
        """
        try:
            found = await self._look_up(key_hash(_password(request) or _bearer_key(request)))
        except NotAuthenticated as error:
            raise ReaderUnknown(str(error)) from error
        found.require(Role.READ, Role.ADMIN)
        return found

    def spend(self, principal: Principal, amount: int) -> None:
        """Count what a key brings. Raises TooMany."""
        per_second = self._per_second[principal.role] if principal.per_second is None else principal.per_second
        if not per_second:
            return
        now = self._monotonic()
        allowance = self._allowances.get(principal.key_id)
        if allowance is None or allowance.per_second != per_second:
            if len(self._allowances) >= _REMEMBERED:
                self._allowances.clear()
            allowance = self._allowances[principal.key_id] = Allowance(per_second, now)
        wait = allowance.take(amount, now)
        if wait:
            what = "events" if principal.role is Role.INGEST else "requests"
            raise TooMany(
                f"this key may bring {per_second} {what} in a second, and brings more; wait {wait} s", retry_after=wait
            )

    async def _look_up_once(self, hashed: bytes) -> Principal:
        """As `_look_up`, once for all who ask at the same moment, as a source does from many connections."""
        task = self._asked.get(hashed)
        if task is None:
            task = self._asked[hashed] = asyncio.create_task(self._look_up(hashed))
            task.add_done_callback(partial(self._answered, hashed))
        return await asyncio.shield(task)

    def _answered(self, hashed: bytes, task: asyncio.Task[Principal]) -> None:
        del self._asked[hashed]
        if not task.cancelled():
            task.exception()  # whoever still waits raises it; where nobody does, it is nobody's

    async def _look_up(self, hashed: bytes) -> Principal:
        if hashed in self._known:
            found = await self._access.principal(hashed)
        else:
            async with self._strangers:
                found = await self._access.principal(hashed)
        self._remembered.pop(hashed, None)
        self._known.discard(hashed)
        if found is None:
            raise NotAuthenticated(KEY_UNKNOWN)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
            self._remembered.clear()
        self._known.add(hashed)
        if found.role is Role.INGEST:
            self._remembered[hashed] = (self._monotonic(), found)
        return found


def _bearer_key(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise NotAuthenticated("send your key as the header Authorization: Bearer KEY")
    if len(key) > _LONGEST_KEY:
        raise NotAuthenticated(KEY_UNKNOWN)
    return key


def _password(request: Request) -> str:
    """The password of a request that has one (RFC 7617), else nothing."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or len(credentials) > 2 * _LONGEST_KEY:
        return ""
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
