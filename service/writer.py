"""Group commit: many posts in flight share a transaction, and each is answered once its events are committed.

Work is divided by interaction among lanes, each with a ledger of its own, so that while PostgreSQL works for one lane
this process measures for another, and the lanes seldom meet at the same interaction. What waits is bounded; when it is
full, or the database is away, a post is refused at once and nothing of it is done. Where the database goes away in
mid-work, a post may have been committed in part, and is refused as a whole: sent again, the rest is committed, and what
was there counts as duplicates.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import Sequence

from service.core.errors import Unavailable
from service.core.event import Accepted
from service.store.clock import Clock, system_clock_us
from service.store.ledger import Ledger
from service.store.verdicts import Outcome, Post
from service.telemetry import Reason, Telemetry

_log = logging.getLogger(__name__)
_PROBE_SECONDS = 0.25
_EVENTS_FOR_ALL_LANES = 250
_ALWAYS_TAKEN = 250
_LEARNT = 0.3
_LONGEST_RETRY_SECONDS = 10
_CLOSING = "the service is shutting down; try again"
_AWAY = "the database does not answer; try again"
_QUEUE_FULL = "more events wait for their commit than the queue takes; try again"


class _Lane:
    """One transaction at a time: a queue of parts of posts, and the ledger that commits them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.waiting: deque[tuple[Post, asyncio.Future[Outcome]]] = deque()
        self.events = 0
        self.wake = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._rate = 0.0
        self._began: float | None = None
        self._busy_since: float | None = None

    def put(self, post: Post) -> asyncio.Future[Outcome]:
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((post, future))
        self.events += len(post.events)
        self.wake.set()
        return future

    def take(self, events: int) -> list[tuple[Post, asyncio.Future[Outcome]]]:
        taken: list[tuple[Post, asyncio.Future[Outcome]]] = []
        while self.waiting and (not taken or events >= len(self.waiting[0][0].events)):
            taken.append(self.waiting.popleft())
            events -= len(taken[-1][0].events)
            self.events -= len(taken[-1][0].events)
        if not self.waiting:
            self.wake.clear()
        return taken

    def begin(self, now: float) -> None:
        """A transaction begins."""
        self._began = now

    def end(self, now: float, events: int) -> None:
        """A transaction of so many events has ended; from those that others waited for, it is known how fast they go.

        One that nobody waited for had few events, and shows no more than that it goes at least so fast.
        """
        since = self._busy_since or self._began
        self._began, self._busy_since = None, now if self.waiting else None
        if events and since is not None and now > since:
            rate = events / (now - since)
            if self.waiting or rate > self._rate:
                self._rate += (rate - self._rate) * (_LEARNT if self._rate else 1)

    def wait_seconds(self, now: float) -> float:
        """How long an event put here now would wait behind those that wait already, as far as can be told.

        A transaction that others wait for says how slow the database is before it has ended. And a few events never
        count as a wait: they are how a lane that once was slow finds out that it no longer is.
        """
        taking = 0.0 if self._began is None else now - self._began
        ahead = self.events - _ALWAYS_TAKEN
        return max(taking, ahead / self._rate if ahead > 0 and self._rate else 0.0)


class Writer:
    """Takes posts and answers them after their commit. `start` it, `submit` to it, and `stop` it, which drains it."""

    def __init__(
        self,
        ledgers: Sequence[Ledger],
        telemetry: Telemetry,
        *,
        queue_events: int,
        batch_events: int,
        wait_seconds: float,
        clock: Clock = system_clock_us,
    ) -> None:
        self._lanes = [_Lane(ledger) for ledger in ledgers]
        self._telemetry = telemetry
        self._queue_events = queue_events
        self._batch_events = batch_events
        self._wait_seconds = wait_seconds
        self._clock = clock
        self._queued = 0
        self._away = 0
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def healthy(self) -> bool:
        """Whether posts can be committed at all; too much to do is no illness, and is told to each post by itself."""
        return not self._away and not self._closing

    async def start(self) -> None:
        """Begin to take posts."""
        for lane in self._lanes:
            lane.task = asyncio.create_task(self._run(lane))

    async def submit(self, source_id: int, events: list[Accepted], *, key_id: int = 0) -> Outcome:
        """Commit events and return how many were new.

        Raises NotAuthenticated where the key is no longer valid, and Unavailable; the post may be sent again whole.
        """
        self._check_open()
        if self._queued + len(events) > self._queue_events:
            raise self._refusal(Reason.QUEUE_FULL, _QUEUE_FULL)
        parts = self._split(source_id, events, key_id)
        self._count(len(events))
        try:
            futures = [lane.put(post) for lane, post in parts]
            await asyncio.wait(futures)
        finally:
            self._count(-len(events))
        errors = [error for error in (future.exception() for future in futures) if error is not None]
        if errors:
            raise errors[0]
        outcomes = [future.result() for future in futures]
        return Outcome(
            sum(outcome.accepted for outcome in outcomes),
            sum(outcome.duplicates for outcome in outcomes),
            tuple(rejected for outcome in outcomes for rejected in outcome.rejected),
        )

    def check(self, share: float = 1.0) -> None:
        """Raise Unavailable where a post had better not come now; it need not have been read.

        `share` is the part of the longest wait that it may find here: who would add much is turned away earlier.
        """
        self._check_open()
        if self._queued >= self._queue_events:
            raise self._refusal(Reason.QUEUE_FULL, _QUEUE_FULL)
        wait = 0.0
        for lane in self._lanes:
            if lane.waiting:
                wait = max(wait, lane.wait_seconds(time.perf_counter()))
        if wait > self._wait_seconds * share:
            retry_after = min(math.ceil(wait), _LONGEST_RETRY_SECONDS)
            raise self._refusal(Reason.WAIT, "a post would wait too long for its commit; try again", retry_after)

    def _check_open(self) -> None:
        if self._closing:
            raise self._refusal(Reason.CLOSING, _CLOSING, 2)
        if self._away:
            raise self._refusal(Reason.DATABASE_AWAY, _AWAY)

    def _refusal(self, reason: Reason, detail: str, retry_after: int = 1) -> Unavailable:
        self._telemetry.refused.labels(reason).inc()
        return Unavailable(detail, retry_after=retry_after)

    def _split(self, source_id: int, events: list[Accepted], key_id: int) -> list[tuple[_Lane, Post]]:
        # One lane commits a few events sooner than several, which pay off when there is enough work for all.
        by_lane: dict[int, list[Accepted]] = {}
        count = len(self._lanes) if self._queued + len(events) >= _EVENTS_FOR_ALL_LANES else 1
        for event in events:
            by_lane.setdefault(hash(event.subject) % count, []).append(event)
        return [(self._lanes[number], Post(source_id, part, key_id)) for number, part in by_lane.items()]

    def _count(self, events: int) -> None:
        self._queued += events
        self._telemetry.queue_events.set(self._queued)
        if self._queued:
            self._idle.clear()
        else:
            self._idle.set()

    async def _run(self, lane: _Lane) -> None:
        while True:
            await lane.wake.wait()
            taken = lane.take(self._batch_events)
            if not taken:
                continue
            try:
                await self._commit(lane, taken)
            except Unavailable as error:
                self._fail(taken, error)
                await self._wait_for_database(lane)
            except Exception:  # noqa: BLE001  # what cannot be committed is told to its sender, one post at a time
                await self._commit_each(lane, taken)

    async def _commit(self, lane: _Lane, taken: list[tuple[Post, asyncio.Future[Outcome]]]) -> None:
        began = time.perf_counter()
        events = sum(len(post.events) for post, _ in taken)
        lane.begin(began)
        try:
            outcomes = await lane.ledger.commit([post for post, _ in taken], self._clock())
        except BaseException:
            self._telemetry.commit_failures.inc()
            events = 0
            raise
        finally:
            ended = time.perf_counter()
            lane.end(ended, events)
        self._telemetry.commit_seconds.observe(ended - began)
        self._telemetry.commit_events.observe(events)
        for (_, future), outcome in zip(taken, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Outcome):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)

    async def _commit_each(self, lane: _Lane, taken: list[tuple[Post, asyncio.Future[Outcome]]]) -> None:
        """After an error that is nobody's outage: a post that cannot be committed must not fail its neighbours."""
        for one in taken:
            try:
                await self._commit(lane, [one])
            except Unavailable as error:
                self._fail([one], error)
            except Exception as error:  # noqa: BLE001  # told to its sender
                _log.exception("a post of %d events could not be committed", len(one[0].events))
                self._fail([one], error)

    def _fail(self, taken: list[tuple[Post, asyncio.Future[Outcome]]], error: Exception) -> None:
        for _, future in taken:
            if not future.done():
                future.set_exception(error)

    async def _wait_for_database(self, lane: _Lane) -> None:
        """Refuse what waits, and go on when the database answers again."""
        self._away += 1
        self._telemetry.database_away.set(1)
        _log.warning("the database does not answer")
        error = Unavailable(_AWAY)
        while True:
            self._fail(lane.take(1 << 62), error)
            try:
                await lane.ledger.connect()
                break
            except Unavailable:
                await asyncio.sleep(_PROBE_SECONDS)
        self._away -= 1
        if not self._away:
            self._telemetry.database_away.set(0)
            _log.info("the database answers again")

    async def stop(self, drain_seconds: float) -> None:
        """Take no more posts, commit those that wait, and give the connections back."""
        self._closing = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), drain_seconds)
        for lane in self._lanes:
            if lane.task is not None:
                lane.task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await lane.task
            self._fail(list(lane.waiting), Unavailable(_CLOSING, retry_after=2))
            await lane.ledger.close()
