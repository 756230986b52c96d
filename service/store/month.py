"""What a report on some local days reads, all of it at one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.core.policy import Policy
from service.core.standing import Standing
from service.store.cohorts import Selection
from service.store.policies import latest_policy
from service.store.series import read_series
from service.store.standings import Day, read_days, read_standings
from service.store.tables import policy as policies
from service.store.tables import sites, source_activity


@dataclass(frozen=True, slots=True)
class Month:
    """How objectives stand over some days in each series, and day by day in all of them, under a policy.

    `last_event_at` is the time of the latest event of the sites selected, None where there are none. Where a
    `rebuild_wanted`, some of it was measured by objectives or calendars that have changed since.
    """

    policy: Policy
    standings: Sequence[Standing]
    days: Sequence[Day]
    last_event_at: datetime | None
    rebuild_wanted: bool


async def read_month(
    connection: AsyncConnection, known: Policy, selection: Selection, now_us: int, days: range
) -> Month:
    """Read it in the snapshot of a connection; `known` is the policy of an earlier one."""
    policy = await latest_policy(connection, known)
    series = await read_series(connection, selection.condition())
    of_sites = Selection(site=selection.site).condition()
    latest = (
        select(func.max(source_activity.c.last_event_at))
        .join_from(source_activity, sites, sites.c.id == source_activity.c.site_id)
        .where(of_sites)
    )
    last_event_at = await connection.scalar(latest)
    return Month(
        policy,
        await read_standings(connection, policy, series, now_us, days),
        await read_days(connection, policy, series, now_us, days),
        None if last_event_at is None else last_event_at.astimezone(UTC),
        bool(await connection.scalar(select(policies.c.rebuild_wanted))),
    )
