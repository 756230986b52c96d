"""What the rules are made with: where their links lead, how long silence is borne, and how fast a rehearsal goes."""

from dataclasses import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86_400
_UNITS = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Links:
    """Where the services are, as those who read an alert reach them."""

    frontline_url: str = "http://localhost:8000"
    grafana_url: str = "http://localhost:3000"


@dataclass(frozen=True, slots=True)
class Options:
    """The choices that rules leave.

    A source is silent after `silent_after_seconds` without an event. `speedup` divides every duration of the rules, so
    that a rehearsal takes minutes and not days; thresholds of objectives stay as they are. `today` is the number of
    the day whose promises hold; without it all have begun.
    """

    links: Links = Links()
    silent_after_seconds: float = 600
    speedup: float = 1
    today: int | None = None

    def span(self, seconds: float) -> str:
        """A duration of the rules as Prometheus writes it, as short as the rehearsal wants it."""
        return duration(seconds / self.speedup)


def duration(seconds: float) -> str:
    """A duration in the largest unit that it is a whole number of: 2h, 90m; a millisecond at least."""
    whole = round(seconds)
    if abs(seconds - whole) < 0.0005 and whole:
        size, unit = next((size, unit) for size, unit in _UNITS if whole % size == 0)
        return f"{whole // size}{unit}"
    return f"{max(1, round(seconds * 1000))}ms"
