"""Every table, as SQLAlchemy sees it. The measures' columns follow the catalogue."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from service.core.catalogue.measures import HISTOGRAMS, MEASURES, Unit
from service.core.codes import OBJECTIVE_COUNTS

metadata = MetaData()

BUCKETS = tuple(f"b{number}" for number in range(max(len(histogram.bounds) for histogram in HISTOGRAMS) + 1))
"""The columns of a histogram's buckets: up to the first bound, the second, …, above the last."""

BYTEWISE = Text(collation="C")
"""The type of texts that are compared byte by byte, as Python sorts them."""


def timestamp() -> DateTime:
    """The type of a column of moments, which are kept with their offset from UTC."""
    return DateTime(timezone=True)


def _measures(*, of_years: bool) -> list[Column[Any]]:
    """What is to be added to each measure, null for nothing: most rows are about a few, and take little room so.

    Microseconds added up over years may exceed 64 bits.
    """
    return [
        Column(measure.name, Numeric if of_years and measure.unit is not Unit.COUNT else BigInteger)
        for measure in MEASURES
    ]


def _objective_counts() -> list[Column[Any]]:
    """The events and breaches of an objective, and of these the settled ones."""
    return [Column(name, BigInteger, nullable=False) for name in OBJECTIVE_COUNTS]


sites = Table(
    "sites",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", BYTEWISE, nullable=False, unique=True),
    Column("time_zone", Text, nullable=False, server_default="UTC"),
    Column("calendars", JSONB, nullable=False, server_default="[]"),
    Column("patiences", JSONB, nullable=False, server_default="{}"),
    Column("registered_at", timestamp(), nullable=False, server_default=func.now()),
    comment="stores and call-centre locations; 'other' takes the numbers of those beyond the limit",
)

policy = Table(
    "policy",
    metadata,
    Column("version", BigInteger, nullable=False),
    Column("rebuild_wanted", Boolean, nullable=False),
    Column("kept_from", timestamp()),
    comment="one row: how often objectives and calendars changed, whether the past has yet to be measured by them, and "
    "before when events are forgotten",
)

rebuild_progress = Table(
    "rebuild_progress",
    metadata,
    Column("policy_version", BigInteger, nullable=False),
    Column("source_id", Integer, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    comment="the interaction up to which a rebuild has come that is not done",
)

objectives = Table(
    "objectives",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", BYTEWISE, nullable=False, unique=True),
    Column("terms", JSONB, nullable=False),
    Column("about", JSONB, nullable=False),
    comment="the numbers by which bookings know objectives, and what each promises from when on",
)

sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", BYTEWISE, nullable=False, unique=True),
    Column("sites", ARRAY(Text), nullable=False),
    Column("registered_at", timestamp(), nullable=False, server_default=func.now()),
    comment="registered systems that post events, and the sites for which they may; * is any",
)

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("site_id", Integer, ForeignKey("sites.id"), nullable=False),
    Column("queue", BYTEWISE, nullable=False),
    Column("channel", BYTEWISE, nullable=False),
    Column("facet", BYTEWISE, nullable=False, server_default=""),
    Column("registered_at", timestamp(), nullable=False, server_default=func.now()),
    Column("shown_at", timestamp()),
    UniqueConstraint("site_id", "queue", "channel", "facet"),
    comment="the numbers by which bookings and rollups know (site, queue, channel, facet)",
)

event_keys = Table(
    "event_keys",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("source", BYTEWISE, nullable=False),
    Column("id", BYTEWISE, nullable=False),
    PrimaryKeyConstraint("source_id", "source", "id"),
    comment="which events are in the log; the log itself is partitioned by time and could not tell",
)

events = Table(
    "events",
    metadata,
    Column("time", timestamp(), nullable=False),
    Column("received_at", timestamp(), nullable=False),
    Column("source_id", Integer, nullable=False),
    Column("source", BYTEWISE, nullable=False),
    Column("id", BYTEWISE, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    Column("data", JSONB, nullable=False),
    comment="the log, partitioned by month: the truth from which all else can be made again",
    postgresql_partition_by="RANGE (time)",
)

interactions = Table(
    "interactions",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Column("booking", LargeBinary, nullable=False),
    PrimaryKeyConstraint("source_id", "subject"),
    comment="each interaction's facts and what it has contributed, as JSON; convert_from(facts, 'UTF8') reads them",
)

open_visits = Table(
    "open_visits",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("series_id", Integer, nullable=False),
    Column("since", timestamp(), nullable=False),
    Column("expires_at", timestamp(), nullable=False),
    Column("due_at", timestamp(), nullable=False),
    PrimaryKeyConstraint("source_id", "subject", "state"),
    Index("open_visits_by_due", "due_at"),
    comment="visits that wait (state 0) or are in service (1) now; time alone changes what they count for at due_at",
)

customers = Table(
    "customers",
    metadata,
    Column("customer", BYTEWISE, primary_key=True),
    comment="known customers, by their keyed hash; a writer locks the row to change the customer's contacts",
)

contacts = Table(
    "contacts",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    Column("customer", BYTEWISE, nullable=False),
    Column("topic", BYTEWISE, nullable=False),
    Column("arrival", timestamp(), nullable=False),
    Column("known_at", timestamp(), nullable=False),
    Column("series_id", Integer, nullable=False),
    Column("in_store", Boolean, nullable=False),
    Column("closed_at", timestamp()),
    Column("resolved", Boolean, nullable=False),
    Column("reopened_at", timestamp()),
    Column("agent", BYTEWISE, nullable=False),
    Column("previous_at", timestamp()),
    Column("next_at", timestamp()),
    Column("previous_visit_at", timestamp()),
    Column("previous_agent", BYTEWISE, nullable=False),
    Column("due_at", timestamp()),
    Column("booking", LargeBinary, nullable=False),
    Column("bare", Boolean, nullable=False, server_default="false"),
    PrimaryKeyConstraint("source_id", "subject"),
    Index("contacts_by_topic", "customer", "topic", "arrival", "source_id", "subject"),
    Index(
        "contacts_by_visit", "customer", "arrival", "source_id", "subject", postgresql_where=literal_column("in_store")
    ),
    Index("contacts_by_due", "due_at", postgresql_where=literal_column("due_at IS NOT NULL")),
    Index("contacts_that_are_bare", literal_column("greatest(arrival, closed_at)"), postgresql_where="bare"),
    comment="interactions of known customers, their neighbours in time, and what each has contributed as such; a bare "
    "one's interaction is forgotten",
)

breaches = Table(
    "breaches",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("subject", BYTEWISE, nullable=False),
    Column("objective_id", Integer, nullable=False),
    Column("series_id", Integer, nullable=False),
    Column("minute", timestamp(), nullable=False),
    Index("breaches_by_minute", "objective_id", "minute", "series_id"),
    comment="which interactions are a breach of which objective, by the series and minute to which that is booked",
)

rollups = Table(
    "rollups",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("minute", timestamp(), nullable=False),
    *_measures(of_years=False),
    Index("rollups_by_minute", "series_id", "minute"),
    comment="every measure per series and minute of arrival, batch by batch: add them up",
)

rollup_cells = Table(
    "rollup_cells",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("minute", timestamp(), nullable=False),
    Column("histogram", SmallInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Index("rollup_cells_by_minute", "series_id", "minute"),
    comment="each exact duration per series and minute of arrival; one taken back is there again with the amount -1",
)

objective_rollups = Table(
    "objective_rollups",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("minute", timestamp(), nullable=False),
    Column("objective_id", Integer, nullable=False),
    *_objective_counts(),
    Index("objective_rollups_by_minute", "series_id", "objective_id", "minute"),
    comment="the events and breaches of each objective per series and minute of arrival, batch by batch: add them up",
)

rollups_daily = Table(
    "rollups_daily",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("day", Date, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    *_measures(of_years=True),
    PrimaryKeyConstraint("series_id", "day", "stripe"),
    comment="every measure per series and local day of the site; stripes keep writers out of each other's way, add "
    "them up",
)

buckets_daily = Table(
    "buckets_daily",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("day", Date, nullable=False),
    Column("histogram", SmallInteger, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    Column("longest_us", BigInteger, nullable=False),
    Column("taken_back", BigInteger, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in BUCKETS),
    PrimaryKeyConstraint("series_id", "day", "histogram", "stripe"),
    comment="exact durations per series, local day and bucket; longest_us is right unless one was taken_back",
)

objective_rollups_daily = Table(
    "objective_rollups_daily",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("day", Date, nullable=False),
    Column("objective_id", Integer, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    *_objective_counts(),
    PrimaryKeyConstraint("series_id", "objective_id", "day", "stripe"),
    comment="the events and breaches of each objective per series and local day of the site",
)

objective_totals = Table(
    "objective_totals",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("objective_id", Integer, nullable=False),
    Column("class", SmallInteger, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    *_objective_counts(),
    PrimaryKeyConstraint("series_id", "objective_id", "class", "stripe"),
    comment="the events and breaches of each objective per series over all time, by the classes of live_totals",
)

live_totals = Table(
    "live_totals",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("class", SmallInteger, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    *_measures(of_years=True),
    PrimaryKeyConstraint("series_id", "class", "stripe"),
    comment="every measure per series over all time, as live (0), backfilled (1), corrected up (2) or down (3)",
)

live_cells = Table(
    "live_cells",
    metadata,
    Column("series_id", Integer, nullable=False),
    Column("histogram", SmallInteger, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("series_id", "histogram", "bucket", "stripe"),
    comment="live durations per bucket of the catalogue's histograms",
)

source_activity = Table(
    "source_activity",
    metadata,
    Column("source_id", Integer, nullable=False),
    Column("site_id", Integer, nullable=False),
    Column("stripe", SmallInteger, nullable=False),
    Column("last_event_at", timestamp()),
    Column("late_1m", BigInteger, nullable=False),
    Column("late_1h", BigInteger, nullable=False),
    Column("late_1d", BigInteger, nullable=False),
    Column("skewed", BigInteger, nullable=False),
    Column("skew_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("source_id", "site_id", "stripe"),
    comment="how punctual each source is at each site",
)
