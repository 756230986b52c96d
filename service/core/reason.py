"""Why an interaction is a breach of an objective, in words."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from service.core.catalogue.measures import Scope
from service.core.event import MINUTE_US, Fact, Kind
from service.core.objective import Terms
from service.core.walk import ABANDONED, ANSWERED, WAITING, Interaction, Visit, walk

_OF_INTERACTION = {
    "accuracy": "the service made an error",
    "reopen_rate": "was reopened",
    "transfer_rate": "was transferred",
    "escalation_rate": "was escalated",
    "resolution_rate": "was not resolved",
    "repeat_contact_rate": "the customer came back about the same matter",
    "repeat_visit_rate": "the customer's first visit in a while",
    "informed_rate": "was not told how things stand",
    "known_customer_rate": "the customer was not recognised",
    "decided_rate": "was handed on or up",
    "one_window_rate": "took more than one visit or agent",
    "same_agent_rate": "another agent answered",
    "proactive_rate": "the customer had to begin",
    "identity_verified_rate": "the customer's identity was not verified",
}
_OF_VISIT: Mapping[str, tuple[str, Callable[[Visit], bool]]] = {
    "quote_kept_rate": ("waited longer than quoted", lambda visit: (visit.wait_us or 0) > (visit.quote_us or 0)),
    "misroute_rate": ("was in the wrong line", lambda visit: visit.misrouted),
}
"""The reasons of visits where it is not the wait alone, and which of them it is."""
_ASIDE = {
    "promise_kept_rate": "a promise was not kept",
    "csat": "the customer was not satisfied",
    "ces": "it was not easy for the customer",
    "complaints_answered_rate": "a complaint was not answered in time",
    "standards_compliance": "was not as the standard says",
}
"""The reasons of what is beside interactions, which is told of by the minute of its booking."""


@dataclass(frozen=True, slots=True)
class Cause:
    """When the visit or the interaction arrived, whose it was (a pseudonym), what was not kept, and what took long."""

    arrival_us: int
    customer: str | None
    reason: str
    duration_us: int | None = None


def cause(terms: Terms, facts: Collection[Fact], queue: str, minute: int, now_us: int) -> Cause:
    """Why facts are a breach of terms, booked to a queue and a minute, as things stand now."""
    reason = _ASIDE.get(terms.kpi)
    if reason is not None:
        return Cause(minute * MINUTE_US, None, reason)
    it = walk(facts)
    if terms.of_kpi.scope is Scope.VISIT:
        there = [visit for visit in it.visits if visit.queue == queue and visit.opened_at // MINUTE_US == minute]
        reason, is_it = _OF_VISIT.get(terms.kpi, ("", lambda _: True))
        there = list(filter(is_it, there))
        if there:
            return _of_visit(max(there, key=lambda visit: _waited(visit, now_us)), it, now_us, reason)
    if terms.kpi.startswith("time_to_resolution") and it.resolved_at is not None:
        took = it.resolved_at - it.arrival
        return Cause(it.arrival, it.customer, "resolved too late", took)
    if terms.kpi.startswith("recovery_time"):
        return Cause(it.arrival, it.customer, "an error was put right too late", max(it.recoveries_us, default=None))
    if terms.kpi == "first_contact_resolution":
        return Cause(it.arrival, it.customer, _unresolved(it))
    return Cause(it.arrival, it.customer, _OF_INTERACTION.get(terms.kpi, "was not kept"))


def _of_visit(visit: Visit, it: Interaction, now_us: int, reason: str = "") -> Cause:
    waited = _waited(visit, now_us)
    return Cause(visit.opened_at, it.customer, reason or _of_wait(visit), waited if waited >= 0 else None)


def _of_wait(visit: Visit) -> str:
    if visit.outcome == ANSWERED:
        return "answered after an unknown wait" if visit.wait_us is None else "answered too late"
    if visit.outcome == ABANDONED:
        return "gave up waiting"
    return "still waits" if visit.outcome == WAITING else "was diverted"


def _waited(visit: Visit, now_us: int) -> int:
    """How long a visit has waited, in microseconds; -1 where that is not known."""
    if visit.outcome == WAITING:
        return max(0, now_us - visit.opened_at)
    return -1 if visit.wait_us is None else visit.wait_us


def _unresolved(it: Interaction) -> str:
    if it.resolved is not True:
        return "was not resolved"
    return "was reopened" if Kind.REOPENED.value in it.first_at else "the customer came back about the same matter"
