"""What is drawn reaches what good service is measured by: every measure, every edge, and whatever may go wrong."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest
from hypothesis import Phase, given, seed, settings

from tests.reference import customers, matters, stories, walker
from tests.reference.customers import SAME_AGENT_WITHIN
from tests.reference.histories import NOW
from tests.reference.levels import levels
from tests.reference.matters import PATIENCE, PATIENCE_ELSE
from tests.reference.rollups import Place, expected_rollups
from tests.reference.walk import DAY, Event, instant, micros
from tests.reference.walker import MISROUTED
from tests.reference.worlds import World, calendars, posted, world_rows, world_stories, worlds

NOW_US = micros(NOW)
NEW = """
    quoted_waits quotes_kept quote_overrun_us misrouted long_matters informed_matters responses response_us
    initiations_known proactive recognitions_known recognised decided one_window verifiable verified
    same_agent promises_due promises_kept promises_open surveys reviews comments complaints complaints_open
    complaints_answered complaint_answer_us complaints_answered_1d complaints_due
    csat_scores csat_top csat_points nps_scores
    nps_promoters nps_detractors ces_scores ces_easy star_ratings star_points assessments items_checked items_passed
"""
PARTS = [
    ("quotes_kept", "quoted_waits"),
    ("misrouted", "answered"),
    ("informed_matters", "long_matters"),
    ("responses", "interactions"),
    ("proactive", "initiations_known"),
    ("recognised", "recognitions_known"),
    ("decided", "resolved"),
    ("one_window", "completed"),
    ("verified", "verifiable"),
    ("same_agent", "repeat_contacts_30d"),
    ("promises_kept", "promises_due"),
    ("complaints_answered_1d", "complaints_answered"),
    ("csat_top", "csat_scores"),
    ("ces_easy", "ces_scores"),
    ("items_passed", "items_checked"),
]


@cache
def seen() -> list[World]:
    """Some hundred worlds, the same at every run; begun anew after every ten, for later ones repeat the earlier."""
    found: list[World] = []

    @given(worlds())
    @settings(max_examples=10, phases=[Phase.generate], database=None, deadline=None)
    def look(world: World) -> None:
        found.append(world)

    for number in range(70):
        seed(number)(look)()
    return found


def truth(world: World) -> dict[Place, dict[str, int]]:
    """What is true of a world in the end."""
    return expected_rollups(world_rows(world), NOW_US, world_stories(world))


@cache
def truths() -> list[dict[Place, dict[str, int]]]:
    return [truth(world) for world in seen()]


@cache
def told() -> list[dict[str, list[Event]]]:
    """The events of each registered source of each world, once each, by their type."""
    found: list[dict[str, list[Event]]] = []
    for world in seen():
        for events in posted(world).values():
            by_type: dict[str, list[Event]] = {}
            for event in {(event["source"], event["id"]): event for event in events}.values():
                by_type.setdefault(event["type"], []).append(event)
            found.append(by_type)
    return found


def test_every_measure_is_reached() -> None:
    sums: Counter[str] = Counter()
    for found in truths():
        for amounts in found.values():
            sums.update(amounts)
    assert {name for name in NEW.split() if not sums[name]} == set()


@pytest.mark.parametrize(("part", "whole"), PARTS)
def test_a_part_is_never_more_than_the_whole_and_sometimes_less(part: str, whole: str) -> None:
    pairs = {(amounts.get(part, 0), amounts.get(whole, 0)) for found in truths() for amounts in found.values()}
    assert all(few <= many for few, many in pairs)
    assert any(few < many for few, many in pairs)


@pytest.mark.parametrize(
    ("module", "name", "value"),
    [
        *((walker, "MISROUTED", MISROUTED + edge) for edge in (-1, 1)),
        *((matters, "PATIENCE_ELSE", PATIENCE_ELSE + edge) for edge in (-1, 1)),
        *((matters, "PATIENCE", PATIENCE | {"chat": PATIENCE["chat"] + edge}) for edge in (-1, 1)),
        *((matters, "PATIENCE", PATIENCE | {"email": PATIENCE["email"] + edge}) for edge in (-1, 1)),
        *((customers, "SAME_AGENT_WITHIN", SAME_AGENT_WITHIN + edge) for edge in (-1, 1)),
        *((stories, "DAY", DAY + edge) for edge in (-1, 1)),
        *((stories, "COMPLAINT", 30 * DAY + edge) for edge in (-1, 1)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_microsecond_more_or_less_makes_a_difference(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any
) -> None:
    monkeypatch.setattr(module, name, value)
    assert any(truth(world) != before for world, before in zip(seen(), truths(), strict=True))


@pytest.mark.parametrize("edge", [-1, 1])
def test_worlds_reach_the_patience_of_a_queue(edge: int) -> None:
    def changed(world: World) -> World:
        known = {
            site: {queue: seconds + edge / 1_000_000 for queue, seconds in queues.items()}
            for site, queues in world["patience"].items()
        }
        return {**world, "patience": known}

    assert any(truth(changed(world)) != before for world, before in zip(seen(), truths(), strict=True))


@pytest.mark.parametrize("what", ["kept", "withdrawn"])
@pytest.mark.parametrize("edge", [-1, 0, 1])
def test_worlds_reach_the_edges_of_a_due_time(what: str, edge: int) -> None:
    assert any(
        made["data"]["promise"] == done["data"]["promise"]
        and instant(done["time"]) == instant(made["data"]["due"]) + edge
        for events in told()
        for made in events.get("promise.made", [])
        for done in events.get(f"promise.{what}", [])
    )


@pytest.mark.parametrize("edge", [-1, 0, 1])
def test_worlds_end_at_the_edges_of_a_due_time(edge: int) -> None:
    dues = {instant(made["data"]["due"]) for events in told() for made in events.get("promise.made", [])}
    assert NOW_US + edge in dues


def test_time_passes_at_due_times_while_promises_are_open() -> None:
    assert any(
        step == ("tick", instant(event["data"]["due"]))
        for world in seen()
        for events in posted(world).values()
        for event in events
        if event["type"] == "promise.made" and instant(event["data"]["due"]) < NOW_US
        for step in world["steps"]
    )


def test_worlds_reach_promises_that_are_told_in_disorder() -> None:
    first = [
        events[name] for world in seen() for events in [_first_told(world)] for name in events if len(events[name]) > 1
    ]
    assert any(kinds[0] != "promise.made" and "promise.made" in kinds for kinds in first)
    assert any(kinds.count("promise.made") > 1 for kinds in first)
    assert any({"promise.kept", "promise.withdrawn"} <= set(kinds) for kinds in first)


def _first_told(world: World) -> dict[tuple[int, str], list[str]]:
    """The types of the events of each promise, in the order posted."""
    found: dict[tuple[int, str], list[str]] = {}
    for number, events in posted(world).items():
        for event in events:
            if "promise" in event["data"]:
                found.setdefault((number, event["data"]["promise"]), []).append(event["type"])
    return found


def test_worlds_reach_feedback_with_one_id_and_answers_to_nothing() -> None:
    received = [Counter(one["id"] for one in events.get("feedback.received", [])) for events in told()]
    answered = [{one["data"]["feedback"] for one in events.get("feedback.answered", [])} for events in told()]
    assert any(max(ids.values(), default=0) > 1 for ids in received)
    assert any(asked - set(ids) for asked, ids in zip(answered, received, strict=True))
    assert any(
        instant(answer["time"]) < instant(one["time"])
        for events in told()
        for answer in events.get("feedback.answered", [])
        for one in events.get("feedback.received", [])
        if answer["data"]["feedback"] == one["id"] and one["data"]["kind"] == "complaint"
    )


def test_worlds_reach_stories_with_a_site_of_their_own_and_without() -> None:
    asked = [
        ("site" in event["data"], "subject" in event)
        for events in told()
        for kind in ("promise.made", "feedback.received")
        for event in events.get(kind, [])
    ]
    assert set(asked) == {(True, True), (True, False), (False, True), (False, False)}
    places = [story.place for world in seen() for story in world_stories(world)]
    assert None in places
    taken = [
        (_placed(world), {story.place for story in world_stories(world)} - {None})
        for world in seen()
        if "feedback.received" in {event["type"] for events in posted(world).values() for event in events}
    ]
    assert any(not told_of and found for told_of, found in taken)


def _placed(world: World) -> bool:
    """Whether any event beside interactions tells a site."""
    return any(
        "site" in event["data"]
        for events in posted(world).values()
        for event in events
        if event["type"].startswith(("promise", "feedback", "assessment"))
    )


def test_worlds_reach_standards_and_dimensions() -> None:
    facets = {facet for found in truths() for (_, _, _, facet, _) in found}
    assert {"", "dimension:courtesy", "standard:safety", "standard:smile"} <= facets


def test_worlds_hold_levels_that_change_no_rollup() -> None:
    kinds = {kind for events in told() for kind in events}
    assert {"availability.changed", "heartbeat", "staffing.changed", "change.made"} <= kinds
    found = [levels(posted(world), calendars(world), NOW_US - 30 * DAY, NOW_US, NOW_US) for world in seen()]
    sums = Counter[str]()
    for one in found:
        for name in ("open_us", "up_us", "degraded_us", "staffed_us"):
            sums[name] += sum(getattr(one, name).values())
        for key, there in one.open_us.items():
            assert one.up_us[key] + one.degraded_us[key] <= there
    assert min(sums.values()) > 0
    assert sums["up_us"] + sums["degraded_us"] < sums["open_us"]
