"""Replays a file of events against a running Frontline: as fast as it can, or by the events' own clock.

A shifted replay moves every time by one constant and gives ids and subjects a suffix made of that constant
(`~` and the shift in microseconds, in hexadecimal). So another shift is another history, not a heap of
duplicates, while the same shift posted twice is counted once. Customers keep their names.
"""

import asyncio
import gzip
import io
import math
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from service.client import FrontlineClient, Posted, Rejection

MAX_SPEED = math.inf
LISTED_REJECTIONS = 10

_TICK = 0.05  # seconds; events due within one tick share a post
_MICROSECOND = timedelta(microseconds=1)
_TIMES = ("queued_at", "answered_at", "completed_at", "due")
_REFERENCES = ("feedback", "promise")  # fields that name another event or a thing of the source's


class ReplayError(Exception):
    """The file cannot be replayed as asked."""


class _Stamp(msgspec.Struct):
    time: str
    subject: str = ""


class EventFile:
    """The lines of an `.ndjson` or `.ndjson.gz` file (None: of standard input), read as a stream.

    Each iteration reads from the start. `position` of `size` bytes (as stored) are read; 0 where unknown.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.size = path.stat().st_size if path else 0
        self.position = 0

    @property
    def rereadable(self) -> bool:
        """Whether it can be read more than once."""
        return self._path is not None and self._path.is_file()

    def __iter__(self) -> Iterator[bytes]:
        if self._path is None:
            yield from _lines(sys.stdin.buffer)
            return
        with self._path.open("rb") as stored:
            zipped = self._path.suffix == ".gz"
            try:
                for line in _lines(io.BufferedReader(gzip.GzipFile(fileobj=stored)) if zipped else stored):
                    self.position = stored.tell()
                    yield line
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise ReplayError(f"{self._path} is damaged: {error}") from error


def _lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    return (line for raw in stream if (line := raw.strip()))


def moment(line: bytes) -> datetime | None:
    """The time of an event; None where the line has none (the service will say what is wrong with it)."""
    stamp = _stamp(line)
    return stamp[0] if stamp else None


def _stamp(line: bytes) -> tuple[datetime, str] | None:
    try:
        stamp = msgspec.json.decode(line, type=_Stamp)
        when = datetime.fromisoformat(stamp.time)
    except (msgspec.DecodeError, ValueError):
        return None
    return (when, stamp.subject) if when.tzinfo else None


@dataclass(frozen=True, slots=True)
class Shift:
    """A constant that all times of a history are moved by."""

    by: timedelta

    @property
    def suffix(self) -> str:
        """What ids and subjects get, so that the moved history is one of its own."""
        return f"~{self.by // _MICROSECOND:x}"

    def apply(self, line: bytes) -> bytes:
        """The event moved; a line that is no event of the contract stays as it is."""
        try:
            event = msgspec.json.decode(line, type=dict[str, Any])
            event["time"] = self._move(event["time"])
            for name in ("id", "subject"):
                if name in event:
                    event[name] += self.suffix
            if isinstance(data := event.get("data"), dict):
                event["data"] = data | self._moved(data)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError):
            return line
        return msgspec.json.encode(event)

    def _moved(self, data: Mapping[str, Any]) -> dict[str, Any]:
        times = {name: self._move(data[name]) for name in _TIMES if data.get(name)}
        return times | {name: data[name] + self.suffix for name in _REFERENCES if data.get(name)}

    def _move(self, when: str) -> str:
        return (datetime.fromisoformat(when) + self.by).isoformat().replace("+00:00", "Z")


def shift_to_now(lines: Iterable[bytes], speed: float, now: datetime) -> Shift:
    """The shift that brings a history to now without ever posting an event before its time.

    At `MAX_SPEED` the last event lands at now; in real time (or slower) the first one does. At a speed
    between them, the last event lands at the moment at which it will be posted.
    """
    times = (when for line in lines if (when := moment(line)))
    first = last = next(times, None)
    if first is None or last is None:
        raise ReplayError("there is no event with a time to shift")
    if speed <= 1:
        return Shift(now - first)
    for when in times:
        first, last = min(first, when), max(last, when)
    lasting = timedelta(0) if math.isinf(speed) else (last - first) / speed
    return Shift(now + lasting - last)


def busiest_day(lines: Iterable[bytes], zone: ZoneInfo) -> date:
    """The local day that has the most events."""
    days = Counter(when.astimezone(zone).date() for line in lines if (when := moment(line)))
    if not days:
        raise ReplayError("there is no event with a time")
    return days.most_common(1)[0][0]


def of_day(lines: Iterable[bytes], day: date, zone: ZoneInfo) -> Iterator[bytes]:
    """The events of one local day, of interactions that began on it; `lines` are in time order."""
    eve = day - timedelta(days=1)
    earlier: set[str] = set()
    for line in lines:
        if (stamp := _stamp(line)) is None:
            continue
        when, subject = stamp
        local = when.astimezone(zone).date()
        if local == eve:
            earlier.add(subject)
        elif local == day and subject not in earlier:
            yield line


def shift_day(day: date, hour: time_of_day, now: datetime, zone: ZoneInfo) -> Shift:
    """The shift that makes an hour of a day, by the wall clock in `zone`, be now."""
    return Shift(now - datetime.combine(day, hour, zone).astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Pace:
    """When an event is due: `first`, an event's time, at `start` by the clock; the others at `speed`.

    With `first` = `start` and speed 1, past events are due at once and future ones as their time comes.
    """

    speed: float
    first: datetime
    start: datetime

    def due(self, when: datetime) -> datetime:
        """The moment at which an event of the time `when` is to be posted."""
        return self.start + (when - self.first) / self.speed


@dataclass(slots=True)
class Summary:
    """What became of a replay so far. `rejections` holds the first few, `index` the place in the file."""

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    seconds: float = 0.0
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def events(self) -> int:
        """How many events were posted."""
        return self.accepted + self.duplicates + self.rejected

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0

    def add(self, posted: Posted, offset: int = 0) -> None:
        """Count one post, whose first event is number `offset`, from 0."""
        self.accepted += posted.accepted
        self.duplicates += posted.duplicates
        self.rejected += len(posted.rejected)
        self._list(replace(each, index=offset + each.index) for each in posted.rejected)

    def merge(self, later: "Summary") -> None:
        """Count what another run did after this one."""
        offset = self.events
        self.accepted += later.accepted
        self.duplicates += later.duplicates
        self.rejected += later.rejected
        self._list(replace(each, index=offset + each.index) for each in later.rejections)

    def _list(self, rejections: Iterable[Rejection]) -> None:
        self.rejections.extend(islice(rejections, LISTED_REJECTIONS - len(self.rejections)))


@dataclass(frozen=True, slots=True)
class Replay:
    """Posts lines to a Frontline: `batch` to a post, `clients` posts in flight, by `pace` if there is one."""

    client: FrontlineClient
    pace: Pace | None = None
    batch: int = 500
    clients: int = 4
    report: Callable[[Summary], None] = lambda _summary: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic

    async def run(self, lines: Iterable[bytes]) -> Summary:
        """Post all `lines`, reporting after each post; raises `ClientError` where the service is lost."""
        summary, began, offset = Summary(), self.clock(), 0
        slots = asyncio.Semaphore(self.clients)

        async def post(batch: list[bytes], offset: int) -> None:
            try:
                summary.add(await self.client.post_events(batch), offset)
            finally:
                slots.release()
            summary.seconds = self.clock() - began
            self.report(summary)

        try:
            async with asyncio.TaskGroup() as posts:
                async for batch in self._batches(lines):
                    await slots.acquire()
                    posts.create_task(post(batch, offset))
                    offset += len(batch)
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        summary.seconds = self.clock() - began
        return summary

    async def _batches(self, lines: Iterable[bytes]) -> AsyncIterator[list[bytes]]:
        batch: list[bytes] = []
        for line in lines:
            wait = self._wait(line)
            if batch and (wait > 0 or len(batch) == self.batch):
                yield batch
                batch = []
            if wait > 0:
                await self.sleep(max(wait, _TICK))
            batch.append(line)
        if batch:
            yield batch

    def _wait(self, line: bytes) -> float:
        when = moment(line) if self.pace else None
        if self.pace is None or when is None:
            return 0.0
        return (self.pace.due(when) - self.now()).total_seconds()
