"""The views of the schema `report`: sums by local day, and what was promised, for people who write SQL.

None shows an event, an interaction, a customer, an agent or a secret. Days are the local dates of each site.
"""

from service.core.catalogue.kpis import KPIS
from service.core.catalogue.measures import PROVISIONAL, SETTLED
from service.core.codes import OBJECTIVE_COUNTS
from service.store.report_columns import Column
from service.store.report_days import CHANGES, KPI_DAYS, QUALITY_DAYS, SERIES, SITES, STATUS
from service.store.report_view import CHANNEL, DAY, FACETS, QUEUE, SCHEMA, SITE, View, quoted


def _in(names: list[str]) -> str:
    return f"IN ({', '.join(quoted(name) for name in names)})"


_KPI = "held.terms ->> 'kpi'"
_SETTLES = f"{_KPI} {_in([kpi.name for kpi in KPIS if 'maturity' in kpi.parameters])}"
_IS_AT_MOST = f"{_KPI} {_in([kpi.name for kpi in KPIS if kpi.is_ratio_to_keep_low])}"
_DAILY_COUNTS = ", ".join(f"sum({name})::bigint AS {name}" for name in OBJECTIVE_COUNTS)
# The terms of each objective at each site, with the days on which they hold: a site may have ones of its own.
_PROMISED = f"""SELECT held.*, sites.id AS site_id, {_SETTLES} AS settles, {_IS_AT_MOST} AS is_at_most,
        1 - round(coalesce(own.terms ->> 'target', held.terms ->> 'target')::numeric, 12) AS allowed,
        coalesce(own.terms ->> 'threshold_us', held.terms ->> 'threshold_us')::numeric AS threshold_us
    FROM (
        SELECT o.id AS objective_id, o.name, o.about, t.terms, coalesce(t.since, '-infinity') AS since,
            coalesce(lead(t.since) OVER (PARTITION BY o.id ORDER BY t.place), 'infinity') AS until
        FROM objectives AS o CROSS JOIN LATERAL (
            SELECT terms, place, date '1970-01-01' + (terms ->> 'start_day')::int AS since
            FROM jsonb_array_elements(o.terms) WITH ORDINALITY AS listed (terms, place)) AS t
    ) AS held CROSS JOIN sites LEFT JOIN LATERAL (
        SELECT terms FROM jsonb_array_elements(held.terms -> 'overrides') WITH ORDINALITY AS listed (terms, place)
        WHERE terms -> 'sites' @> to_jsonb(sites.name) ORDER BY place LIMIT 1
    ) AS own ON true"""

_EVENTS = Column("events", "m.events", "visits, interactions, contacts, promises, feedback or items that were judged")
_BREACHES = Column("breaches", "m.breaches", "those of them for which the promise was not kept")
_OBJECTIVE = (
    Column("objective", "p.name", "the name of the objective"),
    Column("title", "coalesce(nullif(p.about ->> 'title', ''), p.name)", "its title"),
    Column("kpi", "p.terms ->> 'kpi'", "the KPI that is promised"),
)
_MATURITY = Column(
    "maturity",
    "m.maturity",
    "settled, or provisional: cases for which the customer may still come back; never add the two",
)
_TARGET_IS = Column("target_is", "CASE WHEN p.is_at_most THEN 'at_most' ELSE 'at_least' END", "at_least or at_most")
_OBJECTIVES = View(
    "objectives",
    "what is or was promised",
    (
        *_OBJECTIVE[:2],
        Column("kpi", "p.terms -> 0 ->> 'kpi'", "the KPI that is promised, which it keeps"),
        Column("ended", "(p.terms -> -1 ->> 'ended')::bool", "whether it was promised up to a day only"),
    ),
    "FROM objectives AS p",
)
_OBJECTIVE_DAYS = View(
    "objective_days",
    "what each objective came to at each site, queue, channel, dimension, standard and local day of which there is "
    "anything. Of several rows add up numerators, events, breaches and allowed breaches, then divide",
    (
        *_OBJECTIVE,
        Column("formula", "p.terms ->> 'formula'", "the name of its formula; '' where it has only one"),
        Column("within", "p.terms ->> 'within'", "the span in which a customer may come back; '' where that is not it"),
        Column("threshold_seconds", "p.threshold_us * 0.000001", "the threshold T in seconds; null where it has none"),
        SITE,
        QUEUE,
        CHANNEL,
        *FACETS,
        DAY,
        _MATURITY,
        _EVENTS,
        _BREACHES,
        Column("allowed_breaches", "trim_scale(m.events * p.allowed)", "how many breaches are allowed: the budget"),
        Column(
            "numerator",
            "CASE WHEN p.is_at_most THEN m.breaches ELSE m.events - m.breaches END",
            "events that were kept; where the target is at_most, the breaches",
        ),
        Column(
            "value",
            "CASE WHEN p.is_at_most THEN m.breaches ELSE m.events - m.breaches END::float8 / m.events",
            "the share to be held against the target: numerator over events",
        ),
        _TARGET_IS,
        Column(
            "target",
            "trim_scale(CASE WHEN p.is_at_most THEN p.allowed ELSE 1 - p.allowed END)",
            "the target of this day at this site",
        ),
        Column(
            "minimum_events",
            "(p.terms ->> 'minimum_events')::int",
            "with fewer events nothing is said of a window",
        ),
    ),
    f"""FROM series JOIN sites ON sites.id = series.site_id
JOIN ({_PROMISED}) AS p ON p.site_id = sites.id
CROSS JOIN LATERAL (
    SELECT day, {_DAILY_COUNTS}
    FROM objective_rollups_daily WHERE series_id = series.id AND objective_id = p.objective_id
    AND day >= p.since AND day < p.until GROUP BY day) AS d
CROSS JOIN LATERAL (VALUES
    ({quoted(SETTLED)}, CASE WHEN p.settles THEN d.settled_events ELSE d.events END,
        CASE WHEN p.settles THEN d.settled_breaches ELSE d.breaches END),
    ({quoted(PROVISIONAL)}, CASE WHEN p.settles THEN d.events - d.settled_events ELSE 0 END,
        d.breaches - d.settled_breaches)) AS m (maturity, events, breaches)
WHERE m.events > 0""",
)

_MONTHS_FROM = f"""FROM (
    SELECT objective, title, kpi, site, queue, channel, month, maturity, target_is, sum(events)::bigint AS events,
        sum(breaches)::bigint AS breaches, trim_scale(sum(allowed_breaches)) AS allowed_breaches,
        sum(numerator)::bigint AS numerator, (array_agg(minimum_events ORDER BY day DESC))[1] AS minimum_events
    FROM (SELECT *, date_trunc('month', day::timestamp)::date AS month FROM {SCHEMA}.objective_days) AS days
    GROUP BY objective, title, kpi, site, queue, channel, month, maturity, target_is) AS m"""


def _same(column: Column) -> Column:
    """A column of days as it is of months."""
    return Column(column.name, f"m.{column.name}", column.comment)


_OBJECTIVE_MONTHS = View(
    "objective_months",
    "what each objective came to at each site, queue and channel over a month of local days, added up from the days",
    (
        *map(_same, (*_OBJECTIVE, SITE, QUEUE, CHANNEL)),
        Column("month", "m.month", "the first day of the month"),
        *map(_same, (_MATURITY, _EVENTS, _BREACHES)),
        Column("allowed_breaches", "m.allowed_breaches", "the budget: the sum of what was allowed on each day"),
        Column("numerator", "m.numerator", "events that were kept; where the target is at_most, the breaches"),
        Column("value", "m.numerator::float8 / m.events", "the share to be held against the target"),
        _same(_TARGET_IS),
        Column(
            "target",
            "CASE m.target_is WHEN 'at_most' THEN m.allowed_breaches::float8 / m.events\n"
            "        ELSE (m.events - m.allowed_breaches)::float8 / m.events END",
            "what the value has to be over these events; another than that of a day where the target changed",
        ),
        Column("minimum_events", "m.minimum_events", "with fewer events nothing is said, as of the latest day"),
        Column(
            "budget_left",
            "((m.allowed_breaches - m.breaches) / nullif(m.allowed_breaches, 0))::float8",
            "the share of the budget that is left, below 0 where it is overspent; null where there is none",
        ),
        Column(
            "result",
            f"CASE WHEN m.maturity = {quoted(PROVISIONAL)} THEN NULL WHEN m.events < m.minimum_events THEN 'no_data'\n"
            "        WHEN m.breaches > m.allowed_breaches THEN 'not_met' ELSE 'met' END",
            "met, not_met, or no_data (fewer than minimum_events); null of what is provisional",
        ),
    ),
    _MONTHS_FROM,
)

VIEWS = (SITES, SERIES, STATUS, KPI_DAYS, QUALITY_DAYS, CHANGES, _OBJECTIVES, _OBJECTIVE_DAYS, _OBJECTIVE_MONTHS)
"""All views, each after those that it reads."""
