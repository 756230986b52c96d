"""Several writers against one: within one process, and as processes that share the database."""

import sys
from contextlib import ExitStack

from benchmarks.batches import post_month
from benchmarks.figures import Row, rate, ratio
from benchmarks.process import Running, postgres, service

ROUNDS = 5
CONNECTIONS = 16
"""Enough for the posts in flight to keep the writers of both processes busy."""
_KINDS = {
    "one process, one writer": (1, 1),
    "one process, two writers": (1, 2),
    "one process, three writers (the default)": (1, 3),
    "two processes, one writer each": (2, 1),
    "two processes, three writers each": (2, 3),
}


def run() -> list[Row]:
    """Rounds of all, in turn, each on a PostgreSQL of its own."""
    with ExitStack() as stack:
        running = {what: _start(stack, *numbers) for what, numbers in _KINDS.items()}
        rates: dict[str, list[float]] = {what: [] for what in running}
        for one in running.values():
            post_month(one, "warm-up/", CONNECTIONS)
        for number in range(ROUNDS):
            for what, one in running.items():
                rates[what].append(post_month(one, f"round-{number}/", CONNECTIONS).rate)
    single, two, _, apart, best = rates.values()
    return [
        *(rate(f"{what}, events/s", values) for what, values in rates.items()),
        ratio("two writers of one process, against one", "two-writers", two, single),
        ratio("two processes with a writer each, against one", "two-processes", apart, single),
        ratio("two processes as they are by default, against one writer", "six-writers", best, single),
    ]


def _start(stack: ExitStack, processes: int, writers: int) -> Running:
    start = [sys.executable, "-m", "service", "serve", "--port", "{port}", "--workers", str(processes)]
    return stack.enter_context(service(stack.enter_context(postgres()), start, FRONTLINE_WRITERS=str(writers)))
