"""Strategies for what is promised to customers, what they say, and what those who look see.

Nothing is later than `NOW`, but what is promised may be due later. What answers feedback carries the event that it
answers in place of its id, until `postings.identify` has dealt one out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from tests.reference.histories import CHANNELS, GAPS, LONG_AGO, NOW, QUEUES, SITES, offsets, written
from tests.reference.walk import DAY, HOUR, MINUTE, SECOND, Event, micros

NOW_US = micros(NOW)
PROMISES = ("callback-1", "callback-2", "Callback-1")
STANDARDS = ("expression", "phrases", "distance", "appearance", "speed", "safety", "smile", "uniform-2")
DIMENSIONS = (
    "reliability",
    "responsiveness",
    "competence",
    "access",
    "courtesy",
    "communication",
    "credibility",
    "security",
    "understanding",
    "tangibles",
)
SAID = ("survey", "review", "comment", "complaint", "complaint", "complaint")
# Scores on the edges of what counts, of the usual scale and of others, and some that no system should send.
SCORED = (
    ("csat", None, (0, 1, 3, 3.0001, 4, 5, 4.5)),
    ("csat", 10, (0, 6, 6.1, 7, 10)),
    ("csat", 3, (1, 1.8, 2, 3)),
    ("csat", 128, (1, 3, 5, 76.8, 77)),
    ("csat", 0.7, (0.1, 0.42, 0.43, 0.7)),
    ("ces", None, (0, 4, 4.01, 5, 7)),
    ("ces", 5, (2, 2.857, 2.858, 3, 5)),
    ("nps", None, (0, 6, 6.5, 7, 8, 8.9, 9, 10)),
    ("nps", 10, (6, 9)),
    ("stars", None, (0, 1, 2.5, 5)),
    ("stars", 7, (0, 1, 2, 7)),
    ("stars", 100, (33, 99.5, 100)),
)
LATER = (-DAY, -1, 0, 0, 1, MINUTE, DAY - 1, DAY, DAY, DAY + 1, 3 * DAY)
DUE = (
    *(NOW_US + edge for edge in (-1, 0, 0, 1, HOUR, 9 * DAY)),
    *(NOW_US - gap for gap in (SECOND, HOUR, DAY, 8 * DAY)),
    *LONG_AGO,
)
HEARD = (*(NOW_US - gap for gap in (*GAPS, DAY, DAY, DAY + 1, 9 * DAY, 30 * DAY - 1, 30 * DAY)), *LONG_AGO)
EDGES = (-DAY, -HOUR, -1, 0, 0, 1, HOUR, DAY)


def _about(subjects: Sequence[str]) -> st.SearchStrategy[dict[str, str]]:
    """Which interaction an event is about, if any; it may be one of which nothing is known."""
    some = st.sampled_from((*subjects, *subjects, *subjects, "nobody"))
    return st.one_of(st.just({}), some.map(lambda subject: {"subject": subject}))


def _place(likely: Sequence[bool]) -> st.SearchStrategy[dict[str, str]]:
    """Where an event says that it is: nowhere, at a site, or at a line of nobody knows which site."""
    told: st.SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
        {}, optional={"queue": st.sampled_from(QUEUES), "channel": st.sampled_from(CHANNELS)}
    )
    site = st.fixed_dictionaries({"site": st.sampled_from(SITES)})
    return st.sampled_from(likely).flatmap(
        lambda has_site: st.builds(lambda a, b: a | b, site, told) if has_site else st.one_of(st.just({}), told)
    )


@st.composite
def _event(
    draw: st.DrawFn, kind: str, time: int, data: dict[str, Any], subjects: Sequence[str], likely: Sequence[bool]
) -> Event:
    at = min(time, NOW_US)
    return {
        "type": kind,
        "time": written(at, draw(offsets)),
        "data": data | draw(_place(likely)),
        **draw(_about(subjects)),
    }


@st.composite
def promises(draw: st.DrawFn, subjects: Sequence[str]) -> list[Event]:
    """One promise, or what is left of it: made, perhaps again, kept or withdrawn about when it is due."""
    name = draw(st.sampled_from(PROMISES))
    due = draw(st.sampled_from(DUE))
    likely = draw(st.sampled_from(((True,), (False,), (False, False, True))))
    kinds = draw(
        st.sampled_from(
            (
                ("made",),
                ("made", "kept"),
                ("made", "kept"),
                ("made", "kept", "kept"),
                ("made", "withdrawn"),
                ("made", "withdrawn", "kept"),
                ("made", "made", "kept"),
                ("made", "made"),
                ("kept",),
                ("withdrawn", "made", "withdrawn"),
            )
        )
    )
    events: list[Event] = []
    for kind in kinds:
        data: dict[str, Any] = {"promise": name}
        if kind == "made":
            shown = due + draw(st.sampled_from((0, 0, 0, MINUTE, -DAY))) if events else due
            data |= {
                "due": written(shown, draw(offsets)),
                "kind": draw(st.sampled_from(("callback", "delivery", "fix", "visit"))),
            }
            time = due - draw(st.sampled_from((HOUR, HOUR, DAY, 0, -HOUR)))
        else:
            time = due + draw(st.sampled_from(EDGES))
        events.append(draw(_event(f"promise.{kind}", time, data, subjects, likely)))
    return events


@st.composite
def feedback(draw: st.DrawFn, subjects: Sequence[str]) -> list[Event]:
    """What one customer thinks, and that it was answered; sometimes what is answered was never received."""
    at = draw(st.sampled_from(HEARD))
    data: dict[str, Any] = {"kind": draw(st.sampled_from(SAID))}
    if draw(st.sampled_from((True, True, False))):
        metric, scale, scores = draw(st.sampled_from(SCORED))
        data |= {"metric": metric, "score": draw(st.sampled_from(scores))}
        if scale is not None:
            data["scale"] = scale
        if data["kind"] == "review" and metric == "stars" and draw(st.booleans()):
            del data["metric"]
    if draw(st.booleans()):
        data["dimension"] = draw(st.sampled_from(DIMENSIONS))
    likely = draw(st.sampled_from(((True,), (False,), (False, False, True))))
    received = draw(_event("feedback.received", at, data, subjects, likely))
    answers = [
        draw(_event("feedback.answered", at + draw(st.sampled_from(LATER)), {"feedback": heard}, subjects, likely))
        for heard in draw(st.sampled_from(((), (), (received,), (received,), (received, received), ("unheard",))))
    ]
    return [received, *answers]


@st.composite
def assessments(draw: st.DrawFn, subjects: Sequence[str]) -> list[Event]:
    """What one look at a standard showed."""
    checked = draw(st.sampled_from((1, 2, 7, 40)))
    passed = draw(st.sampled_from((0, 1, checked - 1, checked)))
    data = {"standard": draw(st.sampled_from(STANDARDS)), "passed": passed, "of": checked}
    at = draw(st.sampled_from((*(NOW_US - gap for gap in GAPS), *LONG_AGO)))
    return [draw(_event("assessment.recorded", at, data, subjects, (True,)))]


@st.composite
def voices(draw: st.DrawFn, subjects: Sequence[str], most: int = 4, least: int = 0) -> list[Event]:
    """Some of all of these, about some interactions or about none."""
    kinds = st.sampled_from((promises, promises, feedback, feedback, assessments))
    what = draw(st.lists(kinds, min_size=least, max_size=most))
    return [event for one in what for event in draw(one(subjects))]
