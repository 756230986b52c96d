"""What is registered: sites, and the numbers of the series."""

import asyncio
import hmac
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.errors import InvalidInput
from service.core.measure import SeriesKey
from service.core.quality import MAX_STANDARDS_PER_SITE, NO_FACET, STANDARD, STANDARDS, facet, facet_value
from service.core.series import OTHER
from service.store.database import Database, translated
from service.store.days import cut_days
from service.store.level_registry import LevelRegistry
from service.store.policies import calendar_of, lock_policy, note_change, read_policy
from service.store.pseudonyms import key_in_use
from service.store.tables import live_totals, series, sites
from service.store.trail import note

MAX_VERSIONS = 500
_REGISTRATION_LOCK = 0x53455249
_OVERFLOW_REMEMBERED = 10_000
_OVERFLOW_SECONDS = 10.0
_ANSWER_SECONDS = 3


@dataclass(frozen=True, slots=True)
class Site:
    """A registered site: its time zone (IANA name), and its versions of opening hours and holidays, the first first.

    `patiences` are those of queues that have one of their own, in microseconds.
    """

    name: str
    time_zone: str
    calendars: Sequence[Mapping[str, Any]]
    patiences: Mapping[str, int]


class Registry:
    """Reads and writes of what is registered. It remembers the numbers of the series, which never change."""

    def __init__(
        self,
        database: Database,
        *,
        max_sites: int,
        max_queues_per_site: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._max_sites = max_sites
        self._max_queues = max_queues_per_site
        self.series: dict[SeriesKey, int] = {}
        self._keys: dict[int, SeriesKey] = {}
        self._overflow: set[SeriesKey] = set()
        self._monotonic = monotonic
        self._looked = monotonic()
        self.levels = LevelRegistry(database, self.site_id, max_queues=max_queues_per_site, monotonic=monotonic)

    async def ensure_series(self, wanted: Iterable[SeriesKey]) -> None:
        """Give every wanted series a number in `self.series`, registering sites and queues up to the limits.

        What goes over a limit gets the number of the series in `other`.
        """
        if self._overflow and self._monotonic() - self._looked > _OVERFLOW_SECONDS:
            self._looked = self._monotonic()
            self.forget_overflow()
        missing = sorted(key for key in wanted if key not in self.series)
        if not missing:
            return
        if len(self._overflow) > _OVERFLOW_REMEMBERED:
            self.forget_overflow()
        with translated():
            async with self._database.engine.begin() as connection:
                found = {key: await self._number(connection, key) for key in missing}
        for key, (number, over) in found.items():
            self.series[key] = number
            if over:
                self._overflow.add(key)

    async def keys_of(self, numbers: Collection[int]) -> Mapping[int, SeriesKey]:
        """The (site, queue, channel, facet) of each series, by the series' numbers."""
        missing = [number for number in numbers if number not in self._keys]
        if missing:
            columns = (series.c.id, sites.c.name, series.c.queue, series.c.channel, series.c.facet)
            with translated():
                async with self._database.engine.connect() as connection:
                    statement = select(*columns).join_from(series, sites).where(series.c.id.in_(missing))
                    rows = await connection.execute(statement)
                    self._keys.update((row[0], (row[1], row[2], row[3], row[4])) for row in rows)
        return self._keys

    def forget_overflow(self) -> None:
        """Look again, at their next event, whether what went to `other` has been registered since."""
        for key in self._overflow:
            self.series.pop(key, None)
        self._overflow.clear()
        self.levels.forget_overflow()

    async def site_id(self, connection: AsyncConnection, name: str) -> tuple[int, bool]:
        """The number of a site, registered where it was not known; that of `other`, and so told, over the limit.

        Nobody else registers anything before the transaction ends.
        """
        await connection.execute(select(func.pg_advisory_xact_lock(_REGISTRATION_LOCK)))
        found = await self._site_id(connection, name)
        return (await self._register_site(connection, OTHER), True) if found is None else (found, False)

    async def _number(self, connection: AsyncConnection, key: SeriesKey) -> tuple[int, bool]:
        site, queue, channel, facet_ = key
        site_id, over = await self.site_id(connection, site)
        number = await _series_id(connection, site_id, queue, channel, facet_)
        if number is None:
            condition: ColumnElement[bool] = and_(series.c.site_id == site_id, series.c.queue != "")
            queues = await connection.scalar(select(func.count(series.c.queue.distinct())).where(condition))
            known = await connection.scalar(
                select(func.count()).where(series.c.site_id == site_id, series.c.queue == queue)
            )
            if queue and not known and (queues or 0) >= self._max_queues:
                over, queue = True, OTHER
            if await self._is_standard_too_many(connection, site_id, facet_):
                over, facet_ = True, facet(STANDARD, OTHER)
            number = await _add_series(connection, site_id, queue, channel, facet_)
        return number, over

    async def _is_standard_too_many(self, connection: AsyncConnection, site_id: int, facet_: str) -> bool:
        """Whether a facet is of a new standard of a site that has as many of its own as it may."""
        name = facet_value(facet_, STANDARD)
        if not name or name in STANDARDS:
            return False
        condition = and_(series.c.site_id == site_id, series.c.facet.startswith(facet(STANDARD, "")))
        facets = set(await connection.scalars(select(series.c.facet).where(condition).distinct()))
        own = {known for known in facets if facet_value(known, STANDARD) not in STANDARDS}
        return facet_ not in own and len(own) >= MAX_STANDARDS_PER_SITE

    async def _site_id(self, connection: AsyncConnection, name: str) -> int | None:
        found = await connection.scalar(select(sites.c.id).where(sites.c.name == name))
        if found is not None:
            return int(found)
        count = await connection.scalar(select(func.count()).select_from(sites).where(sites.c.name != OTHER))
        if (count or 0) >= self._max_sites:
            return None
        return await self._register_site(connection, name)

    async def _register_site(self, connection: AsyncConnection, name: str) -> int:
        statement = insert(sites).values(name=name).on_conflict_do_nothing().returning(sites.c.id)
        site_id = await connection.scalar(statement)
        if site_id is None:
            return int((await connection.scalars(select(sites.c.id).where(sites.c.name == name))).one())
        await _add_series(connection, site_id, "", "")
        return int(site_id)

    async def put_site(
        self,
        name: str,
        *,
        time_zone: str,
        hours: Any,
        holidays: Any,
        since: date | None,
        queues: Sequence[tuple[str, str]],
        actor: str,
        patiences: Mapping[str, int | None] | None = None,
    ) -> Site:
        """Register a site or change it, and let the series of the queues named, (queue, channel), stand at 0.

        Hours and holidays hold from the local date `since` on, or for all time. The time zone has no versions: where
        it changes, all local days of the site are cut again. `patiences` are those of queues, in microseconds, where
        None is that of the channel; of queues that are not among them they stay as they were.
        """
        with translated():
            async with self._database.engine.begin() as connection:
                await connection.execute(select(func.pg_advisory_xact_lock(_REGISTRATION_LOCK)))
                known = set(await connection.scalars(select(sites.c.name).where(sites.c.name.in_((name, OTHER)))))
                site_id = await self._register_site(connection, name)
                for queue, channel in queues:
                    await _add_series(connection, site_id, queue, channel)
            async with self._database.engine.begin() as connection:
                await lock_policy(connection)
                particulars = {"from": None if since is None else since.isoformat(), "queues": [*map(list, queues)]}
                given = {"time_zone": time_zone, "hours": hours, "holidays": holidays, "patiences": patiences or {}}
                await note(connection, actor, "put site", name, **given, **particulars)
                row = (await connection.execute(select(sites).where(sites.c.id == site_id))).one()
                calendars = _with_version(row.calendars, since, hours, holidays)
                patient = {queue: us for queue, us in (row.patiences | (patiences or {})).items() if us is not None}
                is_other_calendar = (row.time_zone, row.calendars) != (time_zone, calendars)
                if is_other_calendar or row.patiences != patient or known == {OTHER}:
                    values = {"time_zone": time_zone, "calendars": calendars, "patiences": patient}
                    await connection.execute(update(sites).where(sites.c.id == site_id).values(values))
                    is_later = since is not None and since > datetime.now(UTC).date() and row.time_zone == time_zone
                    past = is_other_calendar and not is_later and await _depends_on_calendar(connection, site_id)
                    changed = {queue for queue, _ in row.patiences.items() ^ patient.items()}
                    past = past or await _depends_on_patience(connection, site_id, changed)
                    # What a new site did so far may have gone to the other ones.
                    await note_change(connection, past=past or known == {OTHER})
                if row.time_zone != time_zone:
                    await cut_days(connection, site_id, calendar_of(time_zone, calendars))
        self.forget_overflow()
        return Site(name, time_zone, calendars, patient)

    async def list_sites(self) -> list[Site]:
        """All registered sites, by name."""
        columns = (sites.c.name, sites.c.time_zone, sites.c.calendars, sites.c.patiences)
        with translated():
            async with self._database.engine.connect() as connection:
                rows = await connection.execute(select(*columns).order_by(sites.c.name))
                return [Site(*row) for row in rows]

    async def pseudonym_key(self, given: str | None) -> bytes:
        """The secret of the customers' keyed hash, see `key_in_use`. Raises ConfigurationError where it is another."""
        return await key_in_use(self._database, given)

    async def answers(self) -> None:
        """Return if the database answers; raise Unavailable if not, or not soon."""
        with translated():
            async with asyncio.timeout(_ANSWER_SECONDS), self._database.engine.connect() as connection:
                await connection.execute(text("SELECT 1"))


def pseudonym(key: bytes, customer: str) -> str:
    """The keyed hash, HMAC-SHA-256 cut to 128 bits, that stands for a customer wherever he is stored."""
    return hmac.digest(key, customer.encode(), "sha256")[:16].hex()


def _with_version(
    versions: Sequence[Mapping[str, Any]], since: date | None, hours: Any, holidays: Any
) -> list[Mapping[str, Any]]:
    """The versions of a site's calendar with one more; one since ever stands alone."""
    if since is None:
        return [{"from": None, "hours": hours, "holidays": holidays}] if (hours, holidays) != (None, None) else []
    day = since.isoformat()
    kept = [version for version in versions if version["from"] != day]
    if len(kept) >= MAX_VERSIONS:
        raise InvalidInput(
            f"would make more than {MAX_VERSIONS} versions of the site's calendar; leave it out to begin anew",
            field="from",
        )
    return sorted([*kept, {"from": day, "hours": hours, "holidays": holidays}], key=lambda one: one["from"] or "")


async def _depends_on_calendar(connection: AsyncConnection, site_id: int) -> bool:
    """Whether numbers of a site would be others under another calendar."""
    promised = (await read_policy(connection)).objectives.all
    if any(terms.open_only or terms.start_day is not None for objective in promised for terms in objective.terms):
        return True
    return await _has_resolutions(connection, site_id)


async def _depends_on_patience(connection: AsyncConnection, site_id: int, queues: Collection[str]) -> bool:
    """Whether numbers of a site would be others if customers had another patience in some of its queues."""
    if not queues:
        return False
    joined = live_totals.join(series, series.c.id == live_totals.c.series_id)
    found = select(live_totals.c.series_id).select_from(joined)
    totals = live_totals.c
    found = found.where(
        series.c.site_id == site_id, series.c.queue.in_(queues), or_(totals.offered > 0, totals.interactions > 0)
    )
    return await connection.scalar(found.limit(1)) is not None


async def _has_resolutions(connection: AsyncConnection, site_id: int) -> bool:
    """Whether a site has times to resolution, which depend on its opening hours."""
    joined = live_totals.join(series, series.c.id == live_totals.c.series_id)
    found = select(live_totals.c.series_id).select_from(joined)
    found = found.where(series.c.site_id == site_id, live_totals.c.resolutions > 0)
    return await connection.scalar(found.limit(1)) is not None


async def _series_id(
    connection: AsyncConnection, site_id: int, queue: str, channel: str, facet_: str = NO_FACET
) -> int | None:
    statement = select(series.c.id).where(
        series.c.site_id == site_id,
        series.c.queue == queue,
        series.c.channel == channel,
        series.c.facet == facet_,
    )
    found = await connection.scalar(statement)
    return None if found is None else int(found)


async def _add_series(
    connection: AsyncConnection, site_id: int, queue: str, channel: str, facet_: str = NO_FACET
) -> int:
    found = await _series_id(connection, site_id, queue, channel, facet_)
    if found is not None:
        return found
    values = {"site_id": site_id, "queue": queue, "channel": channel, "facet": facet_}
    statement = insert(series).values(values).returning(series.c.id)
    return int((await connection.scalars(statement)).one())
