"""Headers that every answer has: what a browser may do with it is next to nothing."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DOCS_FILES = "/docs-static/"
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_NOT_KEPT = (b"cache-control", b"no-store")
_POLICY = b"content-security-policy"
_NOTHING = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
# The page begins with a script of its own, in which nothing stands that a client has sent.
_DOCS = (
    b"script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
) + _NOTHING
_POLICIES = {"/docs": _DOCS}


class Headers:
    """Middleware around all else, so that answers to what nobody foresaw have them too.

    No cache keeps an answer, but for the files of the documentation's page, which hold no data. A page loads and runs
    what its own policy allows, else nothing.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], *_ALWAYS]
                if not path.startswith(_DOCS_FILES):
                    headers.append(_NOT_KEPT)
                if all(name != _POLICY for name, _ in headers):
                    headers.append((_POLICY, _POLICIES.get(path, _NOTHING)))
                message["headers"] = headers
            await send(message)

        await self._app(scope, receive, send_with_headers)
