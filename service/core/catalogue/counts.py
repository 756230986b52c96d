"""The KPIs that are counts: one measure each, or what was counted within some days, or of an objective."""

from service.core.catalogue.kpi import OBJECTIVE_BREACHES, OBJECTIVE_EVENTS, Kpi, Shape, one_formula, plus
from service.core.catalogue.measures import MEASURE_BY_NAME

_MEASURED = (
    ("offered", "neutral", "population"),
    ("answered", "higher", "population"),
    ("abandoned", "lower", "population"),
    ("short_abandoned", "lower", "population"),
    ("diverted", "lower", "population"),
    ("expired", "lower", "population"),
    ("waiting", "lower", "population"),
    ("interactions", "neutral", "population"),
    ("answered_waits", "neutral", "population"),
    ("abandoned_waits", "neutral", "population"),
    ("handled", "neutral", "population"),
    ("interactions_answered", "higher", "population"),
    ("contacts", "neutral", "population"),
    ("store_contacts", "neutral", "population"),
    ("completed", "higher", "reliability"),
    ("resolved", "higher", "reliability"),
    ("unresolved", "lower", "reliability"),
    ("reopened", "lower", "reliability"),
    ("transferred", "lower", "reliability"),
    ("escalated", "lower", "reliability"),
    ("corrected", "lower", "reliability"),
    ("recovered", "higher", "reliability"),
    ("unrecovered", "lower", "reliability"),
    ("resolutions", "higher", "reliability"),
    ("recoveries", "higher", "reliability"),
    ("conflicts", "lower", "data_quality"),
    ("told_waits", "neutral", "data_quality"),
    ("told_services", "neutral", "data_quality"),
    ("late_events", "lower", "data_quality"),
    ("skewed_events", "lower", "data_quality"),
)

_AS_ASKED = (
    (
        "repeat_contacts",
        "contacts that came within the days asked for after the previous one of the same customer and topic",
        "lower",
        "reliability",
        "repeat_contacts_{within}",
    ),
    (
        "repeat_visits",
        "contacts in stores that came within the days asked for after the previous one of the same customer",
        "higher",
        "reliability",
        "repeat_visits_{within}",
    ),
    (
        "slo_events",
        "visits, interactions or contacts that the objective has judged",
        "neutral",
        "population",
        OBJECTIVE_EVENTS,
    ),
    (
        "slo_breaches",
        "visits, interactions or contacts for which the objective was not kept",
        "lower",
        "population",
        OBJECTIVE_BREACHES,
    ),
)

COUNTS: tuple[Kpi, ...] = tuple(
    Kpi(name, help_, Shape.COUNT, "count", better, dimension, one_formula(f"number of {help_}", plus(term)))
    for name, help_, better, dimension, term in (
        *((name, MEASURE_BY_NAME[name].help, better, dimension, name) for name, better, dimension in _MEASURED),
        *_AS_ASKED,
    )
)
