"""The body of a post: read within its limit, unpacked within its limit, and taken apart by its content type."""

import zlib
from urllib.parse import unquote_to_bytes

import msgspec
from fastapi import Request

from service.core.errors import InvalidInput, TooLarge, UnsupportedMedia
from service.core.event import Rejected
from service.core.intake import read_json, read_lines
from service.core.vocabulary import AnyEvent

MAX_BODY_BYTES = 5 * 1024 * 1024
_UNPACKED_AT_ONCE = 16 * 1024
_JSON = frozenset({"application/json", "application/cloudevents+json", "application/cloudevents-batch+json", ""})
_LINES = "application/x-ndjson"
_whole = msgspec.json.Decoder(msgspec.Raw)
_BINARY_ATTRIBUTES = ("id", "source", "type", "time", "subject", "specversion")


async def read_events(request: Request) -> list[AnyEvent | Rejected]:
    """The events of a request in any form of the contract. Raises InvalidInput, TooLarge, UnsupportedMedia."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    binary = "ce-id" in request.headers or "ce-specversion" in request.headers
    if content_type not in _JSON and content_type != _LINES:
        known = ", ".join(sorted((_JSON - {""}) | {_LINES}))
        raise UnsupportedMedia(f"{content_type} is not read here; send one of {known}")
    body = await read_body(request)
    if content_type == _LINES:
        return read_lines(body)
    if binary and content_type in ("application/json", ""):
        return read_json(_structured(request, body))
    return read_json(body)


async def read_body(request: Request) -> bytes:
    """The body, unpacked. Raises TooLarge, UnsupportedMedia, InvalidInput."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise UnsupportedMedia(f"the content encoding {encoding} is not read here; send gzip or none")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    chunks = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        chunks.append(chunk)
    body = b"".join(chunks)
    return _unpack(body) if encoding == "gzip" else body


def _unpack(body: bytes) -> bytes:
    """The content of a gzip body. A bomb is cut off at the limit, never expanded."""
    out = bytearray()
    unpacker = None
    for start in range(0, len(body), _UNPACKED_AT_ONCE):
        piece = body[start : start + _UNPACKED_AT_ONCE]
        while piece:
            if unpacker is None:
                unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            try:
                out += unpacker.decompress(piece, MAX_BODY_BYTES + 1 - len(out))
            except zlib.error as error:
                raise InvalidInput(f"the body is not gzip: {error}", code="invalid_json") from error
            if len(out) > MAX_BODY_BYTES:
                raise _too_large()
            piece = unpacker.unused_data
            if unpacker.eof:
                unpacker = None
    if unpacker is not None:
        raise InvalidInput("the gzip body ends too early", code="invalid_json")
    return bytes(out)


def _too_large() -> TooLarge:
    return TooLarge(f"the body is over {MAX_BODY_BYTES} bytes after unpacking; split the post")


def _structured(request: Request, body: bytes) -> bytes:
    """A CloudEvent in binary mode, its attributes in headers, in the structured form."""
    event: dict[str, object] = {
        name: _attribute(name, request.headers[f"ce-{name}"])
        for name in _BINARY_ATTRIBUTES
        if f"ce-{name}" in request.headers
    }
    if body.strip():
        try:
            event["data"] = _whole.decode(body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise InvalidInput(f"the body is not JSON: {error}", code="invalid_json") from error
    return msgspec.json.encode(event)


def _attribute(name: str, value: str) -> str:
    """An attribute as its header carries it: in UTF-8, with percent signs for what a header cannot hold."""
    try:
        return unquote_to_bytes(value.encode("latin-1")).decode()
    except UnicodeDecodeError as error:
        raise InvalidInput("is not UTF-8 in percent-encoding", field=f"ce-{name}", code="invalid_json") from error
