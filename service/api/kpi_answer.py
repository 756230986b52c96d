"""The answer of `GET /v1/kpis`: a result for each KPI and group, a point for each step."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from pydantic import BaseModel, Field

from service.core.catalogue.kpi import Shape
from service.core.errors import InvalidInput
from service.core.event import duration_us
from service.core.interval import Interval, Step
from service.core.kpi import Sums, evaluate, needs
from service.core.quality import DIMENSION, FACETS, KIND, STANDARD
from service.core.question import Question
from service.store.cohorts import Group, Selection
from service.store.live import LiveState
from service.store.rollups import Gathered, Rollups

MAX_POINTS_IN_ALL = 1_000_000
_encoder = msgspec.json.Encoder()
_encode, _encode_into = _encoder.encode, _encoder.encode_into


@dataclass(slots=True)  # not frozen: an answer may have a million
class Point:
    """A KPI's value in one step; null where there is no data. A count has its value alone."""

    start: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    value: float | None
    numerator: float | None
    denominator: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """One KPI for one group; what does not apply to it is null.

    `formula` and `threshold` are those of the objective's terms at the end of the interval, where one was asked for.
    `method` is `exact` where the threshold was held against exact durations, `buckets` where a quantile was
    interpolated in the catalogue's buckets. `site`, `queue`, `channel` are the group's, or the one value of a filter;
    so are `dimension`, `standard` and `kind`, of a KPI that is told apart by them.
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
    dimension: str | None
    standard: str | None
    kind: str | None
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
        gathered = await rollups.gather(
            asked.interval,
            asked.step,
            asked.selection,
            asked.group_by,
            needs(of_cohorts),
            now=now,
            check_points=lambda points: _check_points(points * len(of_cohorts)),
        )
    states = await rollups.live_state(now, asked.selection) if of_now else []
    # A long answer takes a while to write, in which posts should go on.
    return await asyncio.to_thread(_written, asked, gathered, states, now)


def _check_points(points: int) -> None:
    if points > MAX_POINTS_IN_ALL:
        raise InvalidInput(
            f"the answer would have {points} points; at most {MAX_POINTS_IN_ALL} are given: "
            "take a longer step, fewer KPIs or fewer groups",
            field="step",
            code="contradiction",
        )


def _written(asked: Asked, gathered: Gathered | None, states: list[LiveState], now: datetime) -> bytes:
    interval = asked.interval
    head = {"from": interval.start.astimezone(UTC), "to": interval.end.astimezone(UTC), "step": asked.step.value}
    # Result by result, so that only one of a thousand exists as objects at a time.
    written = bytearray(_encode(head)[:-1] + b',"results":[')
    separator = b""
    for question in asked.questions:
        results = _of_now(asked, question, states, now)
        if question.kpi.shape is not Shape.NOW and gathered is not None:
            results = _of_cohorts(asked, question, gathered)
        for result in results:
            written += separator
            separator = b","
            _encode_into(result, written, -1)
    written += b"]}"
    return bytes(written)


def _of_cohorts(asked: Asked, question: Question, gathered: Gathered) -> Iterator[Result]:
    starts = [str(msgspec.to_builtins(start)) for start in gathered.grid.starts]
    others = [
        asked.group_by.index(label) for label in asked.group_by if label in FACETS and label != question.kpi.facet
    ]
    # What has a kind is of resources, and of nothing else.
    kinds = [asked.group_by.index(KIND)] if KIND in asked.group_by and question.kpi.facet == KIND else []
    for group, sums in gathered.groups.items():
        if any(group[place] for place in others) or not all(group[place] for place in kinds):
            continue
        points = [Point(*point) for point in zip(starts, *evaluate(question, sums), strict=True)]
        yield _result(asked, question, group, points)


def _of_now(asked: Asked, question: Question, states: list[LiveState], now: datetime) -> Iterator[Result]:
    longest: dict[Group, float] = {} if asked.group_by else {(): 0.0}
    for state in states:
        if not state.is_idle_placeholder:
            group = tuple(getattr(state.series, label) for label in asked.group_by)
            longest[group] = max(longest.get(group, 0.0), state.longest_wait_seconds)
    for group, seconds in sorted(longest.items()):
        ((value,), _, _) = evaluate(question, Sums(1, longest_us=[duration_us(seconds)]))
        yield _result(asked, question, group, [Point(str(msgspec.to_builtins(now)), value, None, None)])


def _result(asked: Asked, question: Question, group: Group, points: list[Point]) -> Result:
    grouped = dict(zip(asked.group_by, group, strict=True))
    chosen = asked.selection

    def label(name: str) -> str | None:
        values = getattr(chosen, name)
        return grouped.get(name, values[0] if len(values) == 1 else None)

    facet = question.kpi.facet
    return Result(
        kpi=question.kpi.name,
        formula=question.formula_name,
        objective=question.objective,
        threshold=question.threshold,
        within=question.within,
        maturity=question.maturity,
        site=label("site"),
        queue=label("queue"),
        channel=label("channel"),
        dimension=label(DIMENSION) or None if facet == DIMENSION else None,
        standard=label(STANDARD) or None if facet == STANDARD else None,
        kind=label(KIND) or None if facet == KIND else None,
        method=question.method,
        points=points,
    )
