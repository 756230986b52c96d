"""What else is told of one interaction: whether it took long, and whether anyone said so; who served, and how.

Readings adopted where the definitions are silent:

- A span is long that took longer than the patience, not one that took exactly as long. One who is informed at the
  very beginning or at the very end of it is informed in between. Being informed between two long spans is not enough.
- Who still waits, or expired, has no span yet; and neither has a wait of unknown length.
- Several long spans are one long matter.
- The first answer is that of the visit answered first, whether an `answered` or a `completed` answered it.
- An interaction without a channel has the patience of the phone, as has any that is not named.
- An agent is whom an event carries as `agent`; to whom a transfer hands over is not there yet.
- The agent of a contact is looked for on `answered` events, those that a `recorded` stands for among them, before all
  others: a `completed` that answers a visit is no `answered`.
- Verified is who was verified by the latest `completed`, at the same instant too.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.reference.walk import DAY, HOUR, MINUTE, Interaction

Patience = Mapping[tuple[str, str], int]
"""What the queues of sites allow, by site and queue, in microseconds, where they say anything."""

PATIENCE = {"chat": HOUR, "web": HOUR, "email": DAY}
PATIENCE_ELSE = 2 * MINUTE
VERIFIABLE = ("phone", "chat")


def long_spans(interaction: Interaction, patience: Patience) -> list[tuple[int, int]]:
    """When its waits and its resolution began and ended, of those that took longer than the patience of the queue."""
    spans = [
        (visit.arrival, visit.arrival + visit.wait, visit.queue)
        for visit in interaction.visits
        if visit.outcome in "ABF" and visit.wait is not None
    ]
    if interaction.resolution is not None:
        spans.append((interaction.arrival, interaction.arrival + interaction.resolution, interaction.queue))
    usual = PATIENCE.get(interaction.channel, PATIENCE_ELSE)
    return [
        (start, end)
        for start, end, queue in spans
        if end - start > patience.get((interaction.site or "", queue), usual)
    ]


def is_informed(interaction: Interaction, patience: Patience) -> bool:
    """Whether anyone said how things stood while it took long."""
    return any(
        start <= time <= end for start, end in long_spans(interaction, patience) for time in interaction.informed
    )


def response(interaction: Interaction) -> int | None:
    """From the arrival to the first answer, or to when the customer was first told how things stand."""
    answers = [visit.answered for visit in interaction.visits if visit.answered is not None]
    first = min((*answers, *interaction.informed), default=None)
    return None if first is None else first - interaction.arrival


def is_decided(interaction: Interaction) -> bool:
    """Whether it was resolved by those who took it on."""
    return interaction.resolved is True and not interaction.escalated and not interaction.transferred


def is_one_window(interaction: Interaction) -> bool:
    """Whether it was completed in one line and by one person, as far as is known."""
    return (
        interaction.completed
        and len(interaction.visits) == 1
        and not interaction.taken_over
        and len(interaction.agents) <= 1
    )


def is_verifiable(interaction: Interaction) -> bool:
    """Whether one who was answered could not be seen."""
    return interaction.answered and interaction.channel in VERIFIABLE


def is_verified(interaction: Interaction) -> bool:
    """Whether such a one was verified before it was over."""
    return is_verifiable(interaction) and any(
        interaction.closed is None or verified <= interaction.closed for verified in interaction.verified
    )
