"""How objectives stand: windows of local days in several zones, what is settled, and budgets that add up."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from service.core.budget import Spend, Status
from service.core.event import microseconds
from service.core.objective import Override, Promise, Terms
from service.core.standing import Standing
from service.core.window import Span, Window, month_of, number_of
from service.store.cohorts import Selection
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.month import Month
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from service.store.verdicts import Post
from tests.books import accept
from tests.terms import answered_within, promises

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
NOVEMBER = month_of("2026-11")
SECOND = 1_000_000
IN_20 = answered_within(20 * SECOND)
EVERYWHERE = Selection()
_numbers = count(1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def call(arrival: datetime, wait: float, site: str = "bank", **data: Any) -> Iterator[dict[str, Any]]:
    """A call that is answered after some seconds, and resolved in a minute."""
    subject = f"call-{next(_numbers)}"
    place = {"site": site, "queue": "sales", "channel": "phone", **data}
    for kind, after, more in (("queued", 0, {}), ("answered", wait, {}), ("completed", wait + 60, {"resolved": True})):
        yield {
            "id": f"{subject}-{kind}",
            "source": "acd",
            "type": f"interaction.{kind}",
            "time": (arrival + timedelta(seconds=after)).isoformat(),
            "subject": subject,
            "data": {**place, **more},
        }


def calls(day: date, kept: int, breached: int, site: str = "bank", **data: Any) -> Iterator[dict[str, Any]]:
    """Calls on a day in UTC, a minute apart."""
    noon = datetime(day.year, day.month, day.day, 9, tzinfo=UTC)
    for place in range(kept + breached):
        yield from call(noon + timedelta(minutes=place), 5 if place < kept else 90, site, **data)


class World:
    """A database with its writer and its reader, at a moment."""

    def __init__(self, database: Database, registry: Registry, ledger: Ledger) -> None:
        self.policies = Policies(database)
        self.rollups = Rollups(database)
        self.registry = registry
        self._ledger = ledger

    async def site(self, name: str, zone: str) -> None:
        await self.registry.put_site(
            name, time_zone=zone, hours=None, holidays=None, since=None, queues=[], actor="test"
        )

    async def promise(self, promised: list[Promise], now: datetime = NOW) -> None:
        assert await self.policies.publish(promised, microseconds(now))

    async def post(self, events: Iterator[dict[str, Any]], now: datetime = NOW) -> None:
        await self._ledger.commit([Post(1, accept(events, microseconds(now)))], microseconds(now))

    async def standings(
        self, now: datetime = NOW, days: range | None = None, selection: Selection = EVERYWHERE
    ) -> list[Standing]:
        """Those of series, without the placeholders of sites."""
        _, found = await self.rollups.standings(selection, microseconds(now), days)
        return [one for one in found if not one.series.is_placeholder]

    async def standing(self, now: datetime = NOW, days: range | None = None) -> Standing:
        (found,) = await self.standings(now, days)
        return found

    async def month(self, now: datetime = NOW, days: range = NOVEMBER) -> Month:
        return await self.rollups.month(EVERYWHERE, microseconds(now), days)


@pytest.fixture
def world(database: Database, registry: Registry, ledger: Ledger) -> World:
    return World(database, registry, ledger)


# The first instant of the current day, week, month, last 28 days and quarter, of local dates.
FIRST_INSTANTS = {
    "Europe/Vilnius": ("11-17T22:00", "11-15T22:00", "10-31T22:00", "10-21T21:00", "09-30T21:00"),
    "America/New_York": ("11-18T05:00", "11-16T05:00", "11-01T04:00", "10-22T04:00", "10-01T04:00"),
    "Asia/Kolkata": ("11-17T18:30", "11-15T18:30", "10-31T18:30", "10-21T18:30", "09-30T18:30"),
    "Pacific/Apia": ("11-18T11:00", "11-15T11:00", "10-31T11:00", "10-22T11:00", "09-30T11:00"),
}
WINDOWS = (Window(Span.DAY), Window(Span.WEEK), Window(Span.MONTH), Window(Span.ROLLING, 28), Window(Span.QUARTER))


@pytest.mark.parametrize("zone", FIRST_INSTANTS)
async def test_a_window_begins_with_the_local_midnight_of_its_first_day(world: World, zone: str) -> None:
    firsts = [at(f"2026-{text}") for text in FIRST_INSTANTS[zone]]
    await world.site("bank", zone)
    await world.promise(promises(**{window.name: replace(IN_20, window=window) for window in WINDOWS}))
    # At each of them one call, and one in the minute before, which is in the longer windows only.
    await world.post(
        event for first in firsts for after in (-1, 0) for event in call(first + timedelta(minutes=after), 90)
    )
    found = {one.objective.name: one.settled.events for one in await world.standings()}
    assert found == {"day": 1, "week": 3, "month": 5, "28d": 7, "quarter": 9}


async def test_each_site_has_its_own_today(world: World) -> None:
    await world.site("apia", "Pacific/Apia")
    await world.site("honolulu", "Pacific/Honolulu")
    await world.promise(promises(today=replace(IN_20, window=Window(Span.DAY))))
    for site in ("apia", "honolulu"):
        await world.post(call(at("2026-11-18T10:30"), 5, site))
        await world.post(call(at("2026-11-18T11:30"), 5, site))
    found = {one.series.site: (one.days[0], one.settled.events) for one in await world.standings()}
    assert found == {
        "apia": (number_of(date(2026, 11, 19)), 1),
        "honolulu": (number_of(date(2026, 11, 18)), 2),
    }


async def test_a_call_before_midnight_belongs_to_the_month_of_the_site(world: World) -> None:
    """23:30 on the last of November is in December, or earlier in November, by the clock of UTC."""
    await world.promise(promises(phone=IN_20))
    ended = {"Pacific/Honolulu": "2026-12-01T09:30", "UTC": "2026-11-30T23:30", "Pacific/Apia": "2026-11-30T10:30"}
    for zone, instant in ended.items():
        site = zone.rpartition("/")[2]
        await world.site(site, zone)
        await world.post(call(at(instant), 5, site), at("2026-12-02T00:00"))
        await world.post(call(at(instant) + timedelta(minutes=30), 90, site), at("2026-12-02T00:00"))
    found = await world.standings(at("2026-12-15T00:00"), NOVEMBER)
    assert {one.series.site: (one.settled.events, one.settled.breaches) for one in found} == {
        "Honolulu": (1, 0),
        "UTC": (1, 0),
        "Apia": (1, 0),
    }
    later = await world.standings(at("2026-12-15T00:00"))
    assert [(one.settled.events, one.settled.breaches) for one in later] == [(1, 1)] * 3


async def test_a_budget_is_kept_to_the_last_breach(world: World) -> None:
    """20 * (1 - 0.8) is a little less than 4 by the machine, and 29 % of 100 too."""
    await world.promise(promises(phone=IN_20, seventy_one=answered_within(20 * SECOND, 0.71, queues=("hard",))))
    await world.post(calls(NOW.date(), 16, 4))
    await world.post(calls(date(2026, 11, 17), 71, 29, queue="hard"))
    for standing in await world.standings():
        hard = standing.objective.name == "seventy-one"
        spend = standing.settled
        if hard or standing.series.queue == "sales":
            assert spend.breaches == spend.allowed == (29 if hard else 4)
            assert spend.left_ratio == 0.0
            assert spend.status(1.0, 20) is Status.MET
            assert spend.value(at_most=False) == spend.target(at_most=False) == (0.71 if hard else 0.8)
    await world.post(call(NOW, 90))
    over = [one.settled for one in await world.standings() if one.series.queue == "sales"]
    assert [spend.status(1.0, 20) for spend in over] == [Status.BREACHED]


async def test_terms_that_change_within_the_window_each_give_their_share_of_the_budget(world: World) -> None:
    later = answered_within(120 * SECOND, 0.9, start_day=number_of(date(2026, 11, 10)))
    strict = Override(("branch",), target=0.95)
    await world.promise(promises(phone=(IN_20, replace(later, overrides=(strict,)))), at("2026-11-09T12:00"))
    for site in ("bank", "branch"):
        await world.post(calls(date(2026, 11, 9), 10, 10, site))
        await world.post(calls(date(2026, 11, 10), 30, 10, site))
    found = {one.series.site: one for one in await world.standings()}
    # On the 9th 20 s, and a fifth of 20 allowed; then 120 s, which all kept, and a tenth or a twentieth of 40.
    assert {site: (one.settled.events, one.settled.breaches) for site, one in found.items()} == {
        "bank": (60, 10),
        "branch": (60, 10),
    }
    assert found["bank"].settled.allowed == 8.0
    assert found["branch"].settled.allowed == 6.0
    assert found["bank"].terms.target == 0.9
    assert found["branch"].terms.target == 0.95
    both = found["bank"].settled + found["branch"].settled
    assert (both.allowed, both.left_ratio) == (14.0, -6 / 14)


async def test_terms_of_days_to_come_say_nothing_yet(world: World) -> None:
    later = answered_within(20 * SECOND, 0.9, start_day=number_of(date(2026, 11, 19)))
    await world.promise(promises(phone=(IN_20, later)))
    await world.post(calls(NOW.date(), 10, 0))
    assert (await world.standing()).terms.target == 0.8
    assert (await world.standing(NOW + timedelta(days=1))).terms.target == 0.9
    assert (await world.standing(NOW + timedelta(days=1))).settled.allowed == 2.0


async def test_what_was_spent_before_a_filter_became_narrower_stays_in_the_window(world: World) -> None:
    narrow = replace(IN_20, channels=("phone",), start_day=number_of(date(2026, 11, 10)))
    await world.promise(promises(all=(IN_20, narrow)), at("2026-11-09T12:00"))
    for day in (9, 10):
        await world.post(calls(date(2026, 11, day), 3, 1))
        await world.post(calls(date(2026, 11, day), 0, 5, channel="chat"))
    for days in (None, NOVEMBER):
        found = {one.series.channel: one.settled for one in await world.standings(days=days)}
        assert {channel: (spend.events, spend.breaches) for channel, spend in found.items()} == {
            "phone": (8, 2),
            "chat": (5, 5),
        }
    # In December nothing is left of it.
    assert [one.series.channel for one in await world.standings(at("2026-12-01T12:00"))] == ["phone"]


async def test_an_objective_that_has_ended_is_told_of_the_month_in_which_it_held(world: World) -> None:
    await world.promise(promises(phone=IN_20), at("2026-11-09T12:00"))
    await world.promise([], at("2026-11-09T12:00"))
    await world.post(calls(date(2026, 11, 9), 3, 1))
    await world.post(calls(date(2026, 11, 10), 3, 1))
    assert await world.standings() == []
    assert (await world.standing(days=NOVEMBER)).settled.events == 4
    assert await world.standings(at("2026-12-05T12:00"), month_of("2026-12")) == []


async def test_cases_are_provisional_until_they_are_settled_and_never_in_both(world: World) -> None:
    first = Terms(None, "first_contact_resolution", 0.75, within="7d")
    await world.promise(promises(first=first))
    for customer in range(6):
        await world.post(call(at("2026-11-10T09:00"), 5, customer=f"c{customer}"))
    # Two of them come back, on a day from which on they are not settled.
    for customer in range(2):
        await world.post(call(at("2026-11-12T09:00"), 5, customer=f"c{customer}"))
    standing = await world.standing()
    assert standing.provisional is not None
    assert (standing.settled.events, standing.settled.breaches, standing.settled.allowed) == (6, 2, 1.5)
    assert (standing.provisional.events, standing.provisional.breaches, standing.provisional.allowed) == (2, 0, 0.5)
    month = await world.month()
    days = {(day.day - NOVEMBER.start + 1): day for day in month.days}
    assert sorted(days) == [10, 12]
    assert (days[10].settled.events, days[10].settled.breaches) == (6, 2)
    assert days[10].provisional == Spend()
    assert days[12].settled == Spend()


async def test_an_objective_that_settles_at_once_has_nothing_provisional(world: World) -> None:
    await world.promise(promises(phone=IN_20))
    await world.post(calls(NOW.date(), 1, 1))
    assert (await world.standing()).provisional is None
    assert {day.provisional for day in (await world.month()).days} == {None}


async def test_what_came_in_the_last_two_days_is_told_apart(world: World) -> None:
    await world.promise(promises(phone=IN_20))
    for day in (16, 17, 18):
        await world.post(calls(date(2026, 11, day), 4, day - 15))
    spend = (await world.standing(at("2026-11-18T23:00"))).settled
    assert (spend.events, spend.breaches, spend.recent_events, spend.recent_breaches) == (18, 6, 13, 5)


async def test_the_days_add_up_to_the_standings(world: World) -> None:
    later = replace(
        IN_20, target=0.9, start_day=number_of(date(2026, 11, 4)), overrides=(Override(("two",), target=0.7),)
    )
    await world.site("two", "Asia/Kolkata")
    await world.promise(promises(phone=(IN_20, later)), at("2026-11-01T00:00"))
    for day in range(1, 8):
        for site in ("bank", "two"):
            await world.post(calls(date(2026, 11, day), 7 * day, day, site))
    month = await world.month()
    whole = sum((one.settled for one in month.standings), Spend())
    assert whole.events == 2 * 8 * 28
    days = sum((day.settled for day in month.days), Spend())
    assert (days.events, days.breaches, days.allowed_parts) == (whole.events, whole.breaches, whole.allowed_parts)
    assert [day.settled.allowed for day in month.days] == [3.2, 6.4, 9.6, 12.8, 16.0, 19.2, 22.4]
    assert month.last_event_at == at("2026-11-07T09:57:30")


async def test_only_what_is_selected_is_read(world: World) -> None:
    await world.promise(promises(phone=IN_20))
    await world.post(calls(NOW.date(), 2, 0))
    await world.post(calls(NOW.date(), 3, 0, "branch"))
    (only,) = await world.standings(selection=Selection(site=("branch",)))
    assert (only.series.site, only.settled.events) == ("branch", 3)
    assert await world.standings(selection=Selection(queue=("none",))) == []


async def test_how_much_of_a_given_month_is_over(world: World) -> None:
    await world.promise(promises(phone=IN_20))
    await world.post(calls(NOW.date(), 1, 0))
    assert (await world.standing(days=NOVEMBER)).elapsed == 18 / 30
    assert (await world.standing(at("2027-01-01T00:00"), NOVEMBER)).elapsed == 1.0
    assert await world.standings(days=month_of("2027-01")) == []
