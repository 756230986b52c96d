"""`python -m benchmarks`: run them, print a table of each, and keep the results."""

import logging
import time
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Row
from benchmarks.listed import MODULES, NAMED, named
from benchmarks.results import RUN, Taken, of_this_machine, save

_log = logging.getLogger("benchmarks")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([named(module) for module in MODULES + NAMED]))
def main(names: tuple[str, ...]) -> None:
    """Run the benchmarks NAMES, or all but `endurance`, which takes an hour.

    Service, PostgreSQL and client share the machine, so compare ratios, not rates, between machines. The results are
    added to build/benchmarks.json; `make bench-page ARGS=build/benchmarks.json` shows them in docs/performance.md.
    """
    _show_progress()
    console = Console()
    results = of_this_machine(RUN)
    chosen = [module for module in MODULES + NAMED if named(module) in names] if names else MODULES
    for module in chosen:
        name = named(module)
        _log.info("%s …", name)
        began = time.perf_counter()
        rows: list[Row] = module.run()
        results.benchmarks[name] = Taken(datetime.now(UTC).date(), round(time.perf_counter() - began), rows)
        save(results, RUN)
        table = Table(title=name, show_header=False)
        for row in rows:
            table.add_row(row.what, row.text)
        console.print(table)


def _show_progress() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    ours = logging.getLogger("benchmarks")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)


if __name__ == "__main__":
    main()
