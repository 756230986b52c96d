"""The real month as load: the same calls again and again, each time under new ids."""

import gzip
from collections.abc import Iterator
from pathlib import Path

MONTH = Path(__file__).parent.parent / "tests" / "data" / "january.ndjson.gz"
EVENTS = 87_382
"""How many the month has."""
POST_EVENTS = 500


def lines(label: str) -> list[bytes]:
    """The month's events, one a line; `label` makes their ids and subjects new."""
    prefix = label.encode()
    with gzip.open(MONTH) as file:
        return [
            line.replace(b'"id":"', b'"id":"' + prefix, 1).replace(b'"subject":"', b'"subject":"' + prefix, 1)
            for line in file.read().splitlines()
        ]


def posts(label: str) -> Iterator[tuple[bytes, int]]:
    """NDJSON bodies of `POST_EVENTS` events, and how many are in each."""
    events = lines(label)
    for start in range(0, len(events), POST_EVENTS):
        part = events[start : start + POST_EVENTS]
        yield b"\n".join(part), len(part)
