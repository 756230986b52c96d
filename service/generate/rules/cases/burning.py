"""Cases of burn rates, of all objectives at once, and of lines to which few come."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from service.core.objective import Severity
from service.generate.rules import words
from service.generate.rules.alerts import FAILING_BREACHES, labels_of
from service.generate.rules.cases import flow as flows
from service.generate.rules.cases.flow import Flow
from service.generate.rules.cases.model import Case, Labels, Look, Verbatim, lines_of, series
from service.generate.rules.options import MINUTE, Options
from service.generate.rules.promql import any_of, quoted
from service.generate.rules.tiers import Tier
from service.generate.rules.variants import Variant

_NAME = "FrontlineBudgetBurning"
_LEAST_SAMPLES = 3  # in a short span
_OF_OBJECTIVES = 'category="objective"'
_REPLICAS = ({"instance": "a", "pod": "a"}, {"instance": "b", "pod": "b"})


def burning_cases(found: Sequence[Variant]) -> Iterator[Case]:
    """Which tiers fire when, while service is bad, and when it is good again."""
    yield _burning("an outage: the faster a tier, the sooner it fires", found, flows.outage)
    yield _burning("a slow burn: tickets, and nobody is woken", found, flows.slow_burn)
    yield _burning("good service again: what fired ends", found, flows.recovery)


def long_cases(found: Sequence[Variant]) -> Iterator[Case]:
    """Tiers that look back over days."""
    yield _burning("bad for more than a day, after a good one", found, flows.days, step=flows.DAYS_STEP)


def calm_cases(found: Sequence[Variant]) -> Iterator[Case]:
    """What must tell nobody."""
    several = [one for one in found if one.terms.minimum_events > 1]
    yield _calm("one is served badly in a quiet hour", several, lambda _: flows.QUIET_HOUR)
    yield _calm("nobody comes", found, lambda _: flows.NOBODY)
    yield _calm("service is as promised, after a bad past", found, flows.good)
    good = _counters(found, flows.good)
    anew = _counters(found, lambda one: flows.anew(flows.good(one)))
    again = {name: f"{values} {anew[name]}" for name, values in good.items()}
    yield Case("the counters begin anew", again, _at((50, 62, 66, 70, 90, 119), _OF_OBJECTIVES))
    yield Case("there are no KPIs", {}, _at((1, 10, 60), _OF_OBJECTIVES))


def replica_cases(found: Sequence[Variant]) -> Iterator[Case]:
    """Several replicas are as one."""
    yield _burning("an outage as two replicas show it", found, flows.outage, replicas=_REPLICAS)
    leaving = {name: f"{values} stale" for name, values in _counters(found, flows.good, _REPLICAS[0]).items()}
    late = _counters(found, lambda one: flows.taking_over(flows.good(one), 55, 2), _REPLICAS[1])
    rollout = leaving | {name: f"_x55 {values}" for name, values in late.items()}
    yield Case("a replica goes, and another is late", rollout, _at((59, 61, 62, 64, 70, 90), _OF_OBJECTIVES))


def rare_cases(found: Sequence[Variant]) -> Iterator[Case]:
    """A line to which few come, and which fails them all."""
    few = [one for one in found if one.terms.minimum_events > FAILING_BREACHES]
    told = [(one, line) for one, line in lines_of(few) if one.about.severity is not Severity.NONE]
    fires = tuple(_who("FrontlineSustainedFailure", one, line, Severity.TICKET) for one, line in told)
    looks = (*_at((49, 58), _OF_OBJECTIVES), Look(64, fires, _OF_OBJECTIVES))
    yield Case("the third in an hour is served badly too", _counters(few, lambda _: flows.RARE), looks)


def burning_verbatim(found: Sequence[Variant], options: Options) -> Iterator[Case]:
    """All that is said of a burning budget, objective by objective, twenty minutes into an outage."""
    for variant, line in lines_of(found):
        alerts = tuple(_told(variant, tier, line, options) for tier in variant.tiers if _is_told(tier))
        if alerts:
            override = f", override {variant.number}" if variant.number else ""
            name = f"what is said of an outage, {variant.name}{override}"
            yield Case(name, _counters([variant], flows.only_outage), (), (Verbatim(20, _NAME, alerts),))


def _told(variant: Variant, tier: Tier, line: dict[str, str], options: Options) -> tuple[Labels, Labels]:
    events, _ = flows.only_outage(variant).counted(20 - tier.long_seconds / MINUTE, 20)
    labels = line | labels_of(variant, tier.severity, tier.name)
    place = words.Place.known(**line)
    return labels, words.burning(variant, tier, options, place, "100%", f"{events:.0f}")


def _burning(
    name: str,
    found: Sequence[Variant],
    flow_of: Callable[[Variant], Flow],
    *,
    step: int = 1,
    replicas: Sequence[Labels] = ({},),
) -> Case:
    """A case in which each tier fires when plain arithmetic says so, of those that samples a step apart can tell."""
    counters: dict[str, str] = {}
    looks: list[Look] = []
    for variant, line in lines_of(found):
        tiers = [tier for tier in variant.tiers if tier.short_seconds >= _LEAST_SAMPLES * step * MINUTE]
        for replica in replicas:
            counters |= _counters([variant], flow_of, replica)
        for minute, burning in flow_of(variant).regimes(variant, tiers) if tiers else ():
            fires = tuple(_who(_NAME, variant, line, tier.severity, tier.name) for tier in burning if _is_told(tier))
            matching = (
                f'alertname="{_NAME}",objective={quoted(variant.name)},site={quoted(line["site"])},'
                f"tier=~{any_of(tier.name for tier in tiers)}"
            )
            looks.append(Look(minute, fires, matching))
    return Case(name, counters, tuple(looks), step=step)


def _calm(name: str, found: Sequence[Variant], flow_of: Callable[[Variant], Flow]) -> Case:
    return Case(name, _counters(found, flow_of), _at((5, 15, 35, 59), _OF_OBJECTIVES))


def _at(minutes: Sequence[int], matching: str) -> tuple[Look, ...]:
    """Nothing fires at these minutes."""
    return tuple(Look(minute, (), matching) for minute in minutes)


def _is_told(tier: Tier) -> bool:
    return tier.severity is not Severity.NONE


def _who(name: str, variant: Variant, line: Mapping[str, str], severity: Severity, tier: str = "") -> dict[str, str]:
    found = {"alertname": name, "objective": variant.name, "site": line["site"], "severity": severity.value}
    return found | ({"tier": tier} if tier else {})


def _counters(
    found: Sequence[Variant], flow_of: Callable[[Variant], Flow], further: Labels | None = None
) -> dict[str, str]:
    """The samples of both counters on the line of each."""
    counters: dict[str, str] = {}
    for variant, line in lines_of(found):
        labels = {"objective": variant.name} | line | dict(further or {})
        for name, values in zip(("events", "breaches"), flow_of(variant).values(), strict=True):
            counters[series(f"frontline_slo_{name}_total", labels)] = values
    return counters
