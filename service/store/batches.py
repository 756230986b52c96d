"""The new events of a batch, told apart by what they are of."""

from collections.abc import Iterable
from typing import NamedTuple

from service.core.event import FIRST_KIND_OF_LEVELS, Accepted, Fact, Kind
from service.core.levels import KINDS_OF_LEVELS
from service.core.stories.aside import subject_attached_to
from service.core.stories.story import attachment
from service.store.bookings import InteractionKey
from service.store.levels import Levelled
from service.store.verdicts import Post

Facts = dict[InteractionKey, list[Fact]]


class Batch(NamedTuple):
    """New facts of interactions and of stories beside them, by the key of the story; of levels, and changes made."""

    interactions: Facts
    asides: Facts
    levels: list[Levelled]
    changes: list[Levelled]


def told_apart(events: Iterable[tuple[Post, Accepted]]) -> Batch:
    """What new events are of. A story that is about an interaction is attached to it, as a fact of it."""
    found = Batch({}, {}, [], [])
    for post, event in events:
        fact = event.fact
        if fact.kind < Kind.ATTACHED:
            found.interactions.setdefault((post.source_id, event.subject), []).append(fact)
        elif fact.kind < FIRST_KIND_OF_LEVELS:
            found.asides.setdefault((post.source_id, event.subject), []).append(fact)
            about = subject_attached_to(fact)
            if about is not None:
                attached = found.interactions.setdefault((post.source_id, about), [])
                attached.append(attachment(event.subject, fact))
        elif fact.kind in KINDS_OF_LEVELS:
            found.levels.append((post.source_id, fact))
        else:
            found.changes.append((post.source_id, fact))
    return found
