"""The KPIs of the rest of good service, in exact fractions, from sums of measures as the rollups hold them.

Durations are seconds, points are points. A rate of complaints is per thousand, and shows the two numbers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tests.reference.kpis import Value, ratio
from tests.reference.walk import SECOND

RATIOS = {
    "promise_kept_rate": ("promises_kept", "promises_due"),
    "quote_kept_rate": ("quotes_kept", "quoted_waits"),
    "informed_rate": ("informed_matters", "long_matters"),
    "proactive_rate": ("proactive", "initiations_known"),
    "known_customer_rate": ("recognised", "recognitions_known"),
    "misroute_rate": ("misrouted", "answered"),
    "decided_rate": ("decided", "resolved"),
    "one_window_rate": ("one_window", "completed"),
    "same_agent_rate": ("same_agent", "repeat_contacts_30d"),
    "csat": ("csat_top", "csat_scores"),
    "ces": ("ces_easy", "ces_scores"),
    "feedback_response_rate": ("surveys", "completed"),
    "complaints_answered_rate": ("complaints_answered_1d", "complaints"),
    "standards_compliance": ("items_passed", "items_checked"),
    "identity_verified_rate": ("verified", "verifiable"),
}
MEANS = {
    "first_response_time": ("response_us", "responses"),
    "complaint_answer_time": ("complaint_answer_us", "complaints_answered"),
    "csat_mean": ("csat_points", "csat_scores"),
    "stars": ("star_points", "star_ratings"),
}
QUALITY_KPIS = (*RATIOS, *MEANS, "quote_overrun", "nps", "complaint_rate")


def quality_kpi(name: str, sums: Mapping[str, int]) -> Value:
    """One KPI over the sums given; what is not there is 0."""
    if name in RATIOS:
        part, whole = RATIOS[name]
        return ratio(sums.get(part, 0), sums.get(whole, 0))
    if name in MEANS:
        total, number = MEANS[name]
        return _mean(sums.get(total, 0), sums.get(number, 0))
    if name == "quote_overrun":
        return _mean(sums.get("quote_overrun_us", 0), sums.get("quoted_waits", 0) - sums.get("quotes_kept", 0))
    if name == "nps":
        return ratio(sums.get("nps_promoters", 0) - sums.get("nps_detractors", 0), sums.get("nps_scores", 0))
    if name == "complaint_rate":
        plain = ratio(sums.get("complaints", 0), sums.get("completed", 0))
        return plain if plain.value is None else plain._replace(value=1000 * plain.value)
    raise KeyError(name)


def _mean(millionths: int, number: int) -> Value:
    total = Fraction(millionths, SECOND)
    return Value(total / number if number else None, total, Fraction(number))
