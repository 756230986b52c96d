"""The time of a simulation: what is planned for later, and what was told so far."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

from service.simulator.lines import Visit

Event = dict[str, Any]


class Stage:
    """An agenda that is worked off in the order of its times. Actions plan others, and tell events."""

    def __init__(self, start: datetime) -> None:
        self.now = start.timestamp()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._planned = 0
        self._told: deque[Event] = deque()

    def until(self, end: float) -> Iterator[Event]:
        """The events before `end` that were not yet given, in the order of their times."""
        while self._agenda and self._agenda[0][0] < end:
            self.now, _, action = heapq.heappop(self._agenda)
            action()
            while self._told:
                yield self._told.popleft()
        self.now = max(self.now, end)

    def plan(self, after: float, action: Callable[[], None]) -> None:
        """Do it so many seconds from now."""
        self._planned += 1
        heapq.heappush(self._agenda, (self.now + after, self._planned, action))

    def tell(self, visit: Visit, what: str, **data: Any) -> None:
        """An event of an interaction, unless it tells of itself only at its end."""
        if not visit.encounter.summarised:
            self._interaction(visit, what, data)

    def record(self, visit: Visit, **data: Any) -> None:
        """An interaction as a whole."""
        queue = visit.line.profile
        about = {"queue": queue.name, "channel": queue.channel, "queued_at": utc(visit.queued_at)}
        self._interaction(visit, "recorded", {**about, **visit.about, **data})

    def _interaction(self, visit: Visit, what: str, data: Event) -> None:
        encounter = visit.encounter
        encounter.events += 1
        self.say(
            f"interaction.{what}",
            f"{encounter.subject}:{encounter.events}",
            encounter.source,
            encounter.subject,
            site=visit.line.place.name,
            **data,
        )

    def say(self, event_type: str, event_id: str, source: str, about: str | None = None, /, **data: Any) -> None:
        """Any event, `about` an interaction where it is known; data that is None is left out."""
        event = {"id": event_id, "source": source, "type": event_type, "time": utc(self.now)}
        if about is not None:
            event["subject"] = about
        known = {name: value for name, value in data.items() if value is not None}
        self._told.append({**event, "data": known})


def seeded(name: str) -> Random:
    """Random numbers that are always the same for one name."""
    return Random(name)  # noqa: S311 - a model, not a secret


def utc(at: float) -> str:
    """A moment, in seconds since 1970, as events tell it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
