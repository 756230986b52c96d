"""The types of event that the contract has, each declared once, as a class."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.core.event import (
    Channel,
    Common,
    Diversion,
    Error,
    Kind,
    Label,
    Outcome,
    Seconds,
    Text,
    Time,
    WireEvent,
)
from service.core.quality import Dimension

Matter = Literal["callback", "delivery", "fix", "visit"]
FeedbackKind = Literal["survey", "review", "comment", "complaint"]
FeedbackMetric = Literal["csat", "ces", "nps", "stars"]
ResourceKind = Literal["equipment", "channel", "site"]
ResourceState = Literal["up", "degraded", "down"]
ChangeKind = Literal["training", "process", "staffing", "system"]
Number = Annotated[int, Meta(ge=0, le=1_000_000)]
Score = Annotated[float, Meta(ge=0, le=1_000_000)]
Best = Annotated[float, Meta(gt=0, le=1_000_000)]
Labels = Annotated[list[Label], Meta(min_length=1, max_length=1000)]


class WaitEnded(Common, omit_defaults=True, gc=False, kw_only=True):
    """What the source itself says of how long the wait was that ends here."""

    wait_seconds: Seconds | None = None


class QueuedData(Common, omit_defaults=True, gc=False, kw_only=True):
    queue: Label
    quoted_wait_seconds: Seconds | None = None


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
    quoted_wait_seconds: Seconds | None = None
    service_seconds: Seconds | None = None
    hold_seconds: Seconds | None = None
    wrap_up_seconds: Seconds | None = None
    outcome: Outcome = "answered"
    resolved: bool | None = None
    transfers: Annotated[int, Meta(ge=0, le=10_000)] | None = None


class Placed(msgspec.Struct, omit_defaults=True, gc=False, kw_only=True):
    """Where something is that no interaction tells: fields that any event beside interactions may carry."""

    site: Label | None = None
    queue: Label | None = None
    channel: Channel | None = None


class PromiseData(Placed, omit_defaults=True, gc=False, kw_only=True):
    promise: Text


class PromiseMadeData(PromiseData, omit_defaults=True, gc=False, kw_only=True):
    due: Time
    kind: Matter


class FeedbackData(Placed, omit_defaults=True, gc=False, kw_only=True):
    kind: FeedbackKind
    metric: FeedbackMetric | None = None
    score: Score | None = None
    scale: Best | None = None
    dimension: Dimension | None = None


class FeedbackAnsweredData(Placed, omit_defaults=True, gc=False, kw_only=True):
    feedback: Text


class AssessmentData(Placed, omit_defaults=True, gc=False, kw_only=True):
    site: Label
    standard: Label
    passed: Number
    of: Annotated[int, Meta(ge=1, le=1_000_000)]


class AvailabilityData(Placed, omit_defaults=True, gc=False, kw_only=True):
    site: Label
    resource: Label
    kind: ResourceKind
    state: ResourceState


class HeartbeatData(Placed, omit_defaults=True, gc=False, kw_only=True):
    """A sign of life of a resource, or of the site itself; it may stay silent for `interval_seconds` after it."""

    site: Label
    resource: Label | None = None
    kind: ResourceKind | None = None
    interval_seconds: Annotated[float, Meta(gt=0, le=604_800)] | None = None


class StaffingData(Placed, omit_defaults=True, gc=False, kw_only=True):
    site: Label
    queue: Label
    staffed: Number
    available: Number | None = None


class ChangeData(msgspec.Struct, omit_defaults=True, gc=False, kw_only=True):
    """A change made on purpose, at some sites and queues, or at all of them."""

    name: Label
    kind: ChangeKind
    sites: Labels | None = None
    queues: Labels | None = None


class InteractionEvent(WireEvent, kw_only=True, gc=False):
    subject: Text


class AsideEvent(WireEvent, kw_only=True, gc=False):
    """An event beside interactions; `subject` names the one that it is about, if any."""

    subject: Text | UnsetType = UNSET


class Queued(InteractionEvent, tag="interaction.queued", kw_only=True, gc=False):
    kind = Kind.QUEUED.value
    data: QueuedData


class Answered(InteractionEvent, tag="interaction.answered", kw_only=True, gc=False):
    kind = Kind.ANSWERED.value
    data: WaitEnded = msgspec.field(default_factory=WaitEnded)


class Abandoned(InteractionEvent, tag="interaction.abandoned", kw_only=True, gc=False):
    kind = Kind.ABANDONED.value
    data: WaitEnded = msgspec.field(default_factory=WaitEnded)


class Diverted(InteractionEvent, tag="interaction.diverted", kw_only=True, gc=False):
    kind = Kind.DIVERTED.value
    data: DivertedData


class Held(InteractionEvent, tag="interaction.held", kw_only=True, gc=False):
    kind = Kind.HELD.value
    data: Common = msgspec.field(default_factory=Common)


class Resumed(InteractionEvent, tag="interaction.resumed", kw_only=True, gc=False):
    kind = Kind.RESUMED.value
    data: Common = msgspec.field(default_factory=Common)


class Transferred(InteractionEvent, tag="interaction.transferred", kw_only=True, gc=False):
    kind = Kind.TRANSFERRED.value
    data: TransferredData = msgspec.field(default_factory=TransferredData)


class Escalated(InteractionEvent, tag="interaction.escalated", kw_only=True, gc=False):
    kind = Kind.ESCALATED.value
    data: Common = msgspec.field(default_factory=Common)


class Completed(InteractionEvent, tag="interaction.completed", kw_only=True, gc=False):
    kind = Kind.COMPLETED.value
    data: CompletedData = msgspec.field(default_factory=CompletedData)


class Reopened(InteractionEvent, tag="interaction.reopened", kw_only=True, gc=False):
    kind = Kind.REOPENED.value
    data: Common = msgspec.field(default_factory=Common)


class Corrected(InteractionEvent, tag="interaction.corrected", kw_only=True, gc=False):
    kind = Kind.CORRECTED.value
    data: CorrectedData


class Recovered(InteractionEvent, tag="interaction.recovered", kw_only=True, gc=False):
    kind = Kind.RECOVERED.value
    data: Common = msgspec.field(default_factory=Common)


class Recorded(InteractionEvent, tag="interaction.recorded", kw_only=True, gc=False):
    kind = Kind.RECORDED.value
    data: RecordedData = msgspec.field(default_factory=RecordedData)


class Informed(InteractionEvent, tag="interaction.informed", kw_only=True, gc=False):
    kind = Kind.INFORMED.value
    data: Common = msgspec.field(default_factory=Common)


class Verified(InteractionEvent, tag="interaction.verified", kw_only=True, gc=False):
    kind = Kind.VERIFIED.value
    data: Common = msgspec.field(default_factory=Common)


class PromiseMade(AsideEvent, tag="promise.made", kw_only=True, gc=False):
    kind = Kind.PROMISE_MADE.value
    data: PromiseMadeData


class PromiseKept(AsideEvent, tag="promise.kept", kw_only=True, gc=False):
    kind = Kind.PROMISE_KEPT.value
    data: PromiseData


class PromiseWithdrawn(AsideEvent, tag="promise.withdrawn", kw_only=True, gc=False):
    kind = Kind.PROMISE_WITHDRAWN.value
    data: PromiseData


class FeedbackReceived(AsideEvent, tag="feedback.received", kw_only=True, gc=False):
    kind = Kind.FEEDBACK_RECEIVED.value
    data: FeedbackData


class FeedbackAnswered(AsideEvent, tag="feedback.answered", kw_only=True, gc=False):
    kind = Kind.FEEDBACK_ANSWERED.value
    data: FeedbackAnsweredData


class AssessmentRecorded(AsideEvent, tag="assessment.recorded", kw_only=True, gc=False):
    kind = Kind.ASSESSMENT_RECORDED.value
    data: AssessmentData


class AvailabilityChanged(AsideEvent, tag="availability.changed", kw_only=True, gc=False):
    kind = Kind.AVAILABILITY_CHANGED.value
    data: AvailabilityData


class Heartbeat(AsideEvent, tag="heartbeat", kw_only=True, gc=False):
    kind = Kind.HEARTBEAT.value
    data: HeartbeatData


class StaffingChanged(AsideEvent, tag="staffing.changed", kw_only=True, gc=False):
    kind = Kind.STAFFING_CHANGED.value
    data: StaffingData


class ChangeMade(AsideEvent, tag="change.made", kw_only=True, gc=False):
    kind = Kind.CHANGE_MADE.value
    data: ChangeData


AnyInteractionEvent = (
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
    | Informed
    | Verified
)
AnyAsideEvent = (
    PromiseMade
    | PromiseKept
    | PromiseWithdrawn
    | FeedbackReceived
    | FeedbackAnswered
    | AssessmentRecorded
    | AvailabilityChanged
    | Heartbeat
    | StaffingChanged
    | ChangeMade
)
AnyEvent = AnyInteractionEvent | AnyAsideEvent
INTERACTION_EVENTS: tuple[type[InteractionEvent], ...] = AnyInteractionEvent.__args__
EVENT_CLASSES: tuple[type[WireEvent], ...] = AnyEvent.__args__
TYPE_OF_KIND: dict[int, str] = {cls.kind: str(cls.__struct_config__.tag) for cls in EVENT_CLASSES}
KIND_OF_TYPE: dict[str, int] = {name: kind for kind, name in TYPE_OF_KIND.items()}
