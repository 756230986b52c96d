"""Posts that nobody should send, each made from its number: what failed once can be made again."""

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote

from service.api.bodies import MAX_BODY_BYTES
from tests.fuzz.hostile_values import RAW, changed, damaged, hostile
from tests.fuzz.vendor_shapes import vendor_shaped
from tests.intake_cases import BY_TYPE

Headers = list[tuple[bytes, bytes]]
_JSON = b"application/json"
_LINES = b"application/x-ndjson"
_TYPES = (_JSON, _JSON, b"application/cloudevents+json", b"application/cloudevents-batch+json; charset=utf-8", _LINES)
_AGES = (0, 1, 30, 300, 4_000, 90_000, 40 * 86_400, 9_000 * 86_400)
_BOMB = gzip.compress(b" " * (MAX_BODY_BYTES + 1))


@dataclass(frozen=True, slots=True)
class HostilePost:
    """A post. `sound` are the places of events in it with which nothing is wrong, so that they must not be rejected."""

    headers: Headers
    content: bytes
    sound: frozenset[int] = frozenset()


def hostile_post(number: int, now: datetime) -> HostilePost:
    """The post of this number. Only the times in it follow the clock, so that some are live and some are history."""
    rng = Random(number)
    return rng.choice(_FORMS)(rng, number, now)


def written(value: Any, *, ascii_only: bool = False) -> bytes:
    """A value as JSON, with what stands for JSON that no encoder would write put in as it is."""
    text = json.dumps(value, ensure_ascii=ascii_only)
    while (at := text.find(f'"{RAW}')) >= 0:
        raw, end = json.decoder.scanstring(text, at + 1)
        text = text[:at] + raw.removeprefix(RAW) + text[end:]
    return text.encode(errors="surrogatepass")


def _event(rng: Random, number: int, now: datetime) -> dict[str, Any]:
    """A valid event. Some hundreds of posts share interactions, and some events among them are the same."""
    type_ = rng.choice(list(BY_TYPE))
    group = number // 200
    interaction = rng.randrange(60)
    place = {"site": f"site-{interaction % 5}", "queue": rng.choice(("tills", "billing")), "channel": "phone"}
    optional = {"customer": f"loyalty-{interaction % 20}", "topic": "purchase", "agent": "anna"}
    data = {**place, **{name: value for name, value in optional.items() if rng.random() < 0.4}, **BY_TYPE[type_]}
    return {
        "id": f"{group}-{rng.randrange(100_000)}",
        "source": f"till-{rng.randrange(3)}",
        "type": type_,
        "time": (now - timedelta(seconds=rng.choice(_AGES) + rng.randrange(600))).isoformat(),
        "subject": f"order-{group}-{interaction}",
        "data": data,
    }


def _headers(content_type: bytes, *more: tuple[bytes, bytes]) -> Headers:
    return [(b"content-type", content_type), *more]


def _changed_events(rng: Random, number: int, now: datetime) -> HostilePost:
    """Events of which some have been changed, as one, an array, or one a line."""
    events = [_event(rng, number, now) for _ in range(rng.choice((1, 1, 2, 5, 12)))]
    sound = {place for place in range(len(events)) if rng.random() < 0.5}
    for place in range(len(events)):
        if place not in sound:
            for _ in range(rng.randrange(1, 4)):
                events[place] = changed(events[place], rng)
    items = [written(event, ascii_only=rng.random() < 0.5) for event in events]
    content_type = rng.choice(_TYPES)
    if content_type == _LINES:
        lines = [item.replace(b"\n", b" ") for item in items]
        return HostilePost(_headers(_LINES), b"\n".join(lines), frozenset(sound))
    if len(items) == 1 and rng.random() < 0.5:
        return HostilePost(_headers(content_type), items[0], frozenset(sound))
    readable = all(_is_json(item) for item in items)
    return HostilePost(_headers(content_type), b"[" + b",".join(items) + b"]", frozenset(sound if readable else ()))


def _is_json(item: bytes) -> bool:
    try:
        json.loads(item.decode())
    except ValueError:
        return False
    return True


def _damaged_events(rng: Random, number: int, now: datetime) -> HostilePost:
    made = _changed_events(rng, number, now)
    return HostilePost(made.headers, damaged(made.content, rng))


def _mixed_lines(rng: Random, number: int, now: datetime) -> HostilePost:
    """Lines of all sorts: events, garbage, blank ones, with other line ends than expected."""
    lines: list[bytes] = []
    sound = set()
    for place in range(rng.randrange(1, 15)):
        event = written(_event(rng, number, now))
        if rng.random() < 0.5:
            sound.add(place)
        else:
            event = rng.choice(
                (damaged(event, rng).replace(b"\n", b""), written(vendor_shaped(rng)), written(hostile(rng)))
            )
            event = event.replace(b"\n", b"")
            event = event if event.strip() else b"?"
        lines += [event, *([b" \t"] if rng.random() < 0.1 else [])]
    end = rng.choice((b"\n", b"\n", b"\r\n", b"\n\n"))
    return HostilePost(_headers(_LINES), end.join(lines) + rng.choice((b"", end)), frozenset(sound))


def _vendor(rng: Random, number: int, now: datetime) -> HostilePost:
    shaped = vendor_shaped(rng)
    if isinstance(shaped, str):
        return HostilePost(_headers(rng.choice((_JSON, b"application/x-www-form-urlencoded"))), shaped.encode())
    content = written(rng.choice((shaped, [shaped] * rng.randrange(6), [shaped, _event(rng, number, now)])))
    return HostilePost(_headers(rng.choice(_TYPES)), content if rng.random() < 0.7 else damaged(content, rng))


def _binary_mode(rng: Random, number: int, now: datetime) -> HostilePost:
    """Attributes in headers, some of them as no header should be."""
    event = _event(rng, number, now)
    data = event.pop("data")
    if rng.random() < 0.5:
        event = changed(event, rng)
    headers = _headers(rng.choice(_TYPES), (b"ce-specversion", rng.choice((b"1.0", b"1.0", b"0.3", b"\xff"))))
    for name, value in event.items():
        text = (
            quote(str(value), errors="replace").encode()
            if rng.random() < 0.7
            else damaged(name.encode(errors="replace"), rng)
        )
        safe = "".join(filter(str.isalnum, str(name))).lower().encode(errors="ignore")
        headers.append((b"ce-" + safe, text))
    content = written(rng.choice((data, data, hostile(rng), vendor_shaped(rng))))
    return HostilePost(headers, content if rng.random() < 0.7 else damaged(content, rng))


def _packed(rng: Random, number: int, now: datetime) -> HostilePost:
    """Said to be gzip: some of it is, and some of it is a bomb."""
    inner = _changed_events(rng, number, now)
    packed = gzip.compress(inner.content, mtime=0)
    headers = [
        *inner.headers,
        (b"content-encoding", rng.choice((b"gzip", b"gzip", b"GZIP ", b"br", b"gzip, gzip", b"\xff"))),
    ]
    if rng.random() < 0.01:
        return HostilePost(headers, _BOMB)
    content = rng.choice((packed, packed + packed, packed[:-4], damaged(packed, rng), inner.content, rng.randbytes(60)))
    return HostilePost(headers, content)


def _deep(rng: Random, number: int, now: datetime) -> HostilePost:
    """Nesting that a reader which calls itself does not survive."""
    depth = rng.choice((100, 900, 1_100, 20_000))
    opening, closing = rng.choice(((b"[", b"]"), (b'{"data":', b"}"), (b'[{"data":', b"}]")))
    content = opening * depth + rng.choice((b"", b"null", b"1")) + rng.choice((b"", closing * depth))
    event = written(_event(rng, number, now)).removesuffix(b"}") + b',"x":' + content + b"}"
    return HostilePost(_headers(rng.choice(_TYPES)), rng.choice((content, event, b"[" + event + b",{}]")))


def _noise(rng: Random, number: int, now: datetime) -> HostilePost:
    """Bytes of no meaning under headers of little."""
    content = rng.choice(
        (b"", b" ", b"[]", b"{}", b"null", b"\n\n", b"\xff\xfe[\x00]\x00", rng.randbytes(rng.randrange(200)))
    )
    types = (
        *_TYPES,
        b"",
        b"text/plain",
        b"application/json;charset=utf-16",
        b"multipart/form-data",
        b"\xff/\xfe",
        b"a" * 500,
    )
    length = [(b"content-length", rng.choice((b"0", b"-1", b"x", b"\xb2", b"9" * 30)))] if rng.random() < 0.3 else []
    return HostilePost(_headers(rng.choice(types), *length), content)


_FORMS: tuple[Callable[[Random, int, datetime], HostilePost], ...] = (
    *(_changed_events,) * 6,
    *(_damaged_events,) * 4,
    *(_mixed_lines,) * 3,
    *(_vendor,) * 3,
    *(_binary_mode,) * 2,
    *(_packed, _deep, _noise),
)
