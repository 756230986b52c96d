"""What an objective's document says of its KPI: which one, by which formula, of whom, and how much is promised."""

from collections.abc import Mapping

from service.core.catalogue.kpi import DEFAULT_WITHIN, Formula, Kpi, Shape
from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.catalogue.measures import MEASURE_BY_NAME, SHORT_ABANDON_SECONDS, WITHIN_DAYS, Unit
from service.core.event import CHANNELS, duration_us
from service.core.objective import Terms
from service.core.placed_yaml import Placed
from service.core.quality import DIMENSION, LABELS_OF_FACETS, Dimension, facet

_SHORT = "short_abandoned"
_HOURS = ("always", "open")
_DIGITS = 12

_FILTERS = ("sites", "queues", "channels", *(f"{label}s" for label in LABELS_OF_FACETS))
_SHAPES = {Shape.COUNT: "a count", Shape.MEAN: "a mean", Shape.MAXIMUM: "a maximum", Shape.NOW: "a state of the moment"}
_OF_WAITS = ("average_speed_of_answer", "average_wait", "longest_wait", "max_wait")
_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(_OF_WAITS, "wait_p90 with a threshold"),
    "time_to_resolution": "time_to_resolution_p90 with a threshold",
    "recovery_time": "recovery_time_p90 with a threshold",
    **dict.fromkeys(("answered", "answered_waits", "slo_events", "slo_breaches"), "service_level with a threshold"),
    **dict.fromkeys(("abandoned", "short_abandoned", "abandoned_waits"), "abandonment_rate"),
    **dict.fromkeys(("resolved", "unresolved"), "resolution_rate"),
    "reopened": "reopen_rate",
    "transferred": "transfer_rate",
    "escalated": "escalation_rate",
    "corrected": "accuracy",
    "repeat_contacts": "repeat_contact_rate",
    "repeat_visits": "repeat_visit_rate",
    "first_response_time": "informed_rate",
    "quote_overrun": "quote_kept_rate",
    "complaint_answer_time": "complaints_answered_rate",
    **dict.fromkeys(("csat_mean", "stars", "nps"), "csat"),
}


def read_indicator(place: Placed, start_day: int | None) -> tuple[Terms, Placed]:
    """The terms that an indicator makes, without a target yet, and the place of its KPI. Raises InvalidInput."""
    fields = place.fields(
        {"kpi": "kpi: service_level"}, ("threshold", "formula", "shortAbandon", "within", "filter", "hours")
    )
    kpi = _kpi(fields["kpi"])
    chosen = _formula(fields["formula"], kpi) if "formula" in fields else kpi.default_formula
    if "threshold" not in fields and takes_threshold(kpi):
        raise place.missing("threshold", f"one that {kpi.name} is held against, such as threshold: 20s")
    covered = fields["filter"].fields({}, _FILTERS) if "filter" in fields else {}
    terms = Terms(
        start_day,
        kpi.name,
        0.0,
        threshold_us=threshold_us(fields["threshold"], kpi) if "threshold" in fields else None,
        formula=chosen,
        within=_within(fields.get("within"), kpi),
        short_us=_short_us(fields.get("shortAbandon"), kpi, chosen),
        sites=covered["sites"].labels() if "sites" in covered else (),
        queues=covered["queues"].labels() if "queues" in covered else (),
        channels=covered["channels"].labels(_channel) if "channels" in covered else (),
        facets=_facets(covered, kpi),
        open_only="hours" in fields and fields["hours"].choice(_HOURS, "hours that are known") == "open",
    )
    return terms, fields["kpi"]


def takes_threshold(kpi: Kpi) -> bool:
    """Whether a promise of a KPI needs a time that it is held against."""
    return kpi.needs_threshold or kpi.shape is Shape.QUANTILE


def threshold_us(place: Placed, kpi: Kpi) -> int:
    """A threshold in microseconds. Raises InvalidInput, also for a KPI that takes none."""
    if not takes_threshold(kpi):
        raise place.fault(f"does not apply: {kpi.name} is held against no time; leave it out")
    us = place.duration_us("20s")
    if us == 0:
        raise place.fault("must be longer than nothing, such as 20s")
    return us


def share_to_keep(place: Placed, kpi: Kpi) -> float:
    """The share of events that must not be breaches, by a target as it is said of a KPI. Raises InvalidInput."""
    stated = place.number("0.80")
    share = round(1.0 - stated, _DIGITS) if kpi.is_ratio_to_keep_low else stated
    if not (0.0 < stated < 1.0 and 0.0 < share < 1.0):
        hint = f"; {stated:g} % is {stated / 100:g}" if 1.0 < stated < 100.0 else ""
        raise place.fault(f"{stated:g} must be more than 0 and less than 1, such as 0.80{hint}")
    if kpi.shape is Shape.QUANTILE and stated != kpi.quantile:
        raise place.fault(
            f"{stated:g} is not what {kpi.name} promises by its name, {kpi.quantile:g}; leave it out, or take the KPI "
            "of another quantile"
        )
    if kpi.is_ratio_to_keep_low and stated > 0.5:
        raise place.fault(
            f"{stated:g} is more than half, and of {kpi.name} less is better: the target is the most that is allowed, "
            f"such as {share:g}"
        )
    return share


def _kpi(place: Placed) -> Kpi:
    promisable = [name for name, kpi in KPI_BY_NAME.items() if kpi.scope is not None]
    named = KPI_BY_NAME.get(place.text())
    if named is not None and named.scope is None:
        instead = _INSTEAD.get(named.name) or f"one of: {', '.join(promisable)}"
        raise place.fault(f"{named.name} is {_no_promise(named)}; promise {instead}")
    return KPI_BY_NAME[place.choice(promisable, "KPI that can be promised")]


def _no_promise(kpi: Kpi) -> str:
    """What a KPI is that no single one can keep or break."""
    formula = kpi.formulas[kpi.default_formula]
    if kpi.shape is not Shape.RATIO:
        kind = _SHAPES[kpi.shape]
        return f"{kind}, and no single visit keeps or breaks {kind}"
    if any(weight < 0 for weight in formula.numerator.values()):
        return "a balance of shares, and no single one keeps or breaks a balance"
    measures = [MEASURE_BY_NAME.get(term) for term in formula.terms]
    if all(measure is not None and measure.unit is Unit.COUNT for measure in measures):
        return "a number set against that of something else, of which no single one keeps or breaks it"
    return "measured over time, and no single visit keeps or breaks it"


def _facets(covered: Mapping[str, Placed], kpi: Kpi) -> tuple[str, ...]:
    """What a filter says beside the place, which must be what the KPI is told apart by."""
    found: tuple[str, ...] = ()
    for label in LABELS_OF_FACETS:
        place = covered.get(f"{label}s")
        if place is None:
            continue
        if kpi.facet != label:
            takers = ", ".join(name for name, known in KPI_BY_NAME.items() if known.scope and known.facet == label)
            raise place.fault(
                f"does not apply: {kpi.name} is not told apart by {label}; leave it out (it is for {takers})"
            )
        names = place.labels(_dimension) if label == DIMENSION else place.labels()
        found = tuple(facet(label, name) for name in names)
    return found


def _dimension(place: Placed) -> str:
    return place.choice(Dimension, "dimension")


def _formula(place: Placed, kpi: Kpi) -> str:
    if not kpi.default_formula:
        raise place.fault(f"does not apply: {kpi.name} has one formula only; leave it out")
    return place.choice(kpi.formulas, f"formula of {kpi.name}")


def _within(place: Placed | None, kpi: Kpi) -> str:
    takes = "within" in kpi.parameters
    if place is None:
        return DEFAULT_WITHIN if takes else ""
    if not takes:
        takers = ", ".join(name for name, known in KPI_BY_NAME.items() if known.scope and "within" in known.parameters)
        raise place.fault(f"does not apply: {kpi.name} asks nobody to come back; leave it out (it is for {takers})")
    return place.choice(WITHIN_DAYS, "span that is counted")


def _short_us(place: Placed | None, kpi: Kpi, chosen: str) -> int:
    if place is None:
        return duration_us(SHORT_ABANDON_SECONDS)
    if not _tells_short(kpi.formulas[chosen]):
        using = ", ".join(name for name, formula in kpi.formulas.items() if _tells_short(formula))
        raise place.fault(
            f"does not apply: {chosen or kpi.name} does not tell short abandons apart; leave it out"
            + (f", or take the formula {using}" if using else "")
        )
    return place.duration_us("5s")


def _tells_short(formula: Formula) -> bool:
    return _SHORT in formula.terms


def _channel(place: Placed) -> str:
    return place.choice(CHANNELS, "channel")
