"""A simulated day of a store, as encounters that any sender of orders can tell, and as events of the contract."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.core.event import MINUTE_US, SECOND_US, microseconds, moment
from service.simulator.durations import LogNormal
from service.simulator.model import Simulation
from service.simulator.profile import store
from service.vendors.reading.delivery import Delivery, Event, Reader
from tests.books import Books
from tests.lines import lines_only
from tests.vendors.shops import events_of

START = datetime(2026, 11, 20, 22, tzinfo=UTC)
END = START + timedelta(days=1)


@dataclass(slots=True)
class Encounter:
    """A customer's encounter: when each thing happened, in microseconds since 1970 at whole seconds."""

    subject: str
    site: str
    queue: str
    customer: str | None
    queued: int
    answered: int | None = None
    abandoned: int | None = None
    completed: int | None = None
    errors: list[int] = field(default_factory=list)
    recoveries: list[int] = field(default_factory=list)
    resolved: bool | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery, and when it is sent."""

    at: int
    delivery: Delivery


def day() -> list[Encounter]:
    """The encounters of a day: some give up, some are not resolved, some go wrong and are put right."""
    site = lines_only(store("vilnius-1", "Europe/Vilnius").times(0.06))
    queues = tuple(
        replace(queue, summarised=0.0, corrected=0.1, patience=LogNormal(120, 0.8), resolved=0.9)
        for queue in site.queues
    )
    found: dict[str, Encounter] = {}
    for event in Simulation([replace(site, queues=queues)], seed=6, start=START).until(END):
        at = microseconds(datetime.fromisoformat(event["time"])) // SECOND_US * SECOND_US
        data, subject = event["data"], event["subject"]
        match event["type"].removeprefix("interaction."):
            case "queued":
                found[subject] = Encounter(subject, data["site"], data["queue"], data.get("customer"), at)
            case "answered":
                found[subject].answered = at
            case "abandoned":
                found[subject].abandoned = at
            case "completed":
                found[subject].completed, found[subject].resolved = at, data["resolved"]
            case "corrected":
                found[subject].errors.append(at)
            case "recovered":
                found[subject].recoveries.append(at)
    return list(found.values())


def native(encounter: Encounter) -> Iterator[Event]:
    """All of an encounter as events of the contract, none of it left out."""
    about = {"site": encounter.site, "queue": encounter.queue, "channel": "pos", "customer": encounter.customer}
    times: list[tuple[str, int | None, dict[str, Any]]] = [
        ("queued", encounter.queued, about),
        ("answered", encounter.answered, {}),
        ("abandoned", encounter.abandoned, {}),
        ("completed", encounter.completed, {"resolved": encounter.resolved}),
        *(("corrected", at, {"kind": "refund"}) for at in encounter.errors),
        *(("recovered", at, {}) for at in encounter.recoveries),
    ]
    for number, (kind, at, data) in enumerate(times):
        if at is not None:
            yield {
                "id": f"{encounter.subject}/{number}",
                "source": "native",
                "type": f"interaction.{kind}",
                "time": moment(at).isoformat(),
                "subject": encounter.subject,
                "data": {name: value for name, value in data.items() if value is not None},
            }


def natively(encounters: Iterable[Encounter]) -> Books:
    """The books of encounters that are posted event by event, each when it happened."""
    told = [event for encounter in encounters for event in native(encounter)]
    posts = [(microseconds(datetime.fromisoformat(event["time"])), [event]) for event in told]
    return _books(posts)


def through(reader: Reader, sent: Iterable[Sent]) -> Books:
    """The books of what a vendor sends, each delivery when it is sent."""
    return _books([(one.at, events_of(reader.read(one.delivery))) for one in sent])


def _books(posts: list[tuple[int, list[Event]]]) -> Books:
    books = Books()
    for at, events in sorted(posts, key=lambda post: post[0]):
        books.deliver(events, at)
    books.tick(microseconds(END) + 60 * 24 * MINUTE_US)
    return books


def sums(books: Books, *, but: frozenset[str] = frozenset()) -> dict[Any, dict[str, int]]:
    """The rollups by place, without some measures."""
    left = {
        place: {name: amount for name, amount in amounts.items() if name not in but}
        for place, amounts in books.rollups().items()
    }
    return {place: amounts for place, amounts in left.items() if amounts}


def differing(one: Books, other: Books) -> set[str]:
    """The measures that are not everywhere the same in both."""
    first, second = one.rollups(), other.rollups()
    found = set()
    for place in first.keys() | second.keys():
        for name in first.get(place, {}).keys() | second.get(place, {}).keys():
            if first.get(place, {}).get(name) != second.get(place, {}).get(name):
                found.add(name)
    return found
