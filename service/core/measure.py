"""The measure: what an interaction contributes to the KPIs, booked to the minutes of its arrivals.

A *booking* maps (series, minute) to amounts by code. A code below `CELL_BASE` is a measure of the catalogue; one above
is a *cell*, a histogram's exact duration, which `cell` makes and `cell_parts` takes apart. Series are the numbers that
the registry gave to (site, queue, channel); minutes count from 1970 in UTC.
"""

from collections.abc import Mapping
from typing import NamedTuple

from service.core.catalogue.measures import (
    DEFAULT_EXPIRY_US,
    EXPIRY_US,
    HISTOGRAM_BY_NAME,
    MEASURE_BY_NAME,
    SHORT_ABANDON_SECONDS,
)
from service.core.event import Kind
from service.core.walk import ABANDONED, ANSWERED, DIVERTED, Interaction, Visit

Booking = dict[tuple[int, int], dict[int, int]]
SeriesKey = tuple[str, str, str]

MINUTE_US = 60_000_000
CELL_BASE = 1024
_HISTOGRAM_BITS = 4
_HISTOGRAM_MASK = (1 << _HISTOGRAM_BITS) - 1
_SHORT_US = round(SHORT_ABANDON_SECONDS * 1_000_000)

STATE_WAITING = 0
STATE_IN_SERVICE = 1


class OpenVisit(NamedTuple):
    """A visit that waits or is in service; it stops to count so at `expires_us` unless another event comes."""

    series: int
    state: int
    since_us: int
    expires_us: int


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
INTERACTIONS, INTERACTIONS_ANSWERED = _code("interactions"), _code("interactions_answered")
COMPLETED, RESOLVED, UNRESOLVED = _code("completed"), _code("resolved"), _code("unresolved")
REOPENED, TRANSFERRED, ESCALATED = _code("reopened"), _code("transferred"), _code("escalated")
CORRECTED, RECOVERED, CONFLICTS = _code("corrected"), _code("recovered"), _code("conflicts")
RESOLUTIONS, RESOLUTION_US = _code("resolutions"), _code("resolution_us")
RECOVERIES, RECOVERY_US, UNRECOVERED = _code("recoveries"), _code("recovery_us"), _code("unrecovered")
LATE_EVENTS, SKEWED_EVENTS, SKEW_US = _code("late_events"), _code("skewed_events"), _code("skew_us")
WAIT, ABANDONED_WAIT, HANDLE = _histogram("wait"), _histogram("abandoned_wait"), _histogram("handle")
RESOLUTION, RECOVERY = _histogram("resolution"), _histogram("recovery")


_ONCE: tuple[tuple[int, int], ...] = (
    (Kind.COMPLETED.value, COMPLETED),
    (Kind.REOPENED.value, REOPENED),
    (Kind.TRANSFERRED.value, TRANSFERRED),
    (Kind.ESCALATED.value, ESCALATED),
    (Kind.CORRECTED.value, CORRECTED),
    (Kind.RECOVERED.value, RECOVERED),
)
"""The kinds of event of which an interaction counts that there was one, and the measures that do."""


def cell(histogram: int, duration_us: int) -> int:
    """The code under which a booking counts one exact duration of a histogram."""
    return CELL_BASE + (duration_us << _HISTOGRAM_BITS) + histogram


def cell_parts(code: int) -> tuple[int, int]:
    """The histogram and the duration in microseconds of a cell's code."""
    code -= CELL_BASE
    return code & _HISTOGRAM_MASK, code >> _HISTOGRAM_BITS


def expires_at(it: Interaction) -> int:
    """When an interaction that stays silent counts as expired, in microseconds since 1970."""
    return it.last_at + EXPIRY_US.get(it.channel or "", DEFAULT_EXPIRY_US)


def series_of(it: Interaction) -> set[SeriesKey]:
    """The series to which an interaction contributes; none while its site is unknown."""
    if it.site is None:
        return set()
    channel = it.channel or ""
    found = {(it.site, it.queue or "", channel)}
    for visit in it.visits:
        found.add((it.site, visit.queue, channel))
    return found


def measure(it: Interaction, series: Mapping[SeriesKey, int], as_of_us: int) -> Booking:
    """What an interaction contributes as of a moment. Raises KeyError for a series that `series` doesn't number."""
    booking: Booking = {}
    if it.site is None:
        return booking
    channel = it.channel or ""
    expired = as_of_us >= expires_at(it)
    for visit in it.visits:
        key = (series[it.site, visit.queue, channel], visit.opened_at // MINUTE_US)
        amounts = booking.get(key)
        if amounts is None:
            amounts = booking[key] = {}
        _measure_visit(visit, amounts, expired=expired)
    key = (series[it.site, it.queue or "", channel], it.arrival // MINUTE_US)
    amounts = booking.get(key)
    if amounts is None:
        amounts = booking[key] = {}
    _measure_interaction(it, amounts)
    return booking


def open_visits(it: Interaction, series: Mapping[SeriesKey, int], as_of_us: int) -> list[OpenVisit]:
    """The visits of an interaction that wait or are in service as of a moment: at most one each."""
    if it.site is None or (it.waiting is None and it.serving is None):
        return []
    expires = expires_at(it)
    if as_of_us >= expires:
        return []
    channel = it.channel or ""
    found = []
    if it.waiting is not None:
        number = series[it.site, it.waiting.queue, channel]
        found.append(OpenVisit(number, STATE_WAITING, it.waiting.opened_at, expires))
    if it.serving is not None:
        number = series[it.site, it.serving.queue, channel]
        found.append(OpenVisit(number, STATE_IN_SERVICE, it.serving.left_at or it.serving.opened_at, expires))
    return found


def _add(amounts: dict[int, int], code: int, amount: int = 1) -> None:
    amounts[code] = amounts.get(code, 0) + amount


def _measure_visit(visit: Visit, amounts: dict[int, int], *, expired: bool) -> None:
    _add(amounts, OFFERED)
    outcome = visit.outcome
    if outcome == ANSWERED:
        _measure_answered(visit, amounts)
    elif outcome == ABANDONED:
        _measure_abandoned(visit, amounts)
    elif outcome == DIVERTED:
        _add(amounts, DIVERTED_COUNT)
    else:
        _add(amounts, EXPIRED if expired else WAITING_COUNT)


def _measure_answered(visit: Visit, amounts: dict[int, int]) -> None:
    _add(amounts, ANSWERED_COUNT)
    wait = visit.wait_us
    if wait is not None:
        _add(amounts, ANSWERED_WAITS)
        _add(amounts, ANSWERED_WAIT_US, wait)
        _add(amounts, cell(WAIT, wait))
    if visit.ended_at is not None and visit.left_at is not None:
        span = visit.ended_at - visit.left_at
        _add(amounts, HANDLED)
        _add(amounts, SERVICE_US, span - visit.hold_us)
        if visit.hold_us:
            _add(amounts, HOLD_US, visit.hold_us)
        if visit.wrap_up_us:
            _add(amounts, WRAP_UP_US, visit.wrap_up_us)
        _add(amounts, cell(HANDLE, span + visit.wrap_up_us))


def _measure_abandoned(visit: Visit, amounts: dict[int, int]) -> None:
    _add(amounts, ABANDONED_COUNT)
    wait = visit.wait_us
    if wait is not None:
        _add(amounts, ABANDONED_WAITS)
        _add(amounts, ABANDONED_WAIT_US, wait)
        _add(amounts, cell(ABANDONED_WAIT, wait))
        if wait <= _SHORT_US:
            _add(amounts, SHORT_ABANDONED)


def _measure_interaction(it: Interaction, amounts: dict[int, int]) -> None:
    _add(amounts, INTERACTIONS)
    if it.answered is not None:
        _add(amounts, INTERACTIONS_ANSWERED)
    for kind, code in _ONCE:
        if kind in it.first_at:
            _add(amounts, code)
    for code, amount in (
        (CONFLICTS, it.conflicts),
        (LATE_EVENTS, it.late_events),
        (SKEWED_EVENTS, it.skewed_events),
        (SKEW_US, it.skew_us),
    ):
        if amount:
            _add(amounts, code, amount)
    if it.resolved is not None:
        amounts[RESOLVED if it.resolved else UNRESOLVED] = 1
    if it.resolved_at is not None:
        took = it.resolved_at - it.arrival
        amounts[RESOLUTIONS] = 1
        amounts[RESOLUTION_US] = took
        amounts[cell(RESOLUTION, took)] = 1
    if it.open_errors:
        amounts[UNRECOVERED] = len(it.open_errors)
    for took in it.recoveries_us:
        _add(amounts, RECOVERIES)
        _add(amounts, RECOVERY_US, took)
        _add(amounts, cell(RECOVERY, took))


def made_at(it: Interaction) -> dict[int, int]:
    """When the latest event happened that makes each count of an interaction, in microseconds since 1970, by code."""
    made = dict.fromkeys((INTERACTIONS, CONFLICTS, LATE_EVENTS, SKEWED_EVENTS), it.last_at)
    made[INTERACTIONS] = it.arrival
    made[EXPIRED] = expires_at(it)
    for visit in it.visits:
        made[OFFERED] = visit.opened_at
        if visit.left_at is None:
            continue
        if visit.outcome == ANSWERED:
            made[ANSWERED_COUNT] = made[ANSWERED_WAITS] = visit.left_at
            if visit.ended_at is not None:
                made[HANDLED] = visit.ended_at
        elif visit.outcome == ABANDONED:
            made[ABANDONED_COUNT] = made[ABANDONED_WAITS] = visit.left_at
        else:
            made[DIVERTED_COUNT] = visit.left_at
    made |= {code: it.first_at[kind] for kind, code in _ONCE if kind in it.first_at}
    if it.answered is not None:
        made[INTERACTIONS_ANSWERED] = it.answered
    if it.resolved_at is not None:
        made[RESOLUTIONS] = it.resolved_at
    made[RESOLVED] = made[UNRESOLVED] = made[RECOVERIES] = it.last_at
    return made
