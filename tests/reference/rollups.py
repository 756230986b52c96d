"""What the rollups must hold, added up from the reference's rows: by place and measure.

A place is (site, queue, channel, facet, minute), the facet being "" but for feedback and assessments. Rows of several
registered sources may be mixed. All times are microseconds since 1970.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tests.reference.calendar import ALWAYS_OPEN, Calendar, local_date
from tests.reference.customers import WITHIN, Contact, contacts
from tests.reference.judging import Counts, judge, tally
from tests.reference.objectives import Objective
from tests.reference.rows import InteractionRow, Row, VisitRow
from tests.reference.stories import Story

Day = tuple[str, str, str, str, str]
Place = tuple[str, str, str, str, int]
OUTCOMES = {"A": "answered", "B": "abandoned", "F": "diverted", "X": "expired", "W": "waiting"}
SHORT_US = 5_000_000


UNPUNCTUAL = ("late_events", "skewed_events", "skew_us")
"""Measures of when events arrived, of which the reference knows nothing."""


def punctual(rollups: dict[Place, dict[str, int]]) -> dict[Place, dict[str, int]]:
    """Rollups without those measures."""
    left = {
        place: {name: amount for name, amount in amounts.items() if name not in UNPUNCTUAL}
        for place, amounts in rollups.items()
    }
    return {place: amounts for place, amounts in left.items() if amounts}


def expected_rollups(
    rows: Iterable[Row], now: int | None = None, stories: Iterable[Story] = ()
) -> dict[Place, dict[str, int]]:
    """Every measure that is not 0, by place; those of contacts and business hours only where `now` is given."""
    rows = list(rows)
    sums: defaultdict[Place, Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row.site is None:
            continue
        amounts = sums[_place(row)]
        amounts.update(_visit(row) if isinstance(row, VisitRow) else _interaction(row))
        if now is not None and isinstance(row, InteractionRow):
            amounts["business_resolution_us"] += row.business_resolution or 0
    if now is not None:
        for contact in contacts(rows):
            sums[_place(contact.row)].update(_contact(contact, now))
    for story in stories:
        if story.place is not None:
            sums[story.place].update(story.amounts)
    found = {place: {name: amount for name, amount in amounts.items() if amount} for place, amounts in sums.items()}
    return {place: amounts for place, amounts in found.items() if amounts}


def by_local_day(rollups: Mapping[Place, Mapping[str, int]], zones: Mapping[str, str]) -> dict[Day, dict[str, int]]:
    """Rollups added up by (site, queue, channel, facet, local date). A site of no known time zone keeps UTC."""
    sums: defaultdict[Day, Counter[str]] = defaultdict(Counter)
    for (site, queue, channel, facet, minute), amounts in rollups.items():
        day = local_date(minute, zones.get(site, "UTC"))
        sums[site, queue, channel, facet, day.isoformat()].update(amounts)
    return {day: dict(amounts) for day, amounts in sums.items()}


def expected_objectives(
    rows: Iterable[Row], objectives: Sequence[Objective], calendars: Mapping[str, Calendar], now: int
) -> dict[tuple[Place, str], Counts]:
    """What is counted of each objective, by place and its name, where anything is.

    A site that has no calendar is always open, and its dates are those of UTC.
    """
    rows = list(rows)
    found: defaultdict[tuple[Place, str], list[Counts]] = defaultdict(list)
    for one in (*rows, *contacts(rows)):
        row = one.row if isinstance(one, Contact) else one
        if row.site is not None:
            calendar = calendars.get(row.site, ALWAYS_OPEN)
            for objective in objectives:
                found[_place(row), objective.name].append(judge(objective, one, calendar, now))
    tallies = {where: tally(counts) for where, counts in found.items()}
    return {where: counts for where, counts in tallies.items() if any(counts)}


def expected_cells(rows: Iterable[Row]) -> dict[tuple[Place, str, int], int]:
    """How often each exact duration occurs, by place and histogram, where durations are kept."""
    cells: Counter[tuple[Place, str, int]] = Counter()
    for row in rows:
        if row.site is None:
            continue
        place = _place(row)
        if isinstance(row, VisitRow):
            if row.wait is not None and row.outcome in "AB":
                cells[place, "wait" if row.outcome == "A" else "abandoned_wait", row.wait] += 1
            continue
        if row.resolution is not None:
            cells[place, "resolution", row.resolution] += 1
        if row.business_resolution is not None:
            cells[place, "business_resolution", row.business_resolution] += 1
        for took in row.recoveries:
            cells[place, "recovery", took] += 1
    return dict(cells)


def _place(row: Row) -> Place:
    assert row.site is not None
    return row.site, row.queue, row.channel, "", row.minute


def _visit(row: VisitRow) -> dict[str, int]:
    amounts = {"offered": 1, OUTCOMES[row.outcome]: 1}
    if row.outcome == "A":
        amounts["misrouted"] = int(row.misrouted)
        if row.wait is not None:
            amounts |= {"answered_waits": 1, "answered_wait_us": row.wait}
        if row.wait is not None and row.quote is not None:
            amounts |= {"quoted_waits": 1, "quotes_kept": int(row.wait <= row.quote)}
            amounts["quote_overrun_us"] = max(0, row.wait - row.quote)
        if row.handled:
            amounts |= {
                "handled": 1,
                "service_us": row.service or 0,
                "hold_us": row.hold,
                "wrap_up_us": row.wrap,
            }
        if row.handled and row.service is not None and row.told_service is not None:
            amounts |= {"told_services": 1, "service_difference_us": abs(row.told_service - row.service)}
    elif row.outcome == "B" and row.wait is not None:
        amounts |= {"abandoned_waits": 1, "abandoned_wait_us": row.wait}
        amounts["short_abandoned"] = int(row.wait <= SHORT_US)
    if row.outcome in "ABF" and row.wait is not None and row.told_wait is not None:
        amounts |= {"told_waits": 1, "wait_difference_us": abs(row.told_wait - row.wait)}
    return amounts


def _interaction(row: InteractionRow) -> dict[str, int]:
    return {
        "interactions": 1,
        "interactions_answered": int(row.answered),
        "completed": int(row.completed),
        "resolved": int(row.resolved is True),
        "unresolved": int(row.resolved is False),
        "reopened": int(row.reopened),
        "transferred": int(row.transferred),
        "escalated": int(row.escalated),
        "corrected": int(row.corrected),
        "recovered": int(row.recovered),
        "conflicts": row.conflicts,
        "resolutions": int(row.resolution is not None),
        "resolution_us": row.resolution or 0,
        "recoveries": len(row.recoveries),
        "recovery_us": sum(row.recoveries),
        "unrecovered": row.unrecovered,
        "long_matters": int(row.long_matter),
        "informed_matters": int(row.informed_matter),
        "responses": int(row.response is not None),
        "response_us": row.response or 0,
        "initiations_known": int(row.initiated_by is not None),
        "proactive": int(row.initiated_by == "us"),
        "recognitions_known": int(row.known_customer is not None),
        "recognised": int(row.known_customer is True),
        "decided": int(row.decided),
        "one_window": int(row.one_window),
        "verifiable": int(row.verifiable),
        "verified": int(row.verified),
    }


def _contact(contact: Contact, now: int) -> dict[str, int]:
    amounts = {"contacts": 1, "store_contacts": int(contact.store), "same_agent": int(contact.same_agent)}
    for days in WITHIN:
        amounts[f"repeat_contacts_{days}d"] = int(days in contact.repeat_contact)
        amounts[f"repeat_visits_{days}d"] = int(days in contact.repeat_visit)
        if contact.case:
            maturity = "settled" if contact.settled(days, now) else "provisional"
            amounts[f"{maturity}_{days}d"] = 1
            amounts[f"{maturity}_resolved_{days}d"] = int(days in contact.resolved_first)
    return amounts
