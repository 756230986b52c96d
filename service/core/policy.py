"""The policy: what numbers depend on beside events. Objectives, each site's calendar, and what is forgotten."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from service.core.calendar import Calendar
from service.core.catalogue.measures import Scope
from service.core.catalogue.quality_measures import DEFAULT_PATIENCE_US, PATIENCE_US
from service.core.judge import Judge, Objectives

ALWAYS_OPEN = Calendar.of("UTC", ())
"""The calendar of a site of which none is known."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is promised, and when each site is open, by its name. `version` grows with every change.

    Events from `kept_from_us` on are kept, in microseconds since 1970, and older ones are not taken any more; None
    where nothing is ever forgotten. `patiences` are those of queues that have one of their own, in microseconds, by
    (site, queue).
    """

    version: int = 0
    objectives: Objectives = field(default_factory=Objectives)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    kept_from_us: int | None = None
    patiences: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def patience(self, site: str, channel: str) -> Callable[[str], int]:
        """How long customers wait at a site without being told how things stand, in microseconds, by the queue."""
        usual = PATIENCE_US.get(channel, DEFAULT_PATIENCE_US)
        if not self.patiences:
            return lambda _queue: usual
        return lambda queue: self.patiences.get((site, queue), usual)

    def calendar(self, site: str) -> Calendar:
        """The calendar of a site."""
        return self.calendars.get(site, ALWAYS_OPEN)

    def judging(self, scope: Scope, series: tuple[str, str, str, str], at_us: int) -> Sequence[Judge]:
        """The judges of what is booked to a moment in (site, queue, channel, facet)."""
        return self.objectives.judging(scope, *series, at_us, self.calendar(series[0]))
