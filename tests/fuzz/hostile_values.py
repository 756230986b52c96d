"""What a sender should not send, where a value is wanted, and how bytes go wrong on their way."""

from random import Random
from typing import Any

RAW = "@raw:"
"""Begins a text that stands for JSON which no encoder would write: `written` puts it in without its quotes."""

_NUMBERS = (0, -1, -0.0, 0.1, 1e308, -1e308, 5e-324, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40)
_RAW_NUMBERS = (
    "1e999",
    "-1e999",
    "NaN",
    "-Infinity",
    "1e-999",
    "9" * 400,
    "9" * 5000,
    "0." + "3" * 400,
    "00",
    "+1",
    "0x1",
)
_RAW_TEXTS = (
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\\u0000"',
    '"\\x"',
    '"\t"',
    "'a'",
    "undefined",
    "",
    '{"a":1,"a":2}',
    "[1,]",
)
_TEXTS = (
    *(
        "",
        " ",
        "\x00",
        "a\x00b",
        "\x1f",
        "\x7f",
        "\ud800",
        "\U0010ffff",
        "\ufeff",
        "\u202egnp",
        "e\u0301",
        "\u0663",
        "ß",
        "\U0001d7d9",
    ),
    *(
        "null",
        "true",
        "1",
        "*",
        "%00",
        "../../etc/passwd",
        "' OR 1=1; DROP TABLE events; --",
        "${jndi:ldap://x}",
        "\\",
        '"',
    ),
    *(
        "a" * 64,
        "a" * 65,
        "a" * 256,
        "a" * 257,
        "é" * 256,
        "\U0001f642" * 257,
        "a" * 9_000,
        "{}",
        "<b>",
        "\r\nx: y",
        "other",
        "-",
        ".",
    ),
)
_TIMES = (
    *("", "now", "2026-11-21", "2026-11-21T09:15:02", "2026-02-30T00:00:00Z", "2026-11-21T24:00:00Z"),
    *(
        "2026-11-21T09:15:60Z",
        "2026-11-21T09:15:02.123456789Z",
        "2026-11-21T09:15:02+24:00",
        "1969-12-31T23:59:59.999999Z",
    ),
    *("0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "0001-12-31T23:59:59Z", "0002-01-01T00:00:00Z"),
    *(
        "9999-12-31T23:59:59-23:59",
        "9999-12-31T23:59:59.999999Z",
        "10000-01-01T00:00:00Z",
        "1795000000",
        "1999-12-31t23:59:59z",
    ),
)


def hostile(rng: Random) -> Any:
    """A value that is wrong in most places, and right in some."""
    kind = rng.randrange(9)
    if kind == 0:
        return rng.choice(_NUMBERS)
    if kind == 1:
        return RAW + rng.choice(_RAW_NUMBERS)
    if kind == 2:
        return RAW + rng.choice(_RAW_TEXTS)
    if kind == 3:
        return rng.choice((None, True, False, [], {}, [[]], [None], {"": {}}, {"type": "interaction.queued"}))
    if kind == 4:
        return rng.choice(_TIMES)
    if kind == 5:
        return nested(rng.choice((2, 10, 60)), rng)
    if kind == 6:
        return "".join(chr(rng.randrange(1, 0xD800)) for _ in range(rng.randrange(1, 12)))
    return rng.choice(_TEXTS)


def nested(depth: int, rng: Random) -> Any:
    """Lists and objects in one another."""
    made: Any = None
    for _ in range(depth):
        made = [made] if rng.random() < 0.5 else {"data": made}
    return made


def changed(value: Any, rng: Random) -> Any:
    """A copy of a JSON object in which one thing, at any depth, is left out, replaced, added or renamed."""
    made = dict(value)
    name = rng.choice([*made, rng.choice(_TEXTS)])
    inner = made.get(name)
    if isinstance(inner, dict) and rng.random() < 0.7:
        made[name] = changed(inner, rng)
        return made
    action = rng.randrange(6)
    if action == 0:
        made.pop(name, None)
    elif action == 1:
        made[rng.choice(_TEXTS)] = made.pop(name, None)
    elif action == 2 and isinstance(inner, str):
        made[name] = inner + rng.choice(_TEXTS)
    else:
        made[name] = hostile(rng)
    return made


def damaged(content: bytes, rng: Random) -> bytes:
    """The same bytes with some lost, doubled, turned, or put in."""
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(made) + 1)
        action = rng.randrange(7)
        if action == 0 and at < len(made):
            made[at] ^= 1 << rng.randrange(8)
        elif action == 1 and at < len(made):
            made[at] = rng.randrange(256)
        elif action == 2:
            del made[at : at + rng.choice((1, 2, 20))]
        elif action == 3:
            made[at:at] = made[at : at + rng.choice((1, 5, 50))]
        elif action == 4:
            made[at:at] = rng.choice(
                (b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xf4\x90\x80\x80", b"\xc0\x80")
            )
        elif action == 5:
            made[at:at] = rng.choice((b"[", b"]", b"{", b"}", b",", b'"', b"\\", b"\n", b"null", b"1e9", b"[" * 2_000))
        else:
            del made[at:]
    return bytes(made)
