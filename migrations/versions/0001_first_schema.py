"""The first schema.

Columns of measures are not here: `frontline migrate` adds those of the catalogue that a table lacks.
"""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """CREATE TABLE sites (
        id serial PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        time_zone text NOT NULL DEFAULT 'UTC',
        hours jsonb,
        holidays jsonb,
        registered_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE sources (
        id serial PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        sites text[] NOT NULL,
        registered_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE keys (
        id serial PRIMARY KEY,
        source_id integer REFERENCES sources,
        hash bytea NOT NULL UNIQUE,
        hint text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz)""",
    """CREATE TABLE series (
        id serial PRIMARY KEY,
        site_id integer NOT NULL REFERENCES sites,
        queue text COLLATE "C" NOT NULL,
        channel text COLLATE "C" NOT NULL,
        registered_at timestamptz NOT NULL DEFAULT now(),
        shown_at timestamptz,
        UNIQUE (site_id, queue, channel))""",
    """CREATE TABLE event_keys (
        source_id integer NOT NULL,
        source text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        PRIMARY KEY (source_id, source, id))""",
    """CREATE TABLE events (
        time timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        source_id integer NOT NULL,
        source text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        type text NOT NULL,
        subject text COLLATE "C" NOT NULL,
        data jsonb NOT NULL) PARTITION BY RANGE (time)""",
    "CREATE TABLE events_before_1970 PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('1970-01-01T00:00:00Z')",
    """CREATE TABLE interactions (
        source_id integer NOT NULL,
        subject text COLLATE "C" NOT NULL,
        facts bytea NOT NULL,
        booking bytea NOT NULL,
        PRIMARY KEY (source_id, subject)) WITH (fillfactor = 70)""",
    """CREATE TABLE open_visits (
        source_id integer NOT NULL,
        subject text COLLATE "C" NOT NULL,
        state smallint NOT NULL,
        series_id integer NOT NULL,
        since timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (source_id, subject, state))
        WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)""",
    "CREATE INDEX open_visits_by_expiry ON open_visits (expires_at)",
    """CREATE TABLE rollups (
        series_id integer NOT NULL,
        minute timestamptz NOT NULL,
        stripe smallint NOT NULL,
        PRIMARY KEY (series_id, minute, stripe)) WITH (fillfactor = 70)""",
    """CREATE TABLE rollup_cells (
        series_id integer NOT NULL,
        minute timestamptz NOT NULL,
        histogram smallint NOT NULL,
        duration_us bigint NOT NULL,
        amount bigint NOT NULL)""",
    "CREATE INDEX rollup_cells_by_minute ON rollup_cells (series_id, minute)",
    """CREATE TABLE live_totals (
        series_id integer NOT NULL,
        class smallint NOT NULL,
        stripe smallint NOT NULL,
        PRIMARY KEY (series_id, class, stripe))
        WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)""",
    """CREATE TABLE live_cells (
        series_id integer NOT NULL,
        histogram smallint NOT NULL,
        bucket smallint NOT NULL,
        stripe smallint NOT NULL,
        amount bigint NOT NULL,
        PRIMARY KEY (series_id, histogram, bucket, stripe))
        WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)""",
    """CREATE TABLE source_activity (
        source_id integer NOT NULL,
        site_id integer NOT NULL,
        stripe smallint NOT NULL,
        last_event_at timestamptz NOT NULL,
        late_1m bigint NOT NULL,
        late_1h bigint NOT NULL,
        late_1d bigint NOT NULL,
        skewed bigint NOT NULL,
        skew_us bigint NOT NULL,
        PRIMARY KEY (source_id, site_id, stripe)) WITH (fillfactor = 50)""",
    "CREATE TABLE secrets (name text PRIMARY KEY, value bytea NOT NULL)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
