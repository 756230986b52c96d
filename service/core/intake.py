"""From the bytes of a post to facts that may be committed, one verdict an event.

A bad event never fails its neighbours: it becomes a `Rejected` that names its field, what was wrong and what would be
right.
"""

import json
import re
from collections.abc import Callable
from typing import TypeVar, get_args

import msgspec

from service.core.aside_intake import admit_aside, texts_of
from service.core.errors import InvalidInput, TooLarge
from service.core.event import (
    MAX_EVENTS_PER_POST,
    MAX_FUTURE_US,
    MIN_US,
    MINUTE_US,
    Accepted,
    Channel,
    Common,
    Diversion,
    Error,
    Fact,
    Initiator,
    Kind,
    Outcome,
    Rejected,
    microseconds,
    moment,
)
from service.core.keys import MARK
from service.core.quality import Dimension
from service.core.recorded import expand
from service.core.vocabulary import (
    EVENT_CLASSES,
    AnyEvent,
    AnyInteractionEvent,
    ChangeKind,
    FeedbackKind,
    FeedbackMetric,
    InteractionEvent,
    Matter,
    ResourceKind,
    ResourceState,
    TransferredData,
)

_one: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_many: msgspec.json.Decoder[list[AnyEvent]] = msgspec.json.Decoder(list[AnyEvent])
_raw_one: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)
_raw_many: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])

T = TypeVar("T")
_RECORDED = Kind.RECORDED.value

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LONGEST_COMPLAINT = 200
_LAST_US = 253_402_300_799_999_999
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PLACE = " - at `"
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")
_TYPES = ", ".join(sorted(str(cls.__struct_config__.tag) for cls in EVENT_CLASSES))
_TIME = "it must be an RFC 3339 time with an offset, such as 2026-11-21T09:15:02.120Z"
_KINDS: dict[str, tuple[str, ...]] = {
    "interaction.corrected": get_args(Error),
    "promise.made": get_args(Matter),
    "feedback.received": get_args(FeedbackKind),
    "availability.changed": get_args(ResourceKind),
    "heartbeat": get_args(ResourceKind),
    "change.made": get_args(ChangeKind),
}
"""What `data.kind` may be, by the type of event."""
_LABEL = "it must be 1 to 64 letters, digits or any of - _ . :"
_RIGHT = {
    "type": f"it must be one of {_TYPES}",
    "time": _TIME,
    "data": "it must be a JSON object",
    "data.queued_at": _TIME,
    "data.answered_at": _TIME,
    "data.completed_at": _TIME,
    "data.site": _LABEL,
    "data.queue": _LABEL,
    "data.to_queue": _LABEL,
    "data.channel": f"it must be one of {', '.join(get_args(Channel))}",
    "data.to": f"it must be one of {', '.join(get_args(Diversion))}",
    "data.due": _TIME,
    "data.initiated_by": f"it must be one of {', '.join(get_args(Initiator))}",
    "data.metric": f"it must be one of {', '.join(get_args(FeedbackMetric))}",
    "data.dimension": f"it must be one of {', '.join(Dimension)}",
    "data.state": f"it must be one of {', '.join(get_args(ResourceState))}",
    "data.standard": _LABEL,
    "data.resource": _LABEL,
    "data.name": _LABEL,
    "data.outcome": f"it must be one of {', '.join(get_args(Outcome))}",
    "specversion": "it must be 1.0 or left out",
    "subject": "it must name the interaction, in 1 to 256 characters",
    "id": "it must be a string of 1 to 256 characters",
    "source": "it must be a string of 1 to 256 characters",
}


def read_json(body: bytes) -> list[AnyEvent | Rejected]:
    """The events of a JSON body: one event, or an array of them. Raises InvalidInput where it is no JSON."""
    try:
        if body.lstrip()[:1] == b"[":
            events: list[AnyEvent | Rejected] = list(_many.decode(body))
            return _bounded(events)
        return [_one.decode(body)]
    except msgspec.ValidationError:
        return _read_each(_split_json(body))
    except _UNREADABLE as error:
        if body.lstrip()[:1] != b"[":
            raise _not_json(error) from error
        return _read_each(_split_json(body))


def read_lines(body: bytes) -> list[AnyEvent | Rejected]:
    """The events of an NDJSON body, one a line; blank lines are passed over, and don't count in `index`."""
    return _read_each(_bounded([line for line in body.split(b"\n") if line.strip()]))


def _bounded(items: list[T]) -> list[T]:
    if len(items) > MAX_EVENTS_PER_POST:
        raise TooLarge(f"{len(items)} events in one post; at most {MAX_EVENTS_PER_POST} are taken, so split the post")
    return items


def _split_json(body: bytes) -> list[bytes]:
    if body.lstrip()[:1] != b"[":
        try:
            return [bytes(_raw_one.decode(body))]
        except _UNREADABLE as error:
            raise _not_json(error) from error
    try:
        return [bytes(raw) for raw in _bounded(_raw_many.decode(body))]
    except _UNREADABLE as error:
        return _split_leniently(body, error)


def _split_leniently(body: bytes, complaint: Exception) -> list[bytes]:
    """The items of an array of which some are nearly JSON: with NaN, as some senders write it, or half a character."""
    try:
        return [json.dumps(item).encode() for item in _bounded(json.loads(body.decode()))]
    except (ValueError, RecursionError):
        raise _not_json(complaint) from complaint


def _not_json(error: Exception) -> InvalidInput:
    return InvalidInput(f"the body is not JSON: {error}", code="invalid_json")


def _read_each(raws: list[bytes]) -> list[AnyEvent | Rejected]:
    return [_read_one(index, raw) for index, raw in enumerate(raws)]


def _read_one(index: int, raw: bytes) -> AnyEvent | Rejected:
    try:
        return _one.decode(raw)
    except msgspec.ValidationError as error:
        problem = _explain(str(error), _text_of(raw, "type"))
        return Rejected(index, _text_of(raw, "id"), problem.code, str(problem))
    except _UNREADABLE as error:
        return Rejected(index, _text_of(raw, "id"), "invalid_json", f"not a JSON object: {error}")


def _text_of(raw: bytes, name: str) -> str | None:
    """A text at the top of an event that cannot be read otherwise."""
    try:
        value = json.loads(raw)
        found = value.get(name) if isinstance(value, dict) else None
        return found.encode().decode()[:256] if isinstance(found, str) else None
    except (ValueError, RecursionError):
        return None


def _explain(message: str, type_: str | None) -> InvalidInput:
    """The decoder's complaint as an error that names the field, what was wrong and what would be right.

    `type_` is the type of the event, where it has one.
    """
    what, place, path = message.removesuffix("`").rpartition(_PLACE)
    if not place:
        what, path = message, "$"
    name = path.removeprefix("$").removeprefix(".")
    missing = _MISSING.match(what)
    if missing:
        field = f"{name}.{missing['name']}" if name else missing["name"]
        right = _right(field, type_)
        return InvalidInput(f"is missing{right}", field=field, code="missing_field")
    what = what.replace("`", "")
    if len(what) > _LONGEST_COMPLAINT:
        what = f"{what[:_LONGEST_COMPLAINT]}…"
    if "regex" in what:
        what = "has a character that is not allowed"
    code = "unknown_type" if name == "type" else "invalid_field"
    right = _right(name, type_)
    return InvalidInput(what[:1].lower() + what[1:] + right, field=name or "event", code=code)


def _right(field: str, type_: str | None) -> str:
    """What would be right for a field of an event of a type."""
    if field == "data.kind" and type_ in _KINDS:
        return f"; it must be one of {', '.join(_KINDS[type_])}"
    return f"; {_RIGHT[field]}" if field in _RIGHT else ""


def admit(
    events: list[AnyEvent | Rejected],
    *,
    now_us: int,
    pseudonym: Callable[[str], str],
    may_post: Callable[[str], bool],
) -> tuple[list[Accepted], list[Rejected]]:
    """The events that may be committed, and the verdicts on the others.

    `now_us` is the clock here, against which events in the future are refused; `pseudonym` turns a customer as the
    source names him into the keyed hash that is kept; `may_post` says for which sites the source may post.
    """
    accepted: list[Accepted] = []
    rejected: list[Rejected] = []
    for index, event in enumerate(events):
        if isinstance(event, Rejected):
            rejected.append(event)
            continue
        try:
            if isinstance(event, InteractionEvent):
                accepted.append(Accepted(index, event.subject, _fact(event, now_us, pseudonym, may_post)))
                continue
            _check_event(event, now_us)
            _refuse_control(**texts_of(event.data))
            _check_site(getattr(event.data, "site", None), may_post)
            accepted.append(Accepted(index, *admit_aside(event, now_us, may_post)))
        except InvalidInput as problem:
            rejected.append(Rejected(index, event.id, problem.code, str(problem)))
    return accepted, rejected


def _fact(
    event: AnyInteractionEvent, now_us: int, pseudonym: Callable[[str], str], may_post: Callable[[str], bool]
) -> Fact:
    at = _check_event(event, now_us)
    data = event.data
    _check_text(data)
    _check_site(data.site, may_post)
    fact = Fact(at, event.kind, event.id, event.source, data, now_us)  # type: ignore[arg-type]  # see Fact
    if event.kind == _RECORDED:
        _check_recorded(fact, now_us)
    if data.customer is not None:
        data.customer = pseudonym(data.customer)
    return fact


def _check_site(site: str | None, may_post: Callable[[str], bool]) -> None:
    if site is not None and not may_post(site):
        raise InvalidInput(f"this key may not post for site {site}", field="data.site", code="site_forbidden")


def _check_event(event: AnyEvent, now_us: int) -> int:
    """The event's time in microseconds since 1970, where what all events have is as it must be."""
    at = microseconds(event.time)
    if at > now_us + MAX_FUTURE_US:
        raise _future("time", at, now_us)
    if at < MIN_US:
        raise InvalidInput("is before the year 2; nothing was served then", field="time")
    subject = "" if event.subject is msgspec.UNSET else event.subject
    if not (event.id.isprintable() and event.source.isprintable() and subject.isprintable()):
        _refuse_control(id=event.id, source=event.source, subject=subject)
    if event.data_base64 is not msgspec.UNSET:
        raise InvalidInput("is not read; send the event's data as a JSON object in data", field="data_base64")
    return at


def _check_text(data: Common) -> None:
    if data.revision is not None and data.record is None:
        raise InvalidInput(
            "is missing; it must name what the revision is of", field="data.record", code="contradiction"
        )
    if data.topic is not None:
        _refuse_control(**{"data.topic": data.topic})
    if data.record is not None:
        _refuse_control(**{"data.record": data.record})
    if data.agent is not None:
        _refuse_control(**{"data.agent": data.agent})
    if isinstance(data, TransferredData) and data.to_agent is not None:
        _refuse_control(**{"data.to_agent": data.to_agent})


def _check_recorded(fact: Fact, now_us: int) -> None:
    for derived in expand(fact):
        if derived.at > now_us + MAX_FUTURE_US:
            raise _future("data", derived.at, now_us)
        if derived.at < MIN_US:
            raise InvalidInput("goes back before the year 2", field="data", code="contradiction")


def _future(field: str, at: int, now_us: int) -> InvalidInput:
    return InvalidInput(
        f"{moment(min(at, _LAST_US)).isoformat()} is more than {MAX_FUTURE_US // MINUTE_US} minutes ahead of the "
        f"clock here, {moment(now_us).isoformat()}; check the sender's clock",
        field=field,
        code="future_time",
    )


def _refuse_control(**texts: str) -> None:
    for field, text in texts.items():
        if _CONTROL.search(text) or MARK in text:
            raise InvalidInput("has a control character; only printable text is taken", field=field)
