"""From errors to answers: one table, and problem+json (RFC 9457) for each."""

from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException

from service.core.errors import (
    Conflict,
    FrontlineError,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ReaderUnknown,
    TooLarge,
    TooMany,
    Unavailable,
    UnsupportedMedia,
)

_STATUS: tuple[tuple[type[FrontlineError], int, str], ...] = (
    (InvalidInput, 422, "Invalid input"),
    (NotAuthenticated, 401, "Not authenticated"),
    (NotPermitted, 403, "Not permitted"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict"),
    (TooLarge, 413, "Too large"),
    (UnsupportedMedia, 415, "Unsupported media type"),
    (TooMany, 429, "Too many requests"),
    (Unavailable, 503, "Unavailable"),
)
_BROWSER = 'Bearer, Basic realm="Frontline: the password is a read key", charset="UTF-8"'
_DESCRIBED = {
    400: "The body cannot be read",
    401: "No key, or one that is not known or not valid any more",
    403: "The key is not for this",
    404: "There is no such thing",
    409: "It is there already, or in a state that forbids this",
    413: "Too large",
    415: "A content type or encoding that is not read here",
    429: "More than the key may bring in a second; send it again after `Retry-After` seconds",
    422: "Something is not right: `field` names it, `detail` says what would be",
    503: "The database is away; send it again after `Retry-After` seconds",
}
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
"""Where the description says what an error looks like."""


class Problem(Struct, frozen=True):
    """An error (RFC 9457). `field` names what was wrong, where one thing was, and `code` is stable for programs."""

    type: str
    title: str
    status: int
    detail: str
    field: str | UnsetType = UNSET
    code: str | UnsetType = UNSET


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Answers of these statuses, as the description of the API tells them."""
    content = {"application/problem+json": {"schema": PROBLEM_SCHEMA}}
    return {status: {"description": _DESCRIBED[status], "content": content} for status in statuses}


def problem(status: int, title: str, detail: str, **members: Any) -> Response:
    """An answer of type problem+json. `members` are further fields of it; `headers` among them are HTTP headers."""
    headers = members.pop("headers", None)
    # What a request quotes back may hold half of a surrogate pair, which no answer can.
    detail = detail.encode(errors="backslashreplace").decode()
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Response(
        msgspec.json.encode(body), status_code=status, headers=headers, media_type="application/problem+json"
    )


def answer_to(error: FrontlineError) -> Response:
    """The answer that tells a client of an error."""
    status, title = next(
        ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (500, "Internal error")
    )
    members: dict[str, Any] = {}
    if isinstance(error, InvalidInput):
        if error.code == "invalid_json":
            status, title = 400, "Malformed body"
        members = {"field": error.field, "code": error.code}
    elif isinstance(error, NotAuthenticated):
        members["headers"] = {"WWW-Authenticate": _BROWSER if isinstance(error, ReaderUnknown) else "Bearer"}
    elif isinstance(error, Unavailable | TooMany):
        members["headers"] = {"Retry-After": str(error.retry_after)}
    return problem(status, title, str(error), **members)


def install(app: FastAPI) -> None:
    """Let an app answer every error with problem+json."""

    @app.exception_handler(FrontlineError)
    async def _expected(_: Request, error: FrontlineError) -> Response:
        return answer_to(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        found = error.errors()
        first = found[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
        status = 400 if first["type"] == "json_invalid" else 422
        details = "; ".join(f"{'.'.join(str(p) for p in e['loc'][1:])}: {e['msg']}" for e in found)
        field = place.encode(errors="backslashreplace").decode()
        return problem(status, "Invalid input", details, field=field, code="invalid_field")

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> Response:
        return problem(error.status_code, str(error.detail), str(error.detail), headers=dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def _unforeseen(_: Request, __: Exception) -> Response:
        return problem(500, "Internal error", "this should not have happened; the log of the service says more")
