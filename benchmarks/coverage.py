"""How often the interval around a change's effect holds the effect: `make coverage`, or with RUNS of its own.

For each setting a number of simulated changes of known effect, and the same days without it.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
from scipy.stats import ttest_1samp

from benchmarks.changed_days import COUNT, MEAN, READINGS, SHARE, World, compared
from service.core.comparison import Comparison
from service.core.effect import Amount

PAGE = Path(__file__).parent.parent / "docs" / "changes.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
_COLUMNS = (
    *("days of a", "sites changed, unchanged", "weeks", "days alike", "cases a site and day", "earlier weeks"),
    *("holds the effect", "holds 0 where there is none", "tells one where there is none", "tells it where there is"),
    "a t test of days holds it",
)
_AT_ONCE = 50


class Outcome(NamedTuple):
    """Of one simulated change: whether the interval held the effect, whether one was told, and what a t test did."""

    held: bool
    told: bool
    held_by_t: bool


@dataclass(frozen=True, slots=True)
class Score:
    """What came of the runs of a setting, in shares of them.

    In how many the interval held the effect, and held 0 where there was none; how often an effect was told where there
    was none, and where there was one; and in how many the interval of a paired t test of days held the effect.
    """

    covered: float
    covered_none: float
    told_of_none: float
    told: float
    covered_by_t: float


def usual() -> Iterator[World]:
    """Days as the method takes them to be: shares, means and counts, with and without unchanged sites."""
    for kind, unchanged, weeks in itertools.product((SHARE, MEAN, COUNT), (0, 6), (1, 2, 4, 8)):
        yield World(kind=kind, unchanged=unchanged, weeks=weeks)


def harder() -> Iterator[World]:
    """Days that it may find hard: other resemblances, few cases, no earlier weeks, one site against one."""
    for unchanged, weeks in itertools.product((0, 6), (2, 4)):
        plain = World(unchanged=unchanged, weeks=weeks)
        yield from (replace(plain, carried=carried) for carried in (0.0, 0.5, 0.7))
        yield replace(plain, volume=10.0)
        yield replace(plain, earlier_weeks=0)
        yield replace(plain, changed=1, unchanged=min(unchanged, 1))


def score(world: World, runs: int, pool: ProcessPoolExecutor) -> Score:
    """Run a setting."""
    seeds = [range(first, min(first + _AT_ONCE, runs)) for first in range(0, runs, _AT_ONCE)]
    changed = list(itertools.chain.from_iterable(pool.map(partial(outcomes, world), seeds)))
    unchanged = list(itertools.chain.from_iterable(pool.map(partial(outcomes, replace(world, effect=0.0)), seeds)))
    return Score(
        sum(one.held for one in changed) / runs,
        sum(one.held for one in unchanged) / runs,
        sum(one.told for one in unchanged) / runs,
        sum(one.told for one in changed) / runs,
        sum(one.held_by_t for one in changed) / runs,
    )


def outcomes(world: World, seeds: Sequence[int]) -> list[Outcome]:
    """What came of the simulated change of each seed."""
    found = []
    for seed in seeds:
        comparison, truth = compared(world, seed)
        effect = comparison.effect
        verdict = comparison.verdict(READINGS[world.kind])
        held = effect is not None and effect.low <= truth <= effect.high
        told = verdict not in ("no_effect_shown", "too_little_data")
        found.append(Outcome(held, told, _held_by_t(comparison, truth)))
    return found


def _held_by_t(comparison: Comparison, truth: float) -> bool:
    """Whether the usual way holds the effect: days less their counterparts, each for itself, and Student's t.

    Of counts it takes no growth of the others off, so with unchanged sites it answers another question.
    """
    spans, changed, unchanged = comparison.spans, comparison.changed, comparison.unchanged
    if spans is None or changed is None:
        return False
    groups = [(changed.daily, 1)] + ([] if unchanged is None else [(unchanged.daily, -1)])
    sums: list[float] = []
    for day in spans.before:
        after = spans.counterpart(day)
        sums.append(sum(sign * (_value(daily[after]) - _value(daily[day])) for daily, sign in groups))
    interval = ttest_1samp(sums, 0.0).confidence_interval(0.95)
    return bool(interval.low <= truth <= interval.high)


def _value(amount: Amount) -> float:
    return amount.numerator / amount.denominator if amount.denominator else 0.0


def table(worlds: Iterable[World], runs: int, pool: ProcessPoolExecutor) -> Iterator[str]:
    """The lines of a table, each as soon as it is known."""
    yield f"| {' | '.join(_COLUMNS)} |"
    yield "| --- " * len(_COLUMNS) + "|"
    for world in worlds:
        found = score(world, runs, pool)
        shares = (found.covered, found.covered_none, found.told_of_none, found.told, found.covered_by_t)
        place = f"| {world.kind} | {world.changed}, {world.unchanged} | {world.weeks} | {world.carried:g} "
        told = f"| {world.volume:g} | {world.earlier_weeks} | {' | '.join(f'{share:.1%}' for share in shares)} |"
        yield place + told


@click.command()
@click.option("--runs", default=2000, show_default=True, help="Simulated changes of each setting.")
@click.option("--write", is_flag=True, help="Write the tables into docs/changes.md.")
def main(runs: int, write: bool) -> None:
    """Print how often the intervals around effects of changes hold what they should, which is in 95 %."""
    lines = [
        f"{runs} runs of each setting; by chance alone a share of 95 % is off by {1.96 * (0.0475 / runs) ** 0.5:.1%}."
    ]
    with ProcessPoolExecutor() as pool:
        for worlds in (usual(), harder()):
            lines.append("")
            for line in table(worlds, runs, pool):
                click.echo(line)
                lines.append(line)
    if write:
        page = PAGE.read_text()
        figures = "\n".join([BEGIN, *lines, END])
        PAGE.write_text(re.sub(f"{BEGIN}.*{END}", lambda _: figures, page, flags=re.DOTALL))


if __name__ == "__main__":
    main()
