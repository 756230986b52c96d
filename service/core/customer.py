"""Contacts: what a customer's interactions, seen together, say about coming back.

A *contact* is an interaction of a known customer at a known site. The contacts of a customer and topic form a chain,
sorted by arrival, and those in stores another one, whatever their topic. What a contact counts for follows from its
own state and its neighbours in the chains alone, so the order in which contacts became known cannot show.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from service.core.catalogue.measures import MATURITIES, MEASURE_BY_NAME, MEASURES, SETTLED, WITHIN_DAYS, Scope
from service.core.catalogue.quality_measures import SAME_AGENT_WITHIN
from service.core.event import DAY_US, MINUTE_US
from service.core.judge import Judge
from service.core.measure import Booking, SeriesKey, book
from service.core.quality import NO_FACET
from service.core.walk import Interaction

_WITHIN_US = {within: days * DAY_US for within, days in WITHIN_DAYS.items()}
STORE_CHANNEL = "pos"

_CONTACTS = MEASURE_BY_NAME["contacts"].code
_STORE_CONTACTS = MEASURE_BY_NAME["store_contacts"].code
_REPEATS = tuple(
    (us, MEASURE_BY_NAME[f"repeat_contacts_{within}"].code, MEASURE_BY_NAME[f"repeat_visits_{within}"].code)
    for within, us in _WITHIN_US.items()
)
_SAME_AGENT = MEASURE_BY_NAME["same_agent"].code
_SAME_AGENT_REPEAT = MEASURE_BY_NAME[f"repeat_contacts_{SAME_AGENT_WITHIN}"].code
_CASES = tuple(
    (
        us,
        tuple(
            (MEASURE_BY_NAME[f"{maturity}_{within}"].code, MEASURE_BY_NAME[f"{maturity}_resolved_{within}"].code)
            for maturity in ("provisional", "settled")
        ),
    )
    for within, us in _WITHIN_US.items()
)

_CODES = tuple(measure.code for measure in MEASURES if measure.scope is Scope.CONTACT)

ContactKey = tuple[int, str]
Position = tuple[int, int, str]
"""Where a contact is in a chain: arrival in microseconds since 1970, number of the registered source, subject."""


class Contact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What an interaction says of its customer. Times in microseconds since 1970.

    `topic` is "" where there is none, which is a topic of its own. `known_at` is when the event happened that names
    the customer. `closed_at` is the latest completion, where the outcome is known. `agent` is who answered, "" where
    that is unknown.
    """

    customer: str
    topic: str
    arrival: int
    known_at: int
    series: int
    in_store: bool
    closed_at: int | None = None
    resolved: bool = False
    reopened_at: int | None = None
    agent: str = ""


class Link(msgspec.Struct, gc=False):
    """A contact in its chains: when the previous and the next one of the topic arrived, and the previous in a store;
    `previous_agent` is who answered the previous one of the topic, "" where that is unknown.

    `booking` is what it has contributed, and `peaks` the counts that once were higher than they are there.
    """

    key: ContactKey
    contact: Contact
    previous_at: int | None = None
    next_at: int | None = None
    previous_visit_at: int | None = None
    previous_agent: str = ""
    booking: Booking = {}
    peaks: dict[int, int] = {}

    @property
    def position(self) -> Position:
        """Where it is in its chains."""
        return (self.contact.arrival, *self.key)


def contact_of(it: Interaction, series: Mapping[SeriesKey, int]) -> Contact | None:
    """The contact that an interaction is; None while its customer or its site is unknown."""
    if it.customer is None or it.customer_at is None or it.site is None:
        return None
    channel = it.channel or ""
    return Contact(
        customer=it.customer,
        topic=it.topic or "",
        arrival=it.arrival,
        known_at=it.customer_at,
        series=series[it.site, it.queue or "", channel, NO_FACET],
        in_store=channel == STORE_CHANNEL,
        closed_at=None if it.resolved is None else it.completed_at,
        resolved=it.resolved is True,
        reopened_at=it.reopened_at,
        agent=it.agent or "",
    )


def measure_contact(link: Link, as_of_us: int, judges: Sequence[Judge]) -> Booking:
    """What a contact contributes as of a moment, booked to the minute of its arrival; `judges` are those of its own."""
    contact = link.contact
    amounts = {_CONTACTS: 1}
    if contact.in_store:
        amounts[_STORE_CONTACTS] = 1
    for span, repeat_contact, repeat_visit in _REPEATS:
        if link.previous_at is not None and contact.arrival - link.previous_at <= span:
            amounts[repeat_contact] = 1
        if contact.in_store and link.previous_visit_at is not None and contact.arrival - link.previous_visit_at <= span:
            amounts[repeat_visit] = 1
    if _SAME_AGENT_REPEAT in amounts and contact.agent and contact.agent == link.previous_agent:
        amounts[_SAME_AGENT] = 1
    if contact.closed_at is not None:
        for span, codes in _CASES:
            end = contact.closed_at + span
            case, met = codes[as_of_us > end]
            amounts[case] = 1
            if contact.resolved and contact.reopened_at is None and (link.next_at is None or link.next_at > end):
                amounts[met] = 1
    for judge in judges:
        _judge(judge, amounts)
    return {(contact.series, contact.arrival // MINUTE_US): amounts}


def _judge(judge: Judge, amounts: dict[int, int]) -> None:
    """Add what an objective counts: all cases, and of those that settle the settled ones once more."""
    judged = [rule.of_amounts(amounts) for rule in judge.rules_of_contacts]
    book(judge, (sum(events for events, _ in judged), sum(breaches for _, breaches in judged)), amounts)
    if judge.terms.settles:
        events, breaches = judged[MATURITIES.index(SETTLED)]
        if events:
            amounts[judge.codes.settled_events] = events
        if breaches:
            amounts[judge.codes.settled_breaches] = breaches


def settles_at(contact: Contact, as_of_us: int) -> int | None:
    """When time alone changes what a contact contributes next, in microseconds since 1970."""
    if contact.closed_at is None:
        return None
    for span in _WITHIN_US.values():
        if as_of_us <= contact.closed_at + span:
            return contact.closed_at + span + 1
    return None


def made_at(link: Link, judges: Sequence[Judge]) -> dict[int, int]:
    """When the latest event happened that makes each count of a contact, in microseconds since 1970, by code.

    A case is an event of an objective when it is closed, and a breach then, or when the customer or the matter is back.
    """
    contact = link.contact
    known = max(contact.arrival, contact.known_at)
    made = dict.fromkeys(_CODES, known)
    for judge in judges:
        events = breaches = known
        if judge.terms.settles:
            closed_at = known if contact.closed_at is None else contact.closed_at
            events = breaches = max(known, closed_at)
            if contact.resolved:
                end = closed_at + _WITHIN_US[judge.terms.within]
                returned = link.next_at if link.next_at is not None and link.next_at <= end else None
                back = [at for at in (contact.reopened_at, returned) if at is not None]
                breaches = max(events, min(back, default=events))
        made[judge.codes.events], made[judge.codes.breaches] = events, breaches
    return made


_Place = tuple[Position, Contact, Link | None]
"""A place in a chain, and the contact that is there; None where it left."""


def relink(links: Iterable[Link], gone: Iterable[tuple[Position, Contact]], moved: Collection[ContactKey]) -> None:
    """Set the neighbours of contacts after some of them were put in, moved or taken out of their chains.

    `links` are all that were put somewhere, named by `moved`, and for each place that was left or taken the nearest
    contacts on both sides that stay; `gone` are the places that were left. Neighbours of which nothing is known here
    are left as they are.
    """
    places: list[_Place] = [(position, contact, None) for position, contact in gone]
    places.extend((link.position, link.contact, link) for link in links)
    places.sort(key=lambda place: place[0])
    topics: dict[tuple[str, str], list[_Place]] = {}
    stores: dict[str, list[_Place]] = {}
    for place in places:
        contact = place[1]
        topics.setdefault((contact.customer, contact.topic), []).append(place)
        if contact.in_store:
            stores.setdefault(contact.customer, []).append(place)
    for before, after in _adjacent(topics.values(), moved):
        if before is not None:
            before.next_at = None if after is None else after.contact.arrival
        if after is not None:
            after.previous_at = None if before is None else before.contact.arrival
            after.previous_agent = "" if before is None else before.contact.agent
    for before, after in _adjacent(stores.values(), moved):
        if after is not None:
            after.previous_visit_at = None if before is None else before.contact.arrival


def _adjacent(
    chains: Iterable[list[_Place]], moved: Collection[ContactKey]
) -> Iterator[tuple[Link | None, Link | None]]:
    """The pairs that are next to each other for certain: one of them moved, or something between them left."""
    for chain in chains:
        last: Link | None = None
        certain = False
        for _, _, link in chain:
            if link is None:
                certain = True
                continue
            is_moved = link.key in moved
            if certain or is_moved:
                yield last, link
            last, certain = link, is_moved
        if certain:
            yield last, None
