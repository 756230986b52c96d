"""What an `interaction.recorded` event stands for: the events that it summarises, at the times it gives or implies.

A duration that is given beside the times that imply it is what the source itself says of it.
"""

from typing import cast

import msgspec

from service.core.errors import InvalidInput
from service.core.event import Common, Fact, Kind, StoredData, duration_us, microseconds
from service.core.vocabulary import CompletedData, WaitEnded


def expand(fact: Fact) -> list[Fact]:
    """The facts that a recorded one stands for. Raises InvalidInput, naming the field, where it contradicts itself."""
    data = fact.data
    end = fact.at if data.completed_at is None else microseconds(data.completed_at)
    hold = duration_us(data.hold_seconds or 0)
    answer = end
    if data.outcome == "answered":
        if data.answered_at is not None:
            answer = microseconds(data.answered_at)
        else:
            answer = end - duration_us(data.service_seconds or 0) - hold
    queued = _queued(data, answer)
    _check(data, queued, answer, hold, end)

    common = Common(
        site=data.site,
        queue=data.queue,
        channel=data.channel,
        customer=data.customer,
        topic=data.topic,
        agent=data.agent,
        initiated_by=data.initiated_by,
        known_customer=data.known_customer,
    )
    ended = WaitEnded(**msgspec.structs.asdict(common))
    if data.queued_at is not None:
        ended.wait_seconds = data.wait_seconds
    facts = []

    def add(at: int, kind: Kind, what: Common = common) -> None:
        facts.append(Fact(at, kind.value, fact.id, fact.source, cast("StoredData", what), fact.received_at))

    if queued is not None:
        begun = StoredData(**msgspec.structs.asdict(common), quoted_wait_seconds=data.quoted_wait_seconds)
        add(queued, Kind.QUEUED, begun)
    if data.transfers:
        add(end, Kind.TRANSFERRED)
    if data.outcome == "answered":
        add(answer, Kind.ANSWERED, ended)
        if hold:
            add(answer, Kind.HELD)
            add(answer + hold, Kind.RESUMED)
        add(end, Kind.COMPLETED, _completion(common, data))
    else:
        add(end, Kind.ABANDONED if data.outcome == "abandoned" else Kind.DIVERTED, ended)
    return facts


def _queued(data: StoredData, answer: int) -> int | None:
    """When the wait began; `answer` is the end where nobody answered."""
    if data.queued_at is not None:
        return microseconds(data.queued_at)
    if data.wait_seconds is not None:
        return answer - duration_us(data.wait_seconds)
    return None


def _check(data: StoredData, queued: int | None, answer: int, hold: int, end: int) -> None:
    if answer > end:
        raise InvalidInput(
            "is after the end of the encounter; it must not be later than completed_at (or the event's time)",
            field="data.answered_at",
            code="contradiction",
        )
    if queued is not None and queued > answer:
        what = "the answer" if data.outcome == "answered" else "the end"
        raise InvalidInput(
            f"is after {what}; the wait must begin before it ends",
            field="data.queued_at",
            code="contradiction",
        )
    if data.outcome == "answered" and hold > end - answer:
        raise InvalidInput(
            "is longer than the time from the answer to the end",
            field="data.hold_seconds",
            code="contradiction",
        )
    if data.outcome != "answered" and data.answered_at is not None:
        raise InvalidInput(
            f"was sent with outcome {data.outcome}; an encounter that was answered has outcome answered",
            field="data.answered_at",
            code="contradiction",
        )


def _completion(common: Common, data: StoredData) -> CompletedData:
    return CompletedData(
        **msgspec.structs.asdict(common),
        resolved=data.resolved,
        wrap_up_seconds=data.wrap_up_seconds,
        service_seconds=None if data.answered_at is None else data.service_seconds,
    )
