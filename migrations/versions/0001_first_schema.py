"""The first schema.

Columns of measures are not here: `frontline migrate` adds those of the catalogue that a table lacks. Nor is the schema
`report`, whose views show these columns: `frontline migrate` drops the views before migrations and makes them after.
"""

from alembic import op

revision = "0001"
down_revision = None

STATEMENTS = (
    """CREATE TABLE sites (
        id serial PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        time_zone text NOT NULL DEFAULT 'UTC',
        calendars jsonb NOT NULL DEFAULT '[]',
        patiences jsonb NOT NULL DEFAULT '{}',
        registered_at timestamptz NOT NULL DEFAULT now())""",
    "CREATE TABLE policy (version bigint NOT NULL, rebuild_wanted boolean NOT NULL, kept_from timestamptz)",
    "INSERT INTO policy VALUES (0, false)",
    """CREATE TABLE rebuild_progress (
        policy_version bigint NOT NULL,
        source_id integer NOT NULL,
        subject text COLLATE "C" NOT NULL)""",
    """CREATE TABLE objectives (
        id serial PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        terms jsonb NOT NULL,
        about jsonb NOT NULL)""",
    """CREATE TABLE sources (
        id serial PRIMARY KEY,
        name text COLLATE "C" NOT NULL UNIQUE,
        sites text[] NOT NULL,
        registered_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE keys (
        id serial PRIMARY KEY,
        role text NOT NULL CONSTRAINT keys_role CHECK (role IN ('ingest', 'read', 'admin')),
        source_id integer REFERENCES sources,
        hash bytea NOT NULL UNIQUE,
        hint text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        per_second integer,
        replaces integer REFERENCES keys,
        CONSTRAINT keys_source CHECK ((role = 'ingest') = (source_id IS NOT NULL)))""",
    """CREATE TABLE admin_actions (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at timestamptz NOT NULL DEFAULT now(),
        actor text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        detail jsonb NOT NULL)""",
    """CREATE TABLE webhooks (
        source_id integer PRIMARY KEY REFERENCES sources,
        vendor text NOT NULL,
        public_url text NOT NULL,
        secrets bytea NOT NULL,
        mapping jsonb NOT NULL,
        changed_at timestamptz NOT NULL DEFAULT now())""",
    """CREATE TABLE unread (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source_id integer NOT NULL REFERENCES sources,
        received_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        code text NOT NULL,
        detail text NOT NULL,
        digest bytea NOT NULL,
        size_bytes integer NOT NULL,
        sealed bytea NOT NULL,
        UNIQUE (source_id, digest))""",
    "CREATE INDEX unread_by_end ON unread (expires_at)",
    """CREATE TABLE series (
        id serial PRIMARY KEY,
        site_id integer NOT NULL REFERENCES sites,
        queue text COLLATE "C" NOT NULL,
        channel text COLLATE "C" NOT NULL,
        facet text COLLATE "C" NOT NULL DEFAULT '',
        registered_at timestamptz NOT NULL DEFAULT now(),
        shown_at timestamptz,
        UNIQUE (site_id, queue, channel, facet))""",
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
        due_at timestamptz NOT NULL,
        PRIMARY KEY (source_id, subject, state))
        WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0)""",
    "CREATE INDEX open_visits_by_due ON open_visits (due_at)",
    """CREATE TABLE customers (customer text COLLATE "C" PRIMARY KEY)""",
    """CREATE TABLE contacts (
        source_id integer NOT NULL,
        subject text COLLATE "C" NOT NULL,
        customer text COLLATE "C" NOT NULL,
        topic text COLLATE "C" NOT NULL,
        arrival timestamptz NOT NULL,
        known_at timestamptz NOT NULL,
        series_id integer NOT NULL,
        in_store boolean NOT NULL,
        closed_at timestamptz,
        resolved boolean NOT NULL,
        reopened_at timestamptz,
        agent text COLLATE "C" NOT NULL,
        previous_at timestamptz,
        next_at timestamptz,
        previous_visit_at timestamptz,
        previous_agent text COLLATE "C" NOT NULL,
        due_at timestamptz,
        booking bytea NOT NULL,
        bare boolean NOT NULL DEFAULT false,
        PRIMARY KEY (source_id, subject)) WITH (fillfactor = 80)""",
    "CREATE INDEX contacts_by_topic ON contacts (customer, topic, arrival, source_id, subject)",
    "CREATE INDEX contacts_by_visit ON contacts (customer, arrival, source_id, subject) WHERE in_store",
    "CREATE INDEX contacts_by_due ON contacts (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX contacts_that_are_bare ON contacts (greatest(arrival, closed_at)) WHERE bare",
    """CREATE TABLE breaches (
        source_id integer NOT NULL,
        subject text COLLATE "C" NOT NULL,
        objective_id integer NOT NULL,
        series_id integer NOT NULL,
        minute timestamptz NOT NULL)""",
    "CREATE INDEX breaches_by_minute ON breaches (objective_id, minute, series_id)",
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
    """CREATE TABLE objective_rollups (
        series_id integer NOT NULL,
        minute timestamptz NOT NULL,
        objective_id integer NOT NULL,
        events bigint NOT NULL,
        breaches bigint NOT NULL,
        settled_events bigint NOT NULL,
        settled_breaches bigint NOT NULL)""",
    "CREATE INDEX objective_rollups_by_minute ON objective_rollups (series_id, objective_id, minute)",
    """CREATE TABLE rollups_daily (
        series_id integer NOT NULL,
        day date NOT NULL,
        stripe smallint NOT NULL,
        PRIMARY KEY (series_id, day, stripe)) WITH (fillfactor = 70)""",
    f"""CREATE TABLE buckets_daily (
        series_id integer NOT NULL,
        day date NOT NULL,
        histogram smallint NOT NULL,
        stripe smallint NOT NULL,
        longest_us bigint NOT NULL,
        taken_back bigint NOT NULL,
        {", ".join(f"b{number} bigint NOT NULL" for number in range(17))},
        PRIMARY KEY (series_id, day, histogram, stripe)) WITH (fillfactor = 70)""",
    """CREATE TABLE objective_rollups_daily (
        series_id integer NOT NULL,
        day date NOT NULL,
        objective_id integer NOT NULL,
        stripe smallint NOT NULL,
        events bigint NOT NULL,
        breaches bigint NOT NULL,
        settled_events bigint NOT NULL,
        settled_breaches bigint NOT NULL,
        PRIMARY KEY (series_id, objective_id, day, stripe)) WITH (fillfactor = 70)""",
    """CREATE TABLE objective_totals (
        series_id integer NOT NULL,
        objective_id integer NOT NULL,
        class smallint NOT NULL,
        stripe smallint NOT NULL,
        events bigint NOT NULL,
        breaches bigint NOT NULL,
        settled_events bigint NOT NULL,
        settled_breaches bigint NOT NULL,
        PRIMARY KEY (series_id, objective_id, class, stripe))
        WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)""",
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
