"""A promise: something was promised for a time, and then it was kept, or not.

It is booked to the minute in which it is due. One that is kept counts when it is; one that is not counts at its due
time, unless it was withdrawn by then.
"""

from collections.abc import Collection, Iterator

from service.core.catalogue.measures import MEASURE_BY_NAME, Scope
from service.core.event import Fact, Kind, microseconds
from service.core.measure import SeriesKey
from service.core.stories.aside import Aside, Open, Part, said

STATE_PROMISED = 2

_DUE = MEASURE_BY_NAME["promises_due"].code
_KEPT = MEASURE_BY_NAME["promises_kept"].code
_OPEN = MEASURE_BY_NAME["promises_open"].code


class Promise(Aside):
    """A promise as its events tell it; of several `promise.made` the earliest says what was promised."""

    scope = Scope.PROMISE

    def __init__(self, facts: Collection[Fact]) -> None:
        super().__init__(facts)
        made = self._first(Kind.PROMISE_MADE)
        due = None if made is None else said(made).due
        self.made_us = None if made is None else made.at
        self.due_us = None if due is None else microseconds(due)
        self.kept_us = self._first_at(Kind.PROMISE_KEPT)
        self.withdrawn_us = self._first_at(Kind.PROMISE_WITHDRAWN)

    def is_open(self, as_of_us: int) -> bool:
        """Whether it is to be kept yet."""
        due_us = self.due_us
        if due_us is None or as_of_us >= due_us:
            return False
        return not any(at_us is not None and at_us <= due_us for at_us in (self.kept_us, self.withdrawn_us))

    def parts(self, home: SeriesKey, as_of_us: int) -> Iterator[Part]:
        """Whether it is due, and whether it was kept."""
        due_us, made_us, kept_us, withdrawn_us = self.due_us, self.made_us, self.kept_us, self.withdrawn_us
        if due_us is None or made_us is None:
            return
        if kept_us is not None and kept_us <= due_us:
            yield Part(home, due_us, {_DUE: 1, _KEPT: 1}, {_DUE: max(made_us, kept_us)})
        elif withdrawn_us is not None and withdrawn_us <= due_us:
            yield Part(home, due_us, {}, {})
        elif as_of_us >= due_us:
            yield Part(home, due_us, {_DUE: 1}, {_DUE: max(made_us, due_us)})
        else:
            yield Part(home, due_us, {_OPEN: 1}, {_OPEN: made_us})

    def open(self, home: SeriesKey, as_of_us: int) -> Iterator[Open]:
        """The promise, while it is to be kept."""
        if self.is_open(as_of_us) and self.due_us is not None and self.made_us is not None:
            yield Open(home, STATE_PROMISED, self.made_us, self.due_us, self.due_us)

    def _first(self, kind: Kind) -> Fact | None:
        return next((fact for fact in self.facts if fact.kind == kind), None)

    def _first_at(self, kind: Kind) -> int | None:
        found = self._first(kind)
        return None if found is None else found.at
