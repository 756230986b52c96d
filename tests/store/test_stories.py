"""Stories beside interactions on a real PostgreSQL, where they meet interactions."""

from service.store.database import Database
from service.store.ledger import Ledger
from service.store.verdicts import Outcome, Post
from tests.books import accept
from tests.reference.walk import Event, instant
from tests.reference_cases import at, event, queued, said
from tests.store.stored import stored_rollups

NOW = instant(at(60))


async def post(ledger: Ledger, *events: Event) -> None:
    (outcome,) = await ledger.commit([Post(1, accept(events, NOW))], NOW)
    assert isinstance(outcome, Outcome)
    assert not outcome.rejected


async def promises(database: Database) -> dict[tuple[str, str], int]:
    """How many promises are due, by site and queue."""
    return {
        place[:2]: amounts["promises_due"]
        for place, amounts in (await stored_rollups(database)).items()
        if "promises_due" in amounts
    }


async def test_a_promise_with_a_site_of_its_own_stays_there_as_its_interaction_goes_on(
    ledger: Ledger, database: Database
) -> None:
    made = said(5, "promise.made", subject="order", promise="p", due=at(30), kind="fix")
    await post(ledger, queued(0, site="bank"), made)
    assert await promises(database) == {("bank", "tills"): 1}
    await post(ledger, said(50, "promise.kept", promise="p", site="shop"))
    await post(ledger, event(55, "answered"))
    assert await promises(database) == {("shop", ""): 1}


async def test_a_promise_comes_before_the_interaction_that_it_is_about(ledger: Ledger, database: Database) -> None:
    await post(ledger, said(5, "promise.made", subject="order", promise="p", due=at(30), kind="fix"))
    assert await promises(database) == {}
    await post(ledger, event(10, "answered", site="bank"))
    assert await promises(database) == {("bank", ""): 1}
    await post(ledger, queued(0, "sales", site="shop"))
    assert await promises(database) == {("shop", "sales"): 1}
