"""The KPIs: formulas over measures and histograms."""

from collections.abc import Mapping
from dataclasses import replace

from service.core.catalogue.counts import COUNTS
from service.core.catalogue.kpi import (
    ABANDONED_LATER,
    ABANDONED_WITHIN,
    ANSWERED_WITHIN,
    DEFAULT_THRESHOLD_SECONDS,
    Formula,
    Kpi,
    Shape,
    mean,
    one_formula,
    plus,
    quantiles,
    ratio,
)
from service.core.catalogue.levels import LEVEL_KPIS
from service.core.catalogue.quality_kpis import QUALITY_KPIS
from service.core.quality import Dimension

__all__ = [
    "ABANDONMENT_FORMULAS",
    "DEFAULT_THRESHOLD_SECONDS",
    "KPIS",
    "KPI_BY_NAME",
    "SERVICE_LEVEL_FORMULAS",
    "Formula",
    "Kpi",
    "Shape",
]

SERVICE_LEVEL_FORMULAS: Mapping[str, Formula] = {
    "abandons_help": Formula(
        "(A<=T + B<=T) / (A + B)",
        plus(ANSWERED_WITHIN, ABANDONED_WITHIN),
        plus("answered", "abandoned"),
    ),
    "abandons_ignored": Formula("A<=T / A", plus(ANSWERED_WITHIN), plus("answered")),
    "abandons_hurt": Formula("A<=T / (A + B)", plus(ANSWERED_WITHIN), plus("answered", "abandoned")),
    "late_abandons_hurt": Formula("A<=T / (A + B>T)", plus(ANSWERED_WITHIN), plus("answered", ABANDONED_LATER)),
    "short_abandons_help": Formula(
        "(A<=T + B<=s) / (A + B)", plus(ANSWERED_WITHIN, "short_abandoned"), plus("answered", "abandoned")
    ),
    "short_abandons_excluded": Formula(
        "A<=T / (A + B - B<=s)",
        plus(ANSWERED_WITHIN),
        {"answered": 1, "abandoned": 1, "short_abandoned": -1},
    ),
    "diversions_hurt": Formula("A<=T / (A + B + F)", plus(ANSWERED_WITHIN), plus("answered", "abandoned", "diverted")),
}
ABANDONMENT_FORMULAS: Mapping[str, Formula] = {
    "of_answered_and_abandoned": Formula("B / (A + B)", plus("abandoned"), plus("answered", "abandoned")),
    "excluding_short": Formula(
        "(B - Bs) / (A + B - Bs)",
        {"abandoned": 1, "short_abandoned": -1},
        {"answered": 1, "abandoned": 1, "short_abandoned": -1},
    ),
    "of_offered": Formula("B / O", plus("abandoned"), plus("offered")),
}

_OF_GROUPS = {"speed": Dimension.RESPONSIVENESS, "reliability": Dimension.RELIABILITY}
_OTHERWISE = {
    "abandonment_rate": Dimension.ACCESS,
    "transfer_rate": Dimension.COMPETENCE,
    "escalation_rate": Dimension.COMPETENCE,
}
_SPEED_AND_RELIABILITY: tuple[Kpi, ...] = (
    *COUNTS,
    Kpi(
        "service_level",
        "share of visits answered within the threshold T; B<=s are abandons of 5 s at most",
        Shape.RATIO,
        "ratio",
        "higher",
        "speed",
        SERVICE_LEVEL_FORMULAS,
        default_formula="abandons_hurt",
    ),
    mean(
        "average_speed_of_answer",
        "mean wait of answered visits",
        "speed",
        "sum of wait over A / A whose wait is known",
        ("answered_wait_us",),
        ("answered_waits",),
    ),
    mean(
        "average_wait",
        "mean wait of answered and abandoned visits",
        "speed",
        "sum of wait over A and B / A and B with a known wait",
        ("answered_wait_us", "abandoned_wait_us"),
        ("answered_waits", "abandoned_waits"),
    ),
    *quantiles("wait", "wait of answered visits", "speed", {"": "wait"}),
    Kpi(
        "longest_wait",
        "longest wait of those who wait now",
        Shape.NOW,
        "seconds",
        "lower",
        "speed",
        one_formula("now - earliest arrival of those who wait"),
    ),
    Kpi(
        "max_wait",
        "longest known wait of those who arrived in the interval and were answered or gave up",
        Shape.MAXIMUM,
        "seconds",
        "lower",
        "speed",
        one_formula("max of wait over A and B"),
    ),
    Kpi(
        "abandonment_rate",
        "share of visits whose customer gave up waiting; Bs gave up within 5 s",
        Shape.RATIO,
        "ratio",
        "lower",
        "speed",
        ABANDONMENT_FORMULAS,
        default_formula="of_answered_and_abandoned",
    ),
    mean(
        "average_handle_time",
        "mean service, hold and wrap-up of answered visits whose end is known",
        "speed",
        "(service + hold + wrap-up) / A completed",
        ("service_us", "hold_us", "wrap_up_us"),
        ("handled",),
    ),
    mean(
        "average_hold_time",
        "mean time on hold of answered visits whose end is known",
        "speed",
        "hold / A completed",
        ("hold_us",),
        ("handled",),
    ),
    Kpi(
        "time_to_resolution",
        "mean time from arrival to the first completion as resolved; business counts the site's opening hours only",
        Shape.MEAN,
        "seconds",
        "lower",
        "speed",
        {
            "wall": Formula(
                "sum of (first resolved completion - arrival) / interactions with one",
                plus("resolution_us"),
                plus("resolutions"),
            ),
            "business": Formula(
                "sum of the opening time from arrival to first resolved completion / interactions with one",
                plus("business_resolution_us"),
                plus("resolutions"),
            ),
        },
        default_formula="wall",
    ),
    *quantiles(
        "time_to_resolution",
        "time to resolution",
        "speed",
        {"wall": "resolution", "business": "business_resolution"},
        default_formula="wall",
    ),
    Kpi(
        "resolution_rate",
        "share of completed interactions, whose outcome is known, that are resolved",
        Shape.RATIO,
        "ratio",
        "higher",
        "reliability",
        one_formula("resolved / completed whose resolved is known", plus("resolved"), plus("resolved", "unresolved")),
    ),
    ratio(
        "first_contact_resolution",
        "share of completed contacts of known outcome that were resolved at once: not reopened, and without a further "
        "contact of the customer about the topic within the days asked for; settled ones were closed longer ago than "
        "that, provisional ones were not",
        "higher",
        "reliability",
        "resolved at the first contact / completed contacts whose resolved is known",
        "{maturity}_resolved_{within}",
        "{maturity}_{within}",
    ),
    ratio(
        "repeat_contact_rate",
        "share of contacts that came within the days asked for after the previous one of the same customer and topic",
        "lower",
        "reliability",
        "repeat contacts / contacts",
        "repeat_contacts_{within}",
        "contacts",
    ),
    ratio(
        "repeat_visit_rate",
        "share of contacts in stores that came within the days asked for after the previous one of the same customer",
        "higher",
        "reliability",
        "repeat visits / contacts in stores",
        "repeat_visits_{within}",
        "store_contacts",
    ),
    ratio(
        "reopen_rate",
        "share of completed interactions that came back",
        "lower",
        "reliability",
        "reopened / completed",
        "reopened",
        "completed",
    ),
    ratio(
        "transfer_rate",
        "share of answered interactions that were transferred",
        "lower",
        "reliability",
        "transferred / interactions answered",
        "transferred",
        "interactions_answered",
    ),
    ratio(
        "escalation_rate",
        "share of answered interactions that were escalated",
        "lower",
        "reliability",
        "escalated / interactions answered",
        "escalated",
        "interactions_answered",
    ),
    Kpi(
        "accuracy",
        "share of completed interactions without an error of the service",
        Shape.RATIO,
        "ratio",
        "higher",
        "reliability",
        one_formula("(completed - corrected) / completed", {"completed": 1, "corrected": -1}, plus("completed")),
    ),
    mean(
        "recovery_time",
        "mean time from an error of the service to its recovery",
        "reliability",
        "sum of (recovered - corrected) / recoveries",
        ("recovery_us",),
        ("recoveries",),
    ),
    *quantiles("recovery_time", "recovery time", "reliability", {"": "recovery"}),
    mean(
        "clock_skew",
        "how far the events whose own time was ahead of the clock here were ahead, in the mean",
        "data_quality",
        "sum of (time - clock here) / events ahead of the clock here",
        ("skew_us",),
        ("skewed_events",),
    ),
    mean(
        "wait_difference",
        "how far the waits that sources tell are from those that their events make, in the mean",
        "data_quality",
        "sum of |wait_seconds - wait| / visits with both",
        ("wait_difference_us",),
        ("told_waits",),
    ),
    mean(
        "service_difference",
        "how far the times in service that sources tell are from those that their events make, in the mean",
        "data_quality",
        "sum of |service_seconds - service| / visits with both",
        ("service_difference_us",),
        ("told_services",),
    ),
    Kpi(
        "residual",
        "what the identity of visits leaves over; anything but 0 is a defect",
        Shape.COUNT,
        "count",
        "neutral",
        "data_quality",
        one_formula(
            "O - (A + B + F + X + W)",
            {"offered": 1, "answered": -1, "abandoned": -1, "diverted": -1, "expired": -1, "waiting": -1},
            {},
        ),
    ),
)
KPIS: tuple[Kpi, ...] = (
    *(
        replace(kpi, dimension=_OTHERWISE.get(kpi.name, _OF_GROUPS.get(kpi.group)))
        if kpi.shape is not Shape.COUNT
        else kpi
        for kpi in _SPEED_AND_RELIABILITY
    ),
    *QUALITY_KPIS,
    *LEVEL_KPIS,
)
KPI_BY_NAME: Mapping[str, Kpi] = {kpi.name: kpi for kpi in KPIS}
