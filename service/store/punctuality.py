"""How the times of sources' events compare with the clock here, source by source and site by site."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from service.core.catalogue.measures import LATE_LAGS_SECONDS
from service.core.event import SECOND_US, Fact, Kind
from service.core.keys import is_aside
from service.core.levels import key_of
from service.core.quality import NO_FACET
from service.core.walk import LATE_US
from service.store.bookings import Work
from service.store.database import Connection
from service.store.levels import Levelled
from service.store.registry import Registry

_LATE_1H_US, _LATE_1D_US = LATE_LAGS_SECONDS["1h"] * SECOND_US, LATE_LAGS_SECONDS["1d"] * SECOND_US
_ACTIVITY_SQL = """
INSERT INTO source_activity AS t
    (source_id, site_id, stripe, last_event_at, late_1m, late_1h, late_1d, skewed, skew_us)
SELECT source_id, site_id, $1, max(last_event_at), sum(m), sum(h), sum(d), sum(skewed), max(skew_us)
FROM unnest($2::int[], $3::int[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::bigint[]) AS u (source_id, series_id, last_event_at, m, h, d, skewed, skew_us)
JOIN series ON series.id = u.series_id
GROUP BY source_id, site_id
ON CONFLICT (source_id, site_id, stripe) DO UPDATE SET
    last_event_at = greatest(t.last_event_at, excluded.last_event_at), late_1m = t.late_1m + excluded.late_1m,
    late_1h = t.late_1h + excluded.late_1h, late_1d = t.late_1d + excluded.late_1d,
    skewed = t.skewed + excluded.skewed, skew_us = greatest(t.skew_us, excluded.skew_us)
"""


class Punctuality:
    """How the times of a source's events compare with the clock here, for one batch; a late one counts at one lag."""

    __slots__ = ("last_us", "late_1d", "late_1h", "late_1m", "skew_us", "skewed")

    def __init__(self) -> None:
        self.last_us: int | None = None
        self.late_1m = 0
        self.late_1h = 0
        self.late_1d = 0
        self.skewed = 0
        self.skew_us = 0

    def see(self, facts: Sequence[Fact], *, is_steady: bool = True) -> None:
        """Take new events into account: their own times, and the time here when they came.

        Events of resources are not `is_steady`: hearing them does not mean that customers would be heard of, nor
        silence that something is wrong with their source.
        """
        for fact in facts:
            at = fact.at
            lag = fact.received_at - at
            if is_steady and (self.last_us is None or at > self.last_us):
                self.last_us = at
            if lag > _LATE_1D_US:
                self.late_1d += 1
            elif lag > _LATE_1H_US:
                self.late_1h += 1
            elif lag > LATE_US:
                self.late_1m += 1
            elif lag < 0:
                self.skewed += 1
                self.skew_us = max(self.skew_us, -lag)


async def note_punctuality(
    connection: Connection, registry: Registry, works: Iterable[Work], levels: Sequence[Levelled], stripe: int
) -> None:
    """Add how punctual the new events of stories and of levels were to the rows of a stripe."""
    seen: defaultdict[tuple[int, int], Punctuality] = defaultdict(Punctuality)
    for work in works:
        new, home = work.new_facts, work.story.home
        facts = [fact for fact in new if fact.kind != Kind.ATTACHED] if work.story.attached else new
        if home is not None and facts:
            seen[work.key[0], registry.series[home]].see(facts, is_steady=not is_aside(work.key[1]))
    sites = {key_of(fact).site: (key_of(fact).site, "", "", NO_FACET) for _, fact in levels}
    await registry.ensure_series(sites.values())
    for source_id, fact in levels:
        seen[source_id, registry.series[sites[key_of(fact).site]]].see([fact], is_steady=False)
    await _flush(connection, seen, stripe)


async def _flush(connection: Connection, seen: dict[tuple[int, int], Punctuality], stripe: int) -> None:
    """Add what was seen of sources, by (source, series), to the rows of a stripe."""
    if not seen:
        return
    rows = [
        (
            source_id,
            series_id,
            seen_there.last_us,
            seen_there.late_1m + seen_there.late_1h + seen_there.late_1d,
            seen_there.late_1h + seen_there.late_1d,
            seen_there.late_1d,
            seen_there.skewed,
            seen_there.skew_us,
        )
        for (source_id, series_id), seen_there in seen.items()
    ]
    await connection.execute(_ACTIVITY_SQL, stripe, *zip(*rows, strict=True))
