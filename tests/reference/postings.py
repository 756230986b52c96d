"""Strategies for what one registered source posts: events of all kinds, identified, late, mixed, some of it twice."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from hypothesis import strategies as st

from tests.reference.conditions import conditions
from tests.reference.edges import edge
from tests.reference.encounters import moved
from tests.reference.histories import GAPS, NOW, SOURCES, any_interaction, in_contract, offsets
from tests.reference.voices import voices
from tests.reference.walk import Event, micros


@st.composite
def _interaction(draw: st.DrawFn, subject: str) -> list[Event]:
    """Anything at all, or something at an edge that ended about now."""
    if draw(st.sampled_from((True, True, False))):
        return draw(any_interaction(subject))
    events = draw(edge())
    shift = micros(NOW) - events[-1]["time"] - draw(st.sampled_from(GAPS))
    return [in_contract(one, one["time"], subject, draw(offsets)) for one in moved(events, shift)]


@st.composite
def histories(draw: st.DrawFn, *, interactions: int = 4, copies: int = 3, least_said: int = 0) -> list[Event]:
    """What one registered source posts, in the order in which it does: late, mixed, some of it twice.

    Identities are dealt out at random, so that ties are broken against the order of posting, and the same id
    comes from different CloudEvents sources, which makes different events of it.
    """
    subjects = [f"order-{number}" for number in range(draw(st.integers(1, interactions)))]
    events = [event for subject in subjects for event in draw(_interaction(subject))]
    events += draw(voices(subjects, least_said + 4, least_said))
    if draw(st.sampled_from((True, False, False))):
        events += draw(conditions())
    deal = draw(st.randoms(use_true_random=False))
    identify(events, deal)
    events += draw(st.lists(st.sampled_from(events), max_size=copies))
    if draw(st.booleans()):
        deal.shuffle(events)
    return events


def identify(events: Sequence[Event], deal: Random) -> None:
    """Deal out identities, and tell the ids of feedback to what answers it."""
    identities = deal.sample(range(len(events)), len(events))
    for event, identity in zip(events, identities, strict=True):
        number = identity // len(SOURCES)
        event |= {"id": f"{'eE'[number % 2]}{number}", "source": SOURCES[identity % len(SOURCES)]}
    for event in events:
        if isinstance(event["data"].get("feedback"), dict):
            event["data"]["feedback"] = event["data"]["feedback"]["id"]


@st.composite
def deliveries(draw: st.DrawFn, events: Sequence[Event]) -> list[list[Event]]:
    """The same events in another order, some more than once, in batches of any size."""
    posted = list(events)
    if posted:
        posted += draw(st.lists(st.sampled_from(posted), max_size=5))
    draw(st.randoms(use_true_random=False)).shuffle(posted)
    batches: list[list[Event]] = []
    while posted:
        size = draw(st.sampled_from((1, 2, 3, 7, len(posted))))
        batches.append(posted[:size])
        posted = posted[size:]
    return batches
