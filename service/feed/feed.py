"""Posts what a file tells of to a running Frontline, row by row, and keeps the place."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

import msgspec

from service.client import FrontlineClient, Posted, UnreachableError
from service.core.errors import InvalidInput
from service.feed.bookmark import Bookmark, Place
from service.vendors.reading.delivery import Event

T = TypeVar("T")
Translate = Callable[[T], list[Event] | None]
"""A row's events, None where it says nothing of service. Raises InvalidInput where it cannot be read."""

_ROWS = 2000
_EVENTS_A_POST = 500
_LOOK_SECONDS = 0.25


class Rows(Protocol[T]):
    """The rows of a file, each with the number of the line where it begins."""

    @property
    def size(self) -> int:
        """How many bytes the file has."""

    @property
    def position(self) -> int:
        """How many of them are read."""

    @property
    def place(self) -> Place:
        """The place from which to go on another time."""

    def read(self, limit: int) -> list[tuple[int, T]]:
        """The next rows; none at the end, or where there are none yet."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """A row that was not taken, or not wholly: the line, and why."""

    line: int
    code: str
    detail: str


@dataclass(slots=True)
class Fed:
    """What became of a file so far: rows, and the events that they made."""

    rows: int = 0
    ignored: int = 0
    unread: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    seconds: float = 0.0

    @property
    def events(self) -> int:
        """How many events were posted."""
        return self.accepted + self.duplicates + self.rejected


@dataclass(slots=True)
class Feed(Generic[T]):
    """Translates rows and posts their events; `client` None posts nothing, for a trial.

    `report` hears how far it is, after each round, and `complain` of each row that was not taken. `insist` hears that
    the service cannot be reached, and then it is tried again, for ever; without it the feed ends with that error.
    """

    rows: Rows[T]
    translate: Translate[T]
    client: FrontlineClient | None
    bookmark: Bookmark | None
    report: Callable[[Fed], None]
    complain: Callable[[Complaint], None]
    insist: Callable[[UnreachableError], None] | None = None
    clock: Callable[[], float] = time.monotonic
    fed: Fed = field(default_factory=Fed)

    async def run(self, stop: asyncio.Event | None = None) -> Fed:
        """Post what there is; with `stop`, wait for more until it is set. Raises ClientError, ConfigurationError.

        The place is kept after everything before it is committed. Without `stop` it stays before the first rows of
        which something was not taken, so that the next time tries them again.
        """
        began = self.clock()
        while True:
            rows = self.rows.read(_ROWS)
            if rows:
                await self._post(*self._translated(rows))
                is_clean = not (self.fed.unread or self.fed.rejected)
                if self.bookmark is not None and (is_clean or stop is not None):
                    self.bookmark.save(self.rows.place)
                self.fed.rows += len(rows)
                self.fed.seconds = self.clock() - began
                self.report(self.fed)
            if stop is None:
                if not rows:
                    return self.fed
            elif stop.is_set() or (not rows and await _is_set_within(stop, _LOOK_SECONDS)):
                return self.fed

    def _translated(self, rows: Sequence[tuple[int, T]]) -> tuple[list[bytes], list[int]]:
        """The events of rows, each as a line of JSON, and the numbers of the rows that they are of."""
        events: list[bytes] = []
        numbers: list[int] = []
        for number, row in rows:
            try:
                made = self.translate(row)
            except InvalidInput as error:
                self.fed.unread += 1
                self.complain(Complaint(number, error.code, str(error)))
                continue
            if made is None:
                self.fed.ignored += 1
                continue
            events += map(msgspec.json.encode, made)
            numbers += [number] * len(made)
        return events, numbers

    async def _post(self, events: Sequence[bytes], numbers: Sequence[int]) -> None:
        try:
            async with asyncio.TaskGroup() as posts:
                for first in range(0, len(events), _EVENTS_A_POST):
                    last = first + _EVENTS_A_POST
                    posts.create_task(self._post_some(events[first:last], numbers[first:last]))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group

    async def _post_some(self, events: Sequence[bytes], numbers: Sequence[int]) -> None:
        if self.client is None:
            self.fed.accepted += len(events)
            return
        posted = await self._posted(self.client, events)
        self.fed.accepted += posted.accepted
        self.fed.duplicates += posted.duplicates
        self.fed.rejected += len(posted.rejected)
        for one in posted.rejected:
            self.complain(Complaint(numbers[one.index], one.code, one.detail))

    async def _posted(self, client: FrontlineClient, events: Sequence[bytes]) -> Posted:
        while True:
            try:
                return await client.post_events(events)
            except UnreachableError as error:
                if self.insist is None:
                    raise
                self.insist(error)


async def _is_set_within(stop: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await stop.wait()
    except TimeoutError:
        return False
