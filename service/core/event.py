"""What is kept of events: facts, the kinds that there are, and the times and texts of which they are made.

A *fact* is an event reduced to what is needed of it: its time in whole microseconds since 1970, its kind, its identity
and its known fields, the customer already a pseudonym. The types of event are declared in `vocabulary`.
"""

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Annotated, Any, ClassVar, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType

from service.core.quality import Dimension

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
Initiator = Literal["customer", "us"]
CHANNELS: tuple[str, ...] = get_args(Channel)


class Kind(IntEnum):
    """The kinds of event. Those of interactions come first, in the order in which the walk takes those of one moment.

    ATTACHED is no event: it says that something beside an interaction is about it, see `story`.
    """

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
    INFORMED = 13
    VERIFIED = 14
    ATTACHED = 19
    PROMISE_MADE = 20
    PROMISE_KEPT = 21
    PROMISE_WITHDRAWN = 22
    FEEDBACK_RECEIVED = 30
    FEEDBACK_ANSWERED = 31
    ASSESSMENT_RECORDED = 40
    AVAILABILITY_CHANGED = 50
    HEARTBEAT = 51
    STAFFING_CHANGED = 52
    CHANGE_MADE = 60


KINDS_OF_INTERACTIONS = tuple(kind for kind in Kind if kind < Kind.ATTACHED)
FIRST_KIND_OF_LEVELS = Kind.AVAILABILITY_CHANGED
"""From this kind on an event belongs to no story: it says how things are from its time on."""


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
    initiated_by: Initiator | None = None
    known_customer: bool | None = None
    record: Text | None = None
    revision: Annotated[int, Meta(ge=0, le=MAX_REVISION)] | None = None


class StoredData(Common, omit_defaults=True, gc=False, kw_only=True):
    """What an event of an interaction says beside that, as read back from storage."""

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
    quoted_wait_seconds: float | None = None
    service_seconds: float | None = None
    hold_seconds: float | None = None
    outcome: str = "answered"
    transfers: int | None = None


class AsideData(StoredData, omit_defaults=True, gc=False, kw_only=True):
    """What an event beside interactions says. `about` is the subject of the interaction that it is about."""

    about: str | None = None
    promise: str | None = None
    due: datetime | None = None
    feedback: str | None = None
    metric: str | None = None
    score: float | None = None
    scale: float | None = None
    dimension: Dimension | None = None
    standard: str | None = None
    passed: int | None = None
    of: int | None = None
    resource: str | None = None
    state: str | None = None
    interval_seconds: float | None = None
    staffed: int | None = None
    available: int | None = None
    name: str | None = None
    sites: list[str] | None = None
    queues: list[str] | None = None


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


class AsideFact(Fact, array_like=True, gc=False, order=True):
    """A fact beside interactions, as it is read back."""

    data: AsideData


class Accepted(Struct, gc=False):
    """An event that may be committed: the story that it belongs to, and what it says."""

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
    """A CloudEvent 1.0 of the contract, before it is tied to a registered source.

    Only events of interactions need a `subject`, which they declare.
    """

    kind: ClassVar[int]
    id: Text
    source: Text
    time: Time
    specversion: Literal["1.0"] | UnsetType = UNSET
    data_base64: Annotated[Any, Meta(extra_json_schema={"not": {}})] | UnsetType = UNSET


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
