"""The KPIs of levels: what works, and how those who serve are kept busy."""

from service.core.catalogue.integrals import STAFFED_US
from service.core.catalogue.kpi import Formula, Kpi, Shape, one_formula, plus
from service.core.event import HOUR_US, SECOND_US
from service.core.quality import KIND, Dimension

LEVEL_KPIS: tuple[Kpi, ...] = (
    Kpi(
        "availability",
        "share of the opening hours of their site in which resources worked; of those of one kind, where asked",
        Shape.RATIO,
        "ratio",
        "higher",
        "quality",
        {
            "up": Formula("time up / opening time since the first event", plus("up_us"), plus("open_us")),
            "up_or_degraded": Formula(
                "time up or degraded / opening time since the first event",
                plus("up_us", "degraded_us"),
                plus("open_us"),
            ),
        },
        default_formula="up",
        dimension=Dimension.ACCESS,
        facet=KIND,
        per_us=(SECOND_US, SECOND_US),
    ),
    Kpi(
        "occupancy",
        "share of the time of those who serve queues that went into service, hold and wrap-up; of queues whose "
        "staffing is told",
        Shape.RATIO,
        "ratio",
        "neutral",
        "quality",
        one_formula(
            "(service + hold + wrap-up of those who arrived) / sum of staffed * time",
            plus("service_us", "hold_us", "wrap_up_us"),
            plus(STAFFED_US),
        ),
        dimension=Dimension.RESPONSIVENESS,
        per_us=(SECOND_US, SECOND_US),
    ),
    Kpi(
        "arrivals_per_staffed",
        "visits that came for each hour that somebody served; of queues whose staffing is told",
        Shape.RATIO,
        "visits per staffed hour",
        "neutral",
        "quality",
        one_formula("O / sum of staffed * hours", plus("offered"), plus(STAFFED_US)),
        dimension=Dimension.RESPONSIVENESS,
        per_us=(1, HOUR_US),
    ),
)
