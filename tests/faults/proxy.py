"""A proxy between the service and PostgreSQL that cuts connections, where it hurts most: around a commit."""

import asyncio
import contextlib
from enum import Enum

_CHUNK_BYTES = 1 << 16
_WRITER = b"frontline-writer"
_COMMIT = b"COMMIT;"


class Cut(Enum):
    """When a writer's connection is cut."""

    BEFORE_COMMIT = "the server never hears of the commit"
    AFTER_COMMIT = "the server commits, and the writer never hears of it"


class Proxy:
    """Passes what comes at a TCP port on to the server's socket; `cut` and `cut_all` end connections."""

    def __init__(self, server_socket: str) -> None:
        self._server_socket = server_socket
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._cut: Cut | None = None
        self._left = 0
        self.port = 0

    async def start(self) -> None:
        self._listener = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._listener.close()
        self.cut_all()
        await asyncio.sleep(0)

    def cut(self, when: Cut, commits: int) -> None:
        """Cut the connections of the next commits."""
        self._cut, self._left = when, commits

    @property
    def commits_left(self) -> int:
        """How many commits are still to be cut."""
        return self._left

    def cut_all(self) -> int:
        """Cut every connection that there is now, in whatever it is doing; how many they were."""
        pairs = list(self._pairs)
        for pair in pairs:
            _abort(*pair)
        return len(pairs)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server_reader, server_writer = await asyncio.open_unix_connection(self._server_socket)
        except OSError:
            _abort(writer)
            return
        pair = (writer, server_writer)
        self._pairs.add(pair)
        onward = asyncio.create_task(self._pass_on(reader, pair))
        try:
            with contextlib.suppress(OSError):
                while chunk := await server_reader.read(_CHUNK_BYTES):
                    writer.write(chunk)
                    await writer.drain()
        finally:
            onward.cancel()
            self._pairs.discard(pair)
            _abort(*pair)

    async def _pass_on(
        self, reader: asyncio.StreamReader, pair: tuple[asyncio.StreamWriter, asyncio.StreamWriter]
    ) -> None:
        writer, server_writer = pair
        is_writer = False
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                is_writer = is_writer or _WRITER in chunk
                if self._left and is_writer and _COMMIT in chunk:
                    self._left -= 1
                    writer.transport.abort()  # nothing of the answer gets back
                    if self._cut is Cut.AFTER_COMMIT:
                        server_writer.write(chunk)
                        await server_writer.drain()
                        server_writer.write_eof()
                        return  # the server ends the connection once it has done as told
                    break
                server_writer.write(chunk)
                await server_writer.drain()
        _abort(*pair)


def _abort(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.transport.abort()
