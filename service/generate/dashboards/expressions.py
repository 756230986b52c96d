"""Expressions of PromQL that dashboards share, and the words of the catalogue on what they show.

Every replica shows the same KPIs, so the largest of each is taken before anything is added up. Ratios are sums over
sums; where the one below is 0 there is no value.
"""

from collections.abc import Sequence

from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.catalogue.metrics import METRICS
from service.generate.dashboards.panels import AMBER, GREEN, NEUTRAL, RED, Query

LINE = ("site", "queue", "channel")
_RANGE, _RATE = "$__range", "$__rate_interval"
_METRIC_BY_NAME = {metric.name: metric for metric in METRICS}
_OBJECTIVE = (*LINE, "objective")


def of_kpi(name: str, formula: str = "") -> str:
    """What a KPI is, and its formula, as the catalogue has it."""
    kpi = KPI_BY_NAME[name]
    return f"{_sentence(kpi.help)}: {kpi.formulas[formula or kpi.default_formula].text}."


def of_metric(name: str) -> str:
    """What a metric is, and its formula, as the catalogue has it."""
    return f"{_sentence(_METRIC_BY_NAME[name].documentation)}."


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def chosen(labels: Sequence[str] = LINE, more: str = "") -> str:
    """Matchers of what is chosen in the variables of these names, and more."""
    return ",".join([f'{label}=~"${label}"' for label in labels] + ([more] if more else []))


def matching(label: str, value: str) -> str:
    """A matcher of one value."""
    return f'{label}="{value}"'


def once(expr: str) -> str:
    """The numbers of all replicas as one."""
    return f"max without (instance, pod) ({expr})"


def summed(expr: str, by: Sequence[str] = ()) -> str:
    """A sum, of all or by labels."""
    return f"sum by ({', '.join(by)}) ({expr})" if by else f"sum ({expr})"


def increase(
    metric: str,
    by: Sequence[str] = (),
    labels: Sequence[str] = LINE,
    *,
    span: str = _RANGE,
    more: str = "",
    offset: str = "",
) -> str:
    """How much a live counter has gone up over a span, of all replicas once."""
    back = f" offset {offset}" if offset else ""
    return summed(once(f"increase({metric}{{{chosen(labels, more)}}}[{span}]{back})"), by)


def rate(metric: str, by: Sequence[str] = (), labels: Sequence[str] = LINE, *, more: str = "") -> str:
    """How fast a live counter goes up, a second."""
    return summed(once(f"rate({metric}{{{chosen(labels, more)}}}[{_RATE}])"), by)


def per_hour(metric: str, by: Sequence[str] = (), labels: Sequence[str] = LINE) -> str:
    """How fast a live counter goes up, an hour."""
    return f"{rate(metric, by, labels)} * 3600"


def share(over: str, *under: str) -> str:
    """One sum over the sum of others."""
    below = " + ".join(under)
    return f"{over} / ({below} > 0)" if len(under) == 1 else f"{over} / (({below}) > 0)"


def abandonment(by: Sequence[str] = (), *, span: str = _RANGE, offset: str = "") -> str:
    """B / (A + B)."""
    left, answered = (
        increase(f"frontline_queue_{name}_total", by, span=span, offset=offset) for name in ("abandoned", "answered")
    )
    return share(left, answered, left)


def of_completed(name: str, by: Sequence[str] = (), *, span: str = _RANGE) -> str:
    """What another counter of interactions counts, as a share of completed ones."""
    return _of("completed", name, by, span)


def of_answered(name: str, by: Sequence[str] = (), *, span: str = _RANGE) -> str:
    """What another counter of interactions counts, as a share of answered ones."""
    return _of("answered", name, by, span)


def _of(all_of_them: str, name: str, by: Sequence[str], span: str) -> str:
    return share(
        increase(f"frontline_interactions_{name}_total", by, span=span),
        increase(f"frontline_interactions_{all_of_them}_total", by, span=span),
    )


def resolution(by: Sequence[str] = (), *, span: str = _RANGE) -> str:
    """Resolved / (resolved + unresolved)."""
    resolved, unresolved = (
        increase(f"frontline_interactions_{name}_total", by, span=span) for name in ("resolved", "unresolved")
    )
    return share(resolved, resolved, unresolved)


def repeats(within: str, by: Sequence[str] = (), *, span: str = _RANGE) -> str:
    """Contacts that came again within some days, of all contacts."""
    again = increase("frontline_repeat_contacts_total", by, span=span, more=matching("within", within))
    return share(again, increase("frontline_contacts_total", by, span=span))


def visits_again(within: str, *, span: str = _RANGE) -> str:
    """Contacts in stores that came again within some days, of all contacts there."""
    again = increase("frontline_repeat_visits_total", span=span, more=matching("within", within))
    return share(again, increase("frontline_contacts_total", span=span, more=matching("channel", "pos")))


def mean(histogram: str, by: Sequence[str] = (), *, span: str = _RANGE, offset: str = "") -> str:
    """The mean of durations; histograms know sites and channels, not queues."""
    total, count = (
        increase(f"frontline_{histogram}_seconds_{part}", by, ("site", "channel"), span=span, offset=offset)
        for part in ("sum", "count")
    )
    return share(total, count)


def quantile(ratio: float, histogram: str, by: Sequence[str] = (), *, span: str = _RANGE) -> str:
    """What that share of durations does not exceed, interpolated in buckets."""
    buckets = increase(f"frontline_{histogram}_seconds_bucket", (*by, "le"), ("site", "channel"), span=span)
    return f"histogram_quantile({ratio:g}, {buckets})"


def judged(name: str, by: Sequence[str] = _OBJECTIVE, *, span: str = _RANGE, offset: str = "") -> str:
    """`events` or `breaches` of the objectives chosen, over a span."""
    back = f" offset {offset}" if offset else ""
    return summed(f"increase(frontline:slo_{name}:total{{{chosen(_OBJECTIVE)}}}[{span}]{back})", by)


def breached(by: Sequence[str] = _OBJECTIVE, *, span: str = _RANGE, offset: str = "") -> str:
    """The share of breaches."""
    return share(judged("breaches", by, span=span, offset=offset), judged("events", by, span=span, offset=offset))


def kept(by: Sequence[str] = _OBJECTIVE, *, span: str = _RANGE, offset: str = "") -> str:
    """The share kept: 1 - breaches / events."""
    return f"1 - {breached(by, span=span, offset=offset)}"


def promised(metric: str, by: Sequence[str] = _OBJECTIVE) -> str:
    """The target or the threshold of the objectives chosen, as it holds at each place: a site may have its own."""
    known = f"0 * group by ({', '.join(by)}) (frontline:slo_events:total{{{chosen(_OBJECTIVE)}}})"
    everywhere = f'{known} + on (objective) group_left () max by (objective) ({metric}{{site=""}})'
    if "site" not in by:
        return f"({everywhere})"
    own = f'{known} + on (objective, site) group_left () max by (objective, site) ({metric}{{site!=""}})'
    return f"({own} or {everywhere})"


def target(by: Sequence[str] = _OBJECTIVE) -> str:
    """The share that is promised to be kept."""
    return promised("frontline_objective_target_ratio", by)


def budget_used(by: Sequence[str] = _OBJECTIVE, *, span: str = _RANGE) -> str:
    """The share of breaches over the share that may be: above 1 the promise was not kept over the span."""
    return f"({breached(by, span=span)}) / (1 - {target(by)})"


def wait_used(by: Sequence[str] = LINE) -> str:
    """The longest wait of now over the shortest wait that is promised in that line."""
    longest = f"max by ({', '.join(LINE)}) (frontline:queue_longest_wait_seconds{{{chosen()}}})"
    promise = f"min by ({', '.join(LINE)}) ({promised('frontline_objective_threshold_seconds')})"
    used = f"{longest} / {promise}"
    return used if tuple(by) == LINE else f"max by ({', '.join(by)}) ({used})" if by else f"max ({used})"


def by_state(value: str, used: str, legend: str) -> list[Query]:
    """The same value as three queries, breached first: red, amber or green by how much of a limit is used."""
    return [
        Query(f"({value}) and ({used}) > 1", legend, colour=RED),
        Query(f"({value}) and ({used}) > 0.75 <= 1", legend, colour=AMBER),
        Query(f"({value}) and ({used}) <= 0.75", legend, colour=GREEN),
        Query(f"({value}) unless ({used})", legend, colour=NEUTRAL),
    ]


def window(name: str, by: Sequence[str] = _OBJECTIVE, more: str = "") -> str:
    """`events`, `breaches` or `allowed_breaches` over the current windows of the objectives chosen."""
    return summed(f"frontline:window_{name}{{{chosen(_OBJECTIVE, more)}}}", by)


def window_kept(by: Sequence[str] = _OBJECTIVE, more: str = "") -> str:
    """The share kept over the current windows."""
    return f"1 - {share(window('breaches', by, more), window('events', by, more))}"


def budget_left(by: Sequence[str] = _OBJECTIVE, more: str = "") -> str:
    """The share of the budget of the current windows that is left; below 0 the promise is broken."""
    return f"1 - {share(window('breaches', by, more), window('allowed_breaches', by, more))}"


def burning(span: str, by: Sequence[str] = _OBJECTIVE) -> str:
    """How many times faster than allowed the budget burns, by what the rules record over a span."""
    return f"max by ({', '.join(by)}) (frontline:slo_breach_ratio:{span}{{{chosen(_OBJECTIVE)}}}) / (1 - {target(by)})"
