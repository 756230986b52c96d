"""JSON of vendors: taken apart into documents, and what a document says, whatever form it has."""

import json
from datetime import UTC, datetime
from math import inf
from typing import Any

import msgspec

from service.core.errors import InvalidInput
from service.core.event import SECOND_US, moment

_FAULTS = (msgspec.DecodeError, ValueError, RecursionError)
_MILLISECONDS_FROM = 100_000_000_000
"""Numbers from here on are milliseconds since 1970; as seconds they would be of the year 5138."""


def is_json(body: bytes) -> bool:
    """Whether a body is meant to be JSON, rather than a form."""
    return body.lstrip()[:1] in (b"{", b"[")


def documents(body: bytes) -> list[bytes]:
    """The documents of a body: one, the items of an array, or several one behind the other.

    Raises InvalidInput where it is no JSON.
    """
    try:
        if body.lstrip()[:1] == b"[":
            return [bytes(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]
        text = body.decode()
        found = []
        decoder = json.JSONDecoder()
        start = _next(text, 0)
        while start < len(text):
            end = decoder.raw_decode(text, start)[1]
            found.append(text[start:end].encode())
            start = _next(text, end)
    except _FAULTS as error:
        raise _unreadable(error) from error
    if not found:
        raise InvalidInput("the body is empty", code="unreadable")
    return found


def alone(document: bytes) -> bytes:
    """A body that holds a document and nothing else, whatever kind of document it is."""
    return b"[" + document + b"]"


def _next(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def fields_of(document: bytes) -> dict[str, Any]:
    """The fields of a document. Raises InvalidInput where it is no JSON object."""
    try:
        found: dict[str, Any] = msgspec.json.decode(document, type=dict[str, Any])
    except _FAULTS as error:
        raise _unreadable(error) from error
    return found


def section(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """An object within, by keys in lower case; empty where there is none. Raises InvalidInput for anything else."""
    found = fields.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInput("is no object", field=name)
    return {key.lower(): value for key, value in found.items()}


def text(fields: dict[str, Any], name: str) -> str:
    """A text that has to be there. Raises InvalidInput naming the field."""
    found = fields.get(name)
    if found is None or found == "":
        raise InvalidInput("is missing", field=name, code="missing_field")
    if not isinstance(found, str):
        raise InvalidInput("is no text", field=name)
    return found


def seconds(fields: dict[str, Any], name: str, *, per_second: int = 1) -> float | None:
    """A duration in seconds, None where there is none. Raises InvalidInput for what is no duration."""
    found = fields.get(name)
    if found is None or found == "":
        return None
    try:
        duration = float(found) / per_second
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("is no duration", field=name) from error
    if not 0 <= duration < inf:
        raise InvalidInput("is no duration", field=name)
    return duration


def instant(fields: dict[str, Any], *names: str) -> datetime:
    """The time that the first of the named fields gives that is there. Raises InvalidInput naming the field.

    It may be written as RFC 3339 has it, or count seconds or milliseconds since 1970.
    """
    for name in names:
        found = fields.get(name)
        if found is not None and found != "":
            try:
                return _instant(found)
            except (TypeError, ValueError, OverflowError) as error:
                raise InvalidInput("is no time with an offset", field=name) from error
    raise InvalidInput("is missing", field=names[0], code="missing_field")


def _instant(found: Any) -> datetime:
    if isinstance(found, str) and not found.strip().isdecimal():
        at = datetime.fromisoformat(found)
        if at.tzinfo is None:
            raise ValueError(found)
        return at.astimezone(UTC)
    count = int(found)
    return moment(count * 1_000 if count >= _MILLISECONDS_FROM else count * SECOND_US)


def _unreadable(error: Exception) -> InvalidInput:
    return InvalidInput(f"the body is not the JSON that was expected: {error}", code="unreadable")
