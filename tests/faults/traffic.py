"""Clients that post until they are answered, and keep a record of exactly what was acknowledged."""

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from service.client import FrontlineClient, Rejection, Retry

SOURCE = "faults"
OBJECTIVE = "phone-80-in-20"
OBJECTIVE_SECONDS = 20
ALLOWED_STATUSES = {202, 429, 503}
REJECTED_STATUS = 422
CLOSED = {"ConnectError", "ReadError", "WriteError", "CloseError", "RemoteProtocolError"}
"""What httpx calls a connection that could not be made, or was closed; a time-out is not among them."""

_RETRY = Retry(budget=240, first=0.05, longest=0.5)
_PATIENCE_SECONDS = 120
_PAUSE_SECONDS = 0.02
_UNTIL_DUE_SECONDS = 0.2  # some pass the deadline before the service hears of their answer, and some do not
_NEW_A_POST = 12
_KNOWN_A_POST = 4
_CUSTOMERS = 40  # few, so that transactions meet at them
_CONTENT, _BEST = 4, 5
_CHECKED = 7
_STATES = ("up", "degraded", "down")

EventName = tuple[str, str]
"""The `source` and `id` of an event."""


@dataclass
class Encounter:
    """What one customer's events say, for the count at the end.

    `is_kept` is whether a promise was kept in time, None where none was made; `score` is what the customer gave, of
    five; `passed` is how many of `_CHECKED` items were as the standard says, None where nobody looked.
    """

    customer: str
    wait_seconds: int
    is_call: bool
    is_wrong: bool
    is_kept: bool | None
    score: int | None
    passed: int | None


@dataclass
class Record:
    """What was acknowledged to anyone, and what anyone was answered."""

    acknowledged: set[EventName] = field(default_factory=set)
    accepted: int = 0
    """The events that were called new, over all answers."""
    encounters: list[Encounter] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    """The statuses and the ends of connections, by name."""
    in_flight: int = 0
    """The posts that wait for their answer."""
    clocks_differ: bool = False
    """Whether the service's clock is known to be wrong, so that it may reject what is in its future."""
    rejections: list[Rejection] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def allows(self, status: int) -> bool:
        return status in ALLOWED_STATUSES or (self.clocks_differ and status == REJECTED_STATUS)

    def reject(self, event: dict[str, Any], rejection: Rejection) -> None:
        """Take note of an event that was rejected, which may be for its time alone, and must name both clocks."""
        self.rejections.append(rejection)
        told = rejection.code == "future_time" and event["time"] in rejection.detail
        if not (self.clocks_differ and told and "clock here, " in rejection.detail):
            self.complaints.append(f"{event} was rejected: {rejection}")

    def judge(self, accepted: int, duplicates: int, *, new: int, posted: int, attempts: int) -> None:
        """Whether an answer can be true, of a post in which `new` events had never been acknowledged."""
        said = f"{accepted} accepted and {duplicates} duplicates of {posted} events, {new} of them new"
        if accepted + duplicates != posted:
            self.complaints.append(f"the sum is wrong: {said}")
        if accepted > new:
            self.complaints.append(f"what had been acknowledged was taken as new: {said}")
        if attempts == 1 and accepted < new:
            self.complaints.append(f"what was never sent was taken as known: {said}")

    def kpis(self) -> dict[str, float]:
        """What `/v1/kpis` must answer once every event has been posted."""
        everyone = len(self.encounters)
        promises = [one.is_kept for one in self.encounters if one.is_kept is not None]
        scores = [one.score for one in self.encounters if one.score is not None]
        passed = [one.passed for one in self.encounters if one.passed is not None]
        return {
            **dict.fromkeys(("offered", "answered", "completed"), everyone),
            "corrected": sum(one.is_wrong for one in self.encounters),
            "waiting": 0,
            "promise_kept_rate": sum(promises) / len(promises),
            "csat": sum(score >= _CONTENT for score in scores) / len(scores),
            "standards_compliance": sum(passed) / (len(passed) * _CHECKED),
        }

    def service_level(self) -> tuple[int, int]:
        """The calls answered in time, and all of them."""
        calls = [one for one in self.encounters if one.is_call]
        return sum(one.wait_seconds <= OBJECTIVE_SECONDS for one in calls), len(calls)


class Balancer(httpx.AsyncBaseTransport):
    """Sends each attempt to the next replica, as a load balancer would, and notes what came of it."""

    def __init__(self, ports: Sequence[int], record: Record, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._ports = itertools.cycle(ports)
        self._record = record
        self._inner = inner or httpx.AsyncHTTPTransport()
        self.attempts = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(port=next(self._ports))
        self.attempts += 1
        self._record.in_flight += 1
        try:
            answer = await self._inner.handle_async_request(request)
        except httpx.TransportError as error:
            self._note(type(error).__name__, type(error).__name__ in CLOSED)
            raise
        finally:
            self._record.in_flight -= 1
        self._note(str(answer.status_code), self._record.allows(answer.status_code))
        if answer.status_code in {429, 503} and "retry-after" not in answer.headers:
            self._record.complaints.append(f"a {answer.status_code} does not say when to try again")
        return answer

    def _note(self, what: str, is_allowed: bool) -> None:
        self._record.answers[what] += 1
        if not is_allowed:
            self._record.complaints.append(f"a client saw {what}")

    async def aclose(self) -> None:
        await self._inner.aclose()


class Poster:
    """Posts batches of new and known events of its own customers, in any order; `draining`, only what is left."""

    def __init__(self, name: str, ports: Sequence[int], key: str, record: Record) -> None:
        self._name = name
        self._record = record
        self._chance = random.Random(name)
        self._balancer = Balancer(ports, record)
        self._client = FrontlineClient("http://127.0.0.1", key, retry=_RETRY, transport=self._balancer, timeout=100)
        self._waiting: list[dict[str, Any]] = []
        self._known: list[dict[str, Any]] = []
        self._numbers = itertools.count()
        self.draining = asyncio.Event()

    async def run(self) -> None:
        async with self._client:
            while self._waiting or not self.draining.is_set():
                if not self.draining.is_set():
                    self._meet()
                await self._post()
                await asyncio.sleep(_PAUSE_SECONDS)

    def _meet(self) -> None:
        """A few more customers, whose events wait to be posted."""
        while len(self._waiting) < _NEW_A_POST * 3:
            subject = f"{self._name}-{next(self._numbers)}"
            encounter = Encounter(
                customer=f"customer-{self._chance.randrange(_CUSTOMERS)}",
                wait_seconds=self._chance.randint(1, 2 * OBJECTIVE_SECONDS),
                is_call=self._chance.random() < 0.5,
                is_wrong=self._chance.random() < 0.3,
                is_kept=self._chance.choice((True, False, None)),
                score=self._chance.choice((None, *range(1, _BEST + 1))),
                passed=self._chance.choice((None, *range(_CHECKED + 1))),
            )
            self._record.encounters.append(encounter)
            now = datetime.now(UTC)
            self._waiting += events_of(encounter, self._name, subject, now)
            self._waiting += self._levels(subject, now)

    def _levels(self, subject: str, now: datetime) -> Iterator[dict[str, Any]]:
        """How a till and a line stand, of which several posters tell."""
        till = {"resource": f"till-{self._chance.randrange(2)}"}
        for kind, data in (
            ("availability.changed", till | {"kind": "equipment", "state": self._chance.choice(_STATES)}),
            ("heartbeat", till | {"interval_seconds": self._chance.randint(1, 60)}),
            ("staffing.changed", {"queue": "tills", "staffed": self._chance.randrange(5)}),
        ):
            if self._chance.random() < 0.3:
                at = now - timedelta(seconds=self._chance.randrange(OBJECTIVE_SECONDS))
                yield _event(f"{subject}-{kind}", self._name, kind, at, {"site": "shop"} | data)

    async def _post(self) -> None:
        self._chance.shuffle(self._waiting)
        new, self._waiting = self._waiting[:_NEW_A_POST], self._waiting[_NEW_A_POST:]
        known = self._chance.sample(self._known, min(len(self._known), _KNOWN_A_POST))
        batch = [*new, *known, *new[:1]]  # one of them twice in one post
        self._chance.shuffle(batch)
        before = self._balancer.attempts
        posted = await self._client.post_events([json.dumps(event).encode() for event in batch])
        attempts = self._balancer.attempts - before
        for rejection in posted.rejected:
            self._record.reject(batch[rejection.index], rejection)
        early = {batch[rejection.index]["id"] for rejection in posted.rejected}
        taken = [event for event in new if event["id"] not in early]
        answered = len(batch) - len(posted.rejected)
        self._record.judge(posted.accepted, posted.duplicates, new=len(taken), posted=answered, attempts=attempts)
        self._record.accepted += posted.accepted
        self._record.acknowledged.update((event["source"], event["id"]) for event in taken)
        self._known += taken
        self._waiting += [event for event in new if event["id"] in early]


def events_of(encounter: Encounter, source: str, subject: str, now: datetime) -> list[dict[str, Any]]:
    """The events of an encounter that began a short while ago; what is ahead of now is so within the tolerance."""
    kinds: list[tuple[str, int, dict[str, Any]]] = [
        ("queued", 0, {"queue": "sales" if encounter.is_call else "tills"}),
        ("answered", encounter.wait_seconds, {}),
        ("completed", encounter.wait_seconds + 30, {"resolved": True}),
    ]
    if encounter.is_wrong:
        kinds.append(("corrected", encounter.wait_seconds + 35, {"kind": "wrong_item"}))
        kinds.append(("recovered", encounter.wait_seconds + 40, {}))
    common = {"site": "shop", "channel": "phone" if encounter.is_call else "pos", "customer": encounter.customer}
    arrival = now - timedelta(seconds=OBJECTIVE_SECONDS - _UNTIL_DUE_SECONDS)
    told = [(f"interaction.{kind}", after, common | data) for kind, after, data in kinds]
    told += _besides(encounter, subject, arrival)
    return [
        _event(f"{subject}-{kind}", source, kind, arrival + timedelta(seconds=after), data)
        | ({} if kind == "assessment.recorded" else {"subject": subject})
        for kind, after, data in told
    ]


def _besides(encounter: Encounter, subject: str, arrival: datetime) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """What is promised, said and seen of an encounter; where it belongs only its own events tell."""
    if encounter.is_kept is not None:
        due = (arrival + timedelta(seconds=10)).isoformat()
        yield "promise.made", 1, {"promise": subject, "due": due, "kind": "callback"}
        yield "promise.kept", 9 if encounter.is_kept else 18, {"promise": subject}
    if encounter.score is not None:
        yield "feedback.received", 15, {"kind": "survey", "metric": "csat", "score": encounter.score, "scale": _BEST}
    elif encounter.is_wrong:
        yield "feedback.received", 15, {"kind": "complaint"}
    if encounter.passed is not None:
        seen = {"standard": "smile", "passed": encounter.passed, "of": _CHECKED}
        yield "assessment.recorded", 5, {"site": "shop", "channel": "pos"} | seen


def _event(id_: str, source: str, kind: str, at: datetime, data: dict[str, Any]) -> dict[str, Any]:
    return {"id": id_, "source": source, "type": kind, "time": at.isoformat(), "data": data}


class Traffic:
    """Several posters at once."""

    def __init__(self, ports: Sequence[int], key: str, round_: int, posters: int, record: Record) -> None:
        self.record = record
        self._posters = [Poster(f"r{round_}c{number}", ports, key, record) for number in range(posters)]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(poster.run()) for poster in self._posters]

    async def flow(self, events: int) -> None:
        """Return once so many more events have been acknowledged."""
        enough = len(self.record.acknowledged) + events
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(self.record.acknowledged) < enough:
                for task in self._tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(0.01)

    async def settle(self) -> None:
        """Post what is left, and end once all of it is acknowledged."""
        for poster in self._posters:
            poster.draining.set()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
