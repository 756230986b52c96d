"""What an audit finds to be stored otherwise than the log says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from service.core.customer import Link
from service.core.event import Fact
from service.core.measure import SeriesKey
from service.store.bookings import InteractionKey


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is stored otherwise than the log says: what, where, and how."""

    what: str
    where: str
    detail: str


@dataclass(slots=True)
class Report:
    """What an audit saw: how many it compared, what differs, and how many wait for the timer, which is no fault."""

    events: int = 0
    interactions: int = 0
    contacts: int = 0
    sums: int = 0
    overdue: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class WrongInteraction:
    """A story that is stored otherwise than its events in the log say; `home` is where the one is that it is about."""

    key: InteractionKey
    in_log: list[Fact]
    kept: list[Fact]
    home: SeriesKey | None


@dataclass(frozen=True, slots=True)
class WrongContact:
    """A contact that is stored otherwise than the interactions say; either side may be missing."""

    key: InteractionKey
    right: Link | None
    stored: tuple[Any, ...] | None


Progress = Callable[[str, Report], None]
