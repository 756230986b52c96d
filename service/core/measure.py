"""The measure: what an interaction contributes to the KPIs, booked to the minutes of its arrivals.

A *booking* maps (series, minute) to amounts by code: see `codes`. Series are the numbers that the registry gave to
(site, queue, channel); minutes count from 1970 in UTC.
"""

from collections.abc import Mapping
from typing import NamedTuple

from service.core.calendar import Calendar
from service.core.catalogue.measures import (
    DEFAULT_EXPIRY_US,
    EXPIRY_US,
    HISTOGRAM_BY_NAME,
    MEASURE_BY_NAME,
    SHORT_ABANDON_SECONDS,
    Scope,
)
from service.core.codes import cell
from service.core.event import MINUTE_US, Kind, duration_us
from service.core.judge import Judge
from service.core.measure_quality import (
    measure_quality_of_interaction,
    measure_quality_of_visit,
    quality_of_interaction_made_at,
    quality_of_visit_made_at,
)
from service.core.policy import Policy
from service.core.quality import NO_FACET
from service.core.walk import ABANDONED, ANSWERED, DIVERTED, Interaction, Visit

Booking = dict[tuple[int, int], dict[int, int]]
SeriesKey = tuple[str, str, str, str]
"""Site, queue, channel and facet, the last three "" where there is none; see `quality` for facets."""

_NEVER_US = 1 << 62
_SHORT_US = duration_us(SHORT_ABANDON_SECONDS)

_VISIT, _INTERACTION = Scope.VISIT, Scope.INTERACTION

STATE_WAITING = 0
STATE_IN_SERVICE = 1


class OpenVisit(NamedTuple):
    """A visit that waits or is in service; it stops to count so at `expires_us` unless another event comes.

    At `due_us`, which is that moment or an earlier deadline of an objective, time alone changes what it counts for.
    """

    series: int
    state: int
    since_us: int
    expires_us: int
    due_us: int


def _code(name: str) -> int:
    return MEASURE_BY_NAME[name].code


def _histogram(name: str) -> int:
    return HISTOGRAM_BY_NAME[name].code


OFFERED, ANSWERED_COUNT = _code("offered"), _code("answered")
ABANDONED_COUNT, SHORT_ABANDONED = _code("abandoned"), _code("short_abandoned")
DIVERTED_COUNT, EXPIRED, WAITING_COUNT = _code("diverted"), _code("expired"), _code("waiting")
ANSWERED_WAITS, ANSWERED_WAIT_US = _code("answered_waits"), _code("answered_wait_us")
ABANDONED_WAITS, ABANDONED_WAIT_US = _code("abandoned_waits"), _code("abandoned_wait_us")
HANDLED, SERVICE_US = _code("handled"), _code("service_us")
HOLD_US, WRAP_UP_US = _code("hold_us"), _code("wrap_up_us")
TOLD_WAITS, WAIT_DIFFERENCE_US = _code("told_waits"), _code("wait_difference_us")
TOLD_SERVICES, SERVICE_DIFFERENCE_US = _code("told_services"), _code("service_difference_us")
INTERACTIONS, INTERACTIONS_ANSWERED = _code("interactions"), _code("interactions_answered")
COMPLETED, RESOLVED, UNRESOLVED = _code("completed"), _code("resolved"), _code("unresolved")
REOPENED, TRANSFERRED, ESCALATED = _code("reopened"), _code("transferred"), _code("escalated")
CORRECTED, RECOVERED, CONFLICTS = _code("corrected"), _code("recovered"), _code("conflicts")
RESOLUTIONS, RESOLUTION_US = _code("resolutions"), _code("resolution_us")
BUSINESS_RESOLUTION_US = _code("business_resolution_us")
RECOVERIES, RECOVERY_US, UNRECOVERED = _code("recoveries"), _code("recovery_us"), _code("unrecovered")
LATE_EVENTS, SKEWED_EVENTS, SKEW_US = _code("late_events"), _code("skewed_events"), _code("skew_us")
WAIT, ABANDONED_WAIT, HANDLE = _histogram("wait"), _histogram("abandoned_wait"), _histogram("handle")
RESOLUTION, RECOVERY = _histogram("resolution"), _histogram("recovery")
BUSINESS_RESOLUTION = _histogram("business_resolution")


_ONCE: tuple[tuple[int, int], ...] = (
    (Kind.COMPLETED.value, COMPLETED),
    (Kind.REOPENED.value, REOPENED),
    (Kind.TRANSFERRED.value, TRANSFERRED),
    (Kind.ESCALATED.value, ESCALATED),
    (Kind.CORRECTED.value, CORRECTED),
    (Kind.RECOVERED.value, RECOVERED),
)
"""The kinds of event of which an interaction counts that there was one, and the measures that do."""


def expires_at(it: Interaction) -> int:
    """When an interaction that stays silent counts as expired, in microseconds since 1970."""
    return it.last_at + EXPIRY_US.get(it.channel or "", DEFAULT_EXPIRY_US)


def series_of(it: Interaction) -> set[SeriesKey]:
    """The series to which an interaction contributes; none while its site is unknown."""
    if it.site is None:
        return set()
    channel = it.channel or ""
    found = {(it.site, it.queue or "", channel, NO_FACET)}
    for visit in it.visits:
        found.add((it.site, visit.queue, channel, NO_FACET))
    return found


def home_of(it: Interaction) -> SeriesKey | None:
    """The series to which what is counted of an interaction goes; None while its site is unknown."""
    return None if it.site is None else (it.site, it.queue or "", it.channel or "", NO_FACET)


def measure(it: Interaction, series: Mapping[SeriesKey, int], as_of_us: int, policy: Policy) -> Booking:
    """What an interaction contributes as of a moment. Raises KeyError for a series that `series` doesn't number."""
    booking: Booking = {}
    if it.site is None:
        return booking
    channel = it.channel or ""
    expired = as_of_us >= expires_at(it)
    for visit in it.visits:
        of_visit = (it.site, visit.queue, channel, NO_FACET)
        amounts = _measure_visit(visit, expired=expired)
        for judge in policy.judging(_VISIT, of_visit, visit.opened_at):
            book(judge, judge.rule_of_visits.of_visit(visit, as_of_us, amounts), amounts)
        key = (series[of_visit], visit.opened_at // MINUTE_US)
        if key in booking:
            for code, amount in amounts.items():
                _add(booking[key], code, amount)
        else:
            booking[key] = amounts
    home = (it.site, it.queue or "", channel, NO_FACET)
    amounts = booking.setdefault((series[home], it.arrival // MINUTE_US), {})
    _measure_interaction(it, amounts, policy)
    for judge in policy.judging(_INTERACTION, home, it.arrival):
        book(judge, judge.rule_of_interactions.of_amounts(amounts), amounts)
    return booking


def book(judge: Judge, judgement: tuple[int, int], amounts: dict[int, int]) -> None:
    """Add what an objective counts."""
    events, breaches = judgement
    if events:
        amounts[judge.codes.events] = events
    if breaches:
        amounts[judge.codes.breaches] = breaches


def open_visits(it: Interaction, series: Mapping[SeriesKey, int], as_of_us: int, policy: Policy) -> list[OpenVisit]:
    """The visits of an interaction that wait or are in service as of a moment: at most one each.

    One that has expired stays as long as a deadline is still ahead of it.
    """
    if it.site is None or (it.waiting is None and it.serving is None):
        return []
    expires = expires_at(it)
    is_expired = as_of_us >= expires
    channel = it.channel or ""
    found = []
    if it.waiting is not None:
        key = (it.site, it.waiting.queue, channel, NO_FACET)
        due = _due(it.waiting, key, as_of_us, policy)
        if not is_expired:
            due = min(due, expires)
        if due < _NEVER_US:
            found.append(OpenVisit(series[key], STATE_WAITING, it.waiting.opened_at, expires, due))
    if it.serving is not None and not is_expired:
        since = it.serving.left_at or it.serving.opened_at
        found.append(
            OpenVisit(series[it.site, it.serving.queue, channel, NO_FACET], STATE_IN_SERVICE, since, expires, expires)
        )
    return found


def _due(visit: Visit, key: SeriesKey, as_of_us: int, policy: Policy) -> int:
    """The next deadline of a waiting visit; far in the future where there is none."""
    due = _NEVER_US
    for judge in policy.judging(_VISIT, key, visit.opened_at):
        deadline = judge.rule_of_visits.deadline_us(visit)
        if deadline is not None and as_of_us < deadline < due:
            due = deadline
    return due


def _add(amounts: dict[int, int], code: int, amount: int = 1) -> None:
    amounts[code] = amounts.get(code, 0) + amount


def _measure_visit(visit: Visit, *, expired: bool) -> dict[int, int]:
    outcome = visit.outcome
    if outcome == ANSWERED:
        amounts = _measure_answered(visit)
        if visit.misrouted or visit.quote_us is not None:
            measure_quality_of_visit(visit, amounts)
    elif outcome == ABANDONED:
        amounts = _measure_abandoned(visit)
    elif outcome == DIVERTED:
        amounts = {OFFERED: 1, DIVERTED_COUNT: 1}
    else:
        return {OFFERED: 1, EXPIRED if expired else WAITING_COUNT: 1}
    wait = visit.wait_us
    if visit.told_wait_us is not None and wait is not None:
        amounts[TOLD_WAITS] = 1
        amounts[WAIT_DIFFERENCE_US] = abs(visit.told_wait_us - wait)
    return amounts


def _measure_answered(visit: Visit) -> dict[int, int]:
    amounts = {OFFERED: 1, ANSWERED_COUNT: 1}
    wait = visit.wait_us
    if wait is not None:
        amounts[ANSWERED_WAITS] = 1
        amounts[ANSWERED_WAIT_US] = wait
        amounts[cell(WAIT, wait)] = 1
    if visit.ended_at is not None and visit.left_at is not None:
        span = visit.ended_at - visit.left_at
        amounts[HANDLED] = 1
        amounts[SERVICE_US] = span - visit.hold_us
        if visit.hold_us:
            amounts[HOLD_US] = visit.hold_us
        if visit.wrap_up_us:
            amounts[WRAP_UP_US] = visit.wrap_up_us
        amounts[cell(HANDLE, span + visit.wrap_up_us)] = 1
        if visit.told_service_us is not None:
            amounts[TOLD_SERVICES] = 1
            amounts[SERVICE_DIFFERENCE_US] = abs(visit.told_service_us - (span - visit.hold_us))
    return amounts


def _measure_abandoned(visit: Visit) -> dict[int, int]:
    amounts = {OFFERED: 1, ABANDONED_COUNT: 1}
    wait = visit.wait_us
    if wait is not None:
        amounts[ABANDONED_WAITS] = 1
        amounts[ABANDONED_WAIT_US] = wait
        amounts[cell(ABANDONED_WAIT, wait)] = 1
        if wait <= _SHORT_US:
            amounts[SHORT_ABANDONED] = 1
    return amounts


def _measure_interaction(it: Interaction, amounts: dict[int, int], policy: Policy) -> None:
    """Add what is counted of an interaction once; its visits have no amounts of the same codes."""
    amounts[INTERACTIONS] = 1
    if it.answered is not None:
        amounts[INTERACTIONS_ANSWERED] = 1
    for kind, code in _ONCE:
        if kind in it.first_at:
            amounts[code] = 1
    if it.conflicts:
        amounts[CONFLICTS] = it.conflicts
    if it.late_events:
        amounts[LATE_EVENTS] = it.late_events
    if it.skewed_events:
        amounts[SKEWED_EVENTS] = it.skewed_events
        amounts[SKEW_US] = it.skew_us
    if it.resolved is not None:
        amounts[RESOLVED if it.resolved else UNRESOLVED] = 1
    if it.resolved_at is not None:
        _measure_resolution(it.arrival, it.resolved_at, amounts, policy.calendar(it.site or ""))
    if it.open_errors or it.recoveries_us:
        _measure_recoveries(it, amounts)
    measure_quality_of_interaction(it, amounts, policy.patience(it.site or "", it.channel or ""))


def _measure_recoveries(it: Interaction, amounts: dict[int, int]) -> None:
    if it.open_errors:
        amounts[UNRECOVERED] = len(it.open_errors)
    for took in it.recoveries_us:
        _add(amounts, RECOVERIES)
        _add(amounts, RECOVERY_US, took)
        _add(amounts, cell(RECOVERY, took))


def _measure_resolution(arrival: int, resolved_at: int, amounts: dict[int, int], calendar: Calendar) -> None:
    took, took_open = resolved_at - arrival, calendar.open_us(arrival, resolved_at)
    amounts[RESOLUTIONS] = 1
    amounts[RESOLUTION_US] = took
    amounts[cell(RESOLUTION, took)] = 1
    amounts[BUSINESS_RESOLUTION_US] = took_open
    amounts[cell(BUSINESS_RESOLUTION, took_open)] = 1


def made_at(it: Interaction, policy: Policy) -> dict[int, int]:
    """When the latest event happened that makes each count of an interaction, in microseconds since 1970, by code.

    What time alone made, an expiry or a breach of an objective, was made when it fell due.
    """
    made = dict.fromkeys((INTERACTIONS, CONFLICTS, LATE_EVENTS, SKEWED_EVENTS), it.last_at)
    made[INTERACTIONS] = it.arrival
    made[EXPIRED] = expires_at(it)
    site, channel = it.site or "", it.channel or ""
    for visit in it.visits:
        _visit_made_at(visit, made)
        made |= quality_of_visit_made_at(visit)
        for judge in policy.judging(_VISIT, (site, visit.queue, channel, NO_FACET), visit.opened_at):
            _judged_at(judge, visit, made)
    made |= {code: it.first_at[kind] for kind, code in _ONCE if kind in it.first_at}
    if it.answered is not None:
        made[INTERACTIONS_ANSWERED] = it.answered
    if it.resolved_at is not None:
        made[RESOLUTIONS] = it.resolved_at
    made |= quality_of_interaction_made_at(it)
    made[RESOLVED] = made[UNRESOLVED] = made[RECOVERIES] = it.last_at
    for judge in policy.judging(_INTERACTION, (site, it.queue or "", channel, NO_FACET), it.arrival):
        made[judge.codes.events], made[judge.codes.breaches] = judge.rule_of_interactions.made(made, it.last_at)
    return made


def _visit_made_at(visit: Visit, made: dict[int, int]) -> None:
    made[OFFERED] = visit.opened_at
    if visit.left_at is None:
        return
    made[TOLD_WAITS] = visit.left_at
    if visit.outcome == ANSWERED:
        made[ANSWERED_COUNT] = made[ANSWERED_WAITS] = visit.left_at
        if visit.ended_at is not None:
            made[HANDLED] = made[TOLD_SERVICES] = visit.ended_at
    elif visit.outcome == ABANDONED:
        made[ABANDONED_COUNT] = made[ABANDONED_WAITS] = visit.left_at
    else:
        made[DIVERTED_COUNT] = visit.left_at


def _judged_at(judge: Judge, visit: Visit, made: dict[int, int]) -> None:
    """A visit is decided when it stops waiting, or at a deadline before that; one that counts at once, on arrival."""
    deadline = judge.rule_of_visits.deadline_us(visit)
    decided = visit.opened_at if visit.left_at is None else visit.left_at
    if deadline is not None:
        decided = deadline if visit.left_at is None else min(deadline, visit.left_at)
    for code in (judge.codes.events, judge.codes.breaches):
        made[code] = max(made.get(code, decided), decided)
