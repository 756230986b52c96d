"""The reference's reading of what works for how long, and how many serve."""

from __future__ import annotations

from typing import Any

from tests.reference.calendar import Calendar
from tests.reference.levels import Levels, levels
from tests.reference.walk import HOUR, MINUTE, SECOND, Event, micros
from tests.reference_cases import START, said

START_US = micros(START)


def changed(seconds: float, state: str, *, id: str = "", source: str = "crm", **data: Any) -> Event:  # noqa: A002  # the field's name
    fields = {"site": "bank", "resource": "till-1", "kind": "equipment", "state": state} | data
    return said(seconds, "availability.changed", id=id, source=source, **fields)


def beat(seconds: float, **data: Any) -> Event:
    return said(seconds, "heartbeat", **({"site": "bank", "resource": "till-1", "interval_seconds": 60} | data))


def staffing(seconds: float, staffed: int, queue: str = "tills") -> Event:
    return said(seconds, "staffing.changed", site="bank", queue=queue, staffed=staffed)


def over(
    start: float, end: float, *events: Event, now: float | None = None, calendar: Calendar | None = None
) -> Levels:
    """The levels between two moments, in seconds after the start."""
    calendars = {} if calendar is None else {"bank": calendar}
    at = [START_US + round(seconds * SECOND) for seconds in (start, end, end if now is None else now)]
    return levels({1: events}, calendars, *at)


def seconds(found: Levels, kind: str = "equipment") -> tuple[float, float, float]:
    """How long a kind was there, up and degraded."""
    there, up, degraded = (sums.get(("bank", kind), 0) for sums in (found.open_us, found.up_us, found.degraded_us))
    return there / SECOND, up / SECOND, degraded / SECOND


def test_a_resource_is_there_from_its_first_event_on_and_up_to_now() -> None:
    assert seconds(over(0, 100, changed(40, "up"))) == (60, 60, 0)
    assert seconds(over(0, 100, changed(40, "up"), now=70)) == (30, 30, 0)
    assert seconds(over(0, 100, changed(-40, "down"))) == (100, 0, 0)
    assert seconds(over(0, 100, changed(100, "up"))) == (0, 0, 0)


def test_a_state_lasts_until_the_next() -> None:
    events = [changed(0, "up"), changed(30, "degraded"), changed(50, "down"), changed(90, "up")]
    assert seconds(over(0, 100, *events[::-1])) == (100, 40, 20)
    assert seconds(over(40, 60, *events)) == (20, 0, 10)


def test_of_changes_at_once_the_latest_in_order_holds() -> None:
    events = [changed(0, "down", id="b"), changed(0, "up", id="a"), changed(0, "degraded", id="a", source="crn")]
    assert seconds(over(0, 10, *events)) == (10, 0, 10)
    both = levels(
        {1: [changed(0, "up", source="z")], 2: [changed(0, "down")]}, {}, START_US, START_US + SECOND, START_US + SECOND
    )
    assert both.up_us == {("bank", "equipment"): 0}


def test_silence_is_down_after_the_first_heartbeat() -> None:
    assert seconds(over(0, 300, beat(0), beat(60), beat(200))) == (300, 180, 0)
    assert seconds(over(0, 300, beat(0), beat(30))) == (300, 90, 0)
    assert seconds(over(0, 300, beat(100, interval_seconds=20.5))) == (200, 20.5, 0)
    assert seconds(over(0, 300, changed(0, "up"), beat(100))) == (300, 160, 0)
    assert seconds(over(0, 300, beat(0, interval_seconds=None))) == (300, 120, 0)


def test_whoever_is_alive_is_in_the_state_of_the_changes() -> None:
    assert seconds(over(0, 100, beat(0), changed(20, "degraded"), changed(50, "down"))) == (100, 20, 30)
    assert seconds(over(0, 100, changed(0, "down"), beat(20))) == (100, 0, 0)


def test_a_heartbeat_without_a_resource_is_of_the_site() -> None:
    found = over(0, 100, said(0, "heartbeat", site="bank", interval_seconds=60), beat(10, kind="channel"))
    assert seconds(found, "site") == (100, 60, 0)
    assert seconds(found, "channel") == (90, 60, 0)
    assert seconds(found) == (0, 0, 0)


def test_a_heartbeat_without_a_kind_is_of_whatever_has_its_name() -> None:
    found = over(0, 100, beat(0), changed(20, "down", kind="channel"), changed(40, "degraded", kind="site"))
    assert (seconds(found, "channel"), seconds(found, "site")) == ((100, 20, 0), (100, 40, 20))
    assert seconds(found) == (0, 0, 0)
    own = changed(20, "down", resource="bank", kind="site")
    assert seconds(over(0, 100, said(0, "heartbeat", site="bank", interval_seconds=60), own), "site") == (100, 20, 0)


def test_resources_of_a_kind_are_added_up() -> None:
    assert seconds(over(0, 100, changed(0, "up"), changed(40, "down", resource="till-2"))) == (160, 100, 0)


def test_only_opening_hours_count() -> None:
    calendar = Calendar("UTC", {"mon": ["09:00-09:01", "09:02-10:00"]})  # START is 09:00 on a Monday
    assert seconds(over(0, 180, changed(-60, "down"), changed(30, "up"), calendar=calendar)) == (120, 90, 0)
    assert seconds(over(0, 180, beat(30), calendar=calendar)) == (90, 30, 0)


def test_what_is_posted_twice_is_one_event() -> None:
    again = [changed(0, "up", id="a"), changed(0, "down", id="a")]
    assert seconds(over(0, 10, *again)) == (10, 10, 0)


def test_staffed_time_is_how_many_serve_times_how_long() -> None:
    events = [staffing(10, 2), staffing(30, 5), staffing(40, 0), staffing(-9, 1, "sales")]
    found = over(0, 100, *events, calendar=Calendar("UTC", {}))
    assert found.staffed_us == {("bank", "tills"): 90 * SECOND, ("bank", "sales"): 100 * SECOND}
    assert over(0, 3600, staffing(-3600, 3), now=60).staffed_us == {("bank", "tills"): 3 * MINUTE}
    assert over(0, 3600, staffing(-3600, 3)).staffed_us == {("bank", "tills"): 3 * HOUR}
