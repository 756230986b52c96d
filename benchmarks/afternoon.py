"""Single posts and posts of 500, against the service that anyone would write in an afternoon (rivals/afternoon.py)."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from benchmarks.batches import CONNECTIONS
from benchmarks.figures import Row, rate, ratio
from benchmarks.load import post_all
from benchmarks.month import POST_EVENTS, posts
from benchmarks.process import Running, command, free_port, postgres, service
from benchmarks.singles import CONNECTIONS as SINGLE_CONNECTIONS
from benchmarks.singles import ROUNDS, UVICORN, drive

BATCHES = 40
"""Posts of a round, for both: the afternoon service takes some seconds for them."""


def run() -> list[Row]:
    """Rounds of both, in turn; each has tables of its own in the same PostgreSQL."""
    ours: dict[str, list[float]] = {"single": [], "batch": []}
    theirs: dict[str, list[float]] = {"single": [], "batch": []}
    with postgres() as url, service(url) as frontline, _afternoon(url) as afternoon:
        for number in range(ROUNDS + 1):
            for rates, to, path in ((ours, frontline, "/v1/events"), (theirs, afternoon, "/v1/batches")):
                label = f"round-{number}/"
                single = drive(to.port, to.key, label)[0]
                batch = _post_batches(to, path, label)
                if number:  # the first round warms both up
                    rates["single"].append(single)
                    rates["batch"].append(batch)
    return [
        rate(f"single posts, {SINGLE_CONNECTIONS} connections, posts/s", ours["single"]),
        rate("the same to the afternoon service", theirs["single"]),
        ratio("ratio, median of rounds", "singles-by-afternoon", ours["single"], theirs["single"]),
        rate(f"posts of {POST_EVENTS}, {CONNECTIONS} connections, events/s", ours["batch"]),
        rate("the same to the afternoon service", theirs["batch"]),
        ratio("ratio, median of rounds", "batches-by-afternoon", ours["batch"], theirs["batch"]),
    ]


@contextmanager
def _afternoon(url: str) -> Iterator[Running]:
    port, key = free_port(), secrets.token_hex(16)
    start = [part.format(port=port) for part in UVICORN] + ["--factory", "benchmarks.rivals.afternoon:create_app"]
    settings = {"AFTERNOON_DATABASE_URL": url, "AFTERNOON_KEY": key}
    with command(start, port, "/metrics", **settings) as process:
        yield Running("127.0.0.1", port, process, url, key)


def _post_batches(to: Running, path: str, label: str) -> float:
    """Events a second."""
    return asyncio.run(post_all(to, islice(posts(label), BATCHES), CONNECTIONS, path=path)).rate
