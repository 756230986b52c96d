"""Amazon Connect: contact events, through EventBridge, and contact records, through Firehose.

A contact that is transferred goes on as another contact, which names the one before and the initial one; the initial
one is the interaction. What ends the contact before is told twice then: by itself, when its agent leaves, and by the
next, when it is put in line. The next counts, for agents stay on the line while their customer is with another one.

A contact record tells the whole contact again each time, so the latest counts, and it takes the place of all that
events said of the contact. Both may thus go to one source.
"""

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import msgspec

from service.core.errors import InvalidInput
from service.core.event import Diversion, microseconds
from service.vendors.reading.api_destination import check_key
from service.vendors.reading.delivery import Delivery, Event, Reading, event, read_parts, unreadable
from service.vendors.reading.documents import alone, documents, fields_of, instant, seconds, section, text
from service.vendors.reading.places import Places, places

_CHANNELS = {"VOICE": "phone", "CHAT": "chat", "TASK": "web", "EMAIL": "email"}
_SILENT = frozenset({"AMD_DISABLED", "CONNECTED_TO_SYSTEM", "CONTACT_DATA_UPDATED", "PAUSED", "RESUMED", "SCHEDULED"})
_NOT_OF_CUSTOMERS = frozenset({"EXTERNAL_OUTBOUND", "MONITOR", "OUTBOUND"})
_DIVERSIONS: dict[str, Diversion] = {
    "API": "exit",
    "CONTACT_FLOW_DISCONNECT": "exit",
    "EXPIRED": "timeout",
    "TRANSFERRED": "overflow",
}
_BY_NEXT = 1 << 62
"""Greater than any time: the revision, with that of the record that says it, of an end that the next contact tells."""

_A_MOMENT = timedelta(microseconds=1)
"""What the next contact ends has ended before it begins, though both may be told of the same second."""


class _Contact:
    """What an event or a record says of a contact: its fields and those of its queue and agent, keys in lower case.

    `revision` is 0 for an event, else the microseconds since 1970 of the record's last update.
    """

    def __init__(self, fields: dict[str, Any], mapping: Places, sign: str, revision: int = 0) -> None:
        self.fields = {name.lower(): value for name, value in fields.items()}
        self.queue = section(self.fields, "queueinfo") or section(self.fields, "queue")
        self.agent = section(self.fields, "agentinfo") or section(self.fields, "agent")
        self.mapping = mapping
        self.sign = sign
        self.revision = revision
        self.id = text(self.fields, "contactid")
        self.method = str(self.fields.get("initiationmethod") or "").upper()
        self.before = self.fields.get("previouscontactid") or ""

    @property
    def was_queued(self) -> bool:
        return bool(self.queue)

    @property
    def was_answered(self) -> bool:
        return bool(self.agent)

    @property
    def is_of_customer(self) -> bool:
        return self.method not in _NOT_OF_CUSTOMERS

    def initiated(self, *otherwise: str) -> list[Event]:
        """A transfer by an agent; a callback, which is how the contact before left its line."""
        if self.method == "TRANSFER":
            return [self.event("transferred", instant(self.fields, "initiationtimestamp", *otherwise))]
        if self.method == "CALLBACK" and self.before:
            at = instant(self.fields, "initiationtimestamp", *otherwise)
            return [self._before_this("diverted", at - _A_MOMENT, to="callback")]
        return []

    def queued(self, at: datetime) -> list[Event]:
        """In line; with what that says of the contact before, which was in another line or with an agent."""
        events = [self.event("queued", at)]
        if self.before and self.method == "QUEUE_TRANSFER":
            events.append(self._before_this("queued", at))
        elif self.before and self.method == "TRANSFER":
            events.append(self._before_this("completed", at - _A_MOMENT))
        return events

    def abandoned(self, at: datetime, reason: str, revision: int, **told: Any) -> Event:
        """The end of a wait without an agent."""
        left = _DIVERSIONS.get(reason)
        if left is None:
            return self._event("abandoned", at, f"{self.id}/end", revision, **told)
        return self._event("diverted", at, f"{self.id}/end", revision, to=left, **told)

    def completed(self, ended: datetime, revision: int, **told: Any) -> Event:
        """The end of a service: when work after the contact began, for a customer may stay longer than the agent."""
        started = "aftercontactworkstarttimestamp"
        at = min(ended, instant(self.agent, started)) if self.agent.get(started) else ended
        wrap_up = seconds(self.agent, "aftercontactworkduration")
        return self._event("completed", at, f"{self.id}/end", revision, wrap_up_seconds=wrap_up, **told)

    def event(self, kind: str, at: datetime, **more: Any) -> Event:
        """An event of the contact that only another record of it can take back."""
        return self._event(kind, at, self.id, self.revision, **more)

    def _before_this(self, kind: str, at: datetime, **more: Any) -> Event:
        """An event that stands for all that the contact before says of its own end."""
        return self._event(kind, at, f"{self.before}/end", _BY_NEXT + self.revision, **more)

    def _event(self, kind: str, at: datetime, record: str, revision: int, **more: Any) -> Event:
        about = {**self._about, "record": record, "revision": revision, **more}
        subject = self.fields.get("initialcontactid") or self.id
        id_ = f"{self.sign}/{kind}" if record in (self.id, f"{self.id}/end") else f"{self.sign}/{kind}-before"
        return event(kind, id_, at.isoformat(), subject, "amazon-connect", **about)

    @cached_property
    def _about(self) -> dict[str, Any]:
        """Where the contact is; unknown before it is in a line."""
        channel = str(self.fields.get("channel") or "").upper()
        arn = self.queue.get("queuearn") or self.queue.get("arn")
        about: dict[str, Any] = {
            "channel": self.mapping.channel(channel, _CHANNELS.get(channel, "phone")),
            "agent": _last(self.agent.get("agentarn") or self.agent.get("arn")) or self.agent.get("username"),
            "customer": self.mapping.customer(
                self.fields.get("customerid") or section(self.fields, "customerendpoint").get("address")
            ),
        }
        if self.was_queued:
            instance = self.fields.get("instancearn")
            line = self.mapping.queue(self.queue.get("name"), arn, _last(arn))
            about |= {"queue": line.queue, "site": line.site or self.mapping.site(instance, _last(instance))}
        return about


def _last(arn: Any) -> str | None:
    """The last part of an ARN, which is the id of what it names."""
    return arn.rpartition("/")[2] or None if isinstance(arn, str) else None


class _Reader:
    def __init__(self, mapping: Places) -> None:
        self._mapping = mapping

    def read(self, delivery: Delivery) -> Reading:
        try:
            parts = [part for document in documents(delivery.body) for part in _unwrapped(document)]
        except InvalidInput as error:
            return unreadable(delivery, str(error))
        return read_parts(parts, self._told, alone)

    def _told(self, document: bytes) -> list[Event] | None:
        fields = fields_of(document)
        if "detail" in fields:
            return self._of_event(fields)
        if "ContactId" in fields:
            return self._of_record(fields)
        raise InvalidInput("is neither a contact event nor a contact record", field="body", code="unknown_type")

    def _of_event(self, envelope: dict[str, Any]) -> list[Event] | None:
        if envelope.get("detail-type") != "Amazon Connect Contact Event":
            raise InvalidInput(f"{envelope.get('detail-type')} is not known", field="detail-type", code="unknown_type")
        detail = section(envelope, "detail")
        detail["time"] = envelope.get("time")
        kind = text(detail, "eventtype")
        if kind in _SILENT:
            return None
        contact = _Contact(detail, self._mapping, _sign(envelope, detail, kind))
        if not contact.is_of_customer:
            return None
        match kind:
            case "INITIATED":
                return contact.initiated("time") or None
            case "QUEUED":
                return contact.queued(instant({**detail, **contact.queue}, "enqueuetimestamp", "time"))
            case "CONNECTED_TO_AGENT":
                at = instant({**detail, **contact.agent}, "connectedtoagenttimestamp", "time")
                return [contact.event("answered", at)]
            case "DISCONNECTED" | "COMPLETED":
                at = instant(detail, "disconnecttimestamp", "time")
                revision = int(kind == "COMPLETED")
                if contact.was_answered:
                    return [contact.completed(at, revision)]
                if contact.was_queued:
                    return [contact.abandoned(at, str(detail.get("disconnectreason") or ""), revision)]
                return None
        raise InvalidInput(f"{kind} is not known", field="detail.eventType", code="unknown_type")

    def _of_record(self, fields: dict[str, Any]) -> list[Event] | None:
        plain = {name.lower(): value for name, value in fields.items()}
        revision = microseconds(instant(plain, "lastupdatetimestamp", "disconnecttimestamp"))
        contact = _Contact(plain, self._mapping, f"{text(plain, 'contactid')}/{revision}", revision)
        if not contact.is_of_customer or not (contact.was_queued or contact.was_answered):
            return None
        events = contact.initiated()
        waited = seconds(contact.queue, "duration")
        if contact.was_queued:
            events += contact.queued(instant(contact.queue, "enqueuetimestamp"))
        if contact.was_answered:
            events += _served(contact, plain, revision, waited)
        elif plain.get("disconnecttimestamp"):
            at = instant({**plain, **contact.queue}, "dequeuetimestamp", "disconnecttimestamp")
            reason = "TRANSFERRED" if plain.get("nextcontactid") else str(plain.get("disconnectreason") or "")
            events.append(contact.abandoned(at, reason, revision, wait_seconds=waited))
        return events


def _served(contact: _Contact, record: dict[str, Any], revision: int, waited: float | None) -> list[Event]:
    """Answered and completed. How long a customer was on hold is told, not when; it is put first.

    Of a contact that was transferred it is left in the service, which ends when the next contact is in line.
    """
    answered = instant(contact.agent, "connectedtoagenttimestamp")
    events = [contact.event("answered", answered, wait_seconds=waited)]
    held = seconds(contact.agent, "customerholdduration")
    told = None
    if not record.get("nextcontactid"):
        told = seconds(contact.agent, "agentinteractionduration")
        if held:
            events.append(contact.event("held", answered))
            events.append(contact.event("resumed", answered + timedelta(seconds=held)))
    if record.get("disconnecttimestamp"):
        events.append(contact.completed(instant(record, "disconnecttimestamp"), revision, service_seconds=told))
    return events


def _sign(envelope: dict[str, Any], detail: dict[str, Any], kind: str) -> str:
    """What tells an event from others: its id; without one, contact and kind."""
    return str(envelope.get("id") or "") or f"{text(detail, 'contactid')}/{kind}"


def _unwrapped(document: bytes) -> list[bytes]:
    """What is in a document: the records of a request of Firehose, each by itself; else the document."""
    try:
        records = fields_of(document).get("records")
    except InvalidInput:
        return [document]
    if not isinstance(records, list):
        return [document]
    found: list[bytes] = []
    for record in records:
        try:
            found += documents(b64decode(record["data"], validate=True))
        except (InvalidInput, KeyError, TypeError, ValueError):
            found.append(msgspec.json.encode({"records": [record]}))
    return found


class AmazonConnect:
    """The adapter."""

    name = "amazon_connect"
    kept_headers: Sequence[str] = ()

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Nothing is signed; both senders show a key."""
        check_key(delivery, secrets)

    def reader(self, mapping: Any) -> _Reader:
        """Raises InvalidInput naming the field."""
        return _Reader(places(mapping))

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Firehose takes no answer but its own: the number of the request, the time and, if need be, what failed."""
        request = delivery.headers.get("x-amz-firehose-request-id")
        if request is None:
            return b"", ""
        told: dict[str, Any] = {"requestId": request, "timestamp": now_us // 1_000}
        if error:
            told["errorMessage"] = error
        return msgspec.json.encode(told), "application/json"


ADAPTER = AmazonConnect()
