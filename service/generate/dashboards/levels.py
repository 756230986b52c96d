"""Who is there to serve, and what works: expressions of levels, and the panels of a site on them."""

from collections.abc import Sequence

from grafana_foundation_sdk.models.dashboard import Panel

from service.generate.dashboards.expressions import chosen, increase, of_metric, summed
from service.generate.dashboards.panels import About, Query, timeseries

AVAILABILITY, OCCUPANCY = "frontline_availability_ratio", "frontline_occupancy_ratio"
ARRIVALS, STAFFED, RESOURCES = "frontline_arrivals_per_staffed", "frontline_staffed", "frontline_resources"

_QUEUE = ("site", "queue")
_SO_FAR = "Of each local day so far."
_ENDS: Sequence[tuple[str, str]] = (
    ("abandoned", "gave up"),
    ("short_abandoned", "of these, soon"),
    ("diverted", "went elsewhere"),
    ("expired", "never heard of again"),
)


def gauge(
    metric: str, labels: Sequence[str], more: str = "", offset: str = "", chosen_by: Sequence[str] = ("site",)
) -> str:
    """A gauge of now, or of some time ago, of all replicas once."""
    back = f" offset {offset}" if offset else ""
    return f"max by ({', '.join(labels)}) ({metric}{{{chosen(chosen_by, more)}}}{back})"


def of_queues(metric: str) -> str:
    """A gauge by site and queue."""
    return gauge(metric, _QUEUE, chosen_by=_QUEUE)


def resources_not_up() -> str:
    """How many resources are down, or work badly."""
    return summed(gauge(RESOURCES, ("site", "kind", "state"), 'state!="up"'))


def panels(top: int) -> list[Panel]:
    """What becomes of visits, what works, and those who serve, from a row of the grid on."""
    names = [f"frontline_queue_{name}_total" for name, _ in _ENDS]
    states = summed(gauge(RESOURCES, ("site", "kind", "state")), ("kind", "state"))
    return [
        timeseries(
            About("Visits that were not answered, an hour", " ".join(map(of_metric, names)), (0, top, 8, 8), "short"),
            [Query(increase(name, span="1h"), legend, "1h") for name, (_, legend) in zip(names, _ENDS, strict=True)],
            is_bars=True,
        ),
        timeseries(
            About("Resources by state", of_metric(RESOURCES), (8, top, 8, 8), "short"),
            [Query(states, "{{kind}} {{state}}")],
            fill=0,
        ),
        timeseries(
            About(
                "Availability today",
                f"{of_metric(AVAILABILITY)} {_SO_FAR} Of several sites the least.",
                (16, top, 8, 8),
                "percentunit",
                most=1,
            ),
            [Query(f"min by (kind) ({gauge(AVAILABILITY, ('site', 'kind'))})", "{{kind}}")],
            fill=0,
            least=None,
        ),
        *(
            timeseries(
                About(title, f"{of_metric(metric)} {when}".strip(), (x, top + 8, 8, 8), unit),
                [Query(of_queues(metric), "{{site}} {{queue}}")],
                fill=0,
            )
            for title, metric, unit, when, x in (
                ("Staffed", STAFFED, "short", "", 0),
                ("Occupancy today", OCCUPANCY, "percentunit", _SO_FAR, 8),
                ("Arrivals for each staffed hour, today", ARRIVALS, "short", _SO_FAR, 16),
            )
        ),
    ]
