"""What alerts say: annotations, of a place that a template names or that is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from service.generate.rules.options import Links, Options
from service.generate.rules.promql import SERIES, literal
from service.generate.rules.tiers import Tier
from service.generate.rules.variants import Variant


@dataclass(frozen=True, slots=True)
class Place:
    """A line: how it is called, and the same as parameters of a URL."""

    name: str
    parameters: Mapping[str, str]

    @classmethod
    def of_series(cls) -> "Place":
        """The place of an alert's own series, which Prometheus fills in."""
        labels = {name: f"{{{{ $labels.{name} | urlquery }}}}" for name in SERIES}
        site, queue, channel = (f"$labels.{name}" for name in SERIES)
        # What is beside interactions may have neither queue nor channel.
        line = f"{{{{ with {queue} }}}}, queue {{{{ . }}}}{{{{ end }}}}"
        return cls(f"{{{{ {site} }}}}{line}{{{{ with {channel} }}}} ({{{{ . }}}}){{{{ end }}}}", labels)

    @classmethod
    def known(cls, site: str, queue: str = "", channel: str = "") -> "Place":
        """A place whose labels are known."""
        values = zip(SERIES, (site, queue, channel), strict=True)
        return cls(_called(site, queue, channel), {name: quote_plus(value) for name, value in values})


def _called(site: str, queue: str, channel: str) -> str:
    return "".join((site, f", queue {queue}" if queue else "", f" ({channel})" if channel else ""))


def burning(variant: Variant, tier: Tier, options: Options, place: Place, ratio: str, events: str) -> dict[str, str]:
    """Annotations of FrontlineBudgetBurning."""
    spans = f"over the last {options.span(tier.long_seconds)} and {options.span(tier.short_seconds)}"
    return _of_objective(
        "FrontlineBudgetBurning",
        variant,
        options,
        place,
        f"burns its budget at {place.name}, tier {tier.name}",
        f"{ratio} of {events} events in the last {options.span(tier.long_seconds)} were breaches, where "
        f"{_share(1 - variant.terms.target)} may be. Fires above {_share(tier.threshold)} {spans}.",
    )


def waiting(
    variant: Variant, seconds: float, people: int, options: Options, place: Place, longest: str, waiters: str
) -> dict[str, str]:
    """Annotations of FrontlineLongWaits."""
    return _of_objective(
        "FrontlineLongWaits",
        variant,
        options,
        place,
        f"sees long waits at {place.name}",
        f"{waiters} wait, the longest for {longest}. Fires where {people} wait or more, "
        f"and one for longer than {seconds:g} s.",
    )


def at_risk(
    variant: Variant, options: Options, place: Place, left: str, breaches: str, allowed: str, events: str, maturity: str
) -> dict[str, str]:
    """Annotations of FrontlineAtRisk."""
    return _of_objective(
        "FrontlineAtRisk",
        variant,
        options,
        place,
        f"is about to be broken at {place.name}",
        f"{breaches} of {events} events ({maturity}) were breaches, where {allowed} may be. As the last two days went, "
        f"{left} of the budget will be left at the end.",
    )


def exhausted(
    variant: Variant, options: Options, place: Place, breaches: str, allowed: str, events: str
) -> dict[str, str]:
    """Annotations of FrontlineBudgetExhausted."""
    return _of_objective(
        "FrontlineBudgetExhausted",
        variant,
        options,
        place,
        f"is broken at {place.name}",
        f"{breaches} of {events} events were breaches, where {allowed} may be.",
    )


def failing(
    variant: Variant, threshold: float, seconds: float, options: Options, place: Place, ratio: str, events: str
) -> dict[str, str]:
    """Annotations of FrontlineSustainedFailure."""
    span = options.span(seconds)
    fails = "fails the few cases at" if variant.is_beside else "fails the few who come to"
    return _of_objective(
        "FrontlineSustainedFailure",
        variant,
        options,
        place,
        f"{fails} {place.name}",
        f"{ratio} of {events} events in the last {span} were breaches. Fires above {_share(threshold)} where fewer "
        f"than {variant.terms.minimum_events} events, too few for burn rates, had at least 3 breaches.",
    )


def of_pipeline(name: str, summary: str, description: str, links: Links) -> dict[str, str]:
    """Annotations of an alert on Frontline itself."""
    return {
        "summary": summary,
        "description": description,
        "dashboard_url": f"{links.grafana_url.rstrip('/')}/d/frontline-pipeline",
        "runbook_url": _runbook(name, links),
    }


def promise_due(options: Options, site: str, parameter: str, left: str, limit: str) -> dict[str, str]:
    """Annotations of FrontlinePromiseDue; the `parameter` is the site as a URL has it."""
    return _of_site(
        "FrontlinePromiseDue",
        f"a promise at {site} falls due in {left}",
        f"The next promise at {site} that is neither kept nor withdrawn is due in {left}. Fires {limit} before.",
        options,
        parameter,
    )


def complaint_unanswered(
    options: Options, site: str, parameter: str, age: str, limit: str, answered: str
) -> dict[str, str]:
    """Annotations of FrontlineComplaintsUnanswered; the `parameter` is the site as a URL has it."""
    return _of_site(
        "FrontlineComplaintsUnanswered",
        f"a complaint at {site} has waited for {age}",
        f"The oldest complaint at {site} that nobody answered came {age} ago. Fires after {limit}; it is in time to "
        f"answer within {answered}.",
        options,
        parameter,
    )


def resource_down(options: Options, site: str, parameter: str, kind: str, number: str) -> dict[str, str]:
    """Annotations of FrontlineResourceDown; the `parameter` is the site as a URL has it."""
    return _of_site(
        "FrontlineResourceDown",
        f"{number} of kind {kind} down at {site}",
        f"{site} is open, and {number} of its resources of kind {kind} told that they do not work, or told nothing for "
        "longer than they may. /v1/resources has their names, and since when.",
        options,
        parameter,
    )


def _of_site(alert: str, summary: str, description: str, options: Options, parameter: str) -> dict[str, str]:
    return {
        "summary": summary,
        "description": description,
        "dashboard_url": f"{options.links.grafana_url.rstrip('/')}/d/frontline-site?var-site={parameter}",
        "runbook_url": _runbook(alert, options.links),
    }


def _of_objective(
    alert: str, variant: Variant, options: Options, place: Place, summary: str, description: str
) -> dict[str, str]:
    frontline, grafana = (url.rstrip("/") for url in (options.links.frontline_url, options.links.grafana_url))
    series = "&".join(f"{name}={value}" for name, value in place.parameters.items())
    variables = "&".join(f"var-{name}={value}" for name, value in place.parameters.items())
    name, title = quote(variant.name, safe=""), literal(variant.about.title)
    return {
        "summary": f"{variant.name} {summary}",
        "description": f"{description} Promised: {variant.promised}{f' ({title})' if title else ''}.",
        "dashboard_url": f"{grafana}/d/frontline-objectives?{variables}&var-objective={name}",
        "runbook_url": literal(variant.about.runbook) or _runbook(alert, options.links),
        "breaches_url": f"{frontline}/v1/objectives/{name}/breaches?{series}",
    }


def _runbook(alert: str, links: Links) -> str:
    return f"{links.frontline_url.rstrip('/')}/runbooks/{alert}"


def _share(ratio: float) -> str:
    return f"{ratio * 100:.4g}%"
