"""How levels stand at one moment, and what they came to on the local day so far."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from service.core.event import HOUR_US
from service.core.levels import (
    DOWN,
    STATES,
    Integral,
    Level,
    Record,
    Resource,
    StateTimes,
    pieces,
    plain_us,
    record_of,
)
from service.core.policy import Policy


class ResourcesNow(NamedTuple):
    """The resources of a site and kind: how many are in each state, and the share of opening time they were up today.

    The share is None where the site was not open yet.
    """

    site: str
    kind: str
    states: Mapping[str, int]
    availability: float | None


class StaffingNow(NamedTuple):
    """Those who serve a queue now, how busy they were today, and how many came for each hour that one served.

    Occupancy and arrivals are None where nobody served yet.
    """

    site: str
    queue: str
    staffed: int
    occupancy: float | None
    arrivals: float | None


class ResourceNow(NamedTuple):
    """How a resource stands, since when, and until when its heartbeats cover it, None where it sends none."""

    resource: Resource
    state: str
    since_us: int
    covered_until_us: int | None


class Handled(NamedTuple):
    """What a queue has had on a local day: time of service, hold and wrap-up, and visits."""

    busy_us: int = 0
    offered: int = 0


@dataclass(frozen=True, slots=True)
class LevelsKnown:
    """What is known of levels at `now_us`: since the midnight of each site, and the change then in force.

    `records` by the number of the level, `handled` by site and queue, `midnights` by site.
    """

    now_us: int = 0
    resources: Sequence[Resource] = ()
    staffing: Sequence[Level] = ()
    records: Mapping[int, Record] = field(default_factory=dict)
    handled: Mapping[tuple[str, str], Handled] = field(default_factory=dict)
    midnights: Mapping[str, int] = field(default_factory=dict)

    def resources_now(self, policy: Policy) -> Iterator[ResourcesNow]:
        """The resources of each site and kind, sorted. With thousands of them this takes a moment."""
        states: dict[tuple[str, str], dict[str, int]] = {}
        today: dict[tuple[str, str], StateTimes] = {}
        for resource in self.resources:
            record = record_of(resource, self.records)
            if record is not None:
                site, kind, _ = resource.key
                counts = states.setdefault((site, kind), dict.fromkeys(STATES, 0))
                found = pieces(record, self.midnights[site], self.now_us + 1)
                counts[STATES[found[-1].value]] += 1
                times = today.get((site, kind))
                if times is None:
                    bounds = (self.midnights[site], self.now_us)
                    times = today[site, kind] = StateTimes(bounds, policy.calendar(site))
                times.add(found)
        for (site, kind), counts in sorted(states.items()):
            total = today[site, kind].total()
            (open_us,), (up_us,) = total["open_us"], total["up_us"]
            yield ResourcesNow(site, kind, counts, up_us / open_us if open_us else None)

    def staffing_now(self) -> Iterator[StaffingNow]:
        """The queues of which anyone ever told how many serve, sorted."""
        for level in sorted(self.staffing, key=lambda level: level.key):
            record = self.records.get(level.id)
            if record is not None:
                site, _, queue = level.key
                integral = Integral((self.midnights[site], self.now_us), plain_us)
                found = pieces(record, self.midnights[site], self.now_us + 1)
                for piece in found:
                    integral.add(piece, piece.value)
                (staffed_us,) = integral.total()
                handled = self.handled.get((site, queue), Handled())
                occupancy, arrivals = None, None
                if staffed_us:
                    occupancy, arrivals = handled.busy_us / staffed_us, handled.offered * HOUR_US / staffed_us
                yield StaffingNow(site, queue, found[-1].value, occupancy, arrivals)


def value_at(record: Record, at_us: int) -> int:
    """The level at a moment at which it is known."""
    return pieces(record, at_us, at_us + 1)[0].value


def turned_at(record: Record) -> int:
    """When the change came that is in force at the end of a record; when it is first heard of, before any change."""
    return record.changes[-1][0] if record.changes else record.first_us


def how_it_stands(resource: Resource, now: Record, then: Record, now_us: int) -> ResourceNow:
    """How a resource stands, by what is known of it at this moment, and at that of the change in force, `turned_at`."""
    state = STATES[value_at(now, now_us)]
    if not now.beats:
        return ResourceNow(resource, state, turned_at(now), None)
    begin, end = now.beats[-1]
    if now.changes and now.changes[-1][1] == DOWN:
        # Where it was silent when it was told to be down, it had been down since its heartbeats ended.
        ended = then.beats[-1][1] if then.beats else now_us
        since = min(turned_at(now), ended)
    elif end <= now_us:
        since = end
    else:
        since = turned_at(now) if begin == now.heard_from_us else max(begin, turned_at(now))
    return ResourceNow(resource, state, since, end)
