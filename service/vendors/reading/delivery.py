"""What adapters work on and what they make: deliveries of a vendor in, events of the contract out. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar, runtime_checkable

from service.core.errors import InvalidInput

T = TypeVar("T")
Event = dict[str, Any]
"""An event in the contract's form, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request of a vendor as it came: the public URL with its query, headers by their lower-case names, raw body."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a delivery that could not be read or mapped: why, and a body that holds it and nothing else."""

    code: str
    detail: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a delivery that was read: its events, and how to get a body that holds it and nothing else."""

    events: list[Event]
    body: Callable[[], bytes]


@dataclass(slots=True)
class Reading:
    """What was read from a delivery: parts, those that are kept for later, and how many say nothing of service."""

    parts: list[Part] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    ignored: int = 0


class Reader(Protocol):
    """Reads the deliveries of one source, by its mapping."""

    def read(self, delivery: Delivery) -> Reading:
        """What a delivery says. What cannot be read is part of the answer; nothing is raised for it."""
        ...


@runtime_checkable
class Verifier(Protocol):
    """A reader whose mapping says how its sender signs: it verifies in its adapter's place."""

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Raise NotAuthenticated where none of the secrets has signed the delivery."""
        ...


class Adapter(Protocol):
    """What is known of a sender. `kept_headers` are those that its payloads cannot be read without."""

    name: str
    kept_headers: Sequence[str]

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Raise NotAuthenticated where none of the secrets has signed the delivery."""
        ...

    def reader(self, mapping: Any) -> Reader:
        """What reads by a mapping, given as JSON has it. Raises InvalidInput naming the field."""
        ...

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """The body that this sender wants, and its content type; `error` says what failed, or nothing."""
        ...


def event(kind: str, id_: str, time: str, subject: str, source: str, /, **data: Any) -> Event:
    """An event `interaction.{kind}`; data that is None is left out."""
    known = {name: value for name, value in data.items() if value is not None}
    return {
        "id": id_,
        "source": source,
        "type": f"interaction.{kind}",
        "time": time,
        "subject": subject,
        "data": known,
    }


def read_parts(
    parts: Iterable[T], events_of: Callable[[T], Iterable[Event] | None], body_of: Callable[[T], bytes]
) -> Reading:
    """Read a delivery part by part; None says that a part says nothing of service.

    A part that lacks what is needed, or has it in another form, is kept with the reason, and fails no other.
    """
    reading = Reading()
    for part in parts:
        try:
            events = events_of(part)
            made = None if events is None else list(events)
        except InvalidInput as error:
            reading.unread.append(Unread(error.code, str(error), body_of(part)))
        except KeyError as error:
            reading.unread.append(Unread("missing_field", f"{error.args[0]}: is missing", body_of(part)))
        except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
            # What the error itself says may quote the part, which is nobody's to read.
            reading.unread.append(Unread("unreadable", f"has another form ({type(error).__name__})", body_of(part)))
        else:
            if made is None:
                reading.ignored += 1
            else:
                reading.parts.append(Part(made, partial(body_of, part)))
    return reading


def unreadable(delivery: Delivery, detail: str) -> Reading:
    """A delivery that cannot be taken apart at all."""
    return Reading(unread=[Unread("unreadable", detail, delivery.body)])
