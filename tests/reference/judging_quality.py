"""Judging the rest of good service, by brute force: what one counts for in an objective of a rate.

A rate's events are what its denominator counts, one by one, and its breaches what its formula counts against it: what
is in the denominator and not in the numerator, or the numerator where less is better. Whoever is decided without being
resolved there is not; so no breach is ever more than its event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.reference.calendar import Calendar
from tests.reference.customers import SAME_AGENT_WITHIN, Contact
from tests.reference.judging import NOTHING, Counts
from tests.reference.objectives import Objective
from tests.reference.quality import RATIOS
from tests.reference.rows import InteractionRow, VisitRow
from tests.reference.stories import Story
from tests.reference.walk import DAY


def _good(is_event: bool, is_good: bool) -> Counts:
    return Counts(int(is_event), int(is_event and not is_good))


def _bad(is_event: bool, is_bad: bool) -> Counts:
    return Counts(int(is_event), int(is_event and is_bad))


def _quote(row: VisitRow) -> Counts:
    if row.outcome != "A" or row.wait is None or row.quote is None:
        return NOTHING
    return _good(is_event=True, is_good=row.wait <= row.quote)


OF_VISITS: Mapping[str, Callable[[VisitRow], Counts]] = {
    "quote_kept_rate": _quote,
    "misroute_rate": lambda row: _bad(row.outcome == "A", row.misrouted),
}
OF_INTERACTIONS: Mapping[str, Callable[[InteractionRow], Counts]] = {
    "informed_rate": lambda row: _good(row.long_matter, row.informed_matter),
    "proactive_rate": lambda row: _good(row.initiated_by is not None, row.initiated_by == "us"),
    "known_customer_rate": lambda row: _good(row.known_customer is not None, row.known_customer is True),
    "decided_rate": lambda row: _good(row.resolved is True, row.decided),
    "one_window_rate": lambda row: _good(row.completed, row.one_window),
    "identity_verified_rate": lambda row: _good(row.verifiable, row.verified),
}
OF_CONTACTS: Mapping[str, Callable[[Contact], Counts]] = {
    "same_agent_rate": lambda contact: _good(SAME_AGENT_WITHIN // DAY in contact.repeat_contact, contact.same_agent),
}
OF_STORIES = ("promise_kept_rate", "csat", "ces", "complaints_answered_rate", "standards_compliance")
QUALITY_RATES = (*OF_VISITS, *OF_INTERACTIONS, *OF_CONTACTS, *OF_STORIES)


def judge_quality(objective: Objective, one: VisitRow | InteractionRow | Contact, calendar: Calendar) -> Counts:
    """What a visit, an interaction or a contact is to an objective of a rate; the calendar is the one of its site."""
    row = one.row if isinstance(one, Contact) else one
    version = objective.version_for(row, calendar)
    if row.site is None or version is None or not version.covers(row, calendar):
        return NOTHING
    if isinstance(one, VisitRow):
        return OF_VISITS[objective.kpi](one) if objective.kpi in OF_VISITS else NOTHING
    if isinstance(one, InteractionRow):
        return OF_INTERACTIONS[objective.kpi](one) if objective.kpi in OF_INTERACTIONS else NOTHING
    return OF_CONTACTS[objective.kpi](one) if objective.kpi in OF_CONTACTS else NOTHING


def judge_story(objective: Objective, story: Story) -> Counts:
    """What a story is to an objective that held ever since, at all hours."""
    (version,) = objective.versions
    if story.place is None or objective.kpi not in OF_STORIES:
        return NOTHING
    site, queue, channel = story.place[:3]
    asked = ((version.sites, site), (version.queues, queue), (version.channels, channel))
    if any(allowed and place not in allowed for allowed, place in asked):
        return NOTHING
    part, whole = RATIOS[objective.kpi]
    events = story.amounts.get(whole, 0)
    return Counts(events, events - story.amounts.get(part, 0))
