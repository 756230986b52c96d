"""What the reports ask of PostgreSQL: statements on the views of the schema `report`, with Grafana's macros.

Sums are added up first, then divided. Months are whole ones: all in which a part of the range lies. Each
statement narrows days, so that what it costs depends on the range, and not on how far back there are numbers.
"""

from collections.abc import Iterable, Mapping

from service.core.catalogue.kpis import KPIS
from service.core.quality import DIMENSION, STANDARD, STANDARDS, Dimension


def _chosen(*names: str) -> str:
    """That columns are what is chosen of the variables of their names; all of it is `.*`, an empty name too."""
    return " AND ".join(f"{name} ~ '^(${{{name}:regex}})$'" for name in names)


_PARTS: Mapping[str, str] = {
    "here": _chosen("site", "queue", "channel"),
    "somewhere": _chosen("site", "channel"),
    "promised": _chosen("site", "queue", "channel", "objective"),
    "days of months": "day >= date_trunc('month', $__timeFrom()::timestamp)::date "
    "AND day < (date_trunc('month', $__timeTo()::timestamp) + interval '1 month')::date",
    "last month": "day >= date_trunc('month', $__timeTo()::timestamp)::date "
    "AND day < (date_trunc('month', $__timeTo()::timestamp) + interval '1 month')::date",
    "month": "to_char(date_trunc('month', day::timestamp), 'YYYY-MM') AS month",
    "figures": """sum(numerator)::float8 / sum(events) AS value,
    CASE target_is WHEN 'at_most' THEN sum(allowed_breaches)::float8 / sum(events)
        ELSE (sum(events) - sum(allowed_breaches))::float8 / sum(events) END AS target,
    sum(events) AS events, sum(breaches) AS breaches, sum(allowed_breaches) AS allowed,
    ((sum(allowed_breaches) - sum(breaches)) / nullif(sum(allowed_breaches), 0))::float8 AS budget_left,
    CASE WHEN maturity = 'provisional' THEN '' WHEN sum(events) < max(minimum_events) THEN 'too few'
        WHEN sum(breaches) > sum(allowed_breaches) THEN 'not met' ELSE 'met' END AS result""",
    "kpis": """sum(offered) AS visits,
    sum(abandonment_rate_numerator)::float8 / nullif(sum(abandonment_rate_denominator), 0) AS abandonment,
    (sum(average_speed_of_answer_numerator) / nullif(sum(average_speed_of_answer_denominator), 0))::float8 AS answer,
    (sum(average_handle_time_numerator) / nullif(sum(average_handle_time_denominator), 0))::float8 AS handle,
    sum(resolution_rate_numerator)::float8 / nullif(sum(resolution_rate_denominator), 0) AS resolved,
    sum(first_contact_resolution_7d_settled_numerator)::float8
        / nullif(sum(first_contact_resolution_7d_settled_denominator), 0) AS first_contact,
    sum(repeat_contact_rate_7d_numerator)::float8 / nullif(sum(repeat_contact_rate_7d_denominator), 0) AS repeats,
    sum(transfer_rate_numerator)::float8 / nullif(sum(transfer_rate_denominator), 0) AS transferred,
    sum(accuracy_numerator)::float8 / nullif(sum(accuracy_denominator), 0) AS accuracy""",
}
"""Parts of statements, by what stands for them in braces."""


def _listed(names: Iterable[str]) -> str:
    """Names in a list; where there is none, what equals nothing."""
    return ", ".join(f"'{name}'" for name in names) or "NULL"


def _statement(text: str) -> str:
    for name, part in _PARTS.items():
        text = text.replace(f"{{{name}}}", part)
    return text


CHOICES: Mapping[str, str] = {
    "site": "SELECT DISTINCT site FROM report.series ORDER BY 1",
    "queue": "SELECT DISTINCT queue FROM report.series WHERE queue <> '' AND site ~ '^(${site:regex})$' ORDER BY 1",
    "channel": "SELECT DISTINCT channel FROM report.series WHERE channel <> '' AND site ~ '^(${site:regex})$' "
    "AND queue ~ '^(${queue:regex})$' ORDER BY 1",
    "objective": "SELECT objective FROM report.objectives ORDER BY 1",
}
"""What there is to choose from, by variable."""

_PARTS_OF_INDEX = """SELECT objective, kpi,
    {figures}
FROM report.objective_days WHERE {last month} AND {somewhere} AND maturity = 'settled'
    AND (kpi IN ({own}) OR kpi IN ({by standard}) AND standard IN ({standards})
        OR kpi IN ({by dimension}) AND dimension = '{dimension}')
GROUP BY objective, kpi, maturity, target_is ORDER BY budget_left NULLS LAST, objective"""


def parts_of(dimension: Dimension) -> str:
    """What is promised of a dimension of service, as the parts of its index are found."""
    promised = [kpi for kpi in KPIS if kpi.scope is not None]
    by_standard = [kpi for kpi in promised if kpi.facet == STANDARD]
    parts = {
        "own": _listed(kpi.name for kpi in promised if kpi.dimension is dimension and kpi not in by_standard),
        "by standard": _listed(kpi.name for kpi in by_standard),
        "standards": _listed(name for name, whose in STANDARDS.items() if whose is dimension),
        "by dimension": _listed(kpi.name for kpi in promised if kpi.facet == DIMENSION and kpi.dimension is None),
        "dimension": dimension,
    }
    text = _statement(_PARTS_OF_INDEX)
    for name, part in parts.items():
        text = text.replace(f"{{{name}}}", part)
    return text


OBJECTIVES_BY_MONTH = _statement(
    """SELECT {month}, objective, maturity,
    {figures}
FROM report.objective_days WHERE {days of months} AND {promised}
GROUP BY 1, objective, maturity, target_is ORDER BY 1 DESC, objective, maturity DESC"""
)
OBJECTIVES_BY_SITE = _statement(
    """SELECT {month}, site, objective,
    {figures}
FROM report.objective_days WHERE {days of months} AND {promised} AND maturity = 'settled'
GROUP BY 1, site, objective, maturity, target_is ORDER BY 1 DESC, budget_left NULLS LAST, site LIMIT 1000"""
)
MARGINS = _statement(
    """SELECT day AS "time", objective AS metric,
    (sum(allowed_breaches) - sum(breaches))::float8 / sum(events) AS margin
FROM report.objective_days WHERE $__timeFilter(day) AND {promised} AND maturity = 'settled'
GROUP BY day, objective ORDER BY day, objective"""
)
KPIS_BY_MONTH = _statement(
    """SELECT {month},
    count(DISTINCT (site, day)) FILTER (WHERE offered > 0) AS days,
    {kpis}
FROM report.kpi_days WHERE {days of months} AND {here} GROUP BY 1 ORDER BY 1 DESC"""
)
VISITS = _statement(
    """SELECT day AS "time", sum(answered) AS answered, sum(abandoned) AS abandoned,
    sum(diverted) AS diverted, sum(expired) AS expired, sum(waiting) AS waiting
FROM report.kpi_days WHERE $__timeFilter(day) AND {here} GROUP BY day ORDER BY day"""
)
SPEED = _statement(
    """SELECT day AS "time",
    (sum(average_speed_of_answer_numerator) / nullif(sum(average_speed_of_answer_denominator), 0))::float8
        AS "speed of answer",
    (sum(average_wait_numerator) / nullif(sum(average_wait_denominator), 0))::float8 AS "wait",
    (sum(average_handle_time_numerator) / nullif(sum(average_handle_time_denominator), 0))::float8 AS "handle time"
FROM report.kpi_days WHERE $__timeFilter(day) AND {here} GROUP BY day ORDER BY day"""
)
RELIABILITY = _statement(
    """SELECT day AS "time",
    sum(resolution_rate_numerator)::float8 / nullif(sum(resolution_rate_denominator), 0) AS "resolved",
    sum(first_contact_resolution_7d_settled_numerator)::float8
        / nullif(sum(first_contact_resolution_7d_settled_denominator), 0) AS "first contact, settled",
    sum(first_contact_resolution_7d_provisional_numerator)::float8
        / nullif(sum(first_contact_resolution_7d_provisional_denominator), 0) AS "first contact, provisional",
    sum(accuracy_numerator)::float8 / nullif(sum(accuracy_denominator), 0) AS "accuracy"
FROM report.kpi_days WHERE $__timeFilter(day) AND {here} GROUP BY day ORDER BY day"""
)
WEEKDAYS = _statement(
    """SELECT to_char(min(day), 'FMDay') AS weekday, count(DISTINCT (site, day)) AS days,
    sum(offered)::float8 / count(DISTINCT (site, day)) AS visits_a_day,
    {kpis}
FROM report.kpi_days WHERE $__timeFilter(day) AND {here} AND offered > 0
GROUP BY extract(isodow FROM day) ORDER BY extract(isodow FROM day)"""
)
LINES = _statement(
    """SELECT site, queue, channel,
    {kpis}
FROM report.kpi_days WHERE $__timeFilter(day) AND {here}
GROUP BY site, queue, channel ORDER BY visits DESC, site, queue, channel LIMIT 1000"""
)
STATE = """SELECT to_char(last_event_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"') AS latest_event,
    CASE WHEN rebuild_wanted THEN 'what was in force before: run frontline rebuild' ELSE 'what is in force' END
        AS measured,
    (SELECT count(*) FROM report.sites) AS sites
FROM report.status"""
