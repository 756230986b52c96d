"""A flat list of visits and interactions, from which every number is worked out.

Readings adopted where the definitions are silent:

- A site without a calendar is always open. Where no calendars are given at all, nothing is known of business
  hours; and an interaction of no known site has none.
- A queue that says nothing of its patience has that of the channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.reference.calendar import ALWAYS_OPEN, Calendar
from tests.reference.matters import (
    Patience,
    is_decided,
    is_informed,
    is_one_window,
    is_verifiable,
    is_verified,
    long_spans,
    response,
)
from tests.reference.walk import MINUTE, Event, Interaction, Key
from tests.reference.walker import walk

Calendars = Mapping[str, Calendar]


@dataclass(frozen=True)
class VisitRow:
    """One visit. Durations are microseconds, `minute` counts from 1970 in UTC."""

    site: str | None
    queue: str
    channel: str
    minute: int
    arrival: int
    outcome: str
    wait: int | None
    service: int | None
    hold: int
    wrap: int
    handled: bool
    in_service_now: bool
    told_wait: int | None = None
    told_service: int | None = None
    quote: int | None = None
    misrouted: bool = False


@dataclass(frozen=True)
class InteractionRow:
    """One interaction. Durations are microseconds, `minute` counts from 1970 in UTC.

    `closed` is the time of its latest `completed`; `resolution` counts all hours from its arrival to the first
    `completed` that resolved it, `business_resolution` those in which its site was open; `response` is from its arrival
    to the first that anyone said to the customer.
    """

    registration: int
    subject: str
    site: str | None
    queue: str
    channel: str
    minute: int
    arrival: int
    customer: str | None
    topic: str | None
    answered: bool
    completed: bool
    resolved: bool | None
    reopened: bool
    transferred: bool
    escalated: bool
    corrected: bool
    recovered: bool
    conflicts: int
    closed: int | None
    resolution: int | None
    business_resolution: int | None
    recoveries: tuple[int, ...]
    unrecovered: int
    long_matter: bool = False
    informed_matter: bool = False
    response: int | None = None
    initiated_by: str | None = None
    known_customer: bool | None = None
    decided: bool = False
    one_window: bool = False
    verifiable: bool = False
    verified: bool = False
    agent: str | None = None


Row = VisitRow | InteractionRow


def rows(
    events_by_interaction: Mapping[Key, list[Event]],
    now: datetime,
    calendars: Calendars | None = None,
    patience: Patience | None = None,
) -> list[Row]:
    """Walk each interaction and lay out its visits and itself, one row each. The calendars are those of the sites."""
    laid: list[Row] = []
    for key, events in events_by_interaction.items():
        laid += rows_of(walk(events, now), key, calendars, patience)
    return laid


def rows_of(
    interaction: Interaction,
    key: Key = (1, ""),
    calendars: Calendars | None = None,
    patience: Patience | None = None,
) -> list[Row]:
    """The rows of one interaction: its visits, then itself."""
    laid: list[Row] = [
        VisitRow(
            site=interaction.site,
            queue=visit.queue,
            channel=interaction.channel,
            minute=visit.arrival // MINUTE,
            arrival=visit.arrival,
            outcome=visit.outcome,
            wait=visit.wait,
            service=visit.service,
            hold=visit.hold,
            wrap=visit.wrap,
            handled=visit.handled,
            in_service_now=visit.in_service_now,
            told_wait=visit.told_wait,
            told_service=visit.told_service,
            quote=visit.quote,
            misrouted=visit.misrouted,
        )
        for visit in interaction.visits
    ]
    laid.append(
        InteractionRow(
            registration=key[0],
            subject=key[1],
            site=interaction.site,
            queue=interaction.queue,
            channel=interaction.channel,
            minute=interaction.arrival // MINUTE,
            arrival=interaction.arrival,
            customer=interaction.customer,
            topic=interaction.topic,
            answered=interaction.answered,
            completed=interaction.completed,
            resolved=interaction.resolved,
            reopened=interaction.reopened,
            transferred=interaction.transferred,
            escalated=interaction.escalated,
            corrected=interaction.corrected,
            recovered=interaction.recovered,
            conflicts=interaction.conflicts,
            closed=interaction.closed,
            resolution=interaction.resolution,
            business_resolution=_business_resolution(interaction, calendars),
            recoveries=tuple(interaction.recoveries),
            unrecovered=interaction.unrecovered,
            long_matter=bool(long_spans(interaction, patience or {})),
            informed_matter=is_informed(interaction, patience or {}),
            response=response(interaction),
            initiated_by=interaction.initiated_by,
            known_customer=interaction.known_customer,
            decided=is_decided(interaction),
            one_window=is_one_window(interaction),
            verifiable=is_verifiable(interaction),
            verified=is_verified(interaction),
            agent=interaction.agent,
        )
    )
    return laid


def _business_resolution(interaction: Interaction, calendars: Calendars | None) -> int | None:
    if calendars is None or interaction.site is None or interaction.resolution is None:
        return None
    calendar = calendars.get(interaction.site, ALWAYS_OPEN)
    return calendar.open_time(interaction.arrival, interaction.arrival + interaction.resolution)
