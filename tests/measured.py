"""What events come to, by the reference and by the service, so that one value worked out by hand holds both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from service.core.policy import Policy
from tests.books import Books
from tests.reference.rollups import Place, expected_rollups, punctual
from tests.reference.rows import rows
from tests.reference.stories import homes, stories
from tests.reference.walk import Event, gather, instant, moment

Patience = Mapping[tuple[str, str], int]
Found = dict[Place, dict[str, int]]


def by_reference(events: Sequence[Event], now: int, patience: Patience) -> Found:
    """What the definitions make of what one registered source posted."""
    laid = rows(gather(events), moment(now), {}, patience)
    return expected_rollups(laid, now, stories(events, homes(laid), now))


def by_service(events: Sequence[Event], now: int, patience: Patience) -> Found:
    """What the service makes of it, event by event, and of the time that passes then."""
    books = Books(Policy(patiences=patience))
    for event in events:
        books.deliver([event], max(instant(one["time"]) for one in events))
    books.tick(now)
    assert books.identity_gaps() == {}
    return punctual(books.rollups())


class Measured:
    """What events come to, by one of the two."""

    def __init__(self, work_out: Callable[[Sequence[Event], int, Patience], Found]) -> None:
        self._work_out = work_out

    def places(self, *events: Event, now: int | None = None, patience: Patience | None = None) -> Found:
        """Every measure that is not 0, by place; as of the last event, unless told."""
        last = max(instant(one["time"]) for one in events)
        return self._work_out(events, last if now is None else now, patience or {})

    def sums(self, *events: Event, now: int | None = None, patience: Patience | None = None) -> dict[str, int]:
        """Every measure that is not 0, wherever it is."""
        sums: Counter[str] = Counter()
        for amounts in self.places(*events, now=now, patience=patience).values():
            sums.update(amounts)
        return dict(sums)

    def some(self, names: str, *events: Event, patience: Patience | None = None) -> tuple[int, ...]:
        """Some measures, by their names, wherever they are."""
        sums = self.sums(*events, patience=patience)
        return tuple(sums.get(name, 0) for name in names.split())
