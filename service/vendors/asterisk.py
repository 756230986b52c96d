"""Asterisk's `queue_log`: its lines, read in the order in which they were written.

A line is `time|call|queue|member|EVENT|parameters`, the time in seconds since 1970 or, where the log went through a
database, as local date and time. An event's identity is made of its line alone, so a line that is read again, from
the same file or from one that was rotated, is a duplicate.

What happened to one call is told in order, whatever the clock of the machine says: in a log of whole seconds a call
leaves one queue and enters the next at the same time, and a clock may be set back. So an event never comes before the
one that is told before it of the same call: of the same moment it is a microsecond later where that matters, and where
the clock went back it comes as long after that one as the line itself says. What follows keeps its distance.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from service.core.errors import InvalidInput
from service.core.event import LABEL, MIN_US, Kind, duration_us, microseconds, moment
from service.vendors.reading.delivery import Event, event
from service.vendors.reading.places import Places, QueueAt

K = TypeVar("K")
V = TypeVar("V")
SOURCE = "asterisk"
REMEMBERED = 20_000

_SECONDS = re.compile(r"(\d{1,11})(?:\.(\d{1,6}))?")
_QUEUE_NAME = re.compile(LABEL)
_FIELDS = ("time", "call", "queue", "member", "event")
_NOTHING_OF_SERVICE = frozenset(
    {
        *("ADDMEMBER", "REMOVEMEMBER", "MEMBERPENALTY", "PENALTY"),
        *("AGENTLOGIN", "AGENTLOGOFF", "AGENTCALLBACKLOGIN", "AGENTCALLBACKLOGOFF", "AGENTDUMP"),
        *("PAUSE", "PAUSEALL", "PAUSEREASON", "UNPAUSE", "UNPAUSEALL"),
        *("RINGCANCELED", "RINGNOANSWER"),
        *("CALLINFO", "CONFIGRELOAD", "DID", "INFO", "META", "QUEUESTART", "SYSCOMPAT"),
    }
)
_REFUSED = frozenset({"FULL", "JOINEMPTY", "CLOSED"})

Told = tuple[str, dict[str, object], float | None]
"""A kind of event, its data, and how long after the call's last event it was, where the line says so."""


class _Last(NamedTuple):
    """The last event of a call: the time of its line, when it is told to have happened, its kind.

    And the queue where the call waits, and that where it is served, with the member who serves it.
    """

    written: int
    at: int
    kind: Kind
    waits_in: str | None
    served: tuple[str, str] | None


class _Step(NamedTuple):
    """What a line tells of a call: in which queue, and what."""

    call: str
    queue: str
    told: Told


class QueueLog:
    """Reads the lines of one log, in order. `zone` is that of times that are written as local ones."""

    def __init__(self, places: Places, zone: ZoneInfo) -> None:
        self._places = places
        self._zone = zone
        self._latest_us = 0
        self._calls: OrderedDict[str, _Last] = OrderedDict()
        self._served: OrderedDict[tuple[str, str], str] = OrderedDict()

    def events(self, line: str) -> list[Event] | None:
        """The events that a line tells of; None where it says nothing of service.

        Raises InvalidInput, naming the field, where it cannot be read.
        """
        fields = line.rstrip("\r\n|").split("|")
        if len(fields) < len(_FIELDS):
            missing = _FIELDS[len(fields)]
            raise InvalidInput(f"is missing; a line is {'|'.join(_FIELDS)}|…", field=missing, code="missing_field")
        time, call, queue, member, name = fields[: len(_FIELDS)]
        at = self._time(time)
        if name in _NOTHING_OF_SERVICE:
            return None
        told = _told(name, fields[len(_FIELDS) :])
        if not call or call == "NONE":
            raise InvalidInput(f"{call!r} is no call's; {name} needs one", field="call")
        steps = [_Step(call, queue, one) for one in told]
        if told[-1][0] == "completed":
            steps = self._of_the_one_served(steps, member)
        line_id = f"{call[:120]}/{name[:32]}/{sha256('|'.join(fields).encode()).hexdigest()[:24]}"
        return [self._event(step, at, member, f"{line_id}/{step.told[0]}" if told[1:] else line_id) for step in steps]

    def _event(self, step: _Step, written: int, member: str, id_: str) -> Event:
        kind, data, lasted = step.told
        place = self._queue(step.queue)
        site = place.site or self._places.site(step.queue)
        at = self._in_order(step, written, Kind[kind.upper()], lasted, member)
        return event(
            kind,
            id_,
            moment(at).isoformat(),
            step.call,
            SOURCE,
            site=site,
            queue=place.queue,
            channel=self._places.channel(step.queue, "phone"),
            agent=None if member in ("", "NONE") or kind in ("queued", "diverted") else member,
            customer=self._places.customer(data.get("caller")),
            **{name: value for name, value in data.items() if name != "caller"},
        )

    def _of_the_one_served(self, steps: list[_Step], member: str) -> list[_Step]:
        """The end of a service as it is where an agent asked in another queue before he handed the caller on.

        From then on lines may have the number of the agent's second call instead of the caller's. So the service that
        ends is that which the member gave. Where the second call still waits, the caller waits on in its stead.
        """
        call, queue, (kind, _, _) = steps[0]
        last = self._calls.get(call)
        if last is None or last.served == (queue, member):
            return steps
        caller = self._served.get((queue, member))
        waits_in = last.waits_in if last.waits_in != queue else None
        if caller is None:
            return steps[:1] if waits_in and kind == "transferred" else steps
        ended = [step._replace(call=caller) for step in steps]
        if waits_in is None or kind != "transferred":
            return ended
        left = _Step(call, waits_in, ("diverted", {"to": "exit"}, None))
        return [*ended, left, _Step(caller, waits_in, ("queued", {}, None))]

    def _queue(self, name: str) -> QueueAt:
        """The queue of a name: as it is mapped, else that of the same name."""
        if name not in self._places.queues and "*" not in self._places.queues and _QUEUE_NAME.fullmatch(name):
            return QueueAt(name)
        return self._places.queue(name)

    def _time(self, text: str) -> int:
        """The time of a line. Of a local time that comes twice, the second one if the log has passed the first."""
        match = _SECONDS.fullmatch(text)
        if match:
            at = int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0"))
        else:
            try:
                local = datetime.fromisoformat(text)
            except ValueError as error:
                right = "it must be seconds since 1970, or YYYY-MM-DD HH:MM:SS with or without fractions"
                raise InvalidInput(f"{text[:40]!r} is no time; {right}", field="time") from error
            first = microseconds(local if local.tzinfo else local.replace(tzinfo=self._zone))
            again = microseconds(local.replace(tzinfo=self._zone, fold=1)) if local.tzinfo is None else first
            at = again if first < self._latest_us <= again else first
            if at < MIN_US:
                raise InvalidInput("is before the year 2; no call was queued then", field="time")
        self._latest_us = max(self._latest_us, at)
        return at

    def _in_order(self, step: _Step, written: int, kind: Kind, lasted: float | None, member: str) -> int:
        """When an event of a call is told to have happened, so that it stays behind the one before it."""
        last = self._calls.pop(step.call, None)
        at = written
        waits_in = step.queue if kind is Kind.QUEUED else None
        served = (step.queue, member) if kind is Kind.ANSWERED else None
        if last is not None:
            went_back = written < last.written
            at = max(at, last.at + (duration_us(lasted or 0) if went_back else written - last.written))
            if (at, kind) <= (last.at, last.kind):
                at = last.at + 1
            if kind is Kind.TRANSFERRED:
                waits_in, served = last.waits_in, last.served
        _remember(self._calls, step.call, _Last(written, at, kind, waits_in, served))
        if served is not None:
            _remember(self._served, served, step.call)
        if kind is Kind.COMPLETED and self._served.get((step.queue, member)) == step.call:
            del self._served[step.queue, member]
        return at


def _remember(known: OrderedDict[K, V], key: K, value: V) -> None:
    """Keep a value as the latest, and no more than a number of them."""
    known[key] = value
    known.move_to_end(key)
    if len(known) > REMEMBERED:
        known.popitem(last=False)


def _told(name: str, parameters: Sequence[str]) -> list[Told]:
    """What a line tells of, in order."""
    if name in _REFUSED or name.startswith("DIVERT_"):
        return [("queued", {}, None), ("diverted", {"to": "overflow", "wait_seconds": 0.0}, None)]
    telling = _TELLING.get(name)
    if telling is None:
        raise InvalidInput(f"{name[:40]!r} is not known", field="event", code="unknown_type")
    return telling(parameters)


def _entered(parameters: Sequence[str]) -> list[Told]:
    return [("queued", {"caller": parameters[1] if len(parameters) > 1 else None}, None)]


def _connected(parameters: Sequence[str]) -> list[Told]:
    hold = _number(parameters, 0)
    return [("answered", {"wait_seconds": hold}, hold)]


def _ended(parameters: Sequence[str]) -> list[Told]:
    talk = _number(parameters, 1)
    return [("completed", {"service_seconds": talk}, talk)]


def _moved(talked: int) -> Callable[[Sequence[str]], list[Told]]:
    """A transfer, of which one of the parameters says how long the agent talked; his part in the call ends with it."""

    def telling(parameters: Sequence[str]) -> list[Told]:
        talk = _number(parameters, talked if talked >= 0 else len(parameters) + talked)
        return [("transferred", {}, talk), ("completed", {"service_seconds": talk}, None)]

    return telling


def _left(kind: str, waited: int, **data: object) -> Callable[[Sequence[str]], list[Told]]:
    """The end of a wait, which has lasted as long as one of the parameters says."""

    def telling(parameters: Sequence[str]) -> list[Told]:
        wait = _number(parameters, waited)
        return [(kind, {**data, "wait_seconds": wait}, wait)]

    return telling


def _number(parameters: Sequence[str], place: int) -> float | None:
    """A duration in seconds, where there is one; distributions differ in what they write."""
    text = parameters[place] if 0 <= place < len(parameters) else ""
    return float(text) if re.fullmatch(r"\d{1,8}(\.\d{1,6})?", text) else None


_TELLING: Mapping[str, Callable[[Sequence[str]], list[Told]]] = {
    "ENTERQUEUE": _entered,
    "CONNECT": _connected,
    "COMPLETEAGENT": _ended,
    "COMPLETECALLER": _ended,
    "TRANSFER": _moved(3),
    "BLINDTRANSFER": _moved(3),
    "ATTENDEDTRANSFER": _moved(-2),
    "ABANDON": _left("abandoned", 2),
    "EXITWITHTIMEOUT": _left("diverted", 2, to="timeout"),
    "EXITWITHKEY": _left("diverted", 3, to="exit"),
    "EXITEMPTY": _left("diverted", 2, to="overflow"),
    "LEAVEEMPTY": _left("diverted", 2, to="overflow"),
}
