"""The KPIs that are counts: one measure each, or what was counted within some days, or of an objective."""

from service.core.catalogue.kpi import OBJECTIVE_BREACHES, OBJECTIVE_EVENTS, Kpi, Shape, one_formula, plus
from service.core.catalogue.measures import MEASURE_BY_NAME, Scope, Unit
from service.core.catalogue.quality_measures import QUALITY_MEASURES
from service.core.quality import DIMENSION, STANDARD

_FACETS = {Scope.FEEDBACK: DIMENSION, Scope.ASSESSMENT: STANDARD}
_BETTER = {
    **dict.fromkeys(("misrouted", "long_matters", "complaints", "complaints_open", "nps_detractors"), "lower"),
    **dict.fromkeys(
        (
            *("quotes_kept", "informed_matters", "proactive", "recognised", "decided", "one_window", "verified"),
            *("same_agent", "promises_kept", "complaints_answered", "complaints_answered_1d", "csat_top"),
            *("nps_promoters", "ces_easy", "items_passed"),
        ),
        "higher",
    ),
}
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
    *(
        (measure.name, _BETTER.get(measure.name, "neutral"), "quality")
        for measure in QUALITY_MEASURES
        if measure.unit is Unit.COUNT
    ),
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
        "visits, interactions, contacts, promises, feedback or items that the objective has judged",
        "neutral",
        "population",
        OBJECTIVE_EVENTS,
    ),
    (
        "slo_breaches",
        "visits, interactions, contacts, promises, feedback or items for which the objective was not kept",
        "lower",
        "population",
        OBJECTIVE_BREACHES,
    ),
)

COUNTS: tuple[Kpi, ...] = tuple(
    Kpi(
        name,
        help_,
        Shape.COUNT,
        "count",
        better,
        group,
        one_formula(f"number of {help_}", plus(term)),
        facet=_FACETS.get(MEASURE_BY_NAME[term].scope, "") if term in MEASURE_BY_NAME else "",
    )
    for name, help_, better, group, term in (
        *((name, MEASURE_BY_NAME[name].help, better, group, name) for name, better, group in _MEASURED),
        *_AS_ASKED,
    )
)
