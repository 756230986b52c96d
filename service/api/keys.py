"""Who sends a request: its API key, looked up once a second at most."""

import time
from collections.abc import Callable

from fastapi import Request

from service.core.errors import NotAuthenticated, NotPermitted, Unavailable
from service.store.registry import Principal, Registry

_FRESH_SECONDS = 1.0
_STALE_SECONDS = 300.0
_REMEMBERED = 10_000
_LONGEST_KEY = 512


class KeyRing:
    """The keys seen lately. One that was revoked stops to work within a second, in every process."""

    def __init__(self, registry: Registry, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._monotonic = monotonic
        self._seen: dict[str, tuple[float, Principal | None]] = {}

    async def principal(self, request: Request) -> Principal:
        """Who sends the request. Raises NotAuthenticated."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            raise NotAuthenticated("send your key as the header Authorization: Bearer KEY")
        found = await self._look_up(key) if len(key) <= _LONGEST_KEY else None
        if found is None:
            raise NotAuthenticated("this key is not known, or was revoked")
        return found

    async def source(self, request: Request) -> Principal:
        """The source that sends the request. Raises NotAuthenticated, NotPermitted."""
        found = await self.principal(request)
        if found.is_admin:
            raise NotPermitted("this is an admin key; events are posted with the key of a source")
        return found

    async def administrator(self, request: Request) -> Principal:
        """The administrator that sends the request. Raises NotAuthenticated, NotPermitted."""
        found = await self.principal(request)
        if not found.is_admin:
            raise NotPermitted("this is the key of a source; here an admin key is needed")
        return found

    async def _look_up(self, key: str) -> Principal | None:
        now = self._monotonic()
        at, found = self._seen.get(key, (-_STALE_SECONDS, None))
        if now - at < _FRESH_SECONDS:
            return found
        try:
            looked_up = await self._registry.principal(key)
        except Unavailable:
            if found is not None and now - at < _STALE_SECONDS:
                return found
            raise
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[key] = (now, looked_up)
        return looked_up
