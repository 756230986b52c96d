"""Events beside interactions, on their way in: checked, and tied to the story that each belongs to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

import msgspec
from msgspec import UNSET

from service.core.errors import InvalidInput
from service.core.event import MIN_US, AsideData, AsideFact, Fact, Kind, microseconds
from service.core.keys import aside_key
from service.core.vocabulary import AnyAsideEvent, FeedbackData

_FURTHEST = timedelta(days=3660)
_SCALES = {"csat": 5.0, "ces": 7.0, "nps": 10.0, "stars": 5.0}
_STORIES = {
    Kind.PROMISE_MADE: "promise",
    Kind.PROMISE_KEPT: "promise",
    Kind.PROMISE_WITHDRAWN: "promise",
    Kind.FEEDBACK_RECEIVED: "feedback",
    Kind.FEEDBACK_ANSWERED: "feedback",
    Kind.ASSESSMENT_RECORDED: "assessment",
    Kind.AVAILABILITY_CHANGED: "resource",
    Kind.HEARTBEAT: "resource",
    Kind.STAFFING_CHANGED: "staffing",
    Kind.CHANGE_MADE: "change",
}
_FOUNDING = (Kind.PROMISE_MADE, Kind.FEEDBACK_RECEIVED)


def admit_aside(event: AnyAsideEvent, received_us: int, may_post: Callable[[str], bool]) -> tuple[str, Fact]:
    """The story of an event, and the fact that is kept of it. Raises InvalidInput, naming the field.

    `may_post` says for which sites the source may post. No customer is kept of these events.
    """
    given = event.data
    data = AsideData(**{name: value for name, value in msgspec.structs.asdict(given).items() if value is not None})
    if event.subject is not UNSET and event.kind in _FOUNDING:
        data.about = event.subject
    if isinstance(given, FeedbackData):
        _check_score(data)
    if data.passed is not None and data.of is not None and data.passed > data.of:
        raise InvalidInput("is more than data.of; it must be at most that", field="data.passed", code="contradiction")
    if data.due is not None:
        _check_due(event, data.due)
    if event.kind == Kind.CHANGE_MADE and data.sites is None and not may_post("*"):
        raise InvalidInput(
            "is missing; a key that may not post for any site must name the sites that it changes",
            field="data.sites",
            code="site_forbidden",
        )
    for site in data.sites or ():
        if not may_post(site):
            raise InvalidInput(f"this key may not post for site {site}", field="data.sites", code="site_forbidden")
    fact = AsideFact(microseconds(event.time), event.kind, event.id, event.source, data, received_us)
    return aside_key(_STORIES[Kind(event.kind)], *_names(event.kind, event.id, event.source, data)), fact


def _names(kind: int, event_id: str, source: str, data: AsideData) -> tuple[str, ...]:
    """What tells a story from others of its kind."""
    if kind == Kind.FEEDBACK_RECEIVED:
        return (event_id,)
    if kind == Kind.ASSESSMENT_RECORDED:
        return (source, event_id)
    if data.promise is not None:
        return (data.promise,)
    if data.feedback is not None:
        return (data.feedback,)
    if kind == Kind.CHANGE_MADE:
        return (data.name or "",)
    return (data.site or "", data.queue if kind == Kind.STAFFING_CHANGED and data.queue else data.resource or "")


def _check_due(event: AnyAsideEvent, due: datetime) -> None:
    if microseconds(due) < MIN_US or not -_FURTHEST <= due - event.time <= _FURTHEST:
        raise InvalidInput(
            f"is {due.isoformat()}; it must be within {_FURTHEST.days} days of the event's time",
            field="data.due",
            code="contradiction",
        )


def _check_score(data: AsideData) -> None:
    if data.metric is None and data.score is not None and data.kind == "review":
        data.metric = "stars"
    if data.score is not None and data.metric is None:
        raise _contradiction("data.metric", "is missing; it must say what the score is of: csat, ces, nps or stars")
    if data.metric is None:
        if data.scale is not None:
            raise _contradiction("data.score", "is missing; a scale is of a score")
        return
    if data.score is None:
        raise _contradiction("data.score", f"is missing; {data.metric} is a score")
    usual = _SCALES[data.metric]
    if data.scale is None:
        data.scale = usual
    if data.metric == "nps" and data.scale != usual:
        raise _contradiction("data.scale", f"is {data.scale:g}; nps is asked for from 0 to 10")
    if data.score > data.scale:
        raise _contradiction("data.score", f"is {data.score:g}, above the best, {data.scale:g}; send data.scale")


def _contradiction(field: str, what: str) -> InvalidInput:
    return InvalidInput(what, field=field, code="contradiction")


def texts_of(data: object) -> dict[str, str]:
    """The texts of an event beside interactions that must be printable, by their fields."""
    found = {name: getattr(data, name, None) for name in ("promise", "feedback")}
    return {f"data.{name}": cast("str", value) for name, value in found.items() if value is not None}
