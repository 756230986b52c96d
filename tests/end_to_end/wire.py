"""Bytes on a connection, as a client sends them that follows no library's rules."""

import json
import socket
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any

PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """An answer, read off the wire; `took` is the time since the connection was opened or last answered."""

    status: int
    headers: dict[str, str]
    body: bytes
    took: float

    @property
    def problem(self) -> dict[str, Any]:
        """The members of an answer that must be problem+json."""
        assert self.headers["content-type"] == "application/problem+json", self
        members: dict[str, Any] = json.loads(self.body)
        assert members["status"] == self.status
        assert members["title"]
        assert members["detail"]
        return members


class Wire:
    """One connection."""

    def __init__(self, port: int, *, read_buffer: int | None = None) -> None:
        self._socket = socket.socket()
        if read_buffer is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
        self._socket.settimeout(PATIENCE_SECONDS)
        self._socket.connect(("127.0.0.1", port))
        self._since = time.monotonic()
        self._read = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes; a connection that the other side has closed takes none, which shows at the answer."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            return

    def trickle(self, data: bytes, pause: float) -> bool:
        """Send byte by byte until the other side says something or closes; whether it did."""
        self._socket.settimeout(pause)
        try:
            for number in range(len(data)):
                self.send(data[number : number + 1])
                try:
                    self._read += self._socket.recv(1 << 16)
                except TimeoutError:
                    continue
                except ConnectionResetError:
                    pass
                return True
            return False
        finally:
            self._socket.settimeout(PATIENCE_SECONDS)

    def answer(self) -> Answer:
        """The next answer."""
        while b"\r\n\r\n" not in self._read:
            self._receive()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._read) < length:
            self._receive()
        body, self._read = self._read[:length], self._read[length:]
        now = time.monotonic()
        took, self._since = now - self._since, now
        return Answer(int(first.split()[1]), headers, body, took)

    def _receive(self) -> None:
        more = self._socket.recv(1 << 16)
        assert more, f"closed by the other side, without an answer, after {self._read!r}"
        self._read += more

    def closed(self) -> float:
        """Read to the end of the connection; the time since it was opened or last answered. Fails if it stays open."""
        try:
            while self._socket.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass
        return time.monotonic() - self._since
