"""Twilio TaskRouter: event callbacks of a workspace, which are forms, and its Event Streams, which are CloudEvents.

A task is an interaction. Both forms tell the same facts under the same ids, so a workspace that sends both counts once.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlsplit

import msgspec

from service.core.errors import InvalidInput, NotAuthenticated
from service.core.event import Diversion
from service.vendors.reading.delivery import Delivery, Event, Reading, event, read_parts, unreadable
from service.vendors.reading.documents import alone, documents, fields_of, instant, is_json, seconds, text
from service.vendors.reading.places import Named, Places, QueueAt, converted
from service.vendors.reading.signatures import check_hmac, check_one_of

_CHANNELS = {"voice": "phone", "chat": "chat", "sms": "chat", "messaging": "chat", "email": "email", "video": "web"}
_SILENT = frozenset(
    {
        "reservation.canceled",
        "reservation.completed",
        "reservation.created",
        "reservation.failed",
        "reservation.rejected",
        "reservation.rescinded",
        "reservation.timeout",
        "reservation.wrapup",
        "task-queue.created",
        "task-queue.deleted",
        "task-queue.expression.updated",
        "task-queue.moved",
        "task-queue.timeout",
        "task.created",
        "task.deleted",
        "task.system-deleted",
        "task.transfer-attempt-failed",
        "task.transfer-completed",
        "task.updated",
        "task.wrapup",
        "workflow.entered",
        "workflow.skipped",
        "workflow.target-matched",
    }
)
_SILENT_KINDS = ("activity.", "worker.", "workspace.")
_HINTS: tuple[tuple[str, Diversion], ...] = (
    ("voicemail", "voicemail"),
    ("callback", "callback"),
    ("overflow", "overflow"),
    ("timed out", "timeout"),
    ("timeout", "timeout"),
    ("ttl", "timeout"),
)


class TaskRouterPlaces(Places, forbid_unknown_fields=True, frozen=True):
    """Places, and what it means when a task is cancelled for a reason that the workspace's own programs give."""

    reasons: dict[Named, Literal["abandoned"] | Diversion] = msgspec.field(default_factory=dict)

    def outcome(self, reason: str) -> str:
        """`abandoned`, or where a customer went whose task was cancelled."""
        told = self.reasons.get(reason, self.reasons.get("*"))
        if told is not None:
            return told
        words = reason.lower()
        return next((outcome for hint, outcome in _HINTS if hint in words), "abandoned")


def _parameters(body: bytes) -> list[tuple[str, str]]:
    """A form's parameters, decoded, as they are signed."""
    return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)


class _Told:
    """One event of TaskRouter, its fields by their names in lower case without underscores, and its mapping."""

    def __init__(self, fields: dict[str, Any], places: TaskRouterPlaces) -> None:
        self.fields = fields
        self.places = places
        self.kind = text(fields, "eventtype")

    def events(self) -> list[Event] | None:
        """The events that it makes; None where it says nothing of service."""
        match self.kind:
            case "task-queue.entered":
                return [self._event("queued", self._line())]
            case "reservation.accepted":
                return [self._event("answered", self._line_if_any(), **self._waited())]
            case "task.canceled":
                return [self._left(self.places.outcome(str(self.fields.get("taskcanceledreason") or "")), 0)]
            case "workflow.timeout":
                return [self._left("timeout", 1)]
            case "task.completed":
                return [self._event("completed", self._line_if_any())]
            case "task.transfer-initiated":
                return self._transferred()
            case "task.transfer-canceled" | "task.transfer-failed":
                return self._stayed()
        if self.kind in _SILENT or self.kind.startswith(_SILENT_KINDS):
            return None
        raise InvalidInput(f"{self.kind} is not known", field="EventType", code="unknown_type")

    def _left(self, outcome: str, revision: int) -> Event:
        """The end of a wait. A workflow that times out cancels its task: both tell of one end; the former counts."""
        how = {"record": f"{self._task}/end", "revision": revision, **self._waited()}
        if outcome == "abandoned":
            return self._event("abandoned", self._line_if_any(), **how)
        return self._event("diverted", self._line_if_any(), to=outcome, **how)

    def _transferred(self) -> list[Event]:
        """Handed to another line or worker; who is handed over cold to a line is served no more and waits there."""
        target = text(self.fields, "transferto")
        if not target.startswith("WQ"):
            worker = target if target.startswith("WK") else None
            return [self._event("transferred", self._line_if_any(), to_agent=worker)]
        line = self._line_of_transfer(target)
        events = [self._event("transferred", line, to_queue=line.queue), self._event("queued", line)]
        if self._is_cold:
            events.append(self._event("completed", line))
        return events

    def _stayed(self) -> list[Event] | None:
        """A warm transfer that came to nothing: the wait for the other line ends, and the service goes on."""
        target = text(self.fields, "transferto")
        if self._is_cold or not target.startswith("WQ"):
            return None
        return [self._event("diverted", self._line_of_transfer(target), to="exit")]

    def _event(self, kind: str, line: QueueAt | None, **more: Any) -> Event:
        if line is not None:
            more["queue"] = line.queue
            more["site"] = line.site or self.places.site(*self._named("workspace"))
        channel = str(self.fields.get("taskchanneluniquename") or "").lower()
        return event(
            kind,
            f"{self._sid}/{kind}",
            self._time.isoformat(),
            self._task,
            "twilio",
            channel=self.places.channel(channel, _CHANNELS.get(channel, "phone")),
            customer=self._customer,
            agent=self.fields.get("workersid") or None,
            **more,
        )

    @property
    def _task(self) -> str:
        return text(self.fields, "tasksid")

    @property
    def _time(self) -> datetime:
        return instant(self.fields, "timestampms", "timestamp")

    @property
    def _sid(self) -> str:
        if self.fields.get("sid"):
            return text(self.fields, "sid")
        return f"{text(self.fields, 'resourcesid')}/{self.kind}/{self._time.isoformat()}"

    @property
    def _is_cold(self) -> bool:
        return str(self.fields.get("transfermode") or "").upper() == "COLD"

    @property
    def _customer(self) -> str | None:
        """Whom the task's attributes name, as those that Flex and the Enqueue verb make do."""
        attributes = self.fields.get("taskattributes")
        if isinstance(attributes, str):
            try:
                attributes = fields_of(attributes.encode())
            except InvalidInput:
                return None
        if not isinstance(attributes, dict):
            return None
        customers = attributes.get("customers")
        known = customers.get("external_id") if isinstance(customers, dict) else None
        name = known or attributes.get("customerAddress") or attributes.get("from")
        return self.places.customer(name) if isinstance(name, str) else None

    def _waited(self) -> dict[str, Any]:
        return {"wait_seconds": seconds(self.fields, "taskageinqueue")}

    def _named(self, what: str) -> tuple[Any, Any]:
        return self.fields.get(f"{what}name"), self.fields.get(f"{what}sid")

    def _line(self) -> QueueAt:
        return self.places.queue(*self._named("taskqueue"))

    def _line_if_any(self) -> QueueAt | None:
        return self._line() if any(self._named("taskqueue")) else None

    def _line_of_transfer(self, target: str) -> QueueAt:
        """The line that a task is handed to; its name is there too where the task is in it already."""
        name, sid = self._named("taskqueue")
        return self.places.queue(name, sid) if sid == target else self.places.queue(target)


class _Reader:
    def __init__(self, places: TaskRouterPlaces) -> None:
        self._places = places

    def read(self, delivery: Delivery) -> Reading:
        if not is_json(delivery.body):
            return read_parts([delivery.body], self._of_form, bytes)
        try:
            parts = documents(delivery.body)
        except InvalidInput as error:
            return unreadable(delivery, str(error))
        return read_parts(parts, self._of_stream, alone)

    def _of_form(self, body: bytes) -> list[Event] | None:
        return self._told(dict(_parameters(body)))

    def _of_stream(self, document: bytes) -> list[Event] | None:
        """A CloudEvent of Event Streams; what is not TaskRouter's is of no queue that is known here."""
        told = fields_of(document)
        kind = text(told, "type")
        if not kind.startswith("com.twilio.taskrouter."):
            raise InvalidInput(f"{kind} is not known", field="type", code="unknown_type")
        data = told.get("data")
        payload = data.get("payload") if isinstance(data, dict) else None
        if not isinstance(payload, dict):
            raise InvalidInput("is no object", field="data.payload")
        return self._told({"sid": told.get("id"), "eventtype": kind.removeprefix("com.twilio.taskrouter."), **payload})

    def _told(self, fields: dict[str, Any]) -> list[Event] | None:
        plain = {name.replace("_", "").lower(): value for name, value in fields.items()}
        return _Told(plain, self._places).events()


class TaskRouter:
    """The adapter."""

    name = "twilio"
    kept_headers: Sequence[str] = ()

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Signed are the URL and a form's parameters by name; of JSON, the URL, which holds the body's digest."""
        message = delivery.url
        digest = parse_qs(urlsplit(delivery.url).query).get("bodySHA256")
        if digest is not None:
            check_one_of(digest[0].lower(), [hashlib.sha256(delivery.body).hexdigest()])
        elif is_json(delivery.body):
            raise NotAuthenticated("this is JSON, and the URL has no bodySHA256 of it that would be signed")
        else:
            message += "".join(name + value for name, value in sorted(set(_parameters(delivery.body))))
        check_hmac(delivery.headers.get("x-twilio-signature", ""), secrets, message.encode(), "sha1")

    def reader(self, mapping: Any) -> _Reader:
        """Raises InvalidInput naming the field."""
        places: TaskRouterPlaces = converted(mapping, TaskRouterPlaces)
        return _Reader(places)

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Nothing in particular."""
        return b"", ""


ADAPTER = TaskRouter()
