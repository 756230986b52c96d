"""What an effect is, in words."""

from collections.abc import Sequence

from service.core.comparison import Comparison, Reading
from service.core.event import moment
from service.core.question import Question
from service.core.spans import Spans
from service.core.window import date_of

_MOST = 10


def summary(question: Question, found: Comparison, values: Sequence[float | None]) -> str:
    """What may be said, in a sentence."""
    value, low, high = values
    name = question.kpi.name
    if value is None or low is None or high is None:
        lacking = "; ".join(f"{one.what}: {one.there} of {one.needed} that are needed" for one in found.lacking)
        return f"too little data to tell what became of {name}: {lacking}"
    against = "than before" if found.unchanged is None else "than what became of the unchanged lets expect"
    figures = f"{value:+.4g} {_unit(question)}, and with 95 % confidence {low:+.4g} to {high:+.4g}"
    if low <= 0 <= high:
        return f"no effect on {name} is shown: {figures}, which holds 0"
    direction = "higher" if value > 0 else "lower"
    good = {"neutral": "", direction: ", which is better"}.get(question.kpi.better, ", which is worse")
    return f"{name} is {direction} {against}{good}: {figures}"


def method(found: Comparison, reading: Reading) -> str:
    """How the effect was computed, in words."""
    figures = "counts per site and day" if reading.is_count else "sums of numerators over sums of denominators"
    if found.unchanged is None:
        difference = "after less before"
    elif reading.is_count:
        difference = "after less what before would be, had it grown by the factor of the unchanged"
    else:
        difference = "difference in differences: after less before of the changed, less the same of the unchanged"
    return (
        f"{difference}; {figures}, over whole weeks of local days. The interval follows from how days differ, all "
        "sites of a day together, weekday by weekday, and allows for days that resemble the one before"
    )


def notes(found: Comparison) -> list[str]:
    """What whoever reads the figures should know of them."""
    told = []
    if found.spans is not None and found.effect is not None:
        told += _of_the_unchanged(found)
        if found.spans.earlier:
            told.append(f"how days differ was learned from {len(found.spans.earlier)} earlier days too")
    told += [
        f"{one.name} ({one.kind}) was made at {moment(one.at_us).isoformat()} at the same sites: what it did is in the "
        "figures too"
        for one in found.also_changed[:_MOST]
    ]
    if found.not_held_against:
        told.append(f"not held against {_listed(found.not_held_against)}: something else was changed there meanwhile")
    if found.without_data:
        told.append(f"{_listed(found.without_data)} left out: nothing was posted there on more than half of the days")
    if found.left_out and found.spans is not None:
        told.append(_of_left_out(found.left_out, found.spans))
    return told


def _of_the_unchanged(found: Comparison) -> list[str]:
    if found.unchanged is None:
        return ["nothing unchanged to compare with: whatever else happened at the time is in the figures too"]
    if found.changed is not None and set(found.unchanged.sites) & set(found.changed.sites):
        return ["no unchanged sites to compare with: the changed queues are held against the others of the same sites"]
    return []


def _of_left_out(left_out: dict[int, list[str]], spans: Spans) -> str:
    days = sorted(day for day in left_out if day in spans.compared)
    told = [f"{date_of(day).isoformat()} ({_listed(left_out[day])})" for day in days[:_MOST]]
    more = f" and {len(days) - _MOST} more days" if len(days) > _MOST else ""
    return (
        f"left out, where a site was closed or nothing was posted there, or where that is so of the same weekday in "
        f"the other span: {', '.join(told)}{more}"
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def _unit(question: Question) -> str:
    return {"ratio": "(1 is all)", "count": "a site and day"}.get(question.kpi.unit, question.kpi.unit)
