"""What a simulated site is like: its lines, how many come at what hour, how long they are served and wait."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from service.simulator.care import Care, Resource, Upkeep
from service.simulator.durations import Duration, Exponential, LogNormal

OPEN_LATE = (1.0, 1.0, 1.0, 1.0, 1.05, 1.1, 0.95)  # of a store: traffic by weekday, from Monday
OFFICE = (1.25, 1.1, 1.0, 1.0, 0.9, 0.55, 0.45)  # of a call centre: Mondays are the worst

# Customers an hour at the top of each local hour; in between, the rate goes straight from one to the next.
_SHOPPING = (0, 0, 0, 0, 0, 0, 0, 12, 40, 55, 65, 78, 92, 88, 70, 68, 80, 98, 100, 82, 55, 30, 0, 0)
_DRIVING = (8, 5, 4, 4, 6, 14, 30, 52, 48, 36, 34, 44, 58, 52, 38, 36, 42, 52, 56, 50, 38, 28, 20, 12)
_CALLING = (10, 8, 6, 6, 8, 12, 20, 38, 70, 92, 100, 96, 84, 80, 88, 90, 84, 72, 54, 44, 36, 28, 20, 14)

_STORES = (("vilnius", "Europe/Vilnius"), ("chicago", "America/Chicago"), ("singapore", "Asia/Singapore"))
_CENTRES = (("riga", "Europe/Riga"), ("manila", "Asia/Manila"), ("denver", "America/Denver"))
_TOPICS = {"sales": ("offer", "contract"), "billing": ("invoice", "payment"), "support": ("fault", "how-to")}
_PROMISES = {"sales": ("delivery", "visit"), "billing": ("fix",), "support": ("fix", "visit")}

_HOLD = LogNormal(40, 0.6)
_RARELY, _SOMETIMES = Exponential(15 * 86_400), Exponential(2 * 86_400)
_STANDARDS = {"expression": 0.78, "phrases": 0.7, "distance": 0.8, "appearance": 0.82, "speed": 0.76, "safety": 0.85}
_STORE = Upkeep(
    resources=(
        *(Resource(f"till-{number}", "equipment", _SOMETIMES) for number in range(1, 5)),
        *(Resource(f"drive-thru-{number}", "equipment", _SOMETIMES) for number in range(1, 3)),
        Resource("payment-terminals", "equipment", Exponential(86_400), LogNormal(2400, 0.5), degraded=0.0, beats=True),
        Resource("web-orders", "channel", _SOMETIMES, degraded=0.6),
        Resource("", "site", _RARELY, degraded=0.0, beats=True),
    ),
    standards=_STANDARDS | {"clean-tables": 0.8},
)
_CENTRE = Upkeep(
    resources=(
        *(Resource(f"{line}-line", "channel", _SOMETIMES) for line in _TOPICS),
        Resource("customer-records", "equipment", Exponential(86_400), LogNormal(1800, 0.6), degraded=0.7),
        Resource("headsets", "equipment", _SOMETIMES, LogNormal(2400, 0.5), degraded=0.0, beats=True),
        Resource("", "site", _RARELY, degraded=0.0, beats=True),
    ),
    standards=_STANDARDS | {"call-notes": 0.75},
)


@dataclass(frozen=True, slots=True)
class QueueProfile:
    """A line with `servers` who take the one who waits longest. Shares and chances are 0 to 1.

    `arrivals` are customers an hour by local hour, times `weekdays`. `corrections` are the kinds of error
    that happen here. `diversions` are where those go who lose patience and don't hang up. `summarised` is the
    share of encounters that are told in a single `interaction.recorded`. Without `care` nothing is told but what
    happens in the line.
    """

    name: str
    channel: str
    servers: int
    arrivals: tuple[float, ...]
    service: Duration
    patience: Duration
    topics: tuple[str, ...]
    corrections: tuple[str, ...]
    weekdays: tuple[float, ...] = OPEN_LATE
    known: float = 0.7
    resolved: float = 0.97
    corrected: float = 0.02
    reopened: float = 0.0
    escalated: float = 0.0
    held: float = 0.0
    summarised: float = 0.0
    diverted: float = 0.0
    diversions: tuple[str, ...] = ("exit",)
    transfers: Mapping[str, float] = field(default_factory=dict)
    hold: Duration = _HOLD
    wrap_up: Duration | None = None
    care: Care | None = None


@dataclass(frozen=True, slots=True)
class SiteProfile:
    """A store or a call centre, with `customers` people who come to it, some of them often.

    Without `upkeep` nothing is told of the site itself: of checks, of what breaks, and of who is at work.
    """

    name: str
    time_zone: str
    queues: tuple[QueueProfile, ...]
    customers: int
    upkeep: Upkeep | None = None

    def arrival_rate(self, queue: QueueProfile, at: float, zone: ZoneInfo) -> float:
        """Customers an hour who join `queue` at the moment `at`, in seconds since 1970."""
        local = datetime.fromtimestamp(at, zone)
        into = (local.minute + local.second / 60) / 60
        this, following = queue.arrivals[local.hour], queue.arrivals[(local.hour + 1) % 24]
        return (this + (following - this) * into) * queue.weekdays[local.weekday()]

    def times(self, rate: float) -> "SiteProfile":
        """The same site with `rate` times the customers, and the servers to match."""
        queues = tuple(
            replace(
                queue,
                arrivals=tuple(each * rate for each in queue.arrivals),
                servers=max(1, round(queue.servers * rate)),
            )
            for queue in self.queues
        )
        return replace(self, queues=queues, customers=max(1, round(self.customers * rate)))


def store(name: str, time_zone: str) -> SiteProfile:
    """A store with tills, and a drive-thru that never closes."""
    tills = QueueProfile(
        name="tills",
        channel="pos",
        servers=4,
        arrivals=_SHOPPING,
        service=LogNormal(105, 0.5),
        patience=LogNormal(600, 0.5),
        topics=("purchase", "purchase", "purchase", "return"),
        corrections=("refund", "wrong_item", "other"),
        summarised=0.1,
        care=Care(
            tolerance=240,
            informed=0.2,
            recognised=0.35,
            promised=0.04,
            promises=("delivery",),
            surveyed=0.06,
            complaining=0.006,
        ),
    )
    drive = QueueProfile(
        name="drive-thru",
        channel="pos",
        servers=2,
        arrivals=_DRIVING,
        service=LogNormal(85, 0.4),
        patience=LogNormal(420, 0.5),
        topics=("order",),
        corrections=("wrong_item", "remake"),
        known=0.4,
        corrected=0.04,
        care=Care(tolerance=150, quoted=0.3, informed=0.15, recognised=0.2, surveyed=0.05, complaining=0.006),
    )
    return SiteProfile(name, time_zone, (tills, drive), customers=3000, upkeep=_STORE)


def call_centre(name: str, time_zone: str) -> SiteProfile:
    """A call centre with lines for sales, billing and support, which pass callers on to each other."""

    def line(
        name: str, servers: int, volume: float, talk: float, transfers: Mapping[str, float], resolved: float
    ) -> QueueProfile:
        return QueueProfile(
            name=name,
            channel="phone",
            servers=servers,
            arrivals=tuple(each * volume for each in _CALLING),
            weekdays=OFFICE,
            service=LogNormal(talk, 0.7),
            patience=Exponential(300),
            topics=_TOPICS[name],
            corrections=("billing",),
            known=0.85,
            resolved=resolved,
            corrected=0.015,
            reopened=0.03,
            escalated=0.03,
            held=0.15,
            diverted=0.25,
            diversions=("callback", "voicemail"),
            transfers=transfers,
            wrap_up=LogNormal(25, 0.5),
            care=Care(
                tolerance=90,
                quoted=0.9,
                informed=0.55,
                verified=0.65,
                recognised=0.6,
                called_back=0.35,
                promised=0.08,
                promises=_PROMISES[name],
                surveyed=0.12,
                complaining=0.009,
            ),
        )

    lines = (
        line("sales", 4, 0.32, 210, {"billing": 0.05}, 0.9),
        line("billing", 6, 0.6, 170, {"support": 0.06}, 0.82),
        line("support", 9, 0.62, 260, {"billing": 0.04}, 0.74),
    )
    return SiteProfile(name, time_zone, lines, customers=4000, upkeep=_CENTRE)


def sites(number: int) -> tuple[SiteProfile, ...]:
    """So many sites around the world, every third a call centre: somewhere it is always day."""
    return tuple(_site(index) for index in range(number))


def _site(index: int) -> SiteProfile:
    before, place = divmod(index, 3)
    if place == 2:
        city, time_zone = _CENTRES[before % len(_CENTRES)]
        return call_centre(f"care-{city}-{before // len(_CENTRES) + 1}", time_zone)
    lap, turn = divmod(2 * before + place, len(_STORES))
    city, time_zone = _STORES[turn]
    return store(f"{city}-{lap + 1}", time_zone)
