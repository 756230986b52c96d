"""The reference's stories: where they are, and whose they are."""

from __future__ import annotations

from tests.reference.rows import rows
from tests.reference.stories import Home, homes, stories
from tests.reference.walk import Key, gather, micros
from tests.reference_cases import START, event, queued, said

HOMES: dict[Key, Home] = {(1, "order"): ("kaunas-2", "tills", "pos"), (2, "order"): ("vilnius-1", "", "")}


def test_an_interaction_s_place_is_that_of_its_own_series() -> None:
    events = [event(5, "answered", site="bank", channel="chat"), queued(9, "sales"), event(3, "informed")]
    assert homes(rows(gather(events, 7), START)) == {(7, "order"): ("bank", "sales", "chat")}
    assert homes(rows(gather([queued(0)]), START)) == {}


def test_an_interaction_is_that_of_the_same_registered_source() -> None:
    told = said(0, "feedback.received", kind="survey", subject="order")
    for registration, home in ((1, ("kaunas-2", "tills", "pos")), (2, ("vilnius-1", "", "")), (3, None)):
        (story,) = stories([told], HOMES, micros(START), registration)
        assert (story.place and story.place[:3]) == home


def test_what_is_posted_twice_is_one_event_of_whatever_kind() -> None:
    first = said(0, "feedback.received", id="one", kind="survey", site="bank")
    again = said(5, "promise.kept", id="one", promise="p")
    assert len(stories([first, again], {}, micros(START))) == 1
    assert stories([again, first], {}, micros(START)) == []
