"""uvicorn against granian: an empty endpoint, single posts, and posts of 500, each one process."""

import statistics
import sys

from benchmarks.batches import ROUNDS, post_month
from benchmarks.process import postgres, service
from benchmarks.singles import compare

_GRANIAN = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop", "--no-access-log"]
_GRANIAN_EMPTY = [*_GRANIAN, "--log-level", "warning", "--port", "{port}", "empty:app"]
_GRANIAN_OURS = [
    *_GRANIAN,
    *("--log-level", "warning", "--port", "{port}", "--factory", "service.app:from_environment"),
]
_UVICORN_EMPTY = [
    sys.executable,
    "-m",
    "uvicorn",
    "--no-access-log",
    "--no-proxy-headers",
    "--port",
    "{port}",
    "empty:app",
]


def _batches(arguments: list[str]) -> str:
    with postgres() as url, service(url, arguments) as running:
        post_month(running, "warm-up/")
        return f"{statistics.median(post_month(running, f'{n}/').rate for n in range(ROUNDS)):,.0f}"


def run() -> list[tuple[str, str]]:
    """Both servers, one after the other."""
    rows = []
    for name, empty, ours in (("uvicorn", _UVICORN_EMPTY, []), ("granian", _GRANIAN_EMPTY, _GRANIAN_OURS)):
        rows += [(f"{name}: {what}", value) for what, value in compare(empty, ours)]
        rows.append((f"{name}: posts of 500, events/s", _batches(ours)))
    return rows
