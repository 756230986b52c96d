"""Strategies for worlds: sites with hours, objectives, and several registered sources that post while time passes.

A world's steps are ("post", registration, events, now) and ("tick", now), where `now` is in microseconds since
1970 and never goes back, and no event is later than the `now` of its post. The last step is a tick at `NOW`; what
is true in the end is what is true then. A registered source has the number of its place in `registrations`, from
1; any numbers in that order give the same truth. A site without a zone is in UTC and always open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from hypothesis import strategies as st

from tests.reference.calendar import WEEKDAYS, Calendar, Hours
from tests.reference.conditions import conditions
from tests.reference.edges import OWN_PATIENCE, edge
from tests.reference.encounters import NOW_US, PERIODS, Encounter, judged, moved, returns
from tests.reference.histories import QUEUES, SITES, any_interaction, in_contract, offsets
from tests.reference.objectives import Objective
from tests.reference.postings import identify
from tests.reference.promises import DAYS, THRESHOLDS, objectives
from tests.reference.rows import Row, rows
from tests.reference.stories import Story, homes, stories
from tests.reference.voices import voices
from tests.reference.walk import (
    DAY,
    EXPIRY,
    EXPIRY_ELSE,
    HOUR,
    SECOND,
    Event,
    Key,
    gather,
    instant,
    moment,
    span,
)

Post = tuple[Literal["post"], str, list[Event], int]
Tick = tuple[Literal["tick"], int]
Step = Post | Tick


class World(TypedDict):
    """All that a service is told, in the order in which it is told."""

    registrations: list[str]
    zones: dict[str, str]
    hours: dict[str, Hours | None]
    holidays: dict[str, list[str]]
    patience: dict[str, dict[str, float]]
    objectives: list[Objective]
    steps: list[Step]


# The names are not in the order of their numbers, and subjects are compared by code point.
REGISTRATIONS = ("till-feed", "acd-feed", "Web-feed")
SUBJECTS = ("order-10", "order-9", "Order-9", "a", "B", "_", "ž", "é", "z", "~", "0", "order-", "b", "A", *"cdefgh")
ZONES = ("Europe/Vilnius", "America/New_York", "Asia/Kolkata", "Asia/Jerusalem", "UTC")
HOURS: tuple[Hours | None, ...] = (
    None,
    {},
    {day: ["00:00-24:00"] for day in WEEKDAYS},
    {day: ["09:00-13:00", "14:00-18:00"] for day in WEEKDAYS[:5]},
    {day: ["22:00-06:00"] for day in WEEKDAYS},
    {day: ["01:30-02:30", "02:30-03:30"] for day in WEEKDAYS},
    {"fri": ["18:00-03:30"], "sat": ["00:00-24:00"], "sun": ["20:00-00:00", "12:00-16:00"], "mon": ["08:30-24:00"]},
)
HOLIDAYS = ("2025-03-31", "2025-03-30", "2025-03-29", "2025-03-28", "2025-03-01", "2024-11-03", "2024-02-29")
DELAYS = (0, 0, 0, 1, SECOND, HOUR, DAY, 8 * DAY)
LAST = (NOW_US, NOW_US - SECOND, NOW_US - HOUR, NOW_US - DAY, NOW_US - 30 * DAY)
LIMITS = (
    *(span(threshold) for threshold in THRESHOLDS),
    *(period + edge for period in PERIODS for edge in (0, 1)),
    *{EXPIRY_ELSE, *EXPIRY.values()},
)


def calendars(world: World) -> dict[str, Calendar]:
    """The opening calendar of each site that has one."""
    return _calendars(world["zones"], world["hours"], world["holidays"])


def _calendars(
    zones: Mapping[str, str], hours: Mapping[str, Hours | None], holidays: Mapping[str, Sequence[str]]
) -> dict[str, Calendar]:
    return {site: Calendar(zone, hours[site], holidays[site]) for site, zone in zones.items()}


def final(world: World) -> int:
    """The moment of the last tick."""
    step = world["steps"][-1]
    assert step[0] == "tick"
    return step[1]


def posted(world: World) -> dict[int, list[Event]]:
    """What each registered source posted, by its number, in the order posted."""
    return {
        number: [event for step in world["steps"] if step[0] == "post" and step[1] == name for event in step[2]]
        for number, name in enumerate(world["registrations"], 1)
    }


def world_rows(world: World) -> list[Row]:
    """The visits and interactions of all registered sources, as things stand at the last tick."""
    gathered: dict[Key, list[Event]] = {}
    for number, events in posted(world).items():
        gathered |= gather(events, number)
    return laid_out(world, gathered)


def laid_out(world: World, gathered: dict[Key, list[Event]]) -> list[Row]:
    """The rows of interactions at the sites of a world, as things stand at its last tick."""
    patience = {
        (site, queue): span(seconds) for site, queues in world["patience"].items() for queue, seconds in queues.items()
    }
    return rows(gathered, moment(final(world)), calendars(world), patience)


def world_stories(world: World) -> list[Story]:
    """The promises, feedback and assessments of all registered sources, as things stand at the last tick."""
    known = homes(world_rows(world))
    return [story for number, events in posted(world).items() for story in stories(events, known, final(world), number)]


@st.composite
def worlds(draw: st.DrawFn, *, of_interactions_only: bool = False) -> World:
    """Any world: customers who return at the edges, whoever is at an edge of an objective, and whatever else."""
    registrations = list(REGISTRATIONS[: draw(st.integers(1, len(REGISTRATIONS)))])
    zones = {site: draw(st.sampled_from(ZONES)) for site in draw(st.sampled_from((SITES, SITES, SITES[:2], ())))}
    hours = {site: draw(st.sampled_from((*HOURS, *HOURS[3:]))) for site in zones}
    holidays = {site: draw(st.lists(st.sampled_from(HOLIDAYS), unique=True, max_size=3)) for site in zones}
    patience = {
        site: {QUEUES[0]: OWN_PATIENCE / SECOND} for site in zones if draw(st.sampled_from((True, True, False)))
    }
    promised = draw(objectives())
    known = _calendars(zones, hours, holidays)
    happened = draw(_happenings(registrations, promised, known, of_interactions_only))
    return {
        "registrations": registrations,
        "zones": zones,
        "hours": hours,
        "holidays": holidays,
        "patience": patience,
        "objectives": promised,
        "steps": draw(_steps(happened)),
    }


@st.composite
def _happenings(
    draw: st.DrawFn,
    registrations: list[str],
    promised: list[Objective],
    known: Mapping[str, Calendar],
    of_interactions_only: bool,
) -> list[tuple[str, Event]]:
    """All events with the registered source that posts them, identified, some of them twice, in no order."""
    deal = draw(st.randoms(use_true_random=False))
    subjects = {registration: deal.sample(SUBJECTS, len(SUBJECTS)) for registration in registrations}
    met: list[Encounter] = [one for _ in range(draw(st.sampled_from((0, 0, 1, 1, 2)))) for one in draw(returns())]
    met += [moved(one, draw(st.sampled_from(LAST)) - one[-1]["time"]) for one in draw(st.lists(edge(), max_size=2))]
    met += [draw(judged(promised, known, DAYS)) for _ in range(draw(st.sampled_from((0, 2, 3, 5, 7))))]
    found: list[tuple[str, Event]] = []
    for encounter in met:
        registration = draw(st.sampled_from(registrations))
        subject = subjects[registration].pop()
        found += [(registration, in_contract(draft, draft["time"], subject, draw(offsets))) for draft in encounter]
    if not met or draw(st.booleans()):
        registration = draw(st.sampled_from(registrations))
        found += [(registration, event) for event in draw(any_interaction(subjects[registration].pop()))]
    for registration in registrations if not of_interactions_only else ():
        known_to_it = sorted({event["subject"] for poster, event in found if poster == registration})
        found += [(registration, event) for event in draw(voices((*known_to_it, "order-10"), 2))]
        if draw(st.sampled_from((True, False, False))):
            found += [(registration, event) for event in draw(conditions(5))]
    for registration in registrations:
        identify([event for poster, event in found if poster == registration], deal)
    return found + draw(st.lists(st.sampled_from(found), max_size=3))


@st.composite
def _steps(draw: st.DrawFn, posted: list[tuple[str, Event]]) -> list[Step]:
    """The events in posts, in order, late or in no order at all, and the ticks between."""
    deal = draw(st.randoms(use_true_random=False))
    disorder = draw(st.sampled_from(("none", "late", "any")))
    turns = [instant(event["time"]) + (deal.choice(DELAYS) if disorder == "late" else 0) for _, event in posted]
    if disorder == "any":
        deal.shuffle(turns)
    queue = [posted[index] for index in sorted(range(len(posted)), key=lambda index: turns[index])]
    promised = {instant(event["data"]["due"]) for _, event in posted if "due" in event["data"]}
    telling = sorted(
        {instant(event["time"]) + limit for _, event in posted for limit in LIMITS}
        | {time + edge for time in promised for edge in (-1, 0)}
    )
    steps: list[Step] = []
    clock = min(instant(event["time"]) for _, event in posted)
    while queue:
        size = draw(st.sampled_from((1, 2, 3, 7, len(queue))))
        batch, queue = queue[:size], queue[size:]
        for registration in sorted({registration for registration, _ in batch}):
            events = [event for poster, event in batch if poster == registration]
            due = max(clock, *(instant(event["time"]) for event in events))
            clock = draw(_ticks(steps, telling, clock, due))
            clock = min(NOW_US, max(clock, due) + draw(st.sampled_from(DELAYS[:5])))
            steps.append(("post", registration, events, clock))
    draw(_ticks(steps, telling, clock, NOW_US))
    return [*steps, ("tick", NOW_US)]


@st.composite
def _ticks(draw: st.DrawFn, steps: list[Step], telling: list[int], clock: int, until: int) -> int:
    """Add up to three ticks at telling moments from the clock on, and say what the clock is then."""
    moments = [time for time in telling if clock <= time <= until]
    for time in sorted(draw(st.lists(st.sampled_from(moments), max_size=3)) if moments else []):
        steps.append(("tick", time))
        clock = time
    return clock
