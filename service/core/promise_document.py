"""One document of the file of objectives: its fields, as docs/objectives.md explains them, read and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from service.core.catalogue.kpi import Shape
from service.core.event import DAY_US, SECOND_US
from service.core.objective import About, BurnRate, Override, Severity, Terms
from service.core.placed_yaml import Placed
from service.core.promise_indicator import read_indicator, share_to_keep, threshold_us
from service.core.window import MAX_ROLLING_DAYS, Span, Window, number_of

_ALWAYS = "always"
_API_VERSION, _KIND, _METHOD = "frontline/v1", "SLO", "Occurrences"
_DOCUMENT = {
    "apiVersion": f"apiVersion: {_API_VERSION}",
    "kind": f"kind: {_KIND}",
    "metadata": "metadata: {name: phone-80-in-20}",
    "spec": "spec: and what is promised under it",
}
_METADATA = {"name": "name: phone-80-in-20"}
_SPEC = {"indicator": "indicator: {kpi: service_level, threshold: 20s}"}
_OPTIONAL = (
    "description",
    "owner",
    "severity",
    "runbook",
    "timeWindow",
    "budgetingMethod",
    "minimumEvents",
    "effectiveFrom",
    "objectives",
    "overrides",
    "alerting",
)
_TARGET = {"target": "target: 0.80"}
_BURN_RATE = {"factor": "factor: 3", "long": "long: 1h", "short": "short: 5m"}
_CALENDAR = {"1d": Span.DAY, "1w": Span.WEEK, "1M": Span.MONTH, "1Q": Span.QUARTER}
_DAYS_OF_UNIT = {"d": 1, "w": 7}
_ROLLING = re.compile(r"\A\d{1,3}[dw]\Z", re.ASCII)
_URL = re.compile(r"\Ahttps?://[^\s/]\S*\Z")
_LOUD = (Severity.PAGE, Severity.TICKET)
_DIGITS = 12
_MAX_MINIMUM = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Document:
    """What a document promises of an objective; `rewrites` where that holds whatever was promised for the past.

    `kpi_place` is where it names its KPI, and `date_place` where it gives its date, or the name if it gives none.
    """

    name: str
    about: About
    terms: Terms
    rewrites: bool
    kpi_place: Placed
    date_place: Placed


def read_document(root: Placed) -> Document:
    """Read a document. Raises InvalidInput naming the place."""
    top = root.fields(_DOCUMENT)
    top["apiVersion"].choice([_API_VERSION], "version of these files")
    top["kind"].choice([_KIND], "kind of document")
    metadata = top["metadata"].fields(_METADATA, ("displayName",))
    spec = top["spec"].fields(_SPEC, _OPTIONAL)
    if "budgetingMethod" in spec:
        spec["budgetingMethod"].choice([_METHOD], "way of budgeting")
    name, date_place = metadata["name"].label(), spec.get("effectiveFrom")
    rewrites = date_place is not None and date_place.value == _ALWAYS
    start_day = None if date_place is None or rewrites else number_of(date_place.day(_ALWAYS))
    terms, kpi_place = _terms(top["spec"], spec, start_day)
    about = _about(metadata, spec, terms)
    return Document(name, about, terms, rewrites, kpi_place, date_place or metadata["name"])


def _terms(place: Placed, spec: Mapping[str, Placed], start_day: int | None) -> tuple[Terms, Placed]:
    terms, kpi_place = read_indicator(spec["indicator"], start_day)
    terms = replace(
        terms,
        target=_target(place, spec.get("objectives"), terms),
        window=_window(spec["timeWindow"].only("[{duration: 1M, isRolling: false}]"))
        if "timeWindow" in spec
        else Window(),
    )
    if "minimumEvents" in spec:
        terms = replace(terms, minimum_events=spec["minimumEvents"].whole(1, _MAX_MINIMUM))
    return replace(terms, overrides=_overrides(spec["overrides"], terms) if "overrides" in spec else ()), kpi_place


def _target(spec: Placed, place: Placed | None, terms: Terms) -> float:
    """The target; a quantile says in its name which one it has, and may leave it out."""
    kpi = terms.of_kpi
    is_quantile = kpi.shape is Shape.QUANTILE
    if place is None:
        if is_quantile:
            return kpi.quantile
        raise spec.missing("objectives", "objectives: [{target: 0.80}]")
    item = place.only("[{target: 0.80}]")
    fields = item.fields({}, _TARGET) if is_quantile else item.fields(_TARGET)
    return share_to_keep(fields["target"], kpi) if "target" in fields else kpi.quantile


def _window(place: Placed) -> Window:
    fields = place.fields({"duration": "duration: 1M"}, ("isRolling",))
    duration = fields["duration"]
    text = duration.text()
    if "isRolling" not in fields or not fields["isRolling"].flag():
        if text not in _CALENDAR:
            raise duration.fault(
                f"{text!r} is no window of the calendar; it must be one of: {', '.join(_CALENDAR)}, "
                "or isRolling be true, with days such as 28d"
            )
        return Window(_CALENDAR[text])
    days = int(text[:-1]) * _DAYS_OF_UNIT[text[-1]] if _ROLLING.match(text) else 0
    if not 1 <= days <= MAX_ROLLING_DAYS:
        raise duration.fault(
            f"{text!r} is no rolling window; it must be days or weeks such as 28d or 4w, {MAX_ROLLING_DAYS}d at most"
        )
    return Window(Span.ROLLING, days)


def _overrides(place: Placed, terms: Terms) -> tuple[Override, ...]:
    kpi, found = terms.of_kpi, list[Override]()
    taken: dict[str, int] = {}
    for item in place.items("[{sites: [vilnius-1], target: 0.9}]"):
        fields = item.fields({"sites": "sites: [vilnius-1]"}, ("target", "threshold"))
        sites = fields["sites"].labels()
        if not sites:
            raise fields["sites"].fault("is empty; name the sites at which it is otherwise")
        for site in sites:
            if site in taken:
                raise fields["sites"].fault(f"{site!r} is in the override of line {taken[site]} too; one must have it")
            if terms.sites and site not in terms.sites:
                raise fields["sites"].fault(f"{site!r} is not among the sites of the filter: {', '.join(terms.sites)}")
        taken |= dict.fromkeys(sites, item.line)
        if len(fields) == 1:
            raise item.fault("changes nothing; give it a target, a threshold, or both")
        found.append(
            Override(
                sites,
                share_to_keep(fields["target"], kpi) if "target" in fields else None,
                threshold_us(fields["threshold"], kpi) if "threshold" in fields else None,
            )
        )
    return tuple(sorted(found, key=lambda override: override.sites))


def _about(metadata: Mapping[str, Placed], spec: Mapping[str, Placed], terms: Terms) -> About:
    return About(
        title=metadata["displayName"].text() if "displayName" in metadata else "",
        description=spec["description"].text() if "description" in spec else "",
        owner=spec["owner"].label() if "owner" in spec else "",
        severity=Severity(spec["severity"].choice(Severity, "severity")) if "severity" in spec else Severity.PAGE,
        runbook=_url(spec["runbook"]) if "runbook" in spec else "",
        burn_rates=_burn_rates(spec["alerting"], terms) if "alerting" in spec else (),
    )


def _url(place: Placed) -> str:
    text = place.text()
    if not _URL.match(text):
        raise place.fault(f"{text!r} is not an address; it must be one such as https://example.com/runbooks/phone")
    return text


def _burn_rates(place: Placed, terms: Terms) -> tuple[BurnRate, ...]:
    rates = place.fields({"burnRates": "burnRates: [{factor: 3, long: 1h, short: 5m}]"})["burnRates"]
    items = rates.items("[{factor: 3, long: 1h, short: 5m}]")
    if not items:
        raise rates.fault("is empty; leave alerting out for the usual ones, or say severity: none for no alerts")
    return tuple(_burn_rate(item, terms) for item in items)


def _burn_rate(place: Placed, terms: Terms) -> BurnRate:
    fields = place.fields(_BURN_RATE, ("severity",))
    factor = _factor(fields["factor"], terms)
    long_seconds, short_seconds = _seconds(fields["long"]), _seconds(fields["short"])
    if short_seconds >= long_seconds:
        raise fields["short"].fault(f"must be shorter than long, which is {fields['long'].text()}")
    if long_seconds * SECOND_US >= terms.window.usual_days * DAY_US:
        raise fields["long"].fault(f"must be shorter than the window of the objective ({terms.window.name})")
    severity = fields["severity"].choice(_LOUD, "severity of a burn rate") if "severity" in fields else Severity.PAGE
    return BurnRate(factor, long_seconds, short_seconds, Severity(severity))


def _factor(place: Placed, terms: Terms) -> float:
    """How fast a budget burns; with all of the events breaches it burns 1 / (1 - target) times as fast as allowed."""
    factor = place.number("3")
    if factor < 1.0:
        raise place.fault(f"{factor:g} must be 1 at least, as a budget that burns slower than allowed is kept")
    for sites, target in (((), terms.target), *((one.sites, one.target) for one in terms.overrides)):
        if target is not None and round(factor * (1.0 - target), _DIGITS) >= 1.0:
            where = f" at {', '.join(sites)}" if sites else ""
            raise place.fault(
                f"{factor:g} can never be reached{where}: were all events breaches, a budget of {1.0 - target:.4g} of "
                f"them would burn {1.0 / (1.0 - target):.4g} times as fast as allowed; it must be less than that"
            )
    return factor


def _seconds(place: Placed) -> int:
    seconds, rest = divmod(place.duration_us("1h"), SECOND_US)
    if rest or not seconds:
        raise place.fault(f"{place.text()!r} must be whole seconds, one at least, such as 5m")
    return seconds
