"""The measures of what good service is beside speed and reliability."""

from collections.abc import Iterator, Mapping

from service.core.catalogue.measure import Measure, Scope, Unit
from service.core.event import DAY_US, HOUR_US, MINUTE_US, SECOND_US

MISROUTED_WITHIN_SECONDS = 30
COMPLAINTS_WITHIN_HOURS = 24
COMPLAINTS_OPEN_DAYS = 30
"""How long a complaint is said to wait for an answer; who got none by then does not wait any more."""
SAME_AGENT_WITHIN = "30d"
DEFAULT_PATIENCE_US = 2 * MINUTE_US
PATIENCE_US: Mapping[str, int] = {"chat": HOUR_US, "web": HOUR_US, "email": DAY_US}
"""How long customers of a channel wait without being told how things stand, in microseconds; others the default."""
VERIFIABLE_CHANNELS = ("phone", "chat")
"""The channels on which customers cannot be seen, so that who they are has to be verified."""

_PATIENCE = ", ".join(f"{channel} {us // SECOND_US} s" for channel, us in PATIENCE_US.items())

_OF_VISITS = (
    (
        64,
        "quoted_waits",
        "answered visits with a known wait that was quoted",
        "A with wait and quoted_wait_seconds",
        "",
    ),
    (65, "quotes_kept", "of these, those that waited no longer than quoted", "wait <= quoted wait", "quoted_waits"),
    (
        66,
        "quote_overrun_us",
        "how much longer the others waited than quoted",
        "sum of (wait - quoted wait) over those with wait > quoted wait",
        "quoted_waits",
    ),
    (
        67,
        "misrouted",
        "visits that were transferred after a short service",
        f"A with transferred - answered - hold <= {MISROUTED_WITHIN_SECONDS} s",
        "",
    ),
)
_OF_INTERACTIONS = (
    (
        68,
        "long_matters",
        "interactions whose wait or resolution took longer than the patience of their queue",
        "those with a wait that ended, or resolved - arrival, above the patience: the queue's own, "
        f"else {_PATIENCE}, else {DEFAULT_PATIENCE_US // SECOND_US} s",
        "",
    ),
    (
        69,
        "informed_matters",
        "of these, those who were told in between how things stand",
        "start <= informed <= end of what took so long",
        "",
    ),
    (70, "responses", "interactions with a first response", "those answered or informed", ""),
    (
        71,
        "response_us",
        "their times to the first response",
        "sum of (first of answered or informed - arrival)",
        "responses",
    ),
    (72, "initiations_known", "interactions of which it is known who began", "those with initiated_by", ""),
    (73, "proactive", "of these, those that we began", "initiated_by = us", "initiations_known"),
    (
        74,
        "recognitions_known",
        "interactions of which it is known whether the customer was recognised",
        "those with known_customer",
        "",
    ),
    (75, "recognised", "of these, those whose customer was", "known_customer = true", "recognitions_known"),
    (
        76,
        "decided",
        "interactions resolved without being escalated or transferred",
        "resolved, no escalated and no transferred event",
        "resolved",
    ),
    (
        77,
        "one_window",
        "interactions completed with one visit and one agent",
        "completed, one visit, no take-over in service, at most one agent named",
        "completed",
    ),
    (
        78,
        "verifiable",
        "interactions answered where the customer cannot be seen",
        f"answered, channel = {' or '.join(VERIFIABLE_CHANNELS)}",
        "",
    ),
    (
        79,
        "verified",
        "of these, those in which it was verified who the customer is",
        "verified <= latest completed, or not completed",
        "",
    ),
)
_OF_CONTACTS = (
    (
        80,
        "same_agent",
        "repeat contacts within 30 d that the agent of the previous one answered",
        f"repeat_contacts_{SAME_AGENT_WITHIN} with agent = agent of the previous contact of the customer and topic",
        "",
    ),
)
_OF_PROMISES = (
    (81, "promises_due", "promises that are due", "kept <= due, or now >= due and not withdrawn <= due", ""),
    (82, "promises_kept", "of these, those that were kept in time", "kept <= due", "promises_due"),
)
_OF_FEEDBACK = (
    (84, "surveys", "surveys that customers answered", "feedback with kind = survey", ""),
    (85, "reviews", "reviews", "feedback with kind = review", ""),
    (86, "comments", "comments", "feedback with kind = comment", ""),
    (87, "complaints", "complaints", "feedback with kind = complaint", ""),
    (89, "complaints_answered", "complaints that were answered", "complaints with an answer", ""),
    (
        90,
        "complaint_answer_us",
        "their times to the answer",
        "sum of (first answered - received)",
        "complaints_answered",
    ),
    (
        91,
        "complaints_answered_1d",
        f"complaints that were answered within {COMPLAINTS_WITHIN_HOURS} h",
        f"first answered - received <= {COMPLAINTS_WITHIN_HOURS} h",
        "complaints_answered",
    ),
    (
        105,
        "complaints_due",
        f"complaints that were answered, or came more than {COMPLAINTS_WITHIN_HOURS} h ago",
        f"complaints with an answer, or now - received > {COMPLAINTS_WITHIN_HOURS} h",
        "",
    ),
    (92, "csat_scores", "scores of satisfaction", "feedback with metric = csat", ""),
    (93, "csat_top", "of these, the top two of five", "score / scale > 3 / 5", "csat_scores"),
    (94, "csat_points", "their points, of five", "sum of 5 * score / scale", "csat_scores"),
    (95, "nps_scores", "answers to whether customers recommend us", "feedback with metric = nps", ""),
    (96, "nps_promoters", "of these, those who do", "score >= 9", "nps_scores"),
    (97, "nps_detractors", "of these, those who do not", "score <= 6", "nps_scores"),
    (98, "ces_scores", "scores of how easy it was", "feedback with metric = ces", ""),
    (99, "ces_easy", "of these, the top three of seven", "score / scale > 4 / 7", "ces_scores"),
    (100, "star_ratings", "ratings by stars", "feedback with metric = stars", ""),
    (101, "star_points", "their stars, of five", "sum of 5 * score / scale", "star_ratings"),
)
_OF_ASSESSMENTS = (
    (102, "assessments", "assessments of the standards of conduct", "assessment.recorded events", ""),
    (103, "items_checked", "what was checked in them", "sum of `of`", "assessments"),
    (104, "items_passed", "of this, what was as it must be", "sum of `passed`", "assessments"),
)
_UNITS: Mapping[str, Unit] = {
    "quote_overrun_us": Unit.MICROSECONDS,
    "response_us": Unit.MICROSECONDS,
    "complaint_answer_us": Unit.MICROSECONDS,
    "csat_points": Unit.POINTS,
    "star_points": Unit.POINTS,
}


def _measures() -> Iterator[Measure]:
    for scope, entries in (
        (Scope.VISIT, _OF_VISITS),
        (Scope.INTERACTION, _OF_INTERACTIONS),
        (Scope.CONTACT, _OF_CONTACTS),
        (Scope.PROMISE, _OF_PROMISES),
        (Scope.FEEDBACK, _OF_FEEDBACK),
        (Scope.ASSESSMENT, _OF_ASSESSMENTS),
    ):
        for code, name, help_, formula, lead in entries:
            yield Measure(code, name, scope, help_, _UNITS.get(name, Unit.COUNT), lead, formula=formula)


QUALITY_MEASURES: tuple[Measure, ...] = (
    *_measures(),
    Measure(
        83,
        "promises_open",
        Scope.PROMISE,
        "promises that are to be kept",
        state=True,
        formula="made, not kept, not withdrawn, now < due",
    ),
    Measure(
        88,
        "complaints_open",
        Scope.FEEDBACK,
        "complaints that wait for an answer",
        state=True,
        formula=f"complaints without an answer, now - received < {COMPLAINTS_OPEN_DAYS} d",
    ),
)
"""Their codes go on from those of speed and reliability."""
