"""The model of service: pure, conforming to the contract, and behaving as lines of people do."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from statistics import mean
from typing import Any

import httpx
import msgspec
import pytest

from service.client import FrontlineClient, Retry
from service.core.vocabulary import TYPE_OF_KIND, AnyEvent
from service.simulator.changes import programme
from service.simulator.durations import Exponential, LogNormal
from service.simulator.model import Simulation
from service.simulator.profile import (
    QueueProfile,
    SiteProfile,
    call_centre,
    sites,
    store,
)
from service.simulator.run import Plan, Run
from service.simulator.stage import Event

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DAY = timedelta(days=1)
ENDINGS = {"answered", "abandoned", "diverted"}


def simulate(
    *profiles: SiteProfile, seed: int = 1, days: float = 1, slip: float = 0.0, label: str = "t"
) -> list[Event]:
    changes = programme(profiles or sites(3), MONDAY, days * DAY)
    simulation = Simulation(profiles or sites(3), seed=seed, start=MONDAY, label=label, slip=slip, changes=changes)
    return list(simulation.until(MONDAY + days * DAY))


def kind(event: Event) -> str:
    return str(event["type"]).removeprefix("interaction.")


def moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def told_one_by_one(site: SiteProfile) -> SiteProfile:
    return replace(site, queues=tuple(replace(queue, summarised=0.0) for queue in site.queues))


def waits(events: Iterable[Event]) -> list[float]:
    """The waits, in seconds, of those who queued and were answered."""
    queued: dict[str, datetime] = {}
    found = []
    for event in events:
        if kind(event) == "queued":
            queued[event["subject"]] = moment(event)
        elif kind(event) == "answered" and event["subject"] in queued:
            found.append((moment(event) - queued.pop(event["subject"])).total_seconds())
    return found


def test_the_same_seed_gives_the_same_events_and_another_others() -> None:
    assert simulate(seed=7) == simulate(seed=7)
    assert [event["time"] for event in simulate(seed=7)] != [event["time"] for event in simulate(seed=8)]


def test_it_does_not_matter_in_how_many_steps_time_passes() -> None:
    lasting = timedelta(minutes=205 * 7)
    simulation = Simulation(sites(3), seed=1, start=MONDAY, label="t", changes=programme(sites(3), MONDAY, lasting))
    steps = [MONDAY + timedelta(minutes=7 * step) for step in range(1, 206)]
    assert [event for step in steps for event in simulation.until(step)] == simulate(days=lasting / DAY)


def test_events_conform_to_the_contract() -> None:
    read = msgspec.json.Decoder(AnyEvent).decode
    for event in simulate(days=2, slip=0.4):
        read(msgspec.json.encode(event))
        assert None not in event["data"].values()


def test_every_kind_of_event_occurs() -> None:
    assert {event["type"] for event in simulate(days=3, slip=0.2)} == set(TYPE_OF_KIND.values())


def test_ids_are_unique_and_labels_keep_runs_apart() -> None:
    ids = [event["id"] for event in simulate(days=2)]
    assert len(set(ids)) == len(ids) > 10_000
    assert not set(ids) & {event["id"] for event in simulate(days=1, label="other")}


def test_events_come_in_the_order_of_their_times() -> None:
    times = [event["time"] for event in simulate(days=2, slip=0.3)]
    assert all(one <= other for one, other in pairwise(times))


def test_nothing_comes_before_the_start_or_from_the_end_on() -> None:
    times = [moment(event) for event in simulate(days=0.5)]
    assert min(times) >= MONDAY
    assert max(times) < MONDAY + DAY / 2


def test_everyone_who_queued_has_ended_or_still_waits() -> None:
    profiles = [told_one_by_one(site) for site in sites(3)]
    simulation = Simulation(profiles, seed=3, start=MONDAY, slip=0.5)
    standing: Counter[tuple[str, str]] = Counter()
    place: dict[str, tuple[str, str]] = {}
    for hour in range(1, 25):
        for event in simulation.until(MONDAY + timedelta(hours=hour)):
            if kind(event) == "queued":
                place[event["subject"]] = (event["data"]["site"], event["data"]["queue"])
                standing[place[event["subject"]]] += 1
            elif kind(event) in ENDINGS:
                standing[place[event["subject"]]] -= 1
        assert {name: standing[name] for name in simulation.waiting} == simulation.waiting
    assert place


def test_slip_makes_waits_grow_and_more_leave() -> None:
    runs = [simulate(told_one_by_one(call_centre("c", "UTC")), slip=slip) for slip in (0.0, 0.3, 0.6, 1.0)]
    means = [mean(waits(events)) for events in runs]
    left = [sum(kind(event) == "abandoned" for event in events) for events in runs]
    assert all(one < other for one, other in pairwise(means))
    assert means[-1] > 10 * means[0]
    assert all(one < other for one, other in pairwise(left))


def test_slip_may_set_in_later_and_be_over() -> None:
    simulation = Simulation([told_one_by_one(call_centre("c", "UTC"))], seed=1, start=MONDAY)
    until = {10: 0.0, 13: 0.7, 15: 0.0, 18: 0.0}  # hours, and the slip up to them
    means = []
    for hour, simulation.slip in until.items():
        means.append(mean(waits(simulation.until(MONDAY + timedelta(hours=hour)))))
    well, badly, _recovering, again = means
    assert badly > 4 * well
    assert again < badly / 4


def test_waits_are_those_of_the_queue_that_theory_knows() -> None:
    """M/M/1 at a load of 0.7: the mean wait is load / (1 - load) service times."""
    line = QueueProfile(
        name="line",
        channel="pos",
        servers=1,
        arrivals=(42.0,) * 24,
        weekdays=(1.0,) * 7,
        service=Exponential(60.0),
        patience=LogNormal(1e9, 0.1),
        topics=("t",),
        corrections=("other",),
        resolved=1.0,
        corrected=0.0,
    )
    events = simulate(SiteProfile("s", "UTC", (line,), 10), days=30)
    assert mean(waits(events)) == pytest.approx(0.7 / 0.3 * 60, rel=0.1)


def test_customers_are_served_in_their_order() -> None:
    events = simulate(told_one_by_one(store("s", "UTC")), slip=0.5)
    order: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if kind(event) == "queued":
            order[event["data"]["queue"]].append(event["subject"])
    answered = [event["subject"] for event in events if kind(event) == "answered"]
    for line in order.values():
        served = [subject for subject in answered if subject in set(line)]
        assert served == sorted(served, key=line.index)


@pytest.mark.parametrize(("zone", "ahead"), [("UTC", 0), ("Asia/Singapore", 8)])
def test_arrivals_follow_the_local_hour(zone: str, ahead: int) -> None:
    site = told_one_by_one(store("s", zone))
    tills = site.queues[0]
    arrived = Counter(
        (moment(event).hour + ahead) % 24
        for event in simulate(replace(site, queues=(tills,)), days=28)
        if kind(event) == "queued"
    )
    assert not {hour for hour in range(24) if arrived[hour]} & {0, 1, 2, 3, 4, 5, 23}
    for hour in (9, 12, 17):
        expected = 28 * (tills.arrivals[hour] + tills.arrivals[hour + 1]) / 2 * mean(tills.weekdays)
        assert arrived[hour] == pytest.approx(expected, rel=0.08)


def test_customers_come_back_with_what_was_not_resolved() -> None:
    events = simulate(call_centre("c", "UTC"), days=2)
    first = {event["subject"]: event["data"] for event in events if kind(event) == "queued"}
    returned = [subject for subject in first if "." in subject]
    assert len(returned) > 50
    for subject in returned:
        before = first[subject.partition(".")[0]]
        assert [first[subject].get(name) for name in ("customer", "topic")] == [
            before.get(name) for name in ("customer", "topic")
        ]


def test_a_busier_site_has_the_servers_to_match() -> None:
    ordinary, busy = (told_one_by_one(call_centre("c", "UTC").times(rate)) for rate in (1, 4))
    one, four = simulate(ordinary), simulate(busy)
    assert len(four) == pytest.approx(4 * len(one), rel=0.1)
    assert mean(waits(four)) < mean(waits(one))  # a larger group shares its load better


def test_sites_are_told_apart() -> None:
    names = [site.name for site in sites(50)]
    assert len(set(names)) == 50
    assert {queue.channel for site in sites(3) for queue in site.queues} == {"pos", "phone"}


def test_durations_are_as_long_as_they_say() -> None:
    chance = Random(1)
    assert mean(Exponential(90).sample(chance) for _ in range(20_000)) == pytest.approx(90, rel=0.05)
    below = sum(LogNormal(90, 0.5).sample(chance) < 90 for _ in range(20_000))
    assert below == pytest.approx(10_000, rel=0.05)


class Service:
    """Remembers what was posted and how far ahead of the clock it was."""

    def __init__(self) -> None:
        self.now = MONDAY + DAY / 2
        self.events: list[dict[str, Any]] = []
        self.ahead: list[float] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        posted = [json.loads(line) for line in request.content.splitlines()]
        self.events += posted
        self.ahead += [(moment(event) - self.now).total_seconds() for event in posted]
        return httpx.Response(202, json={"accepted": len(posted), "duplicates": 0, "rejected": []})

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def run(self, plan: Plan, **how: Any) -> int:
        transport = httpx.MockTransport(self.answer)
        async with FrontlineClient("http://f", "k", retry=Retry(budget=0), transport=transport) as client:
            run = Run(client, sites(3), plan, now=lambda: self.now, sleep=self.sleep, **how)
            return (await run.run()).accepted


async def test_a_run_fills_in_the_past_and_goes_on_live() -> None:
    service = Service()
    plan = Plan(backfill=timedelta(hours=3), duration=timedelta(minutes=10))
    accepted = await service.run(plan, label="t")
    start = MONDAY + timedelta(hours=9)
    whole = Simulation(sites(3), seed=1, start=start, label="t", changes=programme(sites(3), start, plan.backfill))
    assert service.events == list(whole.until(MONDAY + timedelta(hours=12, minutes=10)))
    assert accepted == len(service.events) > 100
    assert max(service.ahead) <= 0


async def test_a_paced_backfill_catches_up_with_now_and_never_passes_it() -> None:
    service = Service()
    await service.run(Plan(timedelta(hours=1), speed=60, duration=timedelta(minutes=3)))
    assert max(service.ahead) <= 0
    assert service.ahead[0] < -3000
    assert service.ahead[-1] > -60


async def test_two_runs_do_not_share_ids() -> None:
    one, other = Service(), Service()
    other.now += timedelta(seconds=1)
    for service in (one, other):
        await service.run(Plan(timedelta(hours=1), duration=timedelta(0)))
    assert not {event["id"] for event in one.events} & {event["id"] for event in other.events}


def test_slip_sets_in_when_planned() -> None:
    plan = Plan(slip=0.5, onset=timedelta(minutes=5))
    assert plan.slip_at(MONDAY, MONDAY + timedelta(minutes=4)) == 0.0
    assert plan.slip_at(MONDAY, MONDAY + timedelta(minutes=5)) == 0.5


def test_slip_is_over_when_planned() -> None:
    plan = Plan(slip=0.5, onset=timedelta(minutes=5), slipping=timedelta(minutes=2))
    slips = [plan.slip_at(MONDAY, MONDAY + timedelta(minutes=minutes)) for minutes in (4, 5, 6, 7, 60)]
    assert slips == [0.0, 0.5, 0.5, 0.0, 0.0]
