"""Strategies for what is true of a site for a while: what works, how many serve, and what was changed on purpose."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.reference.histories import NOW, QUEUES, SITES, offsets, written
from tests.reference.walk import DAY, HOUR, MINUTE, SECOND, Event, micros

RESOURCES = ("till-1", "till-2", SITES[0])
KINDS = ("equipment", "channel", "site")
STATES = ("up", "degraded", "down")
# Since the start: heartbeats come late by a microsecond, or in time, and changes come together.
STEPS = (0, 0, 1, 20 * SECOND, MINUTE - 1, MINUTE, MINUTE, MINUTE + 1, 10 * MINUTE, HOUR, 9 * HOUR)
INTERVALS = (None, None, 60, 20.5, 300, 0.000001)
STARTS = tuple(micros(NOW) - ago for ago in (HOUR, 5 * HOUR, DAY, 3 * DAY + HOUR, 20 * DAY))


@st.composite
def conditions(draw: st.DrawFn, most: int = 12) -> list[Event]:
    """Changes, heartbeats and staffing of a few resources and lines, still without identities."""
    time = draw(st.sampled_from(STARTS))
    sites = draw(st.sampled_from((SITES[:1], SITES[:2])))
    events: list[Event] = []
    for kind in draw(st.lists(st.sampled_from(("availability", "heartbeat", "heartbeat", "staffing")), max_size=most)):
        time += draw(st.sampled_from(STEPS))
        if time > micros(NOW):
            break
        site = {"site": draw(st.sampled_from(sites))}
        told = draw({"availability": _availability, "heartbeat": _heartbeat, "staffing": _staffing}[kind]())
        events.append({"type": TYPES[kind], "time": written(time, draw(offsets)), "data": site | told})
    if draw(st.booleans()):
        data = {"name": "greeting", "kind": draw(st.sampled_from(("training", "process", "staffing", "system")))}
        events.append({"type": "change.made", "time": written(min(time, micros(NOW))), "data": data})
    return events


TYPES = {"availability": "availability.changed", "heartbeat": "heartbeat", "staffing": "staffing.changed"}


def _availability() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"resource": st.sampled_from(RESOURCES), "kind": st.sampled_from(KINDS), "state": st.sampled_from(STATES)}
    )


@st.composite
def _heartbeat(draw: st.DrawFn) -> dict[str, Any]:
    data: dict[str, Any] = {}
    if draw(st.booleans()):
        data["resource"] = draw(st.sampled_from(RESOURCES))
        if draw(st.booleans()):
            data["kind"] = draw(st.sampled_from(KINDS))
    interval = draw(st.sampled_from(INTERVALS))
    return data if interval is None else data | {"interval_seconds": interval}


def _staffing() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"queue": st.sampled_from(QUEUES), "staffed": st.sampled_from((0, 1, 2, 7))},
        optional={"available": st.sampled_from((0, 1))},
    )
