"""Strategies for interactions that meet an edge of how well one was served: what was said about the wait, how soon
anyone spoke, who served, and whether it was the right line. As encounters, from 0 on.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.reference.encounters import Encounter
from tests.reference.histories import AGENTS, BEGINNERS, CUSTOMERS, QUEUES, SITES, TOPICS, Draft
from tests.reference.matters import PATIENCE, PATIENCE_ELSE
from tests.reference.walk import HOUR, MINUTE, SECOND

OWN_PATIENCE = 7 * SECOND
"""What a queue allows that says so."""

BESIDE = (-1, 0, 0, 1)
LIKELY = ("phone", "phone", "pos", "chat", "web", "email", "kiosk")


@st.composite
def misrouted(draw: st.DrawFn) -> Encounter:
    """One who is handed on after about half a minute of service, some of it perhaps on hold."""
    wait = draw(st.sampled_from((0, 20 * SECOND)))
    events: Encounter = [_draft("queued", 0, queue=QUEUES[0]), _draft("answered", wait)]
    time = wait
    service = draw(st.sampled_from((29, 30, 30, 31))) * SECOND + draw(st.sampled_from(BESIDE))
    if draw(st.booleans()):
        events.append(_draft("held", time + SECOND))
        time += 40 * SECOND
        if draw(st.booleans()):
            events.append(_draft("resumed", time + SECOND))
        else:  # still on hold as it is handed on, with a second of service before
            service = SECOND
    events.append(_draft("transferred", time + service))
    if draw(st.booleans()):
        events.append(_draft("transferred", time + service + draw(st.sampled_from((0, 1, MINUTE)))))
    if draw(st.booleans()):
        following = events[-1]["time"] + draw(st.sampled_from((0, 0, 1, MINUTE)))
        events += [_draft("queued", following, queue=QUEUES[1]), _draft("answered", following)]
    return [*events, _draft("completed", time + 4 * MINUTE, resolved=True)]


@st.composite
def long(draw: st.DrawFn, channel: str | None) -> Encounter:
    """One whose wait, or whose matter, takes about as long as patience lasts, and who is told so, or is not."""
    usual = PATIENCE.get(channel or "", PATIENCE_ELSE)
    patience = draw(st.sampled_from((usual, OWN_PATIENCE)))
    wait = patience + draw(st.sampled_from(BESIDE))
    rest = draw(st.sampled_from((0, 1, SECOND, patience - wait, patience, HOUR)))
    end = max(wait, wait + rest)
    queue, other = draw(st.sampled_from((QUEUES, QUEUES[::-1])))[:2]
    ended = draw(st.sampled_from(("answered", "answered", "abandoned", "diverted", "queued", "completed", "nothing")))
    events: Encounter = [_draft("queued", 0, queue=queue)]
    if ended == "diverted":
        events.append(_draft(ended, wait, to="callback"))
    elif ended == "queued":
        events.append(_draft(ended, wait, queue=other))
    elif ended != "nothing":
        events.append(_draft(ended, wait))
    if draw(st.booleans()):
        events.append(_draft("completed", end, resolved=draw(st.sampled_from((True, True, False)))))
    marks = (0, wait, end)
    told = draw(st.lists(st.sampled_from(marks), max_size=2))
    events += [_draft("informed", max(0, time + draw(st.sampled_from(BESIDE)))) for time in told]
    return sorted(events, key=lambda one: int(one["time"]))


@st.composite
def quoted(draw: st.DrawFn) -> Encounter:
    """One to whom a wait is quoted, perhaps anew, and who waits about as long."""
    wait = draw(st.sampled_from((0, SECOND, 20 * SECOND + 120_000)))
    quotes = [max(0, wait + draw(st.sampled_from(BESIDE))), 5 * SECOND, None]
    events: Encounter = []
    for time in sorted(draw(st.lists(st.sampled_from((0, wait // 2, wait)), min_size=1, max_size=3))):
        quote = draw(st.sampled_from((quotes[0], *quotes)))
        data: dict[str, Any] = {} if quote is None else {"quoted_wait_seconds": quote / SECOND}
        events.append(_draft("queued", time, queue=draw(st.sampled_from((*3 * QUEUES[:1], QUEUES[1]))), **data))
    first = events[0]["time"]
    ended = draw(st.sampled_from((("answered",), ("answered", "completed"), ("completed",), ("abandoned",), ())))
    return [*events, *(_draft(kind, first + wait + MINUTE * place) for place, kind in enumerate(ended))]


@st.composite
def verified(draw: st.DrawFn) -> Encounter:
    """One whose identity is verified about when it is over, and over again."""
    ends = [MINUTE, *draw(st.sampled_from(((), (), (2 * MINUTE,))))]
    finished = draw(st.sampled_from((True, True, True, False)))
    events: Encounter = [_draft("answered", 0)]
    events += [_draft("completed", time) for time in ends] if finished else []
    told = draw(st.lists(st.sampled_from(ends), max_size=2))
    events += [_draft("verified", time + draw(st.sampled_from(BESIDE))) for time in told]
    return sorted(events, key=lambda one: int(one["time"]))


@st.composite
def served(draw: st.DrawFn) -> Encounter:
    """One whom one agent serves, or several, in one line or in several."""
    kinds = draw(
        st.sampled_from(
            (
                ("queued", "answered", "completed"),
                ("queued", "answered", "answered", "completed"),
                ("answered", "transferred", "queued", "answered", "completed"),
                ("queued", "answered", "completed", "reopened", "answered", "completed"),
                ("queued", "completed"),
                ("completed", "completed"),
                ("answered",),
            )
        )
    )
    agents = draw(st.sampled_from((AGENTS[:1], AGENTS[:1], AGENTS)))
    events = [_draft(kind, place * MINUTE) for place, kind in enumerate(kinds)]
    for event in events:
        if event["kind"] == "queued":
            event["data"]["queue"] = QUEUES[0]
        if draw(st.sampled_from((True, True, False))):
            event["data"]["agent"] = draw(st.sampled_from(agents))
        if event["kind"] == "completed":
            event["data"]["resolved"] = draw(st.sampled_from((True, True, False)))
    return events


@st.composite
def edge(draw: st.DrawFn) -> Encounter:
    """Any of these, of a customer at a site who may have been recognised."""
    channel = draw(st.sampled_from((*LIKELY, None)))
    events: Encounter = draw(st.one_of(misrouted(), long(channel), long(channel), quoted(), verified(), served()))
    home: dict[str, Any] = {"site": draw(st.sampled_from(SITES))} | ({} if channel is None else {"channel": channel})
    if draw(st.booleans()):
        home |= {"customer": draw(st.sampled_from(CUSTOMERS)), "topic": TOPICS[0]}
    for name, some in (("initiated_by", BEGINNERS), ("known_customer", (True, False))):
        if draw(st.booleans()):
            draw(st.sampled_from(events))["data"][name] = draw(st.sampled_from(some))
    events[0]["data"] = home | events[0]["data"]
    return events


def _draft(kind: str, time: int, **data: Any) -> Draft:
    return {"kind": kind, "time": time, "data": data}
