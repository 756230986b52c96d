"""The reference's reading of promises, feedback and assessments, from their definitions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.rollups import expected_rollups
from tests.reference.rows import rows
from tests.reference.stories import Home, Story, homes, stories
from tests.reference.walk import DAY, HOUR, MINUTE, SECOND, Event, Key, gather, instant, micros
from tests.reference_cases import START, at, event, queued, said

START_US = micros(START)
DUE = 3600
LATE = START_US + 2 * HOUR


def told(*events: Event, now: int = LATE, known: dict[Key, Home] | None = None) -> list[Story]:
    """The stories that events of one registered source tell, but for what is nothing."""
    found = stories(list(events), known or {}, now)
    return [Story(one.place, {name: amount for name, amount in one.amounts.items() if amount}) for one in found]


def amounts(*events: Event, now: int = LATE) -> dict[str, int]:
    """What a single story comes to."""
    (story,) = told(*events, now=now)
    return dict(story.amounts)


def made(seconds: float = 0, *, due: float = DUE, id: str = "", subject: str = "", **data: Any) -> Event:  # noqa: A002  # the field's name
    fields = {"promise": "p", "due": at(due), "kind": "callback", "site": "bank"} | data
    return said(seconds, "promise.made", id=id, subject=subject, **fields)


def kept(seconds: float, **data: Any) -> Event:
    return said(seconds, "promise.kept", promise="p", **data)


def withdrawn(seconds: float) -> Event:
    return said(seconds, "promise.withdrawn", promise="p")


# Promises


@pytest.mark.parametrize(
    ("events", "now", "expected"),
    [
        ([made()], DUE - 0.000001, {"promises_open": 1}),
        ([made()], DUE, {"promises_due": 1}),
        ([made(), kept(60)], 60, {"promises_due": 1, "promises_kept": 1}),
        ([made(), kept(DUE)], DUE, {"promises_due": 1, "promises_kept": 1}),
        ([made(), kept(DUE + 0.000001)], DUE + 1, {"promises_due": 1}),
        ([made(), withdrawn(60)], DUE - 1, {}),
        ([made(), withdrawn(DUE)], DUE + 1, {}),
        ([made(), withdrawn(DUE + 1)], DUE + 1, {"promises_due": 1}),
        ([made(), withdrawn(60), kept(70)], DUE + 1, {"promises_due": 1, "promises_kept": 1}),
        ([made(), withdrawn(60), kept(DUE + 1)], DUE + 1, {}),
        ([kept(5), made(9)], 10, {"promises_due": 1, "promises_kept": 1}),
        ([made(), kept(DUE + 9), kept(60)], DUE + 9, {"promises_due": 1, "promises_kept": 1}),
        ([made(5, id="a"), made(0, due=60, id="b")], 61, {"promises_due": 1}),
        ([made(5, id="a", due=60), made(5, id="b")], 61, {"promises_due": 1}),
        ([made(5, id="b", due=60), made(5, id="a")], 61, {"promises_open": 1}),
    ],
)
def test_a_promise_is_due_kept_or_open(events: list[Event], now: float, expected: dict[str, int]) -> None:
    assert amounts(*events, now=START_US + round(now * SECOND)) == expected
    assert amounts(*events[::-1], now=START_US + round(now * SECOND)) == expected


def test_a_promise_counts_at_the_minute_in_which_it_is_due() -> None:
    (story,) = told(made(due=3659.9), kept(5, queue="sales", channel="phone"))
    assert story.place == ("bank", "sales", "phone", "", START_US // MINUTE + 60)


def test_a_promise_that_was_never_made_is_nothing() -> None:
    assert told(kept(5, site="bank"), withdrawn(6)) == []


def test_what_is_posted_twice_is_one_event() -> None:
    assert told(made(id="a"), made(id="a", due=99999)) == told(made(id="a"))


# Where a story is


HOMES: dict[Key, Home] = {(1, "order"): ("kaunas-2", "tills", "pos"), (2, "order"): ("vilnius-1", "", "")}


def where(*events: Event) -> tuple[str, str, str] | None:
    (story,) = told(*events, known=HOMES)
    return None if story.place is None else story.place[:3]


def test_a_story_with_a_site_of_its_own_is_there() -> None:
    assert where(made(subject="order")) == ("bank", "", "")
    assert where(made(subject="order", site=None), kept(9, site="bank", queue="sales")) == ("bank", "sales", "")
    assert where(made(site=None, queue="till"), kept(9, site="bank", queue="sales")) == ("bank", "till", "")


def test_a_story_without_one_is_where_its_interaction_is() -> None:
    about = made(subject="order", site=None, queue="sales", channel="phone")
    assert where(about) == ("kaunas-2", "tills", "pos")
    assert where(made(subject="nobody", site=None)) is None
    assert where(made(site=None), kept(5) | {"subject": "order"}) is None
    assert where(said(0, "feedback.received", kind="survey", subject="order")) == ("kaunas-2", "tills", "pos")
    (other,) = stories([about], HOMES, LATE, 2)
    assert other.place is not None
    assert other.place[:3] == ("vilnius-1", "", "")


def test_an_interaction_s_place_is_that_of_its_own_series() -> None:
    events = [event(5, "answered", site="bank", channel="chat"), queued(9, "sales"), event(3, "informed")]
    assert homes(rows(gather(events, 7), START)) == {(7, "order"): ("bank", "sales", "chat")}
    assert homes(rows(gather([queued(0)]), START)) == {}


# Feedback


def heard(seconds: float = 0, kind: str = "survey", *, subject: str = "", **data: Any) -> Event:
    return said(seconds, "feedback.received", id="f", subject=subject, **({"kind": kind, "site": "bank"} | data))


def answered(seconds: float) -> Event:
    return said(seconds, "feedback.answered", feedback="f")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"metric": "csat", "score": 3}, {"csat_scores": 1, "csat_points": 3_000_000}),
        ({"metric": "csat", "score": 3.01}, {"csat_scores": 1, "csat_top": 1, "csat_points": 3_010_000}),
        ({"metric": "csat", "score": 6, "scale": 10}, {"csat_scores": 1, "csat_points": 3_000_000}),
        ({"metric": "csat", "score": 7, "scale": 10}, {"csat_scores": 1, "csat_top": 1, "csat_points": 3_500_000}),
        ({"metric": "csat", "score": 1, "scale": 3}, {"csat_scores": 1, "csat_points": 1_666_667}),
        ({"metric": "csat", "score": 1, "scale": 128}, {"csat_scores": 1, "csat_points": 39_062}),
        ({"metric": "csat", "score": 3, "scale": 128}, {"csat_scores": 1, "csat_points": 117_188}),
        ({"metric": "csat", "score": 0}, {"csat_scores": 1}),
        ({"metric": "nps", "score": 9}, {"nps_scores": 1, "nps_promoters": 1}),
        ({"metric": "nps", "score": 8.9}, {"nps_scores": 1}),
        ({"metric": "nps", "score": 6.5}, {"nps_scores": 1}),
        ({"metric": "nps", "score": 6}, {"nps_scores": 1, "nps_detractors": 1}),
        ({"metric": "ces", "score": 4}, {"ces_scores": 1}),
        ({"metric": "ces", "score": 5}, {"ces_scores": 1, "ces_easy": 1}),
        ({"metric": "ces", "score": 3, "scale": 5}, {"ces_scores": 1, "ces_easy": 1}),
        ({"metric": "ces", "score": 4, "scale": 7.0}, {"ces_scores": 1}),
        ({"metric": "stars", "score": 4}, {"star_ratings": 1, "star_points": 4_000_000}),
        ({"metric": "stars", "score": 8, "scale": 10}, {"star_ratings": 1, "star_points": 4_000_000}),
        ({}, {}),
    ],
)
def test_scores_are_what_their_scale_makes_of_them(data: dict[str, Any], expected: dict[str, int]) -> None:
    assert amounts(heard(**data)) == {"surveys": 1, **expected}


def test_a_review_with_a_score_alone_gives_stars() -> None:
    assert amounts(heard(kind="review", score=2)) == {"reviews": 1, "star_ratings": 1, "star_points": 2_000_000}
    assert amounts(heard(kind="comment")) == {"comments": 1}


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([], {"complaints_open": 1}),
        ([60], {"complaints_answered": 1, "complaint_answer_us": MINUTE, "complaints_answered_1d": 1}),
        ([9000, 60], {"complaints_answered": 1, "complaint_answer_us": MINUTE, "complaints_answered_1d": 1}),
        ([86400], {"complaints_answered": 1, "complaint_answer_us": DAY, "complaints_answered_1d": 1}),
        ([86400.000001], {"complaints_answered": 1, "complaint_answer_us": DAY + 1}),
        ([-5], {"complaints_answered": 1, "complaints_answered_1d": 1}),
    ],
)
def test_complaints_are_open_until_they_are_answered(answers: list[float], expected: dict[str, int]) -> None:
    events = [heard(kind="complaint"), *(answered(seconds) for seconds in answers)]
    assert amounts(*events, now=START_US + 2 * DAY) == {"complaints": 1, **expected}


def test_only_complaints_are_waiting_for_an_answer() -> None:
    assert amounts(heard(), answered(5)) == {"surveys": 1}
    assert told(answered(5)) == []


def test_feedback_is_told_apart_by_what_it_is_about() -> None:
    (story,) = told(heard(59.9, dimension="courtesy", channel="chat"))
    assert story.place == ("bank", "", "chat", "dimension:courtesy", START_US // MINUTE)


def test_of_two_with_one_id_the_earlier_is_heard() -> None:
    other = heard(5, "complaint") | {"source": "another"}
    assert amounts(heard(9), other, answered(6))["complaints_answered"] == 1
    assert amounts(heard(1), other, answered(6)) == {"surveys": 1}


# Assessments


def test_an_assessment_is_the_items_that_it_checked() -> None:
    one = said(61, "assessment.recorded", site="bank", queue="tills", standard="safety", passed=3, of=4)
    assert told(one, one) == [
        Story(
            ("bank", "tills", "", "standard:safety", START_US // MINUTE + 1),
            {"assessments": 1, "items_checked": 4, "items_passed": 3},
        )
    ]


def test_stories_are_added_up_by_place() -> None:
    found = stories([made(), made(id="x", promise="q"), made(id="y", promise="r", due=9e9, site=None)], {}, LATE)
    place = ("bank", "", "", "", (instant(at(DUE))) // MINUTE)
    assert expected_rollups([], LATE, found) == {place: {"promises_due": 2}}
