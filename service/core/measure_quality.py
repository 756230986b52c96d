"""What an interaction and its visits contribute beside speed and reliability; see `quality_measures`."""

from collections.abc import Callable, Mapping

from service.core.catalogue.measures import MEASURE_BY_NAME
from service.core.catalogue.quality_measures import VERIFIABLE_CHANNELS
from service.core.event import Kind
from service.core.walk import ANSWERED, Interaction, Visit


def _code(name: str) -> int:
    return MEASURE_BY_NAME[name].code


QUOTED_WAITS, QUOTES_KEPT, QUOTE_OVERRUN_US = _code("quoted_waits"), _code("quotes_kept"), _code("quote_overrun_us")
MISROUTED, LONG_MATTERS, INFORMED_MATTERS = _code("misrouted"), _code("long_matters"), _code("informed_matters")
RESPONSES, RESPONSE_US = _code("responses"), _code("response_us")
INITIATIONS_KNOWN, PROACTIVE = _code("initiations_known"), _code("proactive")
RECOGNITIONS_KNOWN, RECOGNISED = _code("recognitions_known"), _code("recognised")
DECIDED, ONE_WINDOW = _code("decided"), _code("one_window")
VERIFIABLE, VERIFIED = _code("verifiable"), _code("verified")

_VERIFIED_KIND = Kind.VERIFIED.value
_HANDED_ON = (Kind.TRANSFERRED.value, Kind.ESCALATED.value)

Patience = Callable[[str], int]
"""How long customers of a queue wait without being told how things stand, in microseconds."""


def measure_quality_of_visit(visit: Visit, amounts: dict[int, int]) -> None:
    """Add what an answered visit contributes."""
    if visit.misrouted:
        amounts[MISROUTED] = 1
    wait, quote = visit.wait_us, visit.quote_us
    if quote is None or wait is None:
        return
    amounts[QUOTED_WAITS] = 1
    if wait <= quote:
        amounts[QUOTES_KEPT] = 1
    else:
        amounts[QUOTE_OVERRUN_US] = wait - quote


def measure_quality_of_interaction(it: Interaction, amounts: dict[int, int], patience: Patience) -> None:
    """Add what an interaction contributes."""
    response = first_response_at(it)
    if response is not None:
        amounts[RESPONSES] = 1
        amounts[RESPONSE_US] = response - it.arrival
    if it.initiated_by is not None:
        amounts[INITIATIONS_KNOWN] = 1
        if it.initiated_by == "us":
            amounts[PROACTIVE] = 1
    if it.known_customer is not None:
        amounts[RECOGNITIONS_KNOWN] = 1
        if it.known_customer:
            amounts[RECOGNISED] = 1
    _measure_handling(it, amounts)
    spans = long_spans(it, patience)
    if spans:
        amounts[LONG_MATTERS] = 1
        if any(start <= at <= end for start, end in spans for at in it.informed):
            amounts[INFORMED_MATTERS] = 1


def _measure_handling(it: Interaction, amounts: dict[int, int]) -> None:
    first_at = it.first_at
    if it.resolved and not any(kind in first_at for kind in _HANDED_ON):
        amounts[DECIDED] = 1
    completed_at = it.completed_at
    if completed_at is not None and len(it.visits) == 1 and len(it.agents) <= 1 and not it.taken_over:
        amounts[ONE_WINDOW] = 1
    if it.answered is not None and it.channel in VERIFIABLE_CHANNELS:
        amounts[VERIFIABLE] = 1
        verified_at = first_at.get(_VERIFIED_KIND)
        if verified_at is not None and (completed_at is None or verified_at <= completed_at):
            amounts[VERIFIED] = 1


def first_response_at(it: Interaction) -> int | None:
    """When the customer first got an answer, of a person or of how things stand, in microseconds since 1970."""
    informed = it.informed[0] if it.informed else None
    if it.answered is None or informed is None:
        return it.answered if informed is None else informed
    return min(it.answered, informed)


def long_spans(it: Interaction, patience: Patience) -> list[tuple[int, int]]:
    """From when to when an interaction took longer than customers are patient, in microseconds since 1970."""
    spans = []
    for visit in it.visits:
        wait = visit.wait_us
        if wait is not None and visit.left_at is not None and wait > patience(visit.queue):
            spans.append((visit.opened_at, visit.left_at))
    if it.resolved_at is not None and it.resolved_at - it.arrival > patience(it.queue or ""):
        spans.append((it.arrival, it.resolved_at))
    return spans


def quality_of_visit_made_at(visit: Visit) -> Mapping[int, int]:
    """When the event happened that makes each count of a visit that was left, in microseconds since 1970."""
    if visit.outcome != ANSWERED or visit.left_at is None:
        return {}
    return {QUOTED_WAITS: visit.left_at, MISROUTED: visit.ended_at or visit.left_at}


def quality_of_interaction_made_at(it: Interaction) -> Mapping[int, int]:
    """When the latest event happened that makes each count of an interaction, in microseconds since 1970.

    Where several events make one, it is the last of the interaction's.
    """
    made = dict.fromkeys(
        (INITIATIONS_KNOWN, RECOGNITIONS_KNOWN, LONG_MATTERS, INFORMED_MATTERS, VERIFIABLE, VERIFIED), it.last_at
    )
    response = first_response_at(it)
    if response is not None:
        made[RESPONSES] = response
    if it.answered is not None:
        made[VERIFIABLE] = it.answered
    if _VERIFIED_KIND in it.first_at:
        made[VERIFIED] = it.first_at[_VERIFIED_KIND]
    return made
