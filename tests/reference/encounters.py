"""Strategies for whole interactions that meet an edge: customers who come again, and those who wait for long.

An encounter is an interaction's events in the order in which they happened, each with its time in microseconds
since 1970, before it is written as the contract has it. Nothing is later than `NOW`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from tests.reference.histories import LONG_AGO, NOW, QUEUES, SITES, Draft
from tests.reference.objectives import Objective
from tests.reference.walk import DAY, HOUR, MINUTE, SECOND, micros, span

NOW_US = micros(NOW)
CUSTOMERS = ("loyalty-1", "loyalty-2", "loyalty-3")
TOPICS = (None, None, "purchase", "bill")
CHANNELS = ("pos", "pos", "pos", "phone", "chat", "email")
PERIODS = (DAY, 7 * DAY, 30 * DAY)

# From one contact's arrival or end to the next contact's arrival.
RETURNS = (0, 0, 1, HOUR, *(period + edge for period in PERIODS for edge in (-1, 0, 1, MINUTE)))
STAYS = (0, 1, 20 * SECOND, MINUTE, HOUR, 9 * HOUR, 14 * HOUR, DAY - 1, DAY, 3 * DAY)
LIVES = (
    ("queued", "answered", "completed"),
    ("queued", "answered", "completed"),
    ("queued", "completed"),
    ("completed",),
    ("completed",),
    ("answered", "completed", "completed"),
    ("completed", "reopened"),
    ("completed", "reopened", "answered", "completed"),
    ("reopened", "completed"),
    ("queued", "answered", "transferred", "queued", "answered", "completed"),
    ("queued", "abandoned", "completed"),
    ("queued", "abandoned"),
    ("queued",),
    ("recorded",),
)
# The clocks went forward in Europe, Israel and America, and back in Europe and America.
CLOCK_CHANGES = tuple(
    micros(datetime(*when, tzinfo=UTC))
    for when in ((2025, 3, 30, 1), (2025, 3, 28, 0), (2025, 3, 9, 7), (2024, 10, 27, 1), (2024, 11, 3, 6))
)
TARGETS = (
    *(NOW_US - period + edge for period in PERIODS for edge in (-1, -1, 0, 0, 1, 1)),
    *(NOW_US - stay for stay in STAYS[:5]),
    *(3 * LONG_AGO),
    *CLOCK_CHANGES,
    *(change + DAY for change in CLOCK_CHANGES),
)

TELLS = {"diverted": {"to": "callback"}, "queued": {"queue": QUEUES[0]}}

Encounter = list[Draft]


@st.composite
def _contact(draw: st.DrawFn, customer: str, usual: str | None) -> Encounter:
    """One encounter of a customer, mostly about the usual topic, whose interaction arrives at 0."""
    kinds = draw(st.sampled_from(LIVES))
    home: dict[str, Any] = {"channel": draw(st.sampled_from(CHANNELS)), "queue": draw(st.sampled_from(QUEUES))}
    home["site"] = draw(st.sampled_from(SITES))
    topic = draw(st.sampled_from((usual, usual, usual, *TOPICS)))
    if topic is not None:
        home["topic"] = topic
    named = draw(st.sampled_from((0, 0, 0, len(kinds) - 1)))
    time = 0
    events: Encounter = []
    for index, kind in enumerate(kinds):
        if index:
            time += draw(st.sampled_from(STAYS))
        data = dict(home) if index == 0 else {}
        if index >= named:
            # Whoever is named later counts for nothing.
            data["customer"] = customer if index == named else draw(st.sampled_from(CUSTOMERS))
        if kind == "queued":
            data["queue"] = draw(st.sampled_from(QUEUES))
        if kind in ("completed", "recorded"):
            data |= draw(st.sampled_from(({"resolved": True}, {"resolved": True}, {"resolved": False}, {})))
        if kind == "recorded":
            data |= {"wait_seconds": draw(st.sampled_from((0, 5, 20))), "service_seconds": 60}
            data["completed_at"] = draw(st.sampled_from((0, MINUTE)))
            time += span(data["wait_seconds"] + 60) + data["completed_at"]
        events.append({"kind": kind, "time": time, "data": data})
    return events


@st.composite
def returns(draw: st.DrawFn) -> list[Encounter]:
    """A customer who comes again and again, some exact time after having come or gone before."""
    customer = draw(st.sampled_from(CUSTOMERS))
    usual = draw(st.sampled_from(TOPICS))
    marks = [0]
    chain: list[Encounter] = []
    for _ in range(draw(st.integers(2, 5))):
        arrival = draw(st.sampled_from(marks)) + (draw(st.sampled_from(RETURNS)) if chain else 0)
        chain.append(moved(draw(_contact(customer, usual)), arrival))
        marks.append(arrival)
        marks += [event["time"] for event in chain[-1] if event["kind"] == "completed"]
    shift = draw(st.sampled_from(TARGETS)) - draw(st.sampled_from(marks + 3 * marks[-2:]))
    past = [encounter for encounter in (moved(one, shift) for one in chain) if encounter[-1]["time"] <= NOW_US]
    return past or [moved(chain[0], NOW_US - chain[0][-1]["time"])]


@st.composite
def waits(draw: st.DrawFn, objectives: Sequence[Objective]) -> Encounter:
    """One who waits about as long as an objective allows: until now, or until something ends the wait."""
    versions = [version for objective in objectives for version in objective.versions]
    version = draw(st.sampled_from(versions))
    limits = [span(version.threshold), span(version.threshold), span(version.short)]
    starts = [one.start for one in versions if one.start is not None]
    about = draw(st.sampled_from([NOW_US - limit for limit in 2 * limits] + starts))
    arrival = min(NOW_US, about + draw(st.sampled_from((-1, 0, 1, -SECOND))))
    data = {name: draw(st.sampled_from(some)) for name, some in (("site", SITES), ("queue", QUEUES))}
    data["channel"] = draw(st.sampled_from(CHANNELS))
    if draw(st.booleans()):
        data["customer"] = draw(st.sampled_from(CUSTOMERS))
    first = draw(
        st.sampled_from(("queued", "queued", "queued", "queued", "queued", "answered", "abandoned", "diverted"))
    )
    events: Encounter = [{"kind": first, "time": arrival, "data": TELLS.get(first, {}) | data}]
    kind = draw(
        st.sampled_from((None, None, None, "answered", "abandoned", "abandoned", "diverted", "queued", "completed"))
    )
    end = arrival + draw(st.sampled_from(limits)) + draw(st.sampled_from((-1, 0, 0, 1)))
    if kind is not None and arrival <= end <= NOW_US:
        events.append({"kind": kind, "time": end, "data": dict(TELLS.get(kind, {}))})
    return events


def moved(encounter: Encounter, by: int) -> Encounter:
    """The same encounter, so much later."""
    return [event | {"time": event["time"] + by} for event in encounter]
