"""Customers' contacts, by brute force: every contact of a customer against every other.

A contact is an interaction whose site and customer are known. Readings adopted where the definitions are silent:

- Contacts of a customer are joined over all sites, sources and channels, and lie in the order of their arrival,
  then the number of their registered source, then their subject, compared by code point.
- No topic is a topic of its own, and no named topic is it, not even "".
- N days are N times 86,400 seconds, whatever the clocks do, and "within N days" includes exactly N days.
- Repeat contacts and repeat visits are booked to the contact that repeats, at its own arrival and place; and a
  contact's place is the interaction's site, first queue and channel.
- A visit in the sense of `repeat_visit_rate` is a contact on the channel `pos`, however many lines it waited in.
- A case of first-contact resolution is a contact that is completed and whose `resolved` is known. It closes with
  its latest `completed`, whether or not that one says if it was resolved.
- A later contact spoils a case also where it arrives before the case closes; an earlier one never does.
- A case is settled once more than N days have passed since it closed, met or not; until then it is provisional,
  also where it is already lost.
- The previous contact of the same customer and topic is the last before it in that order; it is the one that counts
  for `same_agent`, also where it is not known who answered it and an earlier one was answered by the same agent.
- What is joined is what is given: narrow contacts down to a place or an interval only after `contacts`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from tests.reference.kpis import Value, ratio
from tests.reference.rows import InteractionRow, Row
from tests.reference.walk import DAY

WITHIN = (1, 7, 30)
SAME_AGENT_WITHIN = 30 * DAY

CONTACT_COUNTS = ("contacts", "store_contacts", "repeat_contacts", "repeat_visits")
CONTACT_KPIS = (*CONTACT_COUNTS, "repeat_contact_rate", "repeat_visit_rate", "first_contact_resolution")


@dataclass(frozen=True)
class Contact:
    """One contact and what is true of it, for each number of days of which it is.

    `store` is whether it is a visit to a store, `case` whether it counts for first-contact resolution, and
    `resolved_first` whether that case is met. `same_agent` is whether a contact that repeats within 30 days is answered
    by whoever answered the previous one.
    """

    row: InteractionRow
    store: bool
    case: bool
    repeat_contact: frozenset[int]
    repeat_visit: frozenset[int]
    resolved_first: frozenset[int]
    same_agent: bool

    def settled(self, days: int, now: int) -> bool:
        """Whether the case closed more than so many days ago."""
        assert self.row.closed is not None
        return now > self.row.closed + days * DAY

    def repeats(self, name: str, days: int) -> bool:
        """Whether it is one of the `repeat_contacts` or `repeat_visits`."""
        return days in {"repeat_contacts": self.repeat_contact, "repeat_visits": self.repeat_visit}[name]


def contacts(rows: Iterable[Row]) -> list[Contact]:
    """All contacts of all customers, in order."""
    by_customer: defaultdict[str, list[InteractionRow]] = defaultdict(list)
    for row in rows:
        if isinstance(row, InteractionRow) and row.site is not None and row.customer is not None:
            by_customer[row.customer].append(row)
    found = [_contact(row, same) for same in by_customer.values() for row in same]
    return sorted(found, key=lambda contact: _order(contact.row))


def contact_kpi(
    name: str,
    contacts: Iterable[Contact],
    *,
    within: int | None = None,
    maturity: str = "settled",
    now: int | None = None,
) -> Value:
    """One KPI over the contacts given, within so many days. The maturity of a case is told by `now`."""
    sample = list(contacts)
    store = [contact for contact in sample if contact.store]
    if name == "contacts":
        return Value(Fraction(len(sample)))
    if name == "store_contacts":
        return Value(Fraction(len(store)))
    if within is None:
        raise ValueError(f"{name} needs a number of days")
    if name in ("repeat_contacts", "repeat_visits"):
        return Value(Fraction(sum(contact.repeats(name, within) for contact in sample)))
    if name == "repeat_contact_rate":
        return ratio(sum(within in contact.repeat_contact for contact in sample), len(sample))
    if name == "repeat_visit_rate":
        return ratio(sum(within in contact.repeat_visit for contact in store), len(store))
    if name == "first_contact_resolution":
        if now is None:
            raise ValueError("the maturity of a case is as of some moment")
        asked = {"settled": True, "provisional": False}[maturity]
        cases = [contact for contact in sample if contact.case and contact.settled(within, now) is asked]
        return ratio(sum(within in contact.resolved_first for contact in cases), len(cases))
    raise KeyError(name)


def _order(row: InteractionRow) -> tuple[int, int, str]:
    return row.arrival, row.registration, row.subject


def _contact(row: InteractionRow, same_customer: list[InteractionRow]) -> Contact:
    earlier = [other for other in same_customer if _order(other) < _order(row)]
    later = [other for other in same_customer if _order(other) > _order(row)]
    store = row.channel == "pos"
    previous = max((other for other in earlier if other.topic == row.topic), key=_order, default=None)
    return Contact(
        row=row,
        store=store,
        case=row.completed and row.resolved is not None,
        repeat_contact=frozenset(
            days
            for days in WITHIN
            if any(other.topic == row.topic and other.arrival >= row.arrival - days * DAY for other in earlier)
        ),
        repeat_visit=frozenset(
            days
            for days in WITHIN
            if store and any(other.channel == "pos" and other.arrival >= row.arrival - days * DAY for other in earlier)
        ),
        resolved_first=frozenset(days for days in WITHIN if _resolved_first(row, later, days)),
        same_agent=previous is not None
        and previous.arrival >= row.arrival - SAME_AGENT_WITHIN
        and row.agent is not None
        and row.agent == previous.agent,
    )


def _resolved_first(row: InteractionRow, later: list[InteractionRow], days: int) -> bool:
    if row.resolved is not True or row.reopened or row.closed is None:
        return False
    until = row.closed + days * DAY
    return not any(other.topic == row.topic and other.arrival <= until for other in later)
