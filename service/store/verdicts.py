"""What is asked of the ledger, and what becomes of it: also what it alone can refuse, and why."""

from collections.abc import Mapping, Sequence

import msgspec

from service.core.event import MAX_EVENTS_PER_INTERACTION, Accepted, Rejected, moment

EventKey = tuple[int, str, str]


class Post(msgspec.Struct, gc=False):
    """What one request asks to commit: events of one registered source, already admitted, and the key it came with."""

    source_id: int
    events: list[Accepted]
    key_id: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """How many events of a post are new, how many were there before, and those that the ledger does not take."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejected, ...] = ()


class Refusal(msgspec.Struct, frozen=True):
    """Why the ledger does not take an event, as the answer to the post says it."""

    code: str
    detail: str


FULL = Refusal(
    "interaction_full",
    f"subject: this interaction has {MAX_EVENTS_PER_INTERACTION} events, and takes no more; "
    "what is another encounter needs a subject of its own",
)
"""The interaction has no room for it."""


def too_old(at_us: int, kept_from_us: int) -> Refusal:
    """It happened before the moment from which on events are kept."""
    return Refusal(
        "too_old",
        f"time: is {moment(at_us):%Y-%m-%dT%H:%M:%SZ}; it must be {moment(kept_from_us):%Y-%m-%dT%H:%M:%SZ} or later, "
        "for what was before is forgotten (FRONTLINE_RETENTION_DAYS)",
    )


def outcomes_of(
    posts: Sequence[Post],
    taken: Mapping[EventKey, tuple[Post, Accepted]],
    refused: Mapping[EventKey, Refusal],
    kept_from_us: int | None,
) -> list[Outcome]:
    """What became of each post; an event that several of them have is new in the first one only."""
    accepted: dict[int, int] = {}
    for post, _ in taken.values():
        accepted[id(post)] = accepted.get(id(post), 0) + 1
    outcomes = []
    for post in posts:
        rejected: list[Rejected] = []
        for event in post.events if refused or kept_from_us is not None else ():
            refusal = refused.get((post.source_id, event.fact.source, event.fact.id))
            if kept_from_us is not None and event.fact.at < kept_from_us:
                refusal = too_old(event.fact.at, kept_from_us)
            if refusal is not None:
                rejected.append(Rejected(event.index, event.fact.id, refusal.code, refusal.detail))
        new = accepted.get(id(post), 0)
        outcomes.append(Outcome(new, len(post.events) - new - len(rejected), tuple(rejected)))
    return outcomes
