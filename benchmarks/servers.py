"""uvicorn against granian: an empty endpoint, single posts, and posts of 500, each one process."""

import statistics
import sys

import msgspec

from benchmarks.batches import ROUNDS, post_month
from benchmarks.figures import Row
from benchmarks.process import postgres, service
from benchmarks.singles import UVICORN, compare

_GRANIAN = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-access-log"]
_GRANIAN_EMPTY = [*_GRANIAN, "--log-level", "warning", "--port", "{port}", "empty:app"]
_GRANIAN_OURS = [
    *_GRANIAN,
    *("--log-level", "warning", "--port", "{port}", "--factory", "service.app:from_environment"),
]
_UVICORN_EMPTY = [*UVICORN, "empty:app"]


def _batches(arguments: list[str]) -> str:
    with postgres() as url, service(url, arguments) as running:
        post_month(running, "warm-up/")
        return f"{statistics.median(post_month(running, f'{n}/').rate for n in range(ROUNDS)):,.0f}"


def run() -> list[Row]:
    """Both servers, one after the other."""
    rows: list[Row] = []
    for name, empty, ours in (("uvicorn", _UVICORN_EMPTY, []), ("granian", _GRANIAN_EMPTY, _GRANIAN_OURS)):
        found = compare(empty, ours, f"singles-by-empty-{name}")
        rows += [msgspec.structs.replace(row, what=f"{name}: {row.what}") for row in found]
        rows.append(Row(f"{name}: posts of 500, events/s", _batches(ours)))
    return rows
