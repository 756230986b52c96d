"""Feedback, worked out by hand for the service and the reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.measured import Measured
from tests.reference.walk import DAY, MINUTE, Event, micros
from tests.reference_cases import START, queued, said

START_US = micros(START)


def heard(seconds: float = 0, kind: str = "survey", *, subject: str = "", **data: Any) -> Event:
    """Feedback at a bank, unless told that it is elsewhere."""
    fields = {"kind": kind, "site": "bank"} | data
    told = {name: value for name, value in fields.items() if value is not None}
    return said(seconds, "feedback.received", id="f", subject=subject, **told)


def answered(seconds: float) -> Event:
    """It was answered."""
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
        ({"metric": "csat", "score": 0.42, "scale": 0.7}, {"csat_scores": 1, "csat_points": 3_000_000}),
        ({"metric": "csat", "score": 0}, {"csat_scores": 1}),
        ({"metric": "nps", "score": 9}, {"nps_scores": 1, "nps_promoters": 1}),
        ({"metric": "nps", "score": 8.9}, {"nps_scores": 1}),
        ({"metric": "nps", "score": 6.5}, {"nps_scores": 1}),
        ({"metric": "nps", "score": 6, "scale": 10}, {"nps_scores": 1, "nps_detractors": 1}),
        ({"metric": "ces", "score": 4}, {"ces_scores": 1}),
        ({"metric": "ces", "score": 5}, {"ces_scores": 1, "ces_easy": 1}),
        ({"metric": "ces", "score": 3, "scale": 5}, {"ces_scores": 1, "ces_easy": 1}),
        ({"metric": "stars", "score": 4}, {"star_ratings": 1, "star_points": 4_000_000}),
        ({"metric": "stars", "score": 8, "scale": 10}, {"star_ratings": 1, "star_points": 4_000_000}),
        ({}, {}),
    ],
)
def test_scores_are_what_their_scale_makes_of_them(
    measured: Measured, data: dict[str, Any], expected: dict[str, int]
) -> None:
    assert measured.sums(heard(**data)) == {"surveys": 1, **expected}


def test_a_review_with_a_score_alone_gives_stars(measured: Measured) -> None:
    expected = {"reviews": 1, "star_ratings": 1, "star_points": 2_000_000}
    assert measured.sums(heard(kind="review", score=2)) == expected
    assert measured.sums(heard(kind="comment")) == {"comments": 1}


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
def test_complaints_are_open_until_they_are_answered(
    measured: Measured, answers: list[float], expected: dict[str, int]
) -> None:
    events = [heard(kind="complaint"), *(answered(seconds) for seconds in answers)]
    due = {"complaints": 1, "complaints_due": 1}
    for order in (events, events[::-1], [*events, *events]):
        assert measured.sums(*order, now=START_US + 2 * DAY) == due | expected


def test_only_complaints_are_waiting_for_an_answer(measured: Measured) -> None:
    assert measured.sums(heard(), answered(5)) == {"surveys": 1}
    assert measured.sums(answered(5)) == {}


@pytest.mark.parametrize("dimension", ["courtesy", "tangibles", None])
def test_feedback_is_told_apart_by_what_it_is_about(measured: Measured, dimension: str | None) -> None:
    facet = "" if dimension is None else f"dimension:{dimension}"
    found = measured.places(heard(59.9, dimension=dimension, channel="chat"))
    assert found == {("bank", "", "chat", facet, START_US // MINUTE): {"surveys": 1}}


def test_feedback_without_a_site_is_where_its_interaction_is(measured: Measured) -> None:
    call = queued(-600, "sales", site="shop", channel="chat")
    told = heard(kind="complaint", subject="order", site=None, dimension="access")
    for order in ([call, told], [told, call]):
        found = measured.places(*order)
        place = ("shop", "sales", "chat", "dimension:access", START_US // MINUTE)
        assert found.pop(place) == {"complaints": 1, "complaints_open": 1}
        assert [where[:4] for where in found] == [("shop", "sales", "chat", "")]
    assert measured.sums(heard(subject="nobody", site=None)) == {}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (0, {"complaints_open": 1}),
        (DAY, {"complaints_open": 1}),
        (DAY + 1, {"complaints_open": 1, "complaints_due": 1}),
        (30 * DAY - 1, {"complaints_open": 1, "complaints_due": 1}),
        (30 * DAY, {"complaints_due": 1}),
    ],
)
def test_a_complaint_is_due_after_a_day_and_open_for_a_month(
    measured: Measured, now: int, expected: dict[str, int]
) -> None:
    assert measured.sums(heard(kind="complaint"), now=START_US + now) == {"complaints": 1, **expected}


def test_two_with_one_id_both_count_and_are_answered_at_once(measured: Measured) -> None:
    """Two senders of one registered source may use the same id."""
    other = heard(5, "complaint") | {"source": "another"}
    found = measured.sums(heard(9, "complaint"), other, answered(11), heard(9, "complaint"))
    assert found["complaints"] == found["complaints_answered"] == 2
    assert found["complaint_answer_us"] == 8_000_000
    assert measured.sums(heard(1), other)["surveys"] == measured.sums(heard(1), other)["complaints_open"] == 1
