"""A simulated day told by a vendor makes the numbers of the same day posted natively, where its format can carry it."""

from dataclasses import replace

import pytest

from service.core.catalogue.measures import MEASURES, Scope
from service.vendors import shopify, square, toast
from tests.books import Books
from tests.vendors import shopify_form, square_form, toast_form
from tests.vendors.day import Encounter, Sent, day, differing, natively, sums, through

RETOLD = frozenset({"late_events"})
"""Who tells the whole of an order again with each version tells old facts late."""
RESOLUTION = {
    *("unresolved", "resolutions", "resolution_us", "business_resolution_us", "resolved"),
    *("decided", "long_matters"),
}
CONTACTS = {measure.name for measure in MEASURES if measure.scope is Scope.CONTACT}
"""What is counted of contacts that were resolved, or of customers, whom Square does not name."""
RECOVERY = {"recovered", "recoveries", "recovery_us", "unrecovered"}


@pytest.fixture(scope="module")
def encounters() -> list[Encounter]:
    return day()


@pytest.fixture(scope="module")
def full(encounters: list[Encounter]) -> Books:
    """The day with all that the contract can tell."""
    return natively(encounters)


def without_recovery(encounter: Encounter) -> Encounter:
    """What all three can tell: none says that something was not resolved, or that an error was put right."""
    return replace(encounter, recoveries=[], resolved=None if encounter.resolved is None else True)


def test_the_day_has_some_of_everything(encounters: list[Encounter]) -> None:
    assert len(encounters) > 60
    for field in ("answered", "abandoned", "completed", "customer", "errors", "recoveries"):
        assert sum(bool(getattr(one, field)) for one in encounters) > 2, field
    assert any(one.resolved is False for one in encounters)
    assert {one.queue for one in encounters} == {"tills", "drive-thru"}


def test_a_day_of_square(encounters: list[Encounter], full: Books) -> None:
    """Square does not tell who the customer is; all the rest of what it can tell is the same, late events too."""
    reader = square.ADAPTER.reader(
        {"sites": {"*": "vilnius-1"}, "queues": {"tills": "tills", "drive-thru": "drive-thru"}}
    )
    books = through(reader, [sent for one in encounters for sent in square_form.told(one)])
    told = [replace(without_recovery(one), customer=None) for one in encounters]
    assert sums(books) == sums(natively(told))
    assert differing(books, full) - CONTACTS == RESOLUTION | RECOVERY


def test_a_day_of_shopify(encounters: list[Encounter], full: Books) -> None:
    """Handed out in part is answered, in whole is completed."""
    reader = shopify.ADAPTER.reader(
        {
            "sites": {"70123456": "vilnius-1"},
            "queues": {"tills": "tills", "drive-thru": "drive-thru"},
            "channels": {"*": "pos"},
        }
    )
    books = through(reader, [sent for one in encounters for sent in shopify_form.told(one)])
    expected = natively([without_recovery(one) for one in encounters])
    assert sums(books, but=RETOLD) == sums(expected)
    assert differing(books, full) - CONTACTS - RETOLD == RESOLUTION | RECOVERY


def test_a_day_of_toast(encounters: list[Encounter], full: Books) -> None:
    """Nothing tells when service began, so the wait lasts until it ended, and there is none of service."""
    reader = toast.ADAPTER.reader(
        {"sites": {"R1": "vilnius-1"}, "queues": {"tills": "tills", "drive-thru": "drive-thru"}}
    )
    books = through(reader, [sent for one in encounters for sent in toast_form.told(one)])
    expected = natively([replace(without_recovery(one), answered=None) for one in encounters])
    assert sums(books, but=RETOLD) == sums(expected)
    waits = {"answered_wait_us", "service_us", "response_us"}
    assert differing(books, full) - CONTACTS - RETOLD == RESOLUTION | RECOVERY | waits


@pytest.mark.parametrize("vendor", ["square", "shopify", "toast"])
def test_what_is_live_corrected_and_backfilled_adds_up(encounters: list[Encounter], vendor: str) -> None:
    adapter, told = {
        "square": (square.ADAPTER, square_form.told),
        "shopify": (shopify.ADAPTER, shopify_form.told),
        "toast": (toast.ADAPTER, toast_form.told),
    }[vendor]
    reader = adapter.reader({"sites": {"*": "vilnius-1"}, "queues": {"*": "tills"}})
    sent: list[Sent] = [sent for one in encounters[:40] for sent in told(one)]
    assert not through(reader, sent).identity_gaps()
