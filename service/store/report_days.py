"""The views of days, of where they are counted, and of what was changed meanwhile."""

from collections.abc import Collection

from service.core.catalogue.measures import MEASURE_BY_NAME, Unit
from service.store.report_columns import OF_QUALITY, OF_VISITS, Column, kpi_columns, measures_of
from service.store.report_view import CHANNEL, DAY, FACETS, QUEUE, SITE, View

SITES = View(
    "sites",
    "stores and call-centre locations",
    (
        SITE,
        Column("time_zone", "sites.time_zone", "its time zone, by which its days begin"),
        Column("registered_at", "sites.registered_at", "when it became known here"),
    ),
    "FROM sites",
)
SERIES = View(
    "series",
    "where anything is counted: queues and channels of sites",
    (SITE, QUEUE, CHANNEL),
    "FROM series JOIN sites ON sites.id = series.site_id\n"
    "WHERE (series.queue, series.channel) <> ('', '') AND series.facet = ''",
)
STATUS = View(
    "status",
    "one row: up to when there are events, and whether what is shown is measured by what is promised now",
    (
        Column("last_event_at", "(SELECT max(last_event_at) FROM source_activity)", "the time of the latest event"),
        Column(
            "rebuild_wanted",
            "rebuild_wanted",
            "objectives or calendars have changed since the past was measured: run frontline rebuild",
        ),
    ),
    "FROM policy",
)


def _daily_sums(groups: Collection[str]) -> str:
    measures = map(MEASURE_BY_NAME.__getitem__, measures_of(groups))
    return ",\n        ".join(
        f"coalesce(sum({measure.name}), 0){'::bigint' if measure.unit is Unit.COUNT else ''} AS {measure.name}"
        for measure in measures
    )


# Series by series, so that a filter on site and day finds its rows by the primary key, however far back the table goes.
KPI_DAYS = View(
    "kpi_days",
    "KPIs of each site, queue, channel and local day on which anyone arrived. Of several rows add up numerators and "
    "denominators, then divide: averages are never averaged",
    (SITE, QUEUE, CHANNEL, DAY, *kpi_columns(OF_VISITS)),
    f"""FROM series JOIN sites ON sites.id = series.site_id
CROSS JOIN LATERAL (
    SELECT day,
        {_daily_sums(OF_VISITS)}
    FROM rollups_daily WHERE series_id = series.id GROUP BY day
    HAVING sum(offered) <> 0 OR sum(interactions) <> 0 OR sum(contacts) <> 0) AS d""",
)

_ANYTHING = " OR ".join(f"sum({name}) <> 0" for name in measures_of(OF_QUALITY))
QUALITY_DAYS = View(
    "quality_days",
    "KPIs of what good service is beside speed and reliability, of each site, queue, channel, dimension, standard and "
    "local day on which there is anything of it. Of several rows add up numerators and denominators, then divide",
    (SITE, QUEUE, CHANNEL, *FACETS, DAY, *kpi_columns(OF_QUALITY)),
    f"""FROM series JOIN sites ON sites.id = series.site_id
CROSS JOIN LATERAL (
    SELECT day,
        {_daily_sums(OF_QUALITY)}
    FROM rollups_daily WHERE series_id = series.id GROUP BY day
    HAVING {_ANYTHING}) AS d""",
)

CHANGES = View(
    "changes",
    "what was changed on purpose; of several events with one name the earliest tells what",
    (
        Column("change", "c.name", "its name"),
        Column("kind", "c.kind", "training, process, staffing or system"),
        Column("made_at", "c.at", "from when on it holds"),
        Column("sites", "c.sites", "the sites that it is about; null where it is about all"),
        Column("queues", "c.queues", "the queues that it is about; null where it is about all"),
    ),
    "FROM (SELECT DISTINCT ON (name) * FROM changes ORDER BY name, at, source_id, source, id) AS c",
)
