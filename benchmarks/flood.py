"""Posts that come at a rate of their own, whether or not those before them are answered: `python -m benchmarks.flood`.

A process of its own, so that neither the service nor the measuring waits for it. A post is due at its moment; it takes
a connection that is free, and where none is, it is not sent and is counted as such, as a balancer would that keeps so
many connections. Its latency counts from the moment at which it was due. What was refused is posted again later.
"""

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import cast

import uvloop

from benchmarks.month import lines

_TICK_SECONDS = 0.001
_PATIENCE_SECONDS = 20
_STAMP = b"@@@@@@@@@@@@"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is posted: so many `posts` a second for so many `seconds`; `batch` events in each, of ids under a label."""

    host: str
    port: int
    key: str
    label: str
    batch: int
    posts: float
    seconds: float
    connections: int


@dataclass(slots=True)
class Outcome:
    """What became of the posts. Latencies are in seconds, by status; `closed` connections gave no answer.

    `drain_seconds` is the time from the end of the plan until everything was answered.
    """

    due: int = 0
    unsent: int = 0
    closed: int = 0
    seconds: float = 0.0
    drain_seconds: float = 0.0
    latencies: dict[str, list[float]] = field(default_factory=dict)

    def count(self, status: str) -> int:
        """How many posts were answered so."""
        return len(self.latencies.get(status, []))


def bodies(plan: Plan) -> list[bytes]:
    """Templates of bodies, of which each is made new by a stamp in place of its label."""
    if plan.batch == 1:
        return [
            b'{"id":"'
            + _STAMP
            + b'-1","source":"acd","type":"interaction.queued","time":"%s","subject":"'
            + _STAMP
            + b'","data":{"site":"bank","queue":"q1","channel":"phone"}}'
        ]
    events = lines(_STAMP.decode())
    return [
        b"\n".join(events[start : start + plan.batch])
        for start in range(0, min(len(events), 40 * plan.batch) - plan.batch, plan.batch)
    ]


class _Poster(asyncio.Protocol):
    """One connection, with one post in flight at most."""

    def __init__(self, flood: "_Flood") -> None:
        self._flood = flood
        self._answer = b""
        self._body = b""
        self._due = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        self._flood.free.append(self)

    def post(self, body: bytes, due: float) -> None:
        assert self._transport is not None
        self._body, self._due = body, due
        self._transport.write(self._flood.head + str(len(body)).encode() + b"\r\n\r\n" + body)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(rest) < length:
            return
        self._answer = b""
        status = head[9:12].decode()
        self._flood.answered(status, self._body, self._due)
        self._body = b""
        if b"connection: close" in head.lower():
            assert self._transport is not None
            self._transport.close()
        else:
            self._flood.free.append(self)

    def connection_lost(self, _: Exception | None) -> None:
        if self._body:
            self._flood.outcome.closed += 1
            self._flood.again.append(self._body)
        self._flood.lost(self)


class _Flood:
    """All connections, and the clock that sends."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._templates = bodies(plan)
        self._made = 0
        self.free: deque[_Poster] = deque()
        self.again: deque[bytes] = deque()
        self.outcome = Outcome()
        self.head = (
            f"POST /v1/events HTTP/1.1\r\nHost: {plan.host}\r\nAuthorization: Bearer {plan.key}\r\n"
            f"Content-Type: {'application/json' if plan.batch == 1 else 'application/x-ndjson'}\r\nContent-Length: "
        ).encode()
        self._opening: set[asyncio.Task[None]] = set()
        self._ended = False

    def answered(self, status: str, body: bytes, due: float) -> None:
        self.outcome.latencies.setdefault(status, []).append(time.perf_counter() - due)
        if status != "202":
            self.again.append(body)

    def lost(self, poster: _Poster) -> None:
        if poster in self.free:
            self.free.remove(poster)
        if not self._ended:
            self._open()

    def _open(self) -> None:
        task = asyncio.create_task(self._connect())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _connect(self) -> None:
        while not self._ended:
            try:
                await asyncio.get_running_loop().create_connection(
                    lambda: _Poster(self), self._plan.host, self._plan.port
                )
                return
            except OSError:
                await asyncio.sleep(0.05)

    def _body(self) -> bytes:
        if self.again:
            return self.again.popleft()
        self._made += 1
        stamp = f"{self._plan.label}{self._made:x}".ljust(len(_STAMP), "-").encode()
        body = self._templates[self._made % len(self._templates)].replace(_STAMP, stamp)
        if self._plan.batch == 1:
            return body.replace(b"%s", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()).encode())
        return body

    async def run(self) -> Outcome:
        for _ in range(self._plan.connections):
            self._open()
        await self._all_free()
        began = time.perf_counter()
        outcome = self.outcome
        total = int(self._plan.posts * self._plan.seconds)
        while outcome.due < total:
            now = time.perf_counter()
            until = min(total, int((now - began) * self._plan.posts) + 1)
            while outcome.due < until:
                due = began + outcome.due / self._plan.posts
                outcome.due += 1
                if self.free:
                    self.free.popleft().post(self._body(), due)
                else:
                    outcome.unsent += 1
            await asyncio.sleep(_TICK_SECONDS)
        outcome.seconds = time.perf_counter() - began
        await self._all_free()
        outcome.drain_seconds = time.perf_counter() - began - outcome.seconds
        self._ended = True
        return outcome

    async def _all_free(self) -> None:
        """Return when no post is in flight, or after a while."""
        for _ in range(_PATIENCE_SECONDS * 100):
            if len(self.free) == self._plan.connections:
                return
            await asyncio.sleep(0.01)


def main() -> None:
    """Carry out the plan on standard input, and print the outcome."""
    plan = Plan(**json.load(sys.stdin))
    json.dump(asdict(uvloop.run(_Flood(plan).run())), sys.stdout)


if __name__ == "__main__":
    main()
