"""`python -m benchmarks.page`: docs/performance.md and its plot, made from benchmarks/results.json."""

import inspect
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import click

from benchmarks.aims import AIMS
from benchmarks.figures import figure
from benchmarks.listed import MODULES, NAMED, named
from benchmarks.plot import plot
from benchmarks.results import COMMITTED, Machine, Results, Taken, beside, load, save

DOCS = Path(__file__).parent.parent / "docs"
_HEAD = """\
# Performance

Each figure is taken by a command that is told with it. Service, PostgreSQL and client share the machine, so rates say
little about another machine; what counts are the ratios, each of two things measured in turn in one run: the median
of the rounds, and in brackets the smallest and the largest.

This page is made from `benchmarks/results.json` by `make bench-page`; a change by hand does not last. `make bench`
measures all but the last on your machine, and `make bench ARGS=endurance`, which takes an hour, the last.
`make bench-page ARGS=build/benchmarks.json` then shows here what was measured.
"""


@click.command()
@click.argument("measured", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(measured: Path | None) -> None:
    """Write docs/performance.md and its plot, with the results in MEASURED if it is named.

    They take the place of older ones of the same benchmarks, and of all that were taken on another machine.
    """
    if measured is not None:
        save(beside(load(COMMITTED), load(measured)), COMMITTED)
    results = load(COMMITTED)
    (DOCS / "performance.md").write_text(page(results), encoding="utf-8")
    (DOCS / "performance.svg").write_text(plot(results), encoding="utf-8")


def page(results: Results) -> str:
    """The page, as Markdown."""
    return _HEAD + "".join(f"\n{part}\n" for part in _parts(results))


def _parts(results: Results) -> Iterator[str]:
    yield "## Aims"
    yield _table(("what", "aim", "measured", ""), _aims(results))
    yield "![How many times as fast as something else](performance.svg)"
    missed = [
        f"- **{aim.what}**: {aim.cause}"
        for aim in AIMS
        if (row := results.row(aim.key)) is not None and not aim.met_by(row)
    ]
    if missed:
        yield "Why some are missed:"
        yield "\n".join(missed)
    yield "## The machine"
    yield _table(("what", "which"), _machine(results.machine))
    for module in MODULES + NAMED:
        taken = results.benchmarks.get(named(module))
        if taken is not None:
            yield from _benchmark(module, taken)


def _aims(results: Results) -> Iterator[tuple[str, str, str, str]]:
    for aim in AIMS:
        row = results.row(aim.key)
        if row is None:
            yield aim.what, aim.told, "not measured", ""
        else:
            yield aim.what, aim.told, row.text, "met" if aim.met_by(row) else "missed"


def _machine(machine: Machine) -> Iterator[tuple[str, str]]:
    yield "processor", f"{machine.processor}, {machine.cores} cores"
    yield "memory", f"{figure(machine.memory_gib)} GiB"
    yield "system", machine.system
    yield "Python", machine.python
    yield "PostgreSQL", machine.postgresql
    yield "Frontline", machine.frontline


def _benchmark(module: ModuleType, taken: Taken) -> Iterator[str]:
    name = named(module)
    yield f"## {name.capitalize()}"
    yield inspect.getdoc(module) or ""
    yield f"`make bench ARGS={name}`, on {taken.on}, took {taken.seconds / 60:.0f} min."
    yield _table(("what", "measured"), ((row.what, row.text) for row in taken.rows))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |".replace("  ", " ") for cells in lines)


if __name__ == "__main__":
    main()
