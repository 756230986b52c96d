"""`python -m benchmarks`: run them, and print a table."""

from collections.abc import Callable

import click
from rich.console import Console
from rich.table import Table

from benchmarks import batches, freshness, growth, overload, scrape, servers, singles, year

BENCHMARKS: dict[str, Callable[[], list[tuple[str, str]]]] = {
    "batches": batches.run,
    "singles": singles.run,
    "freshness": freshness.run,
    "servers": servers.run,
    "scrape": scrape.run,
    "year": year.run,
    "growth": growth.run,
    "overload": overload.run,
}


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)))
def main(names: tuple[str, ...]) -> None:
    """Run the benchmarks NAMES, or all of them.

    Service, PostgreSQL and client share the machine, so compare ratios, not rates, between machines.
    """
    console = Console()
    for name in names or BENCHMARKS:
        with console.status(f"{name} …"):
            rows = BENCHMARKS[name]()
        table = Table(title=name, show_header=False)
        for what, value in rows:
            table.add_row(what, value)
        console.print(table)


if __name__ == "__main__":
    main()
