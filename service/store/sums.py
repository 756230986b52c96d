"""All bookings added up again, and the sums that are stored held against that.

Of minutes whose interactions may be forgotten, what is stored is taken as given; days and totals must add up to it.
"""

from typing import Any

from service.core.calendar import Calendar
from service.core.catalogue.measures import HISTOGRAM_BY_CODE, HISTOGRAMS, MEASURE_BY_CODE, MEASURES
from service.core.codes import CELL_BASE, OBJECTIVE_COUNTS, cell_parts, objective_parts
from service.core.difference import Class
from service.core.event import MIN_US, MINUTE_US, SECOND_US, moment
from service.core.measure import Booking
from service.core.policy import Policy
from service.core.window import date_of
from service.store.breaches import BREACH_COLUMNS, Breaches, BreachRow, breach_rows
from service.store.buckets import bucket_sql
from service.store.changes import WrongChange
from service.store.database import Connection
from service.store.registry import Registry
from service.store.tables import BUCKETS

_COLUMNS = ("series_id", "minute", "day", "code", "amount")
_ENOUGH = 200_000
_MEASURE_VALUES = ", ".join(f"({measure.code}::bigint, t.{measure.name}::numeric)" for measure in MEASURES)
_OBJECTIVE_VALUES = ", ".join(
    f"(-4 * t.objective_id::bigint - {place}, t.{name}::numeric)" for place, name in enumerate(OBJECTIVE_COUNTS)
)
_CODES = "LATERAL (VALUES {}) AS v (code, amount) WHERE v.amount <> 0"
_KEPT = ", ".join(str(histogram.code) for histogram in HISTOGRAMS if histogram.cells)
_MINUTE = "(extract(epoch FROM t.minute) / 60)::int"
_DAY = "t.day - date '1970-01-01'"
_SIGN = f"CASE WHEN t.class = {Class.CORRECTED_DOWN.value} THEN -1 ELSE 1 END"

_CREATE_SQL = """
CREATE TEMP TABLE audit_amounts (series_id int, minute int, day int, code bigint, amount numeric) ON COMMIT DROP
"""
_CREATE_BREACHES_SQL = """
CREATE TEMP TABLE audit_breaches (source_id int, subject text COLLATE "C", objective_id int, series_id int,
    minute timestamptz) ON COMMIT DROP
"""
_BREACHES_SQL = f"""
SELECT {", ".join(BREACH_COLUMNS)}, coalesce(a.there, 0), coalesce(b.there, 0)
FROM (SELECT *, 1 AS there FROM audit_breaches) a
FULL JOIN (SELECT *, count(*) AS there FROM breaches GROUP BY {", ".join(BREACH_COLUMNS)}) b
    USING ({", ".join(BREACH_COLUMNS)})
WHERE coalesce(a.there, 0) <> coalesce(b.there, 0)
"""
_STORED_MINUTES = f"""
    SELECT t.series_id, t.minute, v.code, v.amount FROM rollups t, {_CODES.format(_MEASURE_VALUES)}
    UNION ALL
    SELECT t.series_id, t.minute, v.code, v.amount FROM objective_rollups t, {_CODES.format(_OBJECTIVE_VALUES)}
    UNION ALL
    SELECT t.series_id, t.minute, {CELL_BASE} + t.duration_us * 16 + t.histogram, t.amount FROM rollup_cells t
"""
_GIVEN_SQL = f"""
INSERT INTO audit_amounts
SELECT t.series_id, {_MINUTE}, $3 + width_bucket(t.minute, $4::timestamptz[]) - 1, t.code, sum(t.amount)
FROM ({_STORED_MINUTES}) AS t WHERE t.series_id = ANY ($1::int[]) AND t.minute < $2
GROUP BY t.series_id, t.minute, t.code HAVING sum(t.amount) <> 0
"""
_OLDEST_SQL = "SELECT min(minute) FROM rollups WHERE series_id = ANY ($1::int[]) AND minute < $2"
_MINUTES_SQL = f"""
SELECT series_id, minute, code, sum(amount) FROM (
    SELECT series_id, minute, code, amount FROM audit_amounts
    WHERE code < {CELL_BASE} OR (code - {CELL_BASE}) % 16 IN ({_KEPT})
    UNION ALL
    SELECT t.series_id, {_MINUTE}, t.code, -t.amount FROM ({_STORED_MINUTES}) AS t
) AS both_sides GROUP BY 1, 2, 3 HAVING sum(amount) <> 0
"""
_BUCKET = bucket_sql(f"(code - {CELL_BASE}) % 16", f"(code - {CELL_BASE}) / 16")
_BUCKET_VALUES = ", ".join(f"({number}, t.{name})" for number, name in enumerate(BUCKETS))
_DAYS_SQL = f"""
SELECT series_id, day, code, sum(amount) FROM (
    SELECT series_id, day, code, amount FROM audit_amounts WHERE code < {CELL_BASE}
    UNION ALL
    SELECT t.series_id, {_DAY}, v.code, -v.amount FROM rollups_daily t, {_CODES.format(_MEASURE_VALUES)}
    UNION ALL
    SELECT t.series_id, {_DAY}, v.code, -v.amount FROM objective_rollups_daily t, {_CODES.format(_OBJECTIVE_VALUES)}
) AS both_sides GROUP BY 1, 2, 3 HAVING sum(amount) <> 0
"""
_BUCKETS_SQL = f"""
SELECT series_id, day, histogram, bucket, sum(amount) FROM (
    SELECT series_id, day, (code - {CELL_BASE}) % 16 AS histogram, {_BUCKET} AS bucket, amount FROM audit_amounts
    WHERE code >= {CELL_BASE} AND (code - {CELL_BASE}) % 16 IN ({_KEPT})
    UNION ALL
    SELECT t.series_id, {_DAY}, t.histogram, v.bucket, -v.amount
    FROM buckets_daily t, LATERAL (VALUES {_BUCKET_VALUES}) AS v (bucket, amount) WHERE v.amount <> 0
) AS both_sides GROUP BY 1, 2, 3, 4 HAVING sum(amount) <> 0
"""
_LONGEST_SQL = f"""
SELECT series_id, day, histogram, longest, stored FROM (
    SELECT series_id, day, histogram, max(duration) AS longest FROM (
        SELECT series_id, day, (code - {CELL_BASE}) % 16 AS histogram, (code - {CELL_BASE}) / 16 AS duration
        FROM audit_amounts WHERE code >= {CELL_BASE} GROUP BY 1, 2, 3, 4 HAVING sum(amount) > 0
    ) AS durations GROUP BY 1, 2, 3
) AS right_ones JOIN (
    SELECT series_id, {_DAY} AS day, histogram, max(longest_us) AS stored FROM buckets_daily t
    GROUP BY 1, 2, 3 HAVING sum(taken_back) = 0
) AS kept USING (series_id, day, histogram) WHERE longest <> stored
"""
_TOTALS_SQL = f"""
SELECT series_id, code, sum(amount) FROM (
    SELECT series_id, code, amount FROM audit_amounts WHERE code < {CELL_BASE}
    UNION ALL
    SELECT t.series_id, v.code, -v.amount * {_SIGN} FROM live_totals t, {_CODES.format(_MEASURE_VALUES)}
    UNION ALL
    SELECT t.series_id, v.code, -v.amount * {_SIGN} FROM objective_totals t, {_CODES.format(_OBJECTIVE_VALUES)}
) AS both_sides GROUP BY 1, 2 HAVING sum(amount) <> 0
"""
_LEADS = " UNION ALL ".join(
    f"SELECT series_id, {histogram.code}, -sum({histogram.lead}) FROM live_totals "
    f"WHERE class = {Class.LIVE.value} GROUP BY 1"
    for histogram in HISTOGRAMS
    if histogram.exported
)
_HISTOGRAMS_SQL = f"""
SELECT series_id, histogram, sum(amount) FROM (
    SELECT series_id, histogram, sum(amount) AS amount FROM live_cells GROUP BY 1, 2 UNION ALL {_LEADS}
) AS both_sides GROUP BY 1, 2 HAVING sum(amount) <> 0
"""

Gap = tuple[str, int, str, str]
"""What differs, the number of the series, where in it, and how."""


class Sums:
    """Bookings added up in a temporary table of one transaction, and what `find_gaps` finds to be otherwise.

    What is missing where: `minutes` as (series, minute, code, amount), `days` as (series, day, code, amount), `buckets`
    as (series, day, histogram, bucket, amount), `totals` as (series, code, amount). `longest` names the days whose
    longest duration is wrong, `open_visits` the interactions whose rows there are wrong, `keys` events as
    (registered source, source, id, whether the log has it) that are in the log without a key, or the other way round,
    `breaches` what has to be added to the list of breaches and what is wrongly there, and `changes` those that are not
    kept as the log tells them.
    """

    def __init__(self, connection: Connection, registry: Registry, policy: Policy) -> None:
        self.connection = connection
        self.minutes: list[tuple[int, int, int, int]] = []
        self.days: list[tuple[int, int, int, int]] = []
        self.buckets: list[tuple[int, int, int, int, int]] = []
        self.longest: list[tuple[int, int, int]] = []
        self.totals: list[tuple[int, int, int]] = []
        self.open_visits: list[tuple[int, str]] = []
        self.keys: list[tuple[int, str, str, bool]] = []
        self.breaches = Breaches()
        self.changes: list[WrongChange] = []
        self._registry = registry
        self._policy = policy
        self._first_minute = (MIN_US if policy.kept_from_us is None else policy.kept_from_us) // MINUTE_US
        self._amounts: dict[tuple[int, int], dict[int, int]] = {}
        self._held = 0
        self._breach_rows: list[BreachRow] = []

    @property
    def is_right(self) -> bool:
        """Whether nothing was found to be otherwise."""
        listed = (self.breaches.added, self.breaches.gone, self.changes)
        found = (self.minutes, self.days, self.buckets, self.longest, self.totals, self.open_visits, self.keys, *listed)
        return not any(found)

    async def create(self) -> None:
        """Make the table, with what is given."""
        await self.connection.execute(_CREATE_SQL)
        await self.connection.execute(_CREATE_BREACHES_SQL)
        if self._policy.kept_from_us is not None:
            await self._take_as_given(self._policy.kept_from_us)

    async def _take_as_given(self, kept_from_us: int) -> None:
        by_zone: dict[str, list[int]] = {}
        numbers = [row[0] for row in await self.connection.fetch("SELECT id FROM series")]
        for number, (site, *_) in (await self._registry.keys_of(numbers)).items():
            by_zone.setdefault(self._policy.calendar(site).zone.key, []).append(number)
        for zone, of_zone in by_zone.items():
            oldest_us = await self.connection.fetchval(_OLDEST_SQL, of_zone, kept_from_us)
            if oldest_us is not None:
                calendar = Calendar.of(zone)
                first, last = (calendar.day_of(at // MINUTE_US) for at in (oldest_us, kept_from_us))
                midnights = [calendar.midnight_us(day) for day in range(first, last + 1)]
                await self.connection.execute(_GIVEN_SQL, of_zone, kept_from_us, first, midnights)

    def add(self, key: tuple[int, str], booking: Booking) -> None:
        """Add a booking of an interaction, or of it as a contact."""
        self._breach_rows += breach_rows(key, booking)
        for place, amounts in booking.items():
            if place[1] < self._first_minute:
                continue
            present = self._amounts.setdefault(place, {})
            self._held -= len(present)
            for code, amount in amounts.items():
                present[code] = present.get(code, 0) + amount
            self._held += len(present)

    async def write(self, *, all_of_it: bool = False) -> None:
        """Write what was added, where it is enough by now."""
        if self._held + len(self._breach_rows) < _ENOUGH and not all_of_it:
            return
        await self.connection.copy_records_to_table("audit_breaches", records=self._breach_rows, columns=BREACH_COLUMNS)
        self._breach_rows.clear()
        numbers = {number for number, _ in self._amounts}
        keys = await self._registry.keys_of(numbers)
        calendars = {number: self._policy.calendar(keys[number][0]) for number in numbers}
        records = [
            (number, minute, calendars[number].day_of(minute), code, amount)
            for (number, minute), amounts in self._amounts.items()
            for code, amount in amounts.items()
        ]
        await self.connection.copy_records_to_table("audit_amounts", records=records, columns=_COLUMNS)
        self._amounts.clear()
        self._held = 0

    @staticmethod
    def name(code: int) -> str:
        """What a code counts, for people."""
        if code < 0:
            number, place = objective_parts(code)
            return f"{OBJECTIVE_COUNTS[place].replace('_', ' ')} of objective {number}"
        if code < CELL_BASE:
            return MEASURE_BY_CODE[code].name
        histogram, duration_us = cell_parts(code)
        return f"{HISTOGRAM_BY_CODE[histogram].name} of {duration_us / SECOND_US} s"


async def find_gaps(sums: Sums) -> list[Gap]:
    """Every sum that is stored otherwise than the bookings add up to."""
    await sums.write(all_of_it=True)
    connection = sums.connection
    await connection.execute("ANALYZE audit_amounts")
    gaps: list[Gap] = []
    for series, minute, code, amount in await connection.fetch(_MINUTES_SQL):
        sums.minutes.append((series, minute, code, int(amount)))
        gaps.append(("minute", series, f"{moment(minute * MINUTE_US):%Y-%m-%dT%H:%MZ}", _told(Sums.name(code), amount)))
    for series, day, code, amount in await connection.fetch(_DAYS_SQL):
        sums.days.append((series, day, code, int(amount)))
        gaps.append(("day", series, _day(day), _told(Sums.name(code), amount)))
    for series, day, histogram, bucket, amount in await connection.fetch(_BUCKETS_SQL):
        sums.buckets.append((series, day, histogram, bucket, int(amount)))
        name = f"{HISTOGRAM_BY_CODE[histogram].name} in bucket {bucket}"
        gaps.append(("day", series, _day(day), _told(name, amount)))
    for series, day, histogram, longest, stored in await connection.fetch(_LONGEST_SQL):
        sums.longest.append((series, day, histogram))
        detail = f"the longest {HISTOGRAM_BY_CODE[histogram].name} is {longest} us, not {stored} us"
        gaps.append(("day", series, _day(day), detail))
    for series, code, amount in await connection.fetch(_TOTALS_SQL):
        sums.totals.append((series, code, int(amount)))
        detail = _told(Sums.name(code), amount)
        gaps.append(("live totals", series, "over all time", detail))
    for *row, right, stored in await connection.fetch(_BREACHES_SQL):
        if stored:
            sums.breaches.gone.append(tuple(row))
        if right:
            sums.breaches.added.append(tuple(row))
        detail = f"{row[1]} is listed {stored} times as a breach of objective {row[2]}, not {right}"
        gaps.append(("breach", row[3], f"{moment(row[4]):%Y-%m-%dT%H:%MZ}", detail))
    for series, histogram, amount in await connection.fetch(_HISTOGRAMS_SQL):
        detail = f"{amount} {HISTOGRAM_BY_CODE[histogram].name} more in the buckets than are counted"
        gaps.append(("live histogram", series, "over all time", detail))
    return gaps


def _day(day: int) -> str:
    return date_of(day).isoformat()


def _told(name: str, missing: Any) -> str:
    return f"{missing} {name} missing" if missing > 0 else f"{-missing} {name} too many"
