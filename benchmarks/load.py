"""A client as light as Python allows: ready-made bodies over kept connections, so that it takes little of the cores."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from benchmarks.process import Running

_BUSY = (429, 503)
_AGAIN_SECONDS = 0.02


@dataclass(slots=True)
class Load:
    """What became of some posts: `latencies` in seconds, in the order of the answers; how often one was refused.

    One that is refused because the service is busy is sent again until it is not.
    """

    events: int = 0
    seconds: float = 0.0
    refused: int = 0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    def quantile(self, q: float) -> float:
        """A quantile of the latencies, in seconds."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(q * len(self.latencies)))]


class Connection:
    """One kept connection to the service, or to another that takes posts at `path`."""

    def __init__(self, to: Running, path: str = "/v1/events") -> None:
        self._to = to
        self._head = (
            f"POST {path} HTTP/1.1\r\nHost: {to.host}\r\nAuthorization: Bearer {to.key}\r\n"
            "Content-Type: application/x-ndjson\r\nContent-Length: "
        ).encode()

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(self._to.host, self._to.port, limit=1 << 26)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def post(self, body: bytes) -> int:
        """Post a body and read the answer; its status."""
        self._writer.write(self._head + str(len(body)).encode() + b"\r\n\r\n" + body)
        return (await self._answer())[0]

    async def get(self, path: str) -> bytes:
        """The body that a path answers."""
        asked = f"GET {path} HTTP/1.1\r\nHost: {self._to.host}\r\nAuthorization: Bearer {self._to.read_key}\r\n\r\n"
        self._writer.write(asked.encode())
        status, answer = await self._answer()
        if status != 200:
            raise RuntimeError(f"{path} was answered with {status}: {answer[:500].decode()}")
        return answer

    async def _answer(self) -> tuple[int, bytes]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = int(head[9:12])
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return status, await self._reader.readexactly(length)


async def post_all(
    to: Running, bodies: Iterable[tuple[bytes, int]], connections: int, rate: float = 0.0, path: str = "/v1/events"
) -> Load:
    """Post bodies from several connections at once; at `rate` events a second where it is given, else at once."""
    load = Load()
    waiting: Iterator[tuple[bytes, int]] = iter(bodies)
    began = time.perf_counter()
    scheduled = 0

    async def one() -> None:
        nonlocal scheduled
        async with Connection(to, path) as connection:
            for body, events in waiting:
                if rate:
                    due = began + scheduled / rate
                    scheduled += events
                    await asyncio.sleep(max(0.0, due - time.perf_counter()))
                sent = time.perf_counter()
                while (status := await connection.post(body)) in _BUSY:
                    load.refused += 1
                    await asyncio.sleep(_AGAIN_SECONDS)
                if status != 202:
                    raise RuntimeError(f"a post was answered with {status}")
                load.latencies.append(time.perf_counter() - sent)
                load.events += events

    await asyncio.gather(*(one() for _ in range(connections)))
    load.seconds = time.perf_counter() - began
    return load
