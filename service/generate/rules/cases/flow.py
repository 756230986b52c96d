"""What comes to a line minute by minute, and which burn rates that means: plain arithmetic, apart from PromQL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from service.core.objective import Severity
from service.generate.rules.options import MINUTE
from service.generate.rules.promql import number
from service.generate.rules.tiers import Tier
from service.generate.rules.variants import Variant

_DOUBT = 0.02  # of a threshold
DAYS_STEP = 5


@dataclass(frozen=True, slots=True)
class Phase:
    """Minutes in which as many events come, and as many of them are breaches, in each."""

    minutes: int
    events: float
    breaches: float


@dataclass(frozen=True, slots=True)
class Flow:
    """The counters of an objective on a line, looked at every `step` minutes; they begin with what was before."""

    phases: tuple[Phase, ...]
    events_before: float = 0
    breaches_before: float = 0
    step: int = 1

    @property
    def minutes(self) -> int:
        """How long it lasts."""
        return sum(phase.minutes for phase in self.phases)

    def counted(self, since: float, until: float) -> tuple[float, float]:
        """Events and breaches between two minutes."""
        events = breaches = start = 0.0
        for phase in self.phases:
            minutes = max(0.0, min(until, start + phase.minutes) - max(since, start))
            events += minutes * phase.events
            breaches += minutes * phase.breaches
            start += phase.minutes
        return events, breaches

    def values(self) -> tuple[str, str]:
        """The samples of both counters, as promtool writes them."""
        rates = [(phase.minutes, phase.events, phase.breaches) for phase in self.phases]
        events = _samples(self.events_before, [(minutes, rate) for minutes, rate, _ in rates], self.step)
        return events, _samples(self.breaches_before, [(minutes, rate) for minutes, _, rate in rates], self.step)

    def regimes(self, variant: Variant, tiers: Sequence[Tier]) -> Iterator[tuple[int, tuple[Tier, ...]]]:
        """The tiers that fire, whenever they change: at the first and at the last minute where that is beyond doubt."""
        before: tuple[int, tuple[Tier, ...]] | None = None
        shown = 0
        for minute in range(self.step, self.minutes - self.step, self.step):
            found = self._beyond_doubt(variant, tiers, minute)
            if found is None:
                continue
            if before is None or found != before[1]:
                if before is not None and before[0] > shown:
                    yield before
                yield minute, found
                shown = minute
            before = minute, found
        if before is not None and before[0] > shown:
            yield before

    def _beyond_doubt(self, variant: Variant, tiers: Sequence[Tier], minute: int) -> tuple[Tier, ...] | None:
        """The tiers that fire a step earlier, a step later, and with thresholds a little lower or higher alike."""
        readings = {
            tuple(tier for tier in tiers if self._burns(tier, variant.terms.minimum_events, minute, doubt, moved, cut))
            for doubt in (1 - _DOUBT, 1 + _DOUBT)
            for moved in (-self.step, 0, self.step)
            for cut in (0, self.step)
        }
        return readings.pop() if len(readings) == 1 else None

    def _burns(self, tier: Tier, minimum: int, minute: int, doubt: float, moved: int, cut: int) -> bool:
        now = minute + moved
        # Prometheus 3 does not count the sample at the very beginning of a span; 2 does.
        over_long = self.counted(now - tier.long_seconds / MINUTE + cut, now)
        over_short = self.counted(now - tier.short_seconds / MINUTE + cut, now)
        enough = over_long[0] >= minimum * doubt
        return enough and all(
            events > 0 and breaches / events > tier.threshold * doubt for events, breaches in (over_long, over_short)
        )


def _samples(value: float, rates: Sequence[tuple[int, float]], step: int) -> str:
    parts = [number(value)]
    for minutes, rate in rates:
        grown = rate * step
        parts.append(f"{number(value + grown)}+{number(grown)}x{minutes // step - 1}")
        value += rate * minutes
    return " ".join(parts)


QUIET_HOUR = Flow((Phase(30, 0, 0), Phase(1, 1, 1), Phase(30, 0, 0)))
"""One came, and was served badly."""
NOBODY = Flow((Phase(60, 0, 0),), 500, 400)
"""An hour in which nobody came, after a bad past."""
RARE = Flow((Phase(10, 0, 0), *(phase for _ in range(3) for phase in (Phase(1, 1, 1), Phase(19, 0, 0)))))
"""Three who came far apart, and were all served badly."""


def usual_rate(variant: Variant) -> float:
    """Events in a minute, so that nowhere are too few."""
    return max(10, variant.terms.minimum_events)


def outage(variant: Variant) -> Flow:
    """Two hours without a breach, and two in which all are."""
    rate = usual_rate(variant)
    return Flow((Phase(120, rate, 0), Phase(120, rate, rate)))


def only_outage(variant: Variant) -> Flow:
    """Half an hour in which all are breaches."""
    rate = usual_rate(variant)
    return Flow((Phase(30, rate, rate),))


def recovery(variant: Variant) -> Flow:
    """An outage of one and a half hours, and good service again."""
    rate = usual_rate(variant)
    return Flow((Phase(30, rate, 0), Phase(90, rate, rate), Phase(60, rate, 0)))


def slow_burn(variant: Variant) -> Flow:
    """An hour of breaches that are too many for what makes a ticket, and not for what makes a page."""
    rate = usual_rate(variant)
    return Flow((Phase(60, rate, rate * slow_share(variant.tiers)),))


def slow_share(tiers: Sequence[Tier]) -> float:
    """A share of breaches between the thresholds of tickets and of pages; where all are alike, above the lowest."""
    loud = sorted(tier.threshold for tier in tiers if tier.severity is Severity.PAGE)
    low = sorted(tier.threshold for tier in tiers if tier.severity is not Severity.PAGE)
    if not low:
        return loud[0] / 2
    if loud and low[-1] < loud[0]:
        return (low[-1] + loud[0]) / 2
    return (low[0] + next((one for one in (*low, *loud, 1.0) if one > low[0]), 1.0)) / 2


def good(variant: Variant) -> Flow:
    """An hour with a quarter of the breaches that may be, after a bad past."""
    rate = usual_rate(variant)
    return Flow((Phase(60, rate, rate * (1 - variant.terms.target) / 4),), 100_000, 90_000)


def days(variant: Variant) -> Flow:
    """A day without a breach, and one and a half with more than a day should have."""
    rate = usual_rate(variant)
    share = slow_share(variant.tiers)
    return Flow((Phase(24 * 60, rate, 0), Phase(36 * 60, rate, rate * share)), step=DAYS_STEP)


def anew(flow: Flow) -> Flow:
    """The same, with counters that begin at 0."""
    return replace(flow, events_before=0, breaches_before=0)


def taking_over(flow: Flow, begins: int, late: int) -> Flow:
    """The same as a replica shows it that begins at a minute and is some minutes late; it lasts as long."""
    events, breaches = flow.counted(0, begins - late)
    return replace(flow, events_before=flow.events_before + events, breaches_before=flow.breaches_before + breaches)
