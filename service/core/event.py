"""Events as the contract has them, and the facts that are kept of them.

A *fact* is an event reduced to what the walk needs: its time in whole microseconds since 1970, its kind, its identity
and its known fields, the customer already a pseudonym. An event type is declared here once, as a class.
"""

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
MAX_EVENTS_PER_POST = 10_000
MAX_EVENTS_PER_INTERACTION = 1_000
MAX_REVISION = (1 << 63) - 1
MAX_FUTURE_US = 5 * MINUTE_US
MIN_US = -62_104_000_000_000_000

Name = Annotated[str, Meta(min_length=1, max_length=256)]
# What is checked at admission, where it costs less than a pattern would.
Text = Annotated[Name, Meta(extra_json_schema={"pattern": r"^[^\u0000-\u001f\u007f]*$"})]
LABEL = r"[\w.:-]{1,64}"
Label = Annotated[str, Meta(min_length=1, max_length=64, pattern=rf"\A{LABEL}\Z")]
Seconds = Annotated[float, Meta(ge=0, le=315_360_000)]
Time = Annotated[datetime, Meta(tz=True)]
Channel = Literal["pos", "phone", "chat", "email", "web", "kiosk"]
Diversion = Literal["voicemail", "callback", "overflow", "timeout", "exit"]
Error = Literal["wrong_item", "remake", "refund", "billing", "other"]
Outcome = Literal["answered", "abandoned", "diverted"]
CHANNELS: tuple[str, ...] = get_args(Channel)


class Kind(IntEnum):
    """The kinds of event, in the order in which the walk takes those of one moment."""

    QUEUED = 0
    ANSWERED = 1
    HELD = 2
    RESUMED = 3
    TRANSFERRED = 4
    ESCALATED = 5
    CORRECTED = 6
    RECOVERED = 7
    ABANDONED = 8
    DIVERTED = 9
    COMPLETED = 10
    REOPENED = 11
    RECORDED = 12


class Common(Struct, omit_defaults=True, gc=False, kw_only=True):
    """The fields that any event may carry.

    `record` names what the event was taken from, in a system that tells the whole of it again with each change: of the
    events of an interaction with the same `record`, those with the greatest `revision` count and no others.
    """

    site: Label | None = None
    queue: Label | None = None
    channel: Channel | None = None
    customer: Name | None = None
    topic: Text | None = None
    agent: Text | None = None
    record: Text | None = None
    revision: Annotated[int, Meta(ge=0, le=MAX_REVISION)] | None = None


class WaitEnded(Common, omit_defaults=True, gc=False, kw_only=True):
    """What the source itself says of how long the wait was that ends here."""

    wait_seconds: Seconds | None = None


class QueuedData(Common, omit_defaults=True, gc=False, kw_only=True):
    queue: Label


class DivertedData(WaitEnded, omit_defaults=True, gc=False, kw_only=True):
    to: Diversion


class TransferredData(Common, omit_defaults=True, gc=False, kw_only=True):
    to_queue: Label | None = None
    to_agent: Text | None = None


class CompletedData(Common, omit_defaults=True, gc=False, kw_only=True):
    resolved: bool | None = None
    wrap_up_seconds: Seconds | None = None
    service_seconds: Seconds | None = None


class CorrectedData(Common, omit_defaults=True, gc=False, kw_only=True):
    kind: Error


class RecordedData(Common, omit_defaults=True, gc=False, kw_only=True):
    queued_at: Time | None = None
    answered_at: Time | None = None
    completed_at: Time | None = None
    wait_seconds: Seconds | None = None
    service_seconds: Seconds | None = None
    hold_seconds: Seconds | None = None
    wrap_up_seconds: Seconds | None = None
    outcome: Outcome = "answered"
    resolved: bool | None = None
    transfers: Annotated[int, Meta(ge=0, le=10_000)] | None = None


class StoredData(Common, omit_defaults=True, gc=False, kw_only=True):
    """Any of the above, as read back from storage."""

    to: str | None = None
    to_queue: str | None = None
    to_agent: str | None = None
    resolved: bool | None = None
    wrap_up_seconds: float | None = None
    kind: str | None = None
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    completed_at: datetime | None = None
    wait_seconds: float | None = None
    service_seconds: float | None = None
    hold_seconds: float | None = None
    outcome: str = "answered"
    transfers: int | None = None


class Fact(Struct, array_like=True, gc=False, order=True):
    """An event of an interaction. Facts sort in the order of the walk: time, kind, id, then source.

    `received_at` is when it was admitted here. On its way in `data` is an instance of the event type's own class, read
    back it is a `StoredData`: the fields that a kind has are there in both.
    """

    at: int
    kind: int
    id: str
    source: str
    data: StoredData
    received_at: int


class Accepted(Struct, gc=False):
    """An event that may be committed: the interaction it belongs to, and what it says."""

    index: int
    subject: str
    fact: Fact


class Rejected(Struct, frozen=True, omit_defaults=False):
    """An event that cannot be taken, as the answer to the post says it."""

    index: int
    id: str | None
    code: str
    detail: str


class WireEvent(Struct, tag_field="type", kw_only=True, gc=False):
    """A CloudEvent 1.0 of the contract, before it is tied to a registered source."""

    kind: ClassVar[int]
    id: Text
    source: Text
    time: Time
    subject: Text
    specversion: Literal["1.0"] | UnsetType = UNSET
    data_base64: Annotated[Any, Meta(extra_json_schema={"not": {}})] | UnsetType = UNSET


class Queued(WireEvent, tag="interaction.queued", kw_only=True, gc=False):
    kind = Kind.QUEUED.value
    data: QueuedData


class Answered(WireEvent, tag="interaction.answered", kw_only=True, gc=False):
    kind = Kind.ANSWERED.value
    data: WaitEnded = msgspec.field(default_factory=WaitEnded)


class Abandoned(WireEvent, tag="interaction.abandoned", kw_only=True, gc=False):
    kind = Kind.ABANDONED.value
    data: WaitEnded = msgspec.field(default_factory=WaitEnded)


class Diverted(WireEvent, tag="interaction.diverted", kw_only=True, gc=False):
    kind = Kind.DIVERTED.value
    data: DivertedData


class Held(WireEvent, tag="interaction.held", kw_only=True, gc=False):
    kind = Kind.HELD.value
    data: Common = msgspec.field(default_factory=Common)


class Resumed(WireEvent, tag="interaction.resumed", kw_only=True, gc=False):
    kind = Kind.RESUMED.value
    data: Common = msgspec.field(default_factory=Common)


class Transferred(WireEvent, tag="interaction.transferred", kw_only=True, gc=False):
    kind = Kind.TRANSFERRED.value
    data: TransferredData = msgspec.field(default_factory=TransferredData)


class Escalated(WireEvent, tag="interaction.escalated", kw_only=True, gc=False):
    kind = Kind.ESCALATED.value
    data: Common = msgspec.field(default_factory=Common)


class Completed(WireEvent, tag="interaction.completed", kw_only=True, gc=False):
    kind = Kind.COMPLETED.value
    data: CompletedData = msgspec.field(default_factory=CompletedData)


class Reopened(WireEvent, tag="interaction.reopened", kw_only=True, gc=False):
    kind = Kind.REOPENED.value
    data: Common = msgspec.field(default_factory=Common)


class Corrected(WireEvent, tag="interaction.corrected", kw_only=True, gc=False):
    kind = Kind.CORRECTED.value
    data: CorrectedData


class Recovered(WireEvent, tag="interaction.recovered", kw_only=True, gc=False):
    kind = Kind.RECOVERED.value
    data: Common = msgspec.field(default_factory=Common)


class Recorded(WireEvent, tag="interaction.recorded", kw_only=True, gc=False):
    kind = Kind.RECORDED.value
    data: RecordedData = msgspec.field(default_factory=RecordedData)


AnyEvent = (
    Queued
    | Answered
    | Abandoned
    | Diverted
    | Held
    | Resumed
    | Transferred
    | Escalated
    | Completed
    | Reopened
    | Corrected
    | Recovered
    | Recorded
)
EVENT_CLASSES: tuple[type[WireEvent], ...] = AnyEvent.__args__
TYPE_OF_KIND: dict[int, str] = {cls.kind: str(cls.__struct_config__.tag) for cls in EVENT_CLASSES}


def microseconds(moment: datetime) -> int:
    """Whole microseconds since 1970 of an aware time, exactly."""
    delta = moment - EPOCH
    return delta.days * DAY_US + delta.seconds * SECOND_US + delta.microseconds


def moment(us: int) -> datetime:
    """The aware UTC time that is `us` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=us)


def duration_us(seconds: float) -> int:
    """A duration in seconds as whole microseconds."""
    return round(seconds * SECOND_US)


def in_seconds(us: int | None) -> float | None:
    """A duration in microseconds as seconds, where there is one."""
    return None if us is None else us / SECOND_US
