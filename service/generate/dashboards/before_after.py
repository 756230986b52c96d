"""What the dashboard of changes asks of PostgreSQL: days before a change, and as many after it.

A change is at its sites from its own day there on, which is in neither. Where it is about some queues, nothing else
is counted, at other sites neither. Sums are added up first, then divided.
"""

from collections.abc import Iterable, Iterator, Sequence

from service.core.catalogue.kpi import DEFAULT_MATURITY, DEFAULT_WITHIN, Kpi, Shape
from service.core.catalogue.kpis import KPIS

_VIEWS = {"kpi_days": ("speed", "reliability"), "quality_days": ("quality", "satisfaction")}
"""The views, by the groups of KPIs that they have."""
_ABOUT = "(sites IS NULL OR EXISTS (SELECT FROM unnest(sites) AS site WHERE site ~ '^(${site:regex})$'))"
MARKS = f"""SELECT made_at AS "time", change AS text, kind AS tags
FROM report.changes WHERE $__timeFilter(made_at) AND {_ABOUT} ORDER BY made_at"""
"""Changes, as marks on lines."""

CHOICES = {
    "site": "SELECT DISTINCT site FROM report.sites ORDER BY 1",
    "change": f"SELECT change FROM report.changes WHERE {_ABOUT} ORDER BY made_at DESC, change",
}
"""What there is to choose from, by variable."""

CHANGES = f"""SELECT change, kind, to_char(made_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') AS made,
    coalesce(array_to_string(sites, ', '), 'all') AS sites, coalesce(array_to_string(queues, ', '), 'all') AS queues
FROM report.changes WHERE {_ABOUT} ORDER BY made_at DESC, change LIMIT 1000"""

_ORDER = {kpi.name: place for place, kpi in enumerate(KPIS)}
_CHOSEN = "c AS (SELECT * FROM report.changes WHERE change = ${change:sqlstring})"
_PLACES = """s AS (
    SELECT sites.site, (c.made_at AT TIME ZONE sites.time_zone)::date AS turned, c.queues,
        CASE WHEN c.sites IS NULL OR sites.site = ANY (c.sites) THEN 'changed' ELSE 'other' END AS side
    FROM report.sites CROSS JOIN c WHERE sites.site ~ '^(${site:regex})$')"""


def shares() -> list[Kpi]:
    """The KPIs that are shares, of any number of cases."""
    return [kpi for kpi in _of_days() if kpi.shape is Shape.RATIO]


def times() -> list[Kpi]:
    """The KPIs that are means of time."""
    return [kpi for kpi in _of_days() if kpi.shape is Shape.MEAN and kpi.unit == "seconds"]


def before_and_after(kpis: Sequence[Kpi]) -> str:
    """A line for each KPI: before and after the change, at its sites and at the others, and the difference of both."""
    compared = " UNION ALL ".join(
        f"SELECT side, later, l.* FROM (\n    {_sums(view, some)}) AS a CROSS JOIN LATERAL (VALUES\n    {_values(some)}"
        ") AS l (place, kpi, better, value)"
        for view, some in _by_view(kpis)
    )
    sides = ",\n    ".join(
        f"max(value) FILTER (WHERE side = '{side}' AND {'' if later else 'NOT '}later) AS {side}_{word}"
        for side in ("changed", "other")
        for word, later in (("before", False), ("after", True))
    )
    return f"""WITH {_CHOSEN}, {_PLACES}, v AS ({compared}), p AS (SELECT place, kpi, better,
    {sides}
FROM v GROUP BY 1, 2, 3)
SELECT kpi, better, changed_before, changed_after, changed_after - changed_before AS changed_moved,
    other_before, other_after, other_after - other_before AS other_moved,
    changed_after - changed_before - (other_after - other_before) AS difference
FROM p WHERE changed_before IS NOT NULL OR changed_after IS NOT NULL ORDER BY place"""


def day_by_day(kpis: Sequence[Kpi], variable: str) -> str:
    """The KPI that is chosen in a variable, on each day of the range, at the sites of the change and at the others."""
    days = " UNION ALL ".join(
        f"""SELECT k.day, s.side, CASE {_chosen(variable, some, "numerator")} END AS above,
    CASE {_chosen(variable, some, "denominator")} END AS below
FROM s JOIN report.{view} AS k ON {_IN_PLACE} WHERE $__timeFilter(k.day)"""
        for view, some in _by_view(kpis)
    )
    return f"""WITH {_CHOSEN}, {_PLACES}, d AS ({days})
SELECT day AS "time", CASE side WHEN 'changed' THEN 'sites of the change' ELSE 'other sites' END AS metric,
    sum(above)::float8 / sum(below)::float8 AS value
FROM d GROUP BY day, side HAVING sum(below) > 0 ORDER BY day, side"""


_IN_PLACE = "k.site = s.site AND (s.queues IS NULL OR k.queue = ANY (s.queues))"
# The days are told once more without the sites, so that they are found by the index.
_AROUND = """k.day <> s.turned AND k.day BETWEEN s.turned - ${days} AND s.turned + ${days}
    AND k.day >= (SELECT made_at::date - ${days} - 1 FROM c) AND k.day <= (SELECT made_at::date + ${days} + 1 FROM c)"""


def _sums(view: str, kpis: Iterable[Kpi]) -> str:
    sums = ",\n        ".join(
        f"sum({name}_{part}) AS {name}_{part}" for name in map(_column, kpis) for part in ("numerator", "denominator")
    )
    return f"""SELECT s.side, k.day > s.turned AS later,
        {sums}
    FROM s JOIN report.{view} AS k ON {_IN_PLACE}
    WHERE {_AROUND} GROUP BY 1, 2"""


def _values(kpis: Iterable[Kpi]) -> str:
    return ",\n    ".join(
        f"({_ORDER[kpi.name]}, '{kpi.name}', '{kpi.better}', "
        f"{_column(kpi)}_numerator::float8 / nullif({_column(kpi)}_denominator, 0)::float8)"
        for kpi in kpis
    )


def _chosen(variable: str, kpis: Iterable[Kpi], part: str) -> str:
    whens = " ".join(f"WHEN '{kpi.name}' THEN k.{_column(kpi)}_{part}" for kpi in kpis)
    return f"${{{variable}:sqlstring}} {whens}"


def _by_view(kpis: Sequence[Kpi]) -> Iterator[tuple[str, list[Kpi]]]:
    for view, groups in _VIEWS.items():
        if some := [kpi for kpi in kpis if kpi.group in groups]:
            yield view, some


def _of_days() -> list[Kpi]:
    """The KPIs of which the views have numerators and denominators."""
    return [
        kpi
        for kpi in KPIS
        if any(kpi.group in groups for groups in _VIEWS.values())
        and not (kpi.needs_threshold or kpi.needs_objective or kpi.is_of_levels)
    ]


def _column(kpi: Kpi) -> str:
    """The column of a KPI by default."""
    takes = kpi.parameters
    within = DEFAULT_WITHIN if "within" in takes else ""
    maturity = DEFAULT_MATURITY if "maturity" in takes else ""
    return "_".join(filter(None, (kpi.name, within, maturity)))
