"""The answer of `GET /v1/changes/{name}/effect`: what was compared, what came of it, and what to think of it."""

from dataclasses import dataclass
from datetime import date, datetime

from service.api.effect_words import method, notes, summary
from service.core.change import Change
from service.core.comparison import Group
from service.core.effect import Figure
from service.core.event import moment
from service.core.question import Question
from service.core.uncertainty import LEVEL
from service.core.window import date_of
from service.effects import Compared


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """A change; `sites` and `queues` are null where it is at all of them."""

    name: str
    kind: str
    at: datetime
    sites: tuple[str, ...] | None
    queues: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class FigureEntry:
    """The KPI over one span; of a count, per site and day, which is what the denominator counts."""

    value: float | None
    numerator: float
    denominator: float
    days: int


@dataclass(frozen=True, slots=True)
class GroupEntry:
    """Those changed, or those unchanged."""

    sites: tuple[str, ...]
    queues: tuple[str, ...]
    before: FigureEntry
    after: FigureEntry


@dataclass(frozen=True, slots=True)
class DaysEntry:
    """Local days of each site, the last included."""

    first_date: date
    last_date: date


@dataclass(frozen=True, slots=True)
class LackingEntry:
    """A minimum that is not reached."""

    what: str
    needed: int
    there: int


@dataclass(frozen=True, slots=True)
class EffectEntry:
    """What a change did to a KPI.

    `effect` is in the KPI's unit, and lies between `low` and `high` as surely as `level` says; null where there is too
    little data, which `lacking` then tells. `verdict` is `better`, `worse`, `no_effect_shown` or `too_little_data`;
    `higher` or `lower` of a KPI of which neither is better.
    """

    change: ChangeEntry
    kpi: str
    formula: str | None
    definition: str
    unit: str
    better: str
    threshold: float | None
    within: str | None
    maturity: str | None
    span: str | None
    before: DaysEntry | None
    after: DaysEntry | None
    changed: GroupEntry | None
    unchanged: GroupEntry | None
    effect: float | None
    low: float | None
    high: float | None
    level: float
    verdict: str
    summary: str
    method: str
    lacking: list[LackingEntry]
    notes: list[str]


def change_entry(change: Change) -> ChangeEntry:
    """A change, as answers tell it."""
    return ChangeEntry(change.name, change.kind, moment(change.at_us), change.sites, change.queues)


def effect_entry(change: Change, question: Question, found: Compared) -> EffectEntry:
    """The answer."""
    comparison, reading = found.comparison, found.reading
    spans, effect = comparison.spans, comparison.effect
    values = (effect.value, effect.low, effect.high) if effect else (None, None, None)
    scaled = [None if value is None else value * found.scale for value in values]
    verdict = comparison.verdict(reading)
    return EffectEntry(
        change=change_entry(change),
        kpi=question.kpi.name,
        formula=question.formula_name,
        definition=question.formula.text,
        unit=question.kpi.unit,
        better=question.kpi.better,
        threshold=question.threshold,
        within=question.within,
        maturity=question.maturity,
        span=None if spans is None else f"{spans.weeks}w",
        before=None if spans is None else _days(spans.before),
        after=None if spans is None else _days(spans.after),
        changed=_group(comparison.changed, found.scale),
        unchanged=_group(comparison.unchanged, found.scale),
        effect=scaled[0],
        low=scaled[1],
        high=scaled[2],
        level=LEVEL,
        verdict=verdict,
        summary=summary(question, comparison, scaled),
        method=method(comparison, reading),
        lacking=[LackingEntry(one.what, one.needed, one.there) for one in comparison.lacking],
        notes=notes(comparison),
    )


def _days(days: range) -> DaysEntry:
    return DaysEntry(date_of(days[0]), date_of(days[-1]))


def _group(group: Group | None, scale: float) -> GroupEntry | None:
    if group is None:
        return None
    before, after = _figure(group.figures.before, scale), _figure(group.figures.after, scale)
    return GroupEntry(group.sites, group.queues, before, after)


def _figure(figure: Figure, scale: float) -> FigureEntry:
    value = None if figure.value is None else figure.value * scale
    return FigureEntry(value, figure.numerator, figure.denominator, figure.days)
