"""Strategies for whole interactions that meet an edge: customers who come again, and those who wait for long.

An encounter is an interaction's events in the order in which they happened, each with its time in microseconds
since 1970, before it is written as the contract has it. Nothing is later than `NOW`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st

from tests.reference.calendar import ALWAYS_OPEN, Calendar, midnight
from tests.reference.histories import AGENTS, CHANNELS, LONG_AGO, NOW, QUEUES, SITES, Draft
from tests.reference.judging import OF_CONTACTS, OF_VISITS
from tests.reference.objectives import Objective, Version
from tests.reference.walk import DAY, EXPIRY, EXPIRY_ELSE, HOUR, MINUTE, SECOND, micros, span

NOW_US = micros(NOW)
CUSTOMERS = ("loyalty-1", "loyalty-2", "loyalty-3")
TOPICS = (None, None, "purchase", "bill")
LIKELY_CHANNELS = ("pos", "pos", "pos", "phone", "chat", "email")
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

# What happens to those who are served; the last of it takes as long as an objective allows.
SERVED = (
    ("queued", "completed"),
    ("answered", "completed"),
    ("completed",),
    ("queued", "answered", "completed", "completed"),
    ("answered", "reopened", "completed"),
    ("completed", "reopened"),
    ("queued", "reopened"),
    ("queued", "transferred"),
    ("answered", "transferred", "completed"),
    ("queued", "escalated"),
    ("answered", "escalated"),
    ("completed", "corrected"),
    ("corrected", "recovered"),
    ("corrected", "corrected", "recovered", "recovered"),
    ("queued", "corrected", "recovered"),
    ("completed", "corrected", "recovered"),
)
TOLD_BY = {
    "recovery_time": "recovered",
    "accuracy": "corrected",
    "reopen_rate": "reopened",
    "transfer_rate": "transferred",
    "escalation_rate": "escalated",
}
ENDS = (
    None,
    None,
    None,
    None,
    "answered",
    "answered",
    "abandoned",
    "abandoned",
    "diverted",
    "diverted",
    "queued",
    "completed",
)
ENDS_OF_ANSWERED = (None, "answered", "answered", "completed")
TELLS = {"diverted": {"to": "callback"}, "queued": {"queue": QUEUES[0]}, "corrected": {"kind": "remake"}}

AT_LAST = 1 << 62
"""The time of what happens when an objective's limit is over, until that is known."""

Encounter = list[Draft]


@st.composite
def _contact(draw: st.DrawFn, customer: str, usual: str | None) -> Encounter:
    """One encounter of a customer, mostly about the usual topic, whose interaction arrives at 0."""
    kinds = draw(st.sampled_from(LIVES))
    home: dict[str, Any] = {"channel": draw(st.sampled_from(LIKELY_CHANNELS)), "queue": draw(st.sampled_from(QUEUES))}
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
        if index == 0 or kind == "answered":
            data |= draw(st.sampled_from(({"agent": AGENTS[0]}, {"agent": AGENTS[0]}, {"agent": AGENTS[1]}, {})))
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
def judged(
    draw: st.DrawFn, objectives: Sequence[Objective], calendars: Mapping[str, Calendar], days: Sequence[date]
) -> Encounter:
    """One who arrives about when an objective changes, or a site opens or closes, and for whom things take about
    as long as the objective allows.
    """
    objective = draw(st.sampled_from(objectives))
    version = draw(st.sampled_from(objective.versions))
    data = {
        name: draw(st.sampled_from((asked or some, asked or some, some)).flatmap(st.sampled_from))
        for name, asked, some in (
            ("site", version.sites, SITES),
            ("queue", version.queues, QUEUES),
            ("channel", version.channels, (*LIKELY_CHANNELS, *CHANNELS)),
        )
    }
    if objective.kpi in OF_CONTACTS or draw(st.booleans()):
        data["customer"] = draw(st.sampled_from(CUSTOMERS))
    calendar = calendars.get(data["site"], ALWAYS_OPEN)
    here = version.of_site(data["site"])
    limits = [span(one.threshold) for one in (version, here, here) if one.threshold is not None]
    if not limits or objective.kpi in OF_VISITS:
        limits.append(span(version.short))
    limit = draw(st.sampled_from(limits))
    events = draw((_waiting if objective.kpi in OF_VISITS else _served)(objective.kpi))
    events[0]["data"] |= data
    ends = [NOW_US - DAY]
    if len(events) == 1:
        ends = [NOW_US - limit, NOW_US - limit, NOW_US - EXPIRY.get(data["channel"], EXPIRY_ELSE)]
    arrival = draw(_arrival(objective, version, calendar, ends, days))
    if version.formula == "business":
        limit = calendar.open_for(arrival, limit) - arrival
    limit += draw(st.sampled_from((-1, 0, 1)))
    lasting = [event | {"time": min(event["time"], limit)} for event in events]
    return [event for event in moved(lasting, arrival) if event["time"] <= NOW_US]


@st.composite
def _arrival(
    draw: st.DrawFn,
    objective: Objective,
    version: Version,
    calendar: Calendar,
    ends: Sequence[int],
    days: Sequence[date],
) -> int:
    """A time at an edge: one of those given, when a version begins, or when the site opens or closes."""
    edges = [ends, ends]
    starts = [midnight(one.start, calendar.zone) for one in objective.versions if one.start is not None]
    if starts:
        edges.append(starts)
    if version.open_only or version.formula == "business":
        begin = midnight(draw(st.sampled_from(days)), calendar.zone)
        openings = [time for opening in calendar.openings(begin, begin) for time in opening]
        edges += 3 * [openings] if openings else []
    about = draw(st.sampled_from(edges).flatmap(st.sampled_from))
    return min(NOW_US, about + draw(st.sampled_from((-1, 0, 1, -SECOND))))


@st.composite
def _waiting(draw: st.DrawFn, kpi: str) -> Encounter:
    """One who waits from 0 on: until now, or until something ends the wait at last."""
    first = draw(st.sampled_from((*5 * ["queued"], "answered", "abandoned", "diverted")))
    last = draw(st.sampled_from(ENDS_OF_ANSWERED if kpi.startswith("wait") else ENDS))
    events: Encounter = [{"kind": first, "time": 0, "data": dict(TELLS.get(first, {}))}]
    if last is not None:
        events.append({"kind": last, "time": AT_LAST, "data": dict(TELLS.get(last, {}))})
    return events


@st.composite
def _served(draw: st.DrawFn, kpi: str) -> Encounter:
    """One who arrives at 0, and for whom something happens at last: mostly what a KPI is about."""
    telling = [kinds for kinds in SERVED if TOLD_BY.get(kpi.rpartition("_p")[0] or kpi, "completed") in kinds]
    kinds = draw(st.sampled_from((telling, telling, telling, SERVED)).flatmap(st.sampled_from))
    between = sorted(draw(st.sampled_from((0, 0, 1, AT_LAST, AT_LAST))) for _ in kinds[2:])
    events: Encounter = []
    for kind, time in zip(kinds, [0, *between, AT_LAST], strict=False):
        data: dict[str, Any] = dict(TELLS.get(kind, {}))
        if kind == "completed":
            data["resolved"] = draw(st.sampled_from((*4 * [True], False)))
        events.append({"kind": kind, "time": time, "data": data})
    return events


def moved(encounter: Encounter, by: int) -> Encounter:
    """The same encounter, so much later."""
    return [event | {"time": event["time"] + by} for event in encounter]
