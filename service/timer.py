"""The timer: what no event announces, because it happens by the passing of time.

One process at a time runs it, the holder of a lock that PostgreSQL frees when the holder's connection ends; the others
look every second whether they can take over.
"""

import asyncio
import contextlib
import logging

import msgspec

from service.core.errors import Unavailable
from service.core.event import HOUR_US, SECOND_US
from service.store.clock import Clock, system_clock_us
from service.store.ledger import Ledger
from service.store.retention import Retention
from service.store.unread import UnreadParts
from service.telemetry import Telemetry

_log = logging.getLogger(__name__)
_AT_ONCE = 500
_RETENTION_SECONDS = 0.3


class Timer:
    """Measures again the interactions and contacts for which time alone has changed what they count for.

    After its start, and after the database was away, it waits for `grace_seconds`: sources that could not post
    meanwhile do so now, and those of whom they tell that they were answered in time must not be breaches before that.

    Where there is a `retention`, it is looked after when nothing is due, and `unread` parts come to their end hourly.
    """

    def __init__(
        self,
        ledger: Ledger,
        telemetry: Telemetry,
        retention: Retention | None = None,
        unread: UnreadParts | None = None,
        *,
        clock: Clock = system_clock_us,
        tick_seconds: float = 1.0,
        grace_seconds: float = 10.0,
    ) -> None:
        self._ledger = ledger
        self._telemetry = telemetry
        self._retention = retention
        self._unread = unread
        self._expires_us = 0
        self._clock = clock
        self._tick_seconds = tick_seconds
        self._grace_seconds = grace_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to tick."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop ticking, and let another process take over."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._retention is not None:
            await self._retention.stop()
        await self._ledger.close()

    async def tick(self, now_us: int) -> int:
        """Do what is due as of a moment, if this process holds the timer; how many were due is returned."""
        if not await self._ledger.hold_timer():
            self._telemetry.timer_holder.set(0)
            if self._retention is not None:
                await self._retention.stop()
            return 0
        self._telemetry.timer_holder.set(1)
        done = 0
        while due := await self._ledger.due(now_us, _AT_ONCE):
            await self._ledger.remeasure(due, now_us)
            done += len(due)
        while settling := await self._ledger.due_contacts(now_us, _AT_ONCE):
            await self._ledger.settle(settling, now_us)
            done += len(settling)
        self._telemetry.timer_measured.inc(done)
        if self._retention is not None:
            await self._retain(self._retention, now_us)
        if self._unread is not None and not self._expires_us - HOUR_US <= now_us < self._expires_us:
            self._expires_us = now_us + HOUR_US
            await self._unread.expire()
        return done

    async def _retain(self, retention: Retention, now_us: int) -> None:
        try:
            done = await retention.go_on(now_us, _RETENTION_SECONDS)
        except Exception:  # noqa: BLE001  # deadlines must not wait for it; it is logged, and tried again
            _log.exception("retention failed; it is tried again in a minute")
            return
        for what, count in msgspec.structs.asdict(done).items():
            self._telemetry.forgotten.labels(what).inc(count)
        if retention.kept_from_us is not None:
            self._telemetry.kept_from.set(retention.kept_from_us / SECOND_US)

    async def _run(self) -> None:
        await asyncio.sleep(self._grace_seconds)
        while True:
            try:
                await self.tick(self._clock())
            except Unavailable as error:
                self._telemetry.timer_holder.set(0)
                _log.warning("the timer could not tick: %s", error)
                await asyncio.sleep(self._grace_seconds)
            except Exception:  # noqa: BLE001  # the timer must outlive any single failure; it is logged
                _log.exception("the timer failed")
            await asyncio.sleep(self._tick_seconds)
