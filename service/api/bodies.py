"""The body of a post: read within its limit, unpacked within its limit, and taken apart by its content type."""

import zlib

import msgspec
from fastapi import Request

from service.core.errors import InvalidInput, TooLarge, UnsupportedMedia
from service.core.event import AnyEvent, Rejected
from service.core.intake import read_json, read_lines

MAX_BODY_BYTES = 5 * 1024 * 1024
_JSON = frozenset({"application/json", "application/cloudevents+json", "application/cloudevents-batch+json", ""})
_LINES = "application/x-ndjson"
_BINARY_ATTRIBUTES = ("id", "source", "type", "time", "subject", "specversion")


async def read_events(request: Request) -> list[AnyEvent | Rejected]:
    """The events of a request in any form of the contract. Raises InvalidInput, TooLarge, UnsupportedMedia."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    binary = "ce-id" in request.headers or "ce-specversion" in request.headers
    if content_type not in _JSON and content_type != _LINES:
        known = ", ".join(sorted((_JSON - {""}) | {_LINES}))
        raise UnsupportedMedia(f"{content_type} is not read here; send one of {known}")
    body = await _read(request)
    if content_type == _LINES:
        return read_lines(body)
    if binary and content_type in ("application/json", ""):
        return read_json(_structured(request, body))
    return read_json(body)


async def _read(request: Request) -> bytes:
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip"):
        raise UnsupportedMedia(f"the content encoding {encoding} is not read here; send gzip or none")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_BODY_BYTES:
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
    while body:
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            out += unpacker.decompress(body, MAX_BODY_BYTES + 1 - len(out))
        except zlib.error as error:
            raise InvalidInput(f"the body is not gzip: {error}", code="invalid_json") from error
        if len(out) > MAX_BODY_BYTES:
            raise _too_large()
        if not unpacker.eof:
            raise InvalidInput("the gzip body ends too early", code="invalid_json")
        body = unpacker.unused_data
    return bytes(out)


def _too_large() -> TooLarge:
    return TooLarge(f"the body is over {MAX_BODY_BYTES} bytes after unpacking; split the post")


def _structured(request: Request, body: bytes) -> bytes:
    """A CloudEvent in binary mode, its attributes in headers, in the structured form."""
    event: dict[str, object] = {
        name: request.headers[f"ce-{name}"] for name in _BINARY_ATTRIBUTES if f"ce-{name}" in request.headers
    }
    if body.strip():
        event["data"] = msgspec.Raw(body)
    return msgspec.json.encode(event)
