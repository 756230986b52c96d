"""The policy: what numbers depend on beside events. Objectives, each site's calendar, and what is forgotten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from service.core.calendar import Calendar
from service.core.catalogue.measures import Scope
from service.core.judge import Judge, Objectives

ALWAYS_OPEN = Calendar.of("UTC", ())
"""The calendar of a site of which none is known."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is promised, and when each site is open, by its name. `version` grows with every change.

    Events from `kept_from_us` on are kept, in microseconds since 1970, and older ones are not taken any more; None
    where nothing is ever forgotten.
    """

    version: int = 0
    objectives: Objectives = field(default_factory=Objectives)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    kept_from_us: int | None = None

    def calendar(self, site: str) -> Calendar:
        """The calendar of a site."""
        return self.calendars.get(site, ALWAYS_OPEN)

    def judging(self, scope: Scope, series: tuple[str, str, str], at_us: int) -> Sequence[Judge]:
        """The judges of visits, interactions or contacts that arrive in (site, queue, channel) at a moment."""
        return self.objectives.judging(scope, *series, at_us, self.calendar(series[0]))
