"""The policy in the database: objectives put in force, calendars, and time zones that change."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from service.core.errors import InvalidInput
from service.core.objective import About, Promise
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.rebuild import Rebuild
from service.store.registry import Registry
from service.store.verdicts import Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.rollups import by_local_day
from tests.reference.walk import DAY, SECOND, micros
from tests.store.stored import fetch, scalar, stored_days, stored_rollups
from tests.terms import answered_within, promises

NOW_US = micros(NOW)
TODAY = NOW_US // DAY
EVER = answered_within(20 * SECOND, channels=("phone",))


@pytest.fixture
def policies(database: Database) -> Policies:
    return Policies(database)


def visits(count: int, hours_apart: float = 1.0) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{number}-{kind}",
            "source": "acd",
            "type": f"interaction.{kind}",
            "time": (NOW - timedelta(hours=hours_apart * number) + timedelta(seconds=after)).isoformat(),
            "subject": f"call-{number}",
            "data": {"site": "bank", "queue": "sales", "channel": "phone", **more},
        }
        for number in range(1, count + 1)
        for kind, after, more in (("queued", 0, {}), ("answered", number, {}), ("completed", 90, {"resolved": True}))
    ]


async def test_objectives_are_in_force_once_published_and_keep_their_numbers(policies: Policies) -> None:
    assert await policies.publish(promises(phone=EVER, till=EVER), NOW_US)
    first = await policies.current()
    assert not await policies.publish(promises(till=EVER, phone=EVER), NOW_US)
    assert (await policies.current()).version == first.version
    later = answered_within(30 * SECOND, start_day=TODAY + 1)
    await policies.publish(promises(phone=(EVER, later), till=EVER), NOW_US)
    second = await policies.current()
    assert second.version == first.version + 1
    assert {one.name: one.number for one in first.objectives.all} == {
        one.name: one.number for one in second.objectives.all
    }


async def test_an_objective_that_is_not_named_any_more_ends_but_keeps_its_past(policies: Policies) -> None:
    await policies.publish(promises(phone=EVER), NOW_US)
    await policies.publish([], NOW_US)
    (ended,) = (await policies.current()).objectives.all
    before, after = ended.at(TODAY), ended.at(TODAY + 1)
    assert before == EVER
    assert after is not None
    assert not after.covers("bank", "sales", "phone")
    assert not await policies.publish([], NOW_US + DAY)
    assert not await policies.rebuild_wanted()


async def test_several_who_publish_the_same_at_once_change_it_once(database: Database) -> None:
    published = await asyncio.gather(*(Policies(database).publish(promises(phone=EVER), NOW_US) for _ in range(5)))
    assert sorted(published) == [False, False, False, False, True]


async def test_a_promise_that_changes_the_past_has_to_say_so(
    database: Database, registry: Registry, ledger: Ledger, policies: Policies
) -> None:
    await registry.put_site("bank", time_zone="UTC", hours=None, holidays=None, since=None, queues=[], actor="test")
    await policies.publish(promises(phone=EVER), NOW_US)
    await ledger.commit([Post(1, accept(visits(1), NOW_US))], NOW_US)
    other = answered_within(30 * SECOND, channels=("phone",))
    with pytest.raises(InvalidInput, match="threshold"):
        await policies.publish(promises(phone=other), NOW_US)
    (kept,) = (await policies.current()).objectives.all
    assert kept.terms == (EVER,)
    # From a date on, the past stays; the old promise needs not to be told any more.
    dated = answered_within(30 * SECOND, start_day=TODAY + 1, channels=("phone",))
    assert await policies.publish(promises(phone=dated), NOW_US)
    assert not await policies.rebuild_wanted()
    (changed,) = (await policies.current()).objectives.all
    assert changed.terms == (EVER, dated)
    # For all time, where that is what is meant: then the past has to be measured again.
    assert await policies.publish([Promise("phone", About("phone"), (other,), rewrites=True)], NOW_US)
    assert await policies.rebuild_wanted()


async def test_what_people_need_to_know_of_an_objective_changes_no_number(ledger: Ledger, policies: Policies) -> None:
    await policies.publish(promises(phone=EVER), NOW_US)
    await ledger.commit([Post(1, accept(visits(1), NOW_US))], NOW_US)
    assert await policies.publish([Promise("phone", About("Calls", owner="ops"), (EVER,))], NOW_US)
    (kept,) = (await policies.current()).objectives.all
    assert (kept.about.title, kept.about.owner) == ("Calls", "ops")
    assert not await policies.rebuild_wanted()


async def put(registry: Registry, zone: str, hours: Any = None, since: date | None = None) -> None:
    await registry.put_site("bank", time_zone=zone, hours=hours, holidays=None, since=since, queues=[], actor="test")


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York", "Pacific/Apia"])
async def test_a_new_time_zone_cuts_all_days_again(
    database: Database, registry: Registry, ledger: Ledger, zone: str
) -> None:
    await ledger.commit([Post(1, accept(visits(60), NOW_US))], NOW_US)
    minutes = await stored_rollups(database)
    assert await stored_days(database) == by_local_day(minutes, {})
    buckets = (
        "SELECT histogram, sum(b0 + b1 + b2 + b3 + b4 + b5 + b6)::int, max(longest_us) FROM buckets_daily GROUP BY 1"
    )
    before = [tuple(row) for row in await fetch(database, f"{buckets} ORDER BY 1")]
    await put(registry, zone)
    assert await stored_days(database) == by_local_day(minutes, {"bank": zone})
    assert [tuple(row) for row in await fetch(database, f"{buckets} ORDER BY 1")] == before
    # And what comes from now on is put to the new days, by a writer that worked by the old ones.
    more = [{**one, "id": f"x{one['id']}", "subject": f"x{one['subject']}"} for one in visits(30)]
    await ledger.commit([Post(1, accept(more, NOW_US))], NOW_US)
    assert await stored_days(database) == by_local_day(await stored_rollups(database), {"bank": zone})


async def test_new_hours_are_measured_by_at_once(database: Database, registry: Registry, ledger: Ledger) -> None:
    took = "SELECT sum(business_resolution_us)::bigint FROM rollups"
    await ledger.commit([Post(1, accept(visits(1), NOW_US))], NOW_US)
    assert await scalar(database, took) == 90 * SECOND
    await put(registry, "UTC", hours={})
    await ledger.commit([Post(2, accept(visits(1), NOW_US))], NOW_US)
    assert await scalar(database, took) == 90 * SECOND
    assert await Policies(database).rebuild_wanted()


async def test_hours_from_a_later_day_on_leave_the_past_alone(
    database: Database, registry: Registry, ledger: Ledger, policies: Policies
) -> None:
    await ledger.commit([Post(1, accept(visits(1), NOW_US))], NOW_US)
    await put(registry, "UTC", hours={}, since=date(2199, 1, 1))
    assert not await policies.rebuild_wanted()
    calendar = (await policies.current()).calendar("bank")
    assert calendar.is_open(NOW_US)
    assert not calendar.is_open(micros(NOW.replace(year=2200)))


async def long_matters(database: Database) -> int:
    return int(await scalar(database, "SELECT coalesce(sum(long_matters), 0)::int FROM rollups"))


async def patient(registry: Registry, **seconds: int | None) -> None:
    queues = [(queue, "phone") for queue in seconds]
    patiences = {queue: None if one is None else one * SECOND for queue, one in seconds.items()}
    await registry.put_site(
        "bank",
        time_zone="UTC",
        hours=None,
        holidays=None,
        since=None,
        queues=queues,
        actor="test",
        patiences=patiences,
    )


async def test_a_queue_is_patient_as_told_from_then_on_and_for_the_past_after_a_rebuild(
    database: Database, registry: Registry, ledger: Ledger, policies: Policies
) -> None:
    """All of these calls took 90 s from arrival to resolution, and the usual patience by phone is 120 s."""
    await ledger.commit([Post(1, accept(visits(3), NOW_US))], NOW_US)
    assert await long_matters(database) == 0
    before = (await policies.current()).version
    await patient(registry, sales=80)
    known = await policies.latest()
    assert known.version == before + 1
    assert known.patience("bank", "phone")("sales") == 80 * SECOND
    assert known.patience("bank", "phone")("billing") == 120 * SECOND
    assert await policies.rebuild_wanted()
    await ledger.commit([Post(2, accept(visits(2), NOW_US))], NOW_US)
    assert await long_matters(database) == 2
    await Rebuild(database, registry, policies, ledger, lambda: NOW_US, lambda _stage, _report: None).run()
    assert await long_matters(database) == 5
    assert not await policies.rebuild_wanted()


async def test_a_patience_that_changes_no_number_wants_no_rebuild(
    registry: Registry, ledger: Ledger, policies: Policies
) -> None:
    await ledger.commit([Post(1, accept(visits(1), NOW_US))], NOW_US)
    await patient(registry, billing=80)
    version = (await policies.current()).version
    await patient(registry, billing=80, sales=None)
    assert (await policies.current()).version == version
    assert not await policies.rebuild_wanted()
