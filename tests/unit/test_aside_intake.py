"""Events beside interactions at the door: what is taken, to which story it goes, and what is refused and why."""

from typing import Any

import pytest

from service.core.event import microseconds
from service.core.keys import is_aside, told
from service.core.vocabulary import TYPE_OF_KIND
from tests.intake_cases import ASIDE, ASIDE_COMMON, ASIDE_REQUIRED, event, judge, refused


def aside(type_: str, **data: Any) -> dict[str, Any]:
    common = {} if type_ == "change.made" else ASIDE_COMMON
    return {name: value for name, value in {**common, **ASIDE[type_], **data}.items() if value is not ...}


@pytest.mark.parametrize("type_", sorted(ASIDE))
def test_every_field_of_every_type_is_taken(type_: str) -> None:
    data = aside(type_)
    accepted, rejected = judge(event(type_, data=data))
    assert rejected == []
    fact = accepted[0].fact
    assert TYPE_OF_KIND[fact.kind] == type_
    assert is_aside(accepted[0].subject)
    for name, value in data.items():
        found = getattr(fact.data, name)
        assert (found.isoformat() == "2026-11-18T15:00:00+00:00") if name == "due" else (found == value)


@pytest.mark.parametrize("type_", sorted(ASIDE))
def test_no_subject_and_no_optional_field_is_needed_and_no_customer_is_kept(type_: str) -> None:
    data = {name: value for name, value in aside(type_).items() if name in ASIDE_REQUIRED[type_]}
    accepted, rejected = judge(event(type_, subject=..., data={**data, "customer": "loyalty-8812", "agent": "anna"}))
    assert rejected == []
    assert accepted[0].fact.data.customer is None
    assert accepted[0].fact.data.agent is None


@pytest.mark.parametrize(
    ("type_", "name"), [(type_, name) for type_, names in ASIDE_REQUIRED.items() for name in names]
)
def test_what_is_missing_is_named(type_: str, name: str) -> None:
    verdict = refused(event(type_, data=aside(type_, **{name: ...})))
    assert verdict.code == "missing_field"
    assert f"data.{name}: is missing" in verdict.detail


def test_events_of_one_promise_are_one_story_and_so_are_a_complaint_and_its_answer() -> None:
    stories = [
        judge(event(type_, id=str(number), data=aside(type_)))[0][0].subject
        for number, type_ in enumerate(("promise.made", "promise.kept", "promise.withdrawn"))
    ]
    assert {told(story) for story in stories} == {"promise/p-17"}
    received = judge(event("feedback.received", id="f-9", data=aside("feedback.received")))[0][0]
    answered = judge(event("feedback.answered", data=aside("feedback.answered")))[0][0]
    assert told(received.subject) == told(answered.subject) == "feedback/f-9"


@pytest.mark.parametrize(
    ("given", "field", "what"),
    [
        ({"metric": ..., "score": 4}, "data.metric", "csat, ces, nps or stars"),
        ({"score": ...}, "data.score", "csat is a score"),
        ({"metric": ..., "score": ...}, "data.score", "a scale is of a score"),
        ({"score": 6}, "data.score", "above the best, 5; send data.scale"),
        ({"metric": "nps", "score": 9, "scale": 5}, "data.scale", "from 0 to 10"),
    ],
)
def test_scores_that_contradict_themselves_are_refused(given: dict[str, Any], field: str, what: str) -> None:
    verdict = refused(event("feedback.received", data=aside("feedback.received", **given)))
    assert verdict.code == "contradiction"
    assert verdict.detail.startswith(field)
    assert what in verdict.detail


@pytest.mark.parametrize(
    ("metric", "kind", "scale"),
    [("csat", "survey", 5), ("ces", "survey", 7), ("nps", "survey", 10), ("stars", "comment", 5), (..., "review", 5)],
)
def test_a_score_without_a_scale_is_of_the_usual_one(metric: Any, kind: str, scale: float) -> None:
    data = aside("feedback.received", metric=metric, kind=kind, scale=..., score=4)
    (accepted,), _ = judge(event("feedback.received", data=data))
    assert accepted.fact.data.scale == scale
    assert accepted.fact.data.metric == ("stars" if metric is ... else metric)


def test_more_passed_than_checked_is_refused() -> None:
    verdict = refused(event("assessment.recorded", data=aside("assessment.recorded", passed=9)))
    assert (verdict.code, verdict.detail[:11]) == ("contradiction", "data.passed")


@pytest.mark.parametrize(
    "type_", ["promise.made", "feedback.received", "availability.changed", "change.made", "heartbeat"]
)
def test_a_wrong_kind_names_those_that_are_right(type_: str) -> None:
    verdict = refused(event(type_, data=aside(type_, kind="none")))
    assert verdict.detail.startswith("data.kind")
    assert str(ASIDE[type_]["kind"]) in verdict.detail


def test_a_site_that_the_key_may_not_post_for_is_refused_also_of_a_change() -> None:
    assert refused(event("heartbeat", data=aside("heartbeat", site="foreign"))).code == "site_forbidden"
    assert (
        refused(event("change.made", data=aside("change.made", sites=["vilnius-1", "foreign"]))).code
        == "site_forbidden"
    )


@pytest.mark.parametrize("due", ["0001-06-01T00:00:00Z", "2037-01-01T00:00:00Z"])
def test_a_promise_is_due_within_ten_years(due: str) -> None:
    verdict = refused(event("promise.made", data=aside("promise.made", due=due)))
    assert verdict.detail.startswith("data.due")


def test_a_subject_may_not_look_like_a_key_of_a_story_beside_interactions() -> None:
    assert refused(event(subject="\U0010ffffpromise/p-17")).detail.startswith("subject")


def test_what_was_promised_is_kept_to_the_microsecond() -> None:
    data = aside("promise.made", due="2026-11-18T15:00:00.000001Z")
    (accepted,), _ = judge(event("promise.made", data=data))
    assert accepted.fact.data.due is not None
    assert microseconds(accepted.fact.data.due) % 1_000_000 == 1
