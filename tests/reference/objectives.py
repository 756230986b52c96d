"""Objectives: what is promised of a KPI, to whom, and from which date on.

Readings adopted where the definitions are silent:

- Who arrives is judged by the version that held on that day, for good: the one with the latest start on or before
  the local date of the arrival, and of several with the same start the last one listed. Before the first there is
  none. The arrival is that of the visit, the interaction or the contact that is judged; the local date is that of
  the minute in which it is counted, in the time zone of its site.
- The version that holds decides alone, also where it lets out whom an earlier one let in: by its filter, because it
  has ended, or because the site was closed at the arrival and it is about open hours only.
- A site that stands in an override is judged by the override's threshold, where it has one; no site stands in two.
- The queue and the channel of an interaction or a contact are those to which it is booked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from tests.reference.calendar import Calendar
from tests.reference.kpis import SHORT
from tests.reference.rows import Row


@dataclass(frozen=True)
class Override:
    """What is promised otherwise at some sites. Without a threshold it is about the target, and judges nobody."""

    sites: tuple[str, ...]
    threshold: float | None = None


@dataclass(frozen=True)
class Version:
    """What an objective says to those who arrive on the local date `start` or later, None being ever.

    Durations are seconds and `within` is days, each None where the KPI knows none. The formula "" is the KPI's usual
    one. An empty filter lets all in.
    """

    threshold: float | None = None
    formula: str = ""
    start: date | None = None
    short: float = SHORT
    within: int | None = None
    sites: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    open_only: bool = False
    overrides: tuple[Override, ...] = ()
    ended: bool = False

    def covers(self, row: Row, calendar: Calendar) -> bool:
        """Whether this is about the one who arrived so; the calendar is the site's."""
        asked = ((self.sites, row.site), (self.queues, row.queue), (self.channels, row.channel))
        return (
            not self.ended
            and all(not allowed or place in allowed for allowed, place in asked)
            and (not self.open_only or calendar.is_open(row.arrival))
        )

    def of_site(self, site: str) -> Version:
        """What this says at a site."""
        for override in self.overrides:
            if site in override.sites and override.threshold is not None:
                return replace(self, threshold=override.threshold, overrides=())
        return self


@dataclass(frozen=True)
class Objective:
    """An objective as it has changed over time; it is about the same KPI for all of it."""

    name: str
    kpi: str
    versions: Sequence[Version]

    def version_for(self, row: Row, calendar: Calendar) -> Version | None:
        """The version that held when a visit or an interaction arrived, if any did."""
        today = calendar.local_date(row.minute)
        held = [version for version in self.versions if version.start is None or version.start <= today]
        return max(reversed(held), key=_since, default=None)


def _since(version: Version) -> date:
    return version.start or date.min
