"""What only the ledger can refuse: events that an interaction has no room for."""

from typing import Any

from service.core.event import MAX_EVENTS_PER_INTERACTION
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.registry import Registry
from service.store.verdicts import Outcome, Post
from tests.books import accept
from tests.reference.histories import NOW
from tests.reference.walk import micros
from tests.store.proof import audit
from tests.store.stored import scalar, stored_rollups

NOW_US = micros(NOW)
Event = dict[str, Any]


def turn(number: int, *, subject: str = "loop") -> Event:
    """An event of an interaction that is held and resumed without end."""
    at = NOW.fromtimestamp(NOW.timestamp() - 3000 + number, NOW.tzinfo)
    kind = "queued" if number == 0 else "held" if number % 2 else "resumed"
    data = {"site": "bank", "queue": "main", "channel": "phone"} if number == 0 else {}
    return {
        "id": f"{subject}-{number}",
        "source": "acd",
        "type": f"interaction.{kind}",
        "time": at.isoformat(),
        "subject": subject,
        "data": data,
    }


async def test_an_interaction_takes_so_many_events_and_no_more(
    database: Database, ledger: Ledger, registry: Registry
) -> None:
    events = [turn(number) for number in range(MAX_EVENTS_PER_INTERACTION + 3)]
    beside = turn(0, subject="other")
    (outcome,) = await ledger.commit([Post(1, accept([*events, beside], NOW_US))], NOW_US)
    assert (outcome.accepted, outcome.duplicates) == (MAX_EVENTS_PER_INTERACTION + 1, 0)
    assert [one.index for one in outcome.rejected] == [MAX_EVENTS_PER_INTERACTION + n for n in range(3)]
    assert {one.code for one in outcome.rejected} == {"interaction_full"}
    assert outcome.rejected[0].id == f"loop-{MAX_EVENTS_PER_INTERACTION}"
    assert "1000 events" in outcome.rejected[0].detail
    assert outcome.rejected[0].detail.startswith("subject: ")
    assert (await audit(database, registry, NOW_US)).findings == []
    assert await scalar(database, "SELECT count(*) FROM event_keys") == MAX_EVENTS_PER_INTERACTION + 1


async def test_a_full_interaction_knows_its_events_and_refuses_new_ones_again_and_again(
    database: Database, ledger: Ledger, registry: Registry
) -> None:
    events = [turn(number) for number in range(MAX_EVENTS_PER_INTERACTION)]
    await ledger.commit([Post(1, accept(events, NOW_US))], NOW_US)
    before = await stored_rollups(database)
    new = turn(MAX_EVENTS_PER_INTERACTION)
    for _ in range(2):
        (outcome,) = await ledger.commit([Post(1, accept([events[7], new], NOW_US))], NOW_US)
        assert (outcome.accepted, outcome.duplicates, len(outcome.rejected)) == (0, 1, 1)
        assert outcome.rejected[0].index == 1
    assert await stored_rollups(database) == before
    assert (await audit(database, registry, NOW_US)).findings == []


async def test_an_event_that_is_refused_is_refused_in_every_post_that_has_it(ledger: Ledger) -> None:
    """Else one of them would be told that it is a duplicate of something that is stored nowhere."""
    await ledger.commit([Post(1, accept([turn(n) for n in range(MAX_EVENTS_PER_INTERACTION - 1)], NOW_US))], NOW_US)
    last, over = turn(MAX_EVENTS_PER_INTERACTION - 1), turn(MAX_EVENTS_PER_INTERACTION)
    posts = [Post(1, accept(events, NOW_US)) for events in ([last, over], [over, last], [over, over])]
    outcomes = await ledger.commit(posts, NOW_US)
    assert [(one.accepted, one.duplicates, len(one.rejected)) for one in outcomes] == [(1, 0, 1), (0, 1, 1), (0, 0, 2)]


async def test_the_subject_of_another_registered_source_has_room_of_its_own(ledger: Ledger) -> None:
    events = accept([turn(number) for number in range(MAX_EVENTS_PER_INTERACTION)], NOW_US)
    outcomes = await ledger.commit([Post(1, events), Post(2, events)], NOW_US)
    assert outcomes == [Outcome(MAX_EVENTS_PER_INTERACTION, 0)] * 2
