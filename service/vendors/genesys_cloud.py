"""Genesys Cloud: detail events of conversations, through Amazon EventBridge.

A conversation is an interaction. What is answered is told by the end of its stay in the line, for an agent's session
starts when the agent's phone begins to ring.
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from service.core.errors import InvalidInput
from service.core.event import SECOND_US, duration_us, microseconds
from service.vendors.reading.api_destination import check_key
from service.vendors.reading.delivery import Delivery, Event, Reading, event, read_parts, unreadable
from service.vendors.reading.documents import alone, documents, fields_of, instant, seconds, text
from service.vendors.reading.places import Places, places

_TOPIC = re.compile(r"v2\.detail\.events\.conversation\.[^.]+\.(?P<kind>[a-z.]+)\Z")
_CHANNELS = {
    "VOICE": "phone",
    "CALLBACK": "phone",
    "CHAT": "chat",
    "MESSAGE": "chat",
    "EMAIL": "email",
    "COBROWSE": "web",
    "SCREENSHARE": "web",
    "VIDEO": "web",
}
_SILENT = frozenset(
    {
        "attributes",
        "contact",
        "customer.end",
        "customer.start",
        "flow.end",
        "flow.outcome",
        "flow.start",
        "outbound",
        "user.start",
        "voicemail.end",
        "voicemail.start",
    }
)
_STAYING = frozenset({"CONFERENCE_TRANSFER", "CONSULT_TRANSFER"})
_OVERLAP_US = SECOND_US
"""A customer may be in the next line that much before he has left the one before."""
_SPREAD_US = SECOND_US // 10
"""How far a stay in a line as its end tells it may differ from what the times of its start and end make."""


class _Told:
    """One detail event and its mapping."""

    def __init__(self, kind: str, body: dict[str, Any], mapping: Places) -> None:
        self.kind = kind
        self.body = body
        self.mapping = mapping
        self.at = instant(body, "eventTime")
        self.ended = str(body.get("disconnectType") or "").upper()

    def events(self) -> list[Event] | None:
        """The events that it makes; None where it says nothing of service."""
        match self.kind:
            case "acd.start":
                return self._entered()
            case "acd.end":
                return [self._left()]
            case "user.end":
                return self._served()
            case "acw":
                return self._wrapped_up()
        raise InvalidInput(f"{self.kind} is not known", field="detail-type", code="unknown_type")

    def _entered(self) -> list[Event]:
        """In line. That ends the stay in a line before, and nothing that is told of its end may end this one."""
        again: dict[str, Any] = {"record": "flow-out", "revision": microseconds(self.at) + _OVERLAP_US}
        return [self._event("queued"), self._event("queued", as_="queued-from", **again)]

    def _left(self) -> Event:
        outcome = str(self.body.get("acdOutcome") or "").upper()
        waited = seconds(self.body, "connectedDurationMs", per_second=1_000)
        told: dict[str, Any] = {"wait_seconds": waited}
        if outcome == "ANSWERED" or (outcome != "ABANDON" and self.body.get("answeredUserId")):
            return self._event("answered", agent=self.body.get("answeredUserId"), **told)
        if outcome == "ABANDON" or (outcome != "FLOW_OUT" and not self.ended.endswith(("TRANSFER", "TIMEOUT"))):
            return self._event("abandoned", **told)
        to = "timeout" if self.ended == "TIMEOUT" else "overflow"
        revision = microseconds(self.at)
        if waited is not None:
            revision = max(revision, revision - duration_us(waited) + _OVERLAP_US + _SPREAD_US)
        return self._event("diverted", to=to, record="flow-out", revision=revision, **told)

    def _served(self) -> list[Event] | None:
        """The end of an agent's part; of one who never answered nothing is told.

        Who hands over after a consultation leaves when the next agent has the customer already.
        """
        talked = seconds(self.body, "interactingDurationMs", per_second=1_000)
        if not talked and (talked is not None or self.body.get("alertingDurationMs")):
            return None
        if self.ended in _STAYING:
            return [self._event("transferred", **self._end(2))]
        events = [self._event("completed", service_seconds=talked, **self._end(0))]
        held = seconds(self.body, "heldDurationMs", per_second=1_000)
        if held:
            events.append(self._event("held", before=held))
        if self.ended.endswith("TRANSFER"):
            events.append(self._event("transferred"))
        return events

    def _wrapped_up(self) -> list[Event] | None:
        """The end of an agent's part once more, with the work after it."""
        wrap_up = seconds(self.body, "wrapupDurationMs", per_second=1_000)
        if wrap_up is None:
            return None
        return [self._event("completed", before=wrap_up, wrap_up_seconds=wrap_up, **self._end(1))]

    def _end(self, revision: int) -> dict[str, Any]:
        return {"record": f"{text(self.body, 'sessionId')}/end", "revision": revision}

    def _event(self, kind: str, *, before: float = 0, as_: str = "", **more: Any) -> Event:
        line = self.mapping.queue(text(self.body, "queueId"))
        media = str(self.body.get("mediaType") or "").upper()
        contacts = self.body.get("conversationExternalContactIds") or [None]
        about = {
            "queue": line.queue,
            "site": line.site or self.mapping.site(self.body.get("divisionId")),
            "channel": self.mapping.channel(media, _CHANNELS.get(media, "phone")),
            "customer": self.mapping.customer(contacts[0] or self.body.get("ani")),
            "agent": self.body.get("userId"),
        }
        conversation = text(self.body, "conversationId")
        return event(
            kind,
            f"{conversation}/{text(self.body, 'sessionId')}/{microseconds(self.at)}/{self.kind}/{as_ or kind}",
            (self.at - timedelta(seconds=before)).isoformat(),
            conversation,
            "genesys-cloud",
            **{**about, **more},
        )


class _Reader:
    def __init__(self, mapping: Places) -> None:
        self._mapping = mapping

    def read(self, delivery: Delivery) -> Reading:
        try:
            parts = documents(delivery.body)
        except InvalidInput as error:
            return unreadable(delivery, str(error))
        return read_parts(parts, self._told, alone)

    def _told(self, document: bytes) -> list[Event] | None:
        envelope = fields_of(document)
        detail = envelope.get("detail")
        if not isinstance(detail, dict):
            raise InvalidInput("is no object", field="detail")
        topic = str(detail.get("topicName") or envelope.get("detail-type") or "")
        found = _TOPIC.match(topic)
        if found is None:
            raise InvalidInput(f"{topic} is not known", field="detail-type", code="unknown_type")
        body = detail.get("eventBody")
        if not isinstance(body, dict):
            raise InvalidInput("is no object", field="detail.eventBody")
        kind = found["kind"]
        if kind in _SILENT or body.get("direction") == "OUTBOUND" or (kind != "acd.start" and not body.get("queueId")):
            return None
        return _Told(kind, body, self._mapping).events()


class GenesysCloud:
    """The adapter."""

    name = "genesys_cloud"
    kept_headers: Sequence[str] = ()

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Nothing is signed; EventBridge shows a key."""
        check_key(delivery, secrets)

    def reader(self, mapping: Any) -> _Reader:
        """Raises InvalidInput naming the field."""
        return _Reader(places(mapping))

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Nothing in particular."""
        return b"", ""


ADAPTER = GenesysCloud()
