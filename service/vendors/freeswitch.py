"""FreeSWITCH's mod_callcenter: its `callcenter::info` events, as a forwarder posts them, in JSON or as a form.

A call is an interaction, whose visits are its stays in queues. That an agent's part in it has ended is told twice, by
`bridge-agent-end` and by `member-queue-end`; the second may come after the call has entered another queue, so the
first one is read.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from service.core.errors import InvalidInput
from service.core.event import moment
from service.vendors.reading.delivery import Delivery, Event, Reading, event, read_parts, unreadable
from service.vendors.reading.places import Places, places
from service.vendors.reading.signatures import check_one_of

_LONGEST_TIME = 17
_DIVERSIONS = {"TIMEOUT": "timeout", "NO_AGENT_TIMEOUT": "overflow", "EXIT_WITH_KEY": "exit"}
_ABANDONED = frozenset({"NONE", "BREAK_OUT", ""})
_NOTHING_OF_SERVICE = frozenset(
    {
        *("agent-offering", "agent-state-change", "agent-status-change", "bridge-agent-fail", "members-count"),
        *("agent-add", "agent-del", "member-reserve", "agent-contact-change"),
    }
)

Fields = Mapping[str, Any]


class FreeSwitch:
    """Forwarders of FreeSWITCH's events."""

    name = "freeswitch"
    kept_headers: Sequence[str] = ("content-type",)

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Ask for a secret as the key of `Authorization: Bearer`, or as the password of basic authentication."""
        sent = delivery.headers.get("authorization", "")
        right = [f"Bearer {secret}" for secret in secrets]
        right += [f"Basic {b64encode(f'frontline:{secret}'.encode()).decode()}" for secret in secrets]
        check_one_of(sent, right)

    def reader(self, mapping: Any) -> "FreeSwitchReader":
        """What reads by a mapping of queues, and of hosts or domains as sites."""
        return FreeSwitchReader(places(mapping))

    def answer(self, delivery: Delivery, now_us: int, error: str) -> tuple[bytes, str]:
        """Whatever the service says."""
        return b"", ""


class FreeSwitchReader:
    """Reads events by a mapping."""

    def __init__(self, mapping: Places) -> None:
        self._places = mapping

    def read(self, delivery: Delivery) -> Reading:
        """One event, or an array of them."""
        try:
            if delivery.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
                return read_parts([dict(parse_qsl(delivery.body.decode()))], self._events, lambda _: delivery.body)
            body = msgspec.json.decode(delivery.body)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
            return unreadable(delivery, f"the body is not JSON: {error}")
        parts = body if isinstance(body, list) else [body]
        return read_parts(parts, self._events, lambda part: msgspec.json.encode([part]))

    def _events(self, fields: Fields) -> list[Event] | None:
        if fields.get("Event-Subclass", "callcenter::info") != "callcenter::info":
            return None
        action = fields["CC-Action"]
        if action in _NOTHING_OF_SERVICE:
            return None
        told = _told(action, fields)
        if told is None:
            return None
        kind, data = told
        queue = str(fields["CC-Queue"])
        name, _, domain = queue.partition("@")
        place = self._places.queue(queue, name)
        call = str(fields["CC-Member-Session-UUID"])
        data |= {
            "site": place.site or self._places.site(domain, fields.get("FreeSWITCH-Hostname")),
            "queue": place.queue,
            "channel": self._places.channel(queue, "phone"),
            "agent": fields.get("CC-Agent"),
            "customer": self._places.customer(fields.get("CC-Member-CID-Number")),
        }
        at = moment(_whole(fields["Event-Date-Timestamp"], "Event-Date-Timestamp")).isoformat()
        return [event(kind, _identity(fields, action), at, call, "freeswitch", **data)]


def _told(action: object, fields: Fields) -> tuple[str, dict[str, Any]] | None:
    """The kind of event that an action is, and what it alone says."""
    if action in ("member-queue-start", "member-queue-resume"):
        return "queued", {}
    if action == "bridge-agent-start":
        return "answered", {"wait_seconds": _between(fields, "CC-Member-Joined-Time", "CC-Agent-Answered-Time")}
    if action == "bridge-agent-end":
        return "completed", {"service_seconds": _between(fields, "CC-Agent-Answered-Time", "CC-Bridge-Terminated-Time")}
    if action == "member-queue-end":
        return _left(fields)
    raise InvalidInput(f"{str(action)[:60]!r} is not known", field="CC-Action", code="unknown_type")


def _left(fields: Fields) -> tuple[str, dict[str, Any]] | None:
    cause = fields["CC-Cause"]
    if cause == "Terminated":
        return None
    if cause != "Cancel":
        raise InvalidInput(f"{str(cause)[:60]!r} is neither Terminated nor Cancel", field="CC-Cause")
    waited = {"wait_seconds": _between(fields, "CC-Member-Joined-Time", "CC-Member-Leaving-Time")}
    reason = str(fields.get("CC-Cancel-Reason", ""))
    if reason in _ABANDONED:
        return "abandoned", waited
    if reason not in _DIVERSIONS:
        raise InvalidInput(f"{reason[:60]!r} is not known", field="CC-Cancel-Reason")
    return "diverted", {"to": _DIVERSIONS[reason], **waited}


def _identity(fields: Fields, action: object) -> str:
    """The event's number in its core; where a forwarder leaves that out, what it is about and when."""
    core, number = fields.get("Core-UUID"), fields.get("Event-Sequence")
    if core and number:
        return f"{core}/{number}"
    return f"{fields['CC-Member-UUID']}/{action}/{fields['Event-Date-Timestamp']}"


def _between(fields: Fields, first: str, last: str) -> float | None:
    """The whole seconds between two times of the module, where it gives both."""
    begin, end = (_whole(fields.get(name) or 0, name) for name in (first, last))
    return float(end - begin) if 0 < begin <= end else None


def _whole(value: object, field: str) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= _LONGEST_TIME):
        raise InvalidInput(f"{text[:40]!r} is no time since 1970", field=field)
    return int(text)


ADAPTER = FreeSwitch()
