"""Objectives of the rates of good service: events and breaches are the reference's, in whatever order things came."""

from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.judge import Objectives
from service.core.objective import Objective
from service.core.policy import Policy
from tests.books import Books
from tests.promised import promised
from tests.reference import objectives as reference
from tests.reference.calendar import ALWAYS_OPEN
from tests.reference.customers import contacts
from tests.reference.histories import CHANNELS, NOW, SITES
from tests.reference.judging import Counts, tally
from tests.reference.judging_quality import OF_STORIES, QUALITY_RATES, judge_quality, judge_story
from tests.reference.kpis import rows
from tests.reference.postings import deliveries, histories
from tests.reference.rollups import Place
from tests.reference.stories import homes, stories
from tests.reference.walk import MINUTE, Event, gather, micros
from tests.reference_cases import START, event

NOW_US = micros(NOW)


def expected(history: list[Event], objective: reference.Objective) -> dict[tuple[Place, str], Counts]:
    """What the reference counts of an objective, by place and its name, where anything is."""
    laid = rows(gather(history), NOW, {})
    found: defaultdict[tuple[Place, str], list[Counts]] = defaultdict(list)
    for row in laid:
        if row.site is not None:
            place = (row.site, row.queue, row.channel, "", row.minute)
            found[place, objective.name].append(judge_quality(objective, row, ALWAYS_OPEN))
    for contact in contacts(laid):
        assert contact.row.site is not None
        place = (contact.row.site, contact.row.queue, contact.row.channel, "", contact.row.minute)
        found[place, objective.name].append(judge_quality(objective, contact, ALWAYS_OPEN))
    for story in stories(history, homes(laid), NOW_US):
        if story.place is not None:
            found[story.place, objective.name].append(judge_story(objective, story))
    tallies = {where: tally(counts) for where, counts in found.items()}
    return {where: counts for where, counts in tallies.items() if any(counts)}


@pytest.mark.parametrize("kpi", QUALITY_RATES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_events_and_breaches_are_what_the_reference_says(kpi: str, data: st.DataObject) -> None:
    sites = data.draw(st.sampled_from(((), (), SITES[:1])))
    channels = data.draw(st.sampled_from(((), (), CHANNELS[:3])))
    objective = reference.Objective("good", kpi, (reference.Version(sites=sites, channels=channels),))
    (promise,) = promised([objective])
    books = Books(Policy(1, Objectives([Objective(1, promise.name, promise.terms, promise.about)])))
    history = data.draw(histories(least_said=8 if kpi in OF_STORIES else 0))
    for batch in data.draw(deliveries(history)):
        books.deliver(batch, NOW_US)
        assert books.identity_gaps() == {}
    assert books.objectives() == expected(history, objective)


def test_a_breach_of_same_agent_is_one_who_comes_back_to_somebody_else() -> None:
    objective = reference.Objective("good", "same_agent_rate", (reference.Version(),))
    (promise,) = promised([objective])
    books = Books(Policy(1, Objectives([Objective(1, promise.name, promise.terms, promise.about)])))
    history = [
        event(60 * number, "answered", site="bank", customer="ann", agent=agent)
        | {"subject": f"call-{number}", "id": f"call-{number}"}
        for number, agent in enumerate(("ana", "ana", "bo"))
    ]
    for one in history[::-1]:
        books.deliver([one], NOW_US)
    minute = micros(START) // MINUTE
    assert books.objectives() == expected(history, objective)
    assert books.objectives() == {
        (("bank", "", "", "", minute + 1), "good"): Counts(1, 0),
        (("bank", "", "", "", minute + 2), "good"): Counts(1, 1),
    }
