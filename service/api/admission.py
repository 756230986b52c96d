"""What is looked at before a request is read: whether there is room for it, and whether it came to the right port.

A post that the writer could not commit soon is refused before its body is read, and once more before it is parsed,
since others came while it was on its way: reading costs little, and parsing is what would take time from those
accepted.
"""

from collections.abc import Iterable

from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.bodies import MAX_BODY_BYTES
from service.api.deps import Services
from service.api.errors import answer_to
from service.core.errors import FrontlineError, NotFound, TooLarge, Unavailable
from service.telemetry import Reason

MAX_ADMIN_BODY_BYTES = 1024 * 1024
MAX_OTHER_BODY_BYTES = 64 * 1024
MAX_HELD_BYTES = 64 * 1024 * 1024
"""Of all posts together that a process has read and not yet answered."""
MAX_OTHERS_HELD_BYTES = 16 * 1024 * 1024
"""Of all other bodies together; those are read before it is known who sends them, so they must not shut out posts."""

_EVENTS = "/v1/events"
_WEBHOOKS = "/v1/webhooks/"
_ADMIN = "/v1/admin/"
_METRICS = frozenset({"/metrics", "/metrics/kpi"})
_AT_METRICS_PORT = _METRICS | {"/healthz", "/readyz"}
_LARGE_BYTES = 16 * 1024
_LARGE_SHARE = 0.5


class Admission:
    """Middleware around the app. Where there is a `metrics_port`, metrics are only there, and only health besides."""

    def __init__(self, app: ASGIApp, metrics_port: int | None = None) -> None:
        self._app = app
        self._metrics_port = metrics_port
        self._held = {True: 0, False: 0}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it here."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: State = scope["app"].state
        path = scope["path"]
        is_post = _brings_events(path) and scope["method"] == "POST"
        declared = _declared(scope["headers"])
        body = _Body(self, state, receive, is_post=is_post, limit=_limit(path), declared=declared)
        try:
            self._check_port(scope)
            if is_post:
                state.services.writer.check(body.share)
            elif declared is not None and declared > body.limit:
                raise body.too_large()
        except FrontlineError as error:
            response = answer_to(error)
            if path == _EVENTS:
                state.services.telemetry.posts.labels(str(response.status_code)).inc()
            await response(scope, receive, send)
            return
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._held[is_post] -= body.size

    def _check_port(self, scope: Scope) -> None:
        if self._metrics_port is None:
            return
        server = scope.get("server")
        if server is not None and server[1] == self._metrics_port:
            is_here = scope["path"] in _AT_METRICS_PORT
        else:
            is_here = scope["path"] not in _METRICS
        if not is_here:
            raise NotFound("this is not served on this port")

    def hold(self, size: int, *, is_post: bool) -> bool:
        """Account for a piece of a body; whether there is room for it."""
        self._held[is_post] += size
        return self._held[is_post] <= (MAX_HELD_BYTES if is_post else MAX_OTHERS_HELD_BYTES)


class _Body:
    """The body of one request, as the app reads it."""

    def __init__(
        self,
        admission: Admission,
        state: State,
        receive: Receive,
        *,
        is_post: bool,
        limit: int,
        declared: int | None,
    ) -> None:
        self._admission = admission
        self._state = state
        self._receive = receive
        self._is_post = is_post
        self.limit = limit
        # A post of unknown size may be a large one. An import in bulk is the first to wait, and a till the last.
        self.share = _LARGE_SHARE if declared is None or declared > _LARGE_BYTES else 1.0
        self.size = 0

    @property
    def _services(self) -> Services:
        found: Services = self._state.services
        return found

    def too_large(self) -> TooLarge:
        """What a body over the limit is refused with."""
        self._services.telemetry.refused.labels(Reason.BODY_TOO_LARGE).inc()
        return TooLarge(f"the body is over {self.limit} bytes, which is the limit here")

    async def receive(self) -> Message:
        """The next piece. Raises where it is one too many."""
        message = await self._receive()
        if message["type"] != "http.request":
            return message
        piece = len(message.get("body", b""))
        self.size += piece
        if not self._admission.hold(piece, is_post=self._is_post):
            self._services.telemetry.refused.labels(Reason.BODIES).inc()
            raise self._refusal(Unavailable("more is being read than this process takes; try again"))
        if self._is_post:
            if not message.get("more_body", False):
                self._services.writer.check(self.share)
        elif self.size > self.limit:
            raise self._refusal(self.too_large())
        return message

    def _refusal(self, error: FrontlineError) -> Exception:
        """An error as whoever reads the body lets it through: the framework makes a 400 of any that is not its own."""
        if self._is_post:
            return error
        if isinstance(error, Unavailable):
            return HTTPException(503, str(error), {"Retry-After": str(error.retry_after)})
        return HTTPException(413, str(error))


def _brings_events(path: str) -> bool:
    return path == _EVENTS or path.startswith(_WEBHOOKS)


def _limit(path: str) -> int:
    if _brings_events(path):
        return MAX_BODY_BYTES
    return MAX_ADMIN_BODY_BYTES if path.startswith(_ADMIN) else MAX_OTHER_BODY_BYTES


def _declared(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The size that a request's headers declare; none for a body in chunks."""
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
        if name == b"transfer-encoding":
            return None
    return 0
