"""What a process bears from one connection, and from how many: the bounds that uvicorn does not have.

A head has a size and a time. A body, and an answer that the client reads, may come to no standstill: in each span of
the same length it must move by `_LEAST_RATE` bytes a second, or end. So a till on a slow line is served, and a client
that sends a byte a minute is not. What a client owes is looked at by one timer a connection, which a request does not
touch.
"""

import asyncio
from dataclasses import dataclass
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.telemetry import Reason, Telemetry

MAX_HEAD_BYTES = 32 * 1024
TELEMETRY = "telemetry"
"""The name under which the app's lifespan hands on what refusals are counted in."""

_LEAST_RATE = 1024
_DISCARDED_BYTES = 32 * 1024 * 1024
_PIPELINED = 32
_RESERVE = 100
_BETWEEN = 4  # the colon, the space and the end of the line of a header


@dataclass(frozen=True, slots=True)
class Bounds:
    """`seconds` for a head, and for a standstill; `idle_seconds` between requests; so many `connections` at once.

    On the port of metrics, where there is one, a hundred more are taken, so that probes and scrapes get through.
    """

    seconds: float
    idle_seconds: float
    connections: int
    metrics_port: int | None = None


class _Stage(Enum):
    """What is expected of the client."""

    FIRST_BYTE = auto()
    HEAD = auto()
    BODY = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why a connection is closed, if that is worth a count, and the answer that goes before, if there is one."""

    reason: Reason | None
    answer: bytes = b""


def _refusal(reason: Reason, status: HTTPStatus, detail: str, *headers: str) -> _Refusal:
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = msgspec.json.encode(problem)
    lines = (
        f"HTTP/1.1 {status.value} {status.phrase}",
        "content-type: application/problem+json",
        f"content-length: {len(body)}",
        "connection: close",
        *headers,
    )
    return _Refusal(reason, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


_MALFORMED = _refusal(Reason.MALFORMED, HTTPStatus.BAD_REQUEST, "this is not HTTP/1.1")
_HEAD_TOO_LARGE = _refusal(
    Reason.HEAD_TOO_LARGE,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    f"the request's path and headers are over {MAX_HEAD_BYTES} bytes",
)
_HEAD_LATE = _refusal(Reason.HEAD_LATE, HTTPStatus.REQUEST_TIMEOUT, "the request's headers took too long to come")
_BODY_LATE = _refusal(Reason.BODY_LATE, HTTPStatus.REQUEST_TIMEOUT, "the request's body took too long to come")
_TOO_MANY = _refusal(
    Reason.CONNECTIONS,
    HTTPStatus.SERVICE_UNAVAILABLE,
    "more connections than this process takes; try again",
    "retry-after: 1",
)
_BODY_UNWANTED = _Refusal(Reason.BODY_UNWANTED)
_PIPELINE_TOO_LONG = _Refusal(Reason.PIPELINE)
_READER_LATE = _Refusal(Reason.READER_LATE)
_SILENT = _Refusal(Reason.SILENT)
_IDLE = _Refusal(None)


class _Refused(Exception):
    """The parser is to stop here."""


class Connection(HttpToolsProtocol):
    """A connection of uvicorn that keeps within bounds."""

    def __init__(self, *arguments: Any, bounds: Bounds, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._bounds = bounds
        self._stage = _Stage.FIRST_BYTE
        self._since = 0.0
        self._head_bytes = 0
        self._body_bytes = 0
        self._seen_bytes = 0
        self._fed_bytes = 0
        self._unanswered = 0
        self._heads = 0
        self._refusal: _Refusal | None = None
        self._unread_bytes = 0
        self._unread_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._was_closing = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a connection, or refuse it where there are enough."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn asks for less than asyncio gives
        on_reserve = self.server is not None and self.server[1] == self._bounds.metrics_port
        if len(self.connections) > self._bounds.connections + (_RESERVE if on_reserve else 0):
            self._refuse(_TOO_MANY)
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self._bounds.seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and refuse it where it is too much."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        before, self._heads = self._stage, 0
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal or _MALFORMED)
            return
        # The parser tells of a header once it has ended, so what came of one that has not is counted here.
        begun = 0 if before is _Stage.HEAD else 1
        if self._stage is _Stage.HEAD and before is not _Stage.BODY and self._heads == begun:
            self._fed_bytes += len(data)
            if self._fed_bytes > MAX_HEAD_BYTES:
                self._refuse(_HEAD_TOO_LARGE)

    def _go_on_without_upgrade(self, rest: bytes) -> None:
        """Read a request that asks for another protocol as if it did not, which is what HTTP has for a refusal.

        The parser reads none of its body, and nothing after it. Java's client asks for HTTP/2 with every first post.
        """
        if self.parser.get_method() == b"CONNECT":
            self._refuse(_MALFORMED)
            return
        head = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        head += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"\r\n".join(head) + b"\r\n\r\n" + rest)

    # What the parser finds.

    def on_message_begin(self) -> None:
        """A head begins."""
        self._stage, self._since = _Stage.HEAD, self.loop.time()
        self._head_bytes = self._fed_bytes = self._body_bytes = self._seen_bytes = 0
        self._heads += 1
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of the path and its query."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or what follows a body in chunks like one."""
        self._count_head(len(name) + len(value) + _BETWEEN)
        super().on_header(name, value)

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            self._stop(_HEAD_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is whole; the request begins, or waits for those before it."""
        if self.parser.should_upgrade():
            return
        self._stage, self._since = _Stage.BODY, self.loop.time()
        super().on_headers_complete()
        self._unanswered += 1
        if len(self.pipeline) > _PIPELINED:
            self._stop(_PIPELINE_TOO_LONG)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body_bytes += len(body)
        if self._body_bytes > _DISCARDED_BYTES and self.cycle.response_complete:
            self._stop(_BODY_UNWANTED)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self.parser.should_upgrade():
            return
        self._stage, self._since = _Stage.NOTHING, self.loop.time()
        super().on_message_complete()

    def _stop(self, refusal: _Refusal) -> None:
        self._refusal = refusal
        raise _Refused

    # What becomes of it.

    def on_response_complete(self) -> None:
        """The answer is written; what comes of the body from now on is thrown away."""
        self._since = self.loop.time()
        self._unanswered -= 1
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is written to."""
        self._unread_since = self.loop.time()
        self._unread_bytes = self.transport.get_write_buffer_size()
        super().pause_writing()

    def _look(self) -> None:
        """See whether the client is late, and when it would be."""
        if self._was_closing:
            self.transport.abort()  # what it was to read before the end, it does not read
            return
        self._was_closing = self.transport.is_closing()
        now = self.loop.time()
        due, refusal = self._due(now)
        if due <= now and not self._was_closing:
            self._refuse(refusal)
            self._was_closing = True
            due = now + self._bounds.seconds
        self._timer = self.loop.call_later(due - now if due > now else self._bounds.seconds, self._look)

    def _due(self, now: float) -> tuple[float, _Refusal]:
        """When the client is late, as things stand, and what it is late with."""
        seconds = self._bounds.seconds
        if self.flow.write_paused:
            unread = self.transport.get_write_buffer_size()
            if self._unread_bytes - unread >= _LEAST_RATE * (now - self._unread_since):
                self._unread_since, self._unread_bytes = now, unread
            return self._unread_since + seconds, _READER_LATE
        if self.flow.read_paused or (self._stage is _Stage.NOTHING and self._unanswered):
            self._since = now  # it is we who keep it waiting
            return now + seconds, _IDLE
        if self._stage is _Stage.HEAD:
            return self._since + seconds, _HEAD_LATE
        if self._stage is _Stage.BODY:
            if self._unanswered and self._body_bytes - self._seen_bytes >= _LEAST_RATE * (now - self._since):
                self._since, self._seen_bytes = now, self._body_bytes
            return self._since + seconds, _BODY_LATE
        if self._stage is _Stage.FIRST_BYTE:
            return self._since + seconds, _SILENT
        return self._since + self._bounds.idle_seconds, _IDLE

    def _refuse(self, refusal: _Refusal) -> None:
        """Close the connection, with an answer where none is being given."""
        if refusal.reason is not None:
            telemetry: Telemetry = self.app_state[TELEMETRY]
            telemetry.refused.labels(refusal.reason).inc()
        may_answer = self._may_answer()
        if self._unanswered:
            self.cycle.disconnected = True  # whatever the app still says is for nobody
        if refusal.answer and may_answer:
            self.transport.write(refusal.answer)
            self.transport.close()
        elif refusal in (_IDLE, _SILENT):
            self.transport.close()
        else:
            self.transport.abort()

    def _may_answer(self) -> bool:
        """Whether an answer would be taken for that of the request it is about."""
        if self.pipeline or self.flow.write_paused:
            return False
        if not self._unanswered:
            return self._stage is not _Stage.BODY
        return self._stage is _Stage.BODY and not self.cycle.response_started
