"""Judging, by brute force: what a visit, an interaction or a contact counts for in an objective.

Readings adopted where the definitions are silent:

- A quantile is promised of each one: those that the quantile is taken over are events, and a breach is one that took
  longer than the threshold T, not one that took exactly T. One interaction may have several recoveries.
- A ratio's events are what its denominator counts, and its breaches what its formula counts against it: the
  numerator, where less is better, and else the denominator without the numerator. So one that is reopened, corrected,
  transferred or escalated is a breach even where it isn't completed, or answered, and thus no event.
- `abandonment_rate` takes no threshold: who still waits is nothing, but an event of `of_offered`. An abandon after an
  unknown wait is not short.
- A repeat visit is what is hoped for: a contact in a store that is none is a breach.
- A case of first-contact resolution is an event as soon as it is a case, and a breach as soon as it can't be met any
  more, as far as is known now. Once it is settled it counts as settled too.

On the service level:

- Whoever has waited longer than the threshold T, and then gave up or was diverted, is an event and a breach by
  every formula: the breach happened when T passed.
- Who still waits, or expired, is an event and a breach from the very moment T after the arrival, and nothing
  before that. Who is answered at that very moment is answered in time.
- An answer after an unknown wait is a breach; giving up after one is what each formula makes of a wait that is
  not known to be short. A diversion after an unknown wait is a breach of `diversions_hurt` alone.
- The short-abandon limit s says nothing about a wait longer than T, even where s is the larger.

What belongs to no known site is judged nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from tests.reference.calendar import Calendar
from tests.reference.customers import Contact
from tests.reference.objectives import Objective, Version
from tests.reference.rows import InteractionRow, VisitRow
from tests.reference.walk import span

PERCENTS = (50, 90, 95, 99)


class Counts(NamedTuple):
    """How many events, and how many breaches; and how many of those are settled, where that is told apart."""

    events: int = 0
    breaches: int = 0
    settled_events: int = 0
    settled_breaches: int = 0


NOTHING, GOOD, BREACH = Counts(), Counts(events=1), Counts(events=1, breaches=1)


def judge(objective: Objective, one: VisitRow | InteractionRow | Contact, calendar: Calendar, now: int) -> Counts:
    """What one is to an objective as of `now`, in microseconds since 1970; the calendar is the one of its site."""
    row = one.row if isinstance(one, Contact) else one
    version = objective.version_for(row, calendar)
    if row.site is None or version is None or not version.covers(row, calendar):
        return NOTHING
    here = version.of_site(row.site)
    if isinstance(one, VisitRow):
        return OF_VISITS[objective.kpi](here, one, now) if objective.kpi in OF_VISITS else NOTHING
    if isinstance(one, InteractionRow):
        return OF_INTERACTIONS[objective.kpi](here, one) if objective.kpi in OF_INTERACTIONS else NOTHING
    return OF_CONTACTS[objective.kpi](here, one, now) if objective.kpi in OF_CONTACTS else NOTHING


def tally(found: Iterable[Counts]) -> Counts:
    """All of it together."""
    return Counts(*(sum(amounts) for amounts in zip(NOTHING, *found, strict=True)))


def _share(is_event: bool, is_breach: bool) -> Counts:
    return Counts(int(is_event), int(is_breach))


def _durations(version: Version, took: Iterable[int]) -> Counts:
    """What durations are that are held against the threshold, each for itself."""
    limit = _threshold(version)
    lasting = list(took)
    return Counts(len(lasting), sum(duration > limit for duration in lasting))


def _threshold(version: Version) -> int:
    assert version.threshold is not None
    return span(version.threshold)


# Visits


def _service_level(version: Version, visit: VisitRow, now: int) -> Counts:
    threshold = _threshold(version)
    in_time = visit.wait is not None and visit.wait <= threshold
    too_late = visit.wait is not None and visit.wait > threshold
    formula = version.formula or "abandons_hurt"
    if visit.outcome == "A":
        return GOOD if in_time else BREACH
    if visit.outcome in "WX":
        return BREACH if now >= visit.arrival + threshold else NOTHING
    if too_late:
        return BREACH
    if visit.outcome == "F":
        return BREACH if formula == "diversions_hurt" else NOTHING
    short = _is_short(version, visit)
    return {
        "abandons_help": GOOD if in_time else BREACH,
        "abandons_ignored": NOTHING,
        "abandons_hurt": BREACH,
        "late_abandons_hurt": NOTHING,
        "short_abandons_help": GOOD if short else BREACH,
        "short_abandons_excluded": NOTHING if short else BREACH,
        "diversions_hurt": BREACH,
    }[formula]


def _abandonment_rate(version: Version, visit: VisitRow, _now: int) -> Counts:
    if visit.outcome == "A":
        return GOOD
    if visit.outcome == "B":
        return NOTHING if version.formula == "excluding_short" and _is_short(version, visit) else BREACH
    return GOOD if version.formula == "of_offered" else NOTHING


def _is_short(version: Version, visit: VisitRow) -> bool:
    return visit.wait is not None and visit.wait <= span(version.short)


def _wait(version: Version, visit: VisitRow, _now: int) -> Counts:
    return _durations(version, [visit.wait] if visit.outcome == "A" and visit.wait is not None else [])


OF_VISITS: Mapping[str, Callable[[Version, VisitRow, int], Counts]] = {
    "service_level": _service_level,
    "abandonment_rate": _abandonment_rate,
    **{f"wait_p{percent}": _wait for percent in PERCENTS},
}


# Interactions


def _time_to_resolution(version: Version, row: InteractionRow) -> Counts:
    took = row.business_resolution if version.formula == "business" else row.resolution
    return _durations(version, [] if took is None else [took])


def _recovery_time(version: Version, row: InteractionRow) -> Counts:
    return _durations(version, row.recoveries)


OF_INTERACTIONS: Mapping[str, Callable[[Version, InteractionRow], Counts]] = {
    "resolution_rate": lambda _, row: _share(row.resolved is not None, row.resolved is False),
    "reopen_rate": lambda _, row: _share(row.completed, row.reopened),
    "transfer_rate": lambda _, row: _share(row.answered, row.transferred),
    "escalation_rate": lambda _, row: _share(row.answered, row.escalated),
    "accuracy": lambda _, row: _share(row.completed, row.corrected),
    **{f"time_to_resolution_p{percent}": _time_to_resolution for percent in PERCENTS},
    **{f"recovery_time_p{percent}": _recovery_time for percent in PERCENTS},
}


# Contacts


def _first_contact_resolution(version: Version, contact: Contact, now: int) -> Counts:
    if not contact.case:
        return NOTHING
    days = _days(version)
    breach = int(days not in contact.resolved_first)
    return Counts(1, breach, 1, breach) if contact.settled(days, now) else Counts(1, breach)


def _repeat_contact_rate(version: Version, contact: Contact, _now: int) -> Counts:
    return _share(is_event=True, is_breach=_days(version) in contact.repeat_contact)


def _repeat_visit_rate(version: Version, contact: Contact, _now: int) -> Counts:
    return _share(contact.store, contact.store and _days(version) not in contact.repeat_visit)


def _days(version: Version) -> int:
    assert version.within is not None
    return version.within


OF_CONTACTS: Mapping[str, Callable[[Version, Contact, int], Counts]] = {
    "first_contact_resolution": _first_contact_resolution,
    "repeat_contact_rate": _repeat_contact_rate,
    "repeat_visit_rate": _repeat_visit_rate,
}

JUDGED_KPIS = (*OF_VISITS, *OF_INTERACTIONS, *OF_CONTACTS)
