"""The answer of `GET /v1/kpis`: a result for each KPI and group, a point for each step."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from pydantic import BaseModel, Field

from service.core.catalogue.kpis import Shape
from service.core.errors import InvalidInput
from service.core.interval import Interval, Step
from service.core.kpi import Question, Sums, evaluate, needs
from service.store.cohorts import Selection
from service.store.live import LiveState
from service.store.rollups import Gathered, Group, Rollups

MAX_POINTS_IN_ALL = 1_000_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Point:
    """A KPI's value in one step; null where there is no data. A count has its value alone."""

    start: datetime
    value: float | None
    numerator: float | None
    denominator: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """One KPI for one group; what does not apply to it is null.

    `method` is `exact` where the threshold was held against exact durations, `buckets` where a quantile was
    interpolated in the catalogue's buckets. `site`, `queue`, `channel` are the group's, or the one value of a filter.
    """

    kpi: str
    formula: str | None
    objective: str | None
    threshold: float | None
    within: str | None
    maturity: str | None
    site: str | None
    queue: str | None
    channel: str | None
    method: str | None
    points: list[Point]


class Answer(BaseModel):
    """KPIs of those who arrived from `from` up to `to`, which is exclusive."""

    from_: datetime = Field(alias="from")
    to: datetime
    step: Step
    results: list[Result]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, understood and checked."""

    questions: list[Question]
    interval: Interval
    step: Step
    selection: Selection
    group_by: tuple[str, ...]


async def answer(rollups: Rollups, asked: Asked, now: datetime) -> bytes:
    """The answer as JSON. Raises InvalidInput where it would be too long, and Unavailable."""
    of_now = [question for question in asked.questions if question.kpi.shape is Shape.NOW]
    of_cohorts = [question for question in asked.questions if question.kpi.shape is not Shape.NOW]
    gathered = None
    if of_cohorts:
        gathered = await rollups.gather(asked.interval, asked.step, asked.selection, asked.group_by, needs(of_cohorts))
        points = len(gathered.groups) * len(gathered.grid.starts) * len(of_cohorts)
        if points > MAX_POINTS_IN_ALL:
            raise InvalidInput(
                f"the answer would have {points} points; at most {MAX_POINTS_IN_ALL} are given: "
                "take a longer step, fewer KPIs or fewer groups",
                field="step",
            )
    states = await rollups.live_state(now, asked.selection) if of_now else []
    # A long answer takes a while to write, in which posts should go on.
    return await asyncio.to_thread(_written, asked, gathered, states, now)


def _written(asked: Asked, gathered: Gathered | None, states: list[LiveState], now: datetime) -> bytes:
    results: list[Result] = []
    for question in asked.questions:
        if question.kpi.shape is Shape.NOW:
            results.extend(_of_now(asked, question, states, now))
        elif gathered is not None:
            results.extend(_of_cohorts(asked, question, gathered))
    interval = asked.interval
    return _encode(
        {
            "from": interval.start.astimezone(UTC),
            "to": interval.end.astimezone(UTC),
            "step": asked.step.value,
            "results": results,
        }
    )


def _of_cohorts(asked: Asked, question: Question, gathered: Gathered) -> Iterator[Result]:
    nothing = evaluate(question, Sums())
    starts = gathered.grid.starts
    for group, sums in gathered.groups.items():
        values = (evaluate(question, sums[at]) if at in sums else nothing for at in range(len(starts)))
        points = [Point(start, *value) for start, value in zip(starts, values, strict=True)]
        yield _result(asked, question, group, points)


def _of_now(asked: Asked, question: Question, states: list[LiveState], now: datetime) -> Iterator[Result]:
    longest: dict[Group, float] = {} if asked.group_by else {(): 0.0}
    for state in states:
        if not state.is_idle_placeholder:
            group = tuple(getattr(state.series, label) for label in asked.group_by)
            longest[group] = max(longest.get(group, 0.0), state.longest_wait_seconds)
    for group, seconds in sorted(longest.items()):
        value = evaluate(question, Sums(longest_us=round(seconds * 1_000_000)))
        yield _result(asked, question, group, [Point(now, *value)])


def _result(asked: Asked, question: Question, group: Group, points: list[Point]) -> Result:
    grouped = dict(zip(asked.group_by, group, strict=True))
    chosen = asked.selection
    site, queue, channel = (
        grouped.get(label, values[0] if len(values) == 1 else None)
        for label, values in (("site", chosen.site), ("queue", chosen.queue), ("channel", chosen.channel))
    )
    return Result(
        kpi=question.kpi.name,
        formula=question.formula_name,
        objective=None,
        threshold=question.threshold,
        within=None,
        maturity=None,
        site=site,
        queue=queue,
        channel=channel,
        method=question.method,
        points=points,
    )
