"""docs/performance.md and its plot: what is checked in shows benchmarks/results.json, and what is missed says why."""

import re
from pathlib import Path

import msgspec
import pytest

from benchmarks.aims import AIMS, Aim
from benchmarks.listed import MODULES, NAMED, named
from benchmarks.page import page
from benchmarks.plot import BARS, plot
from benchmarks.results import COMMITTED, Results, beside, load

DOCS = Path(__file__).parent.parent.parent / "docs"
RESULTS = load(COMMITTED)


def measured(key: str, value: float) -> Results:
    """The results that are checked in, but for one figure."""
    changed = {
        name: msgspec.structs.replace(
            taken,
            rows=[
                msgspec.structs.replace(row, median=value, lowest=value, highest=value) if row.key == key else row
                for row in taken.rows
            ],
        )
        for name, taken in RESULTS.benchmarks.items()
    }
    return Results(RESULTS.machine, changed)


def test_the_page_and_the_plot_are_those_that_are_checked_in() -> None:
    assert (DOCS / "performance.md").read_text(encoding="utf-8") == page(RESULTS), "`make bench-page` writes it again"
    assert (DOCS / "performance.svg").read_text(encoding="utf-8") == plot(RESULTS), "`make bench-page` writes it again"


def test_what_was_not_measured_again_stands_unless_it_is_of_another_machine() -> None:
    again = Results(RESULTS.machine, {"batches": msgspec.structs.replace(RESULTS.benchmarks["batches"], seconds=1)})
    assert beside(RESULTS, again).benchmarks == RESULTS.benchmarks | again.benchmarks
    elsewhere = Results(msgspec.structs.replace(RESULTS.machine, cores=64), again.benchmarks)
    assert beside(RESULTS, elsewhere) == elsewhere


@pytest.mark.parametrize("name", [named(module) for module in MODULES + NAMED])
def test_every_benchmark_was_run_and_is_shown_with_its_command_and_all_rows(name: str) -> None:
    section = page(RESULTS).partition(f"\n## {name.capitalize()}\n")[2].partition("\n## ")[0]
    assert f"`make bench ARGS={name}`" in section
    for row in RESULTS.benchmarks[name].rows:
        assert f"| {row.what} | {row.text} |" in section


@pytest.mark.parametrize("key", sorted({aim.key for aim in AIMS} | BARS.keys()))
def test_what_is_aimed_at_or_drawn_was_measured_once(key: str) -> None:
    assert sum(row.key == key for taken in RESULTS.benchmarks.values() for row in taken.rows) == 1


@pytest.mark.parametrize("aim", AIMS, ids=lambda aim: aim.key)
def test_an_aim_is_met_or_missed_on_either_side_of_its_bound(aim: Aim) -> None:
    below, above = page(measured(aim.key, aim.bound * 0.99)), page(measured(aim.key, aim.bound * 1.01))
    outcomes = [
        re.search(rf"^\| {re.escape(aim.what)} \|.*\| (\w+) \|$", text, re.MULTILINE) for text in (below, above)
    ]
    told = [found[1] for found in outcomes if found]
    assert told == (["met", "missed"] if aim.at_most else ["missed", "met"])
    missed, met = (above, below) if aim.at_most else (below, above)
    assert f"- **{aim.what}**: {aim.cause}" in missed
    assert f"- **{aim.what}**" not in met


def test_what_is_missed_says_why() -> None:
    missed = [aim for aim in AIMS if (row := RESULTS.row(aim.key)) is not None and not aim.met_by(row)]
    assert [aim.key for aim in missed if not aim.cause] == []


def test_a_bar_is_as_long_as_its_figure_on_a_scale_of_powers_of_ten() -> None:
    key = "singles-by-afternoon"
    number = [drawn for drawn in BARS if RESULTS.row(drawn)].index(key)
    widths = []
    for value in (10, 100):
        bars = re.findall(r'class="bar" x="[\d.]+" y="[\d.]+" width="([\d.]+)"', plot(measured(key, value)))
        widths.append(float(bars[number]))
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2)
