"""Runs the model of service against the clock, and posts what happens to a Frontline as it happens."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from service.client import ConflictError, FrontlineClient, SiteQueue, SourceKey
from service.replay import MAX_SPEED, Replay, Summary
from service.simulator.changes import programme
from service.simulator.model import Simulation
from service.simulator.profile import SiteProfile

_TICK = 0.5  # seconds between posts


async def register_sites(admin: FrontlineClient, sites: Sequence[SiteProfile]) -> None:
    """Register sites with their time zones and queues; `admin` holds an admin key."""
    for site in sites:
        queues = [SiteQueue(queue.name, queue.channel) for queue in site.queues]
        await admin.put_site(site.name, site.time_zone, queues=queues)


async def new_key(admin: FrontlineClient, source: str) -> SourceKey:
    """Register a source that may post for any site; one more key of it, where it is there already."""
    try:
        return await admin.create_source(source)
    except ConflictError:
        return await admin.add_key(source)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate.

    The run begins `backfill` ago and catches up with now at `speed` times real time (`MAX_SPEED`: at once);
    from there it goes on live. It ends `duration` after it was started (None: never). `slip` sets in `onset`
    after the start and lasts for `slipping` (None: to the end); before and after that all goes as planned. What is
    changed at the sites on purpose (`programme`) is changed in the backfill.
    """

    backfill: timedelta = timedelta(0)
    speed: float = MAX_SPEED
    duration: timedelta | None = None
    slip: float = 0.0
    onset: timedelta = timedelta(0)
    slipping: timedelta | None = None

    def reached(self, began: datetime, now: datetime) -> datetime:
        """The moment up to which is to be simulated at `now`; never ahead of it."""
        if math.isinf(self.speed):
            return now
        return min(now, began - self.backfill + (now - began) * self.speed)

    def slip_at(self, began: datetime, now: datetime) -> float:
        """The slip at `now`."""
        since = now - began - self.onset
        is_over = self.slipping is not None and since >= self.slipping
        return self.slip if since >= timedelta(0) and not is_over else 0.0

    def over(self, began: datetime, now: datetime) -> bool:
        """Whether the run ends at `now`."""
        return self.duration is not None and now - began >= self.duration


@dataclass(frozen=True, slots=True)
class Run:
    """A run of simulated sites. Ids start with `label`, or with the time of the start where there is none.

    Two runs of one label and seed say different things under the same ids, and the service keeps the first:
    give a label only to repeat a run.
    """

    client: FrontlineClient
    sites: Sequence[SiteProfile]
    plan: Plan
    seed: int = 1
    label: str | None = None
    report: Callable[[Summary], None] = lambda _summary: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> Summary:
        """Simulate and post until the plan is over; raises `ClientError` where the service is lost."""
        began = self.now()
        start = began - self.plan.backfill
        simulation = Simulation(
            self.sites,
            seed=self.seed,
            start=start,
            label=self.label or f"sim-{int(began.timestamp() * 1000):x}",
            changes=programme(self.sites, start, self.plan.backfill),
        )
        total = Summary()
        while True:
            now = self.now()
            simulation.slip = self.plan.slip_at(began, now)
            happened = simulation.until(self.plan.reached(began, now))
            replay = Replay(self.client)
            total.merge(await replay.run(msgspec.json.encode(event) for event in happened))
            total.seconds = (self.now() - began).total_seconds()
            self.report(total)
            if self.plan.over(began, now):
                return total
            await self.sleep(_TICK)
