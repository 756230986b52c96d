"""The read side on a real PostgreSQL: every KPI over any interval and group, as the reference works it out."""

import asyncio
import gzip
import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.catalogue.kpi import Shape
from service.core.catalogue.kpis import KPIS, SERVICE_LEVEL_FORMULAS
from service.core.catalogue.measures import HISTOGRAM_BY_NAME
from service.core.event import microseconds, moment
from service.core.interval import Interval, Step
from service.core.kpi import evaluate, needs
from service.core.question import Choices, Question, ask
from service.store.access import Access
from service.store.cohorts import Group, Selection
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Gathered, Rollups
from service.store.verdicts import Post
from tests.books import accept
from tests.conftest import DATA
from tests.reference import kpis as reference
from tests.reference.histories import CHANNELS, NOW, QUEUES, SITES
from tests.reference.postings import histories
from tests.reference.walk import MINUTE, gather, micros
from tests.store.arena import writers_at

NOW_US = micros(NOW)
COHORT_KPIS = [kpi.name for kpi in KPIS if kpi.shape is not Shape.NOW and not kpi.needs_objective]
EVER = Interval(datetime(1990, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
SPRING = Interval(datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 15, tzinfo=UTC))
REPEATS = ("repeat_contacts", "repeat_contact_rate")
LABELS = ("site", "queue", "channel")
Event = dict[str, Any]


class Value(NamedTuple):
    """A KPI's value in one point, and what it was made of."""

    value: float | None
    numerator: float | None = None
    denominator: float | None = None


def event(subject: str, kind: str, at: datetime, **data: Any) -> Event:
    return {
        "id": f"{subject}-{kind}-{at.timestamp()}",
        "source": "acd",
        "type": f"interaction.{kind}",
        "time": at.isoformat(),
        "subject": subject,
        "data": data,
    }


async def post(ledger: Ledger, *events: Event, now: datetime = NOW) -> None:
    now_us = microseconds(now)
    await ledger.commit([Post(1, accept(events, now_us))], now_us)


async def values(
    rollups: Rollups,
    questions: Sequence[Question],
    interval: Interval = EVER,
    step: Step = Step.TOTAL,
    selection: Selection = Selection(),  # noqa: B008  # it never changes
    group_by: Sequence[str] = (),
) -> dict[Group, dict[str, list[Value]]]:
    gathered = await rollups.gather(interval, step, selection, group_by, needs(questions))
    return laid_out(gathered, questions)


def laid_out(gathered: Gathered, questions: Sequence[Question]) -> dict[Group, dict[str, list[Value]]]:
    return {
        group: {
            question.kpi.name: [Value(*point) for point in zip(*evaluate(question, sums), strict=True)]
            for question in questions
        }
        for group, sums in gathered.groups.items()
    }


class Stage:
    """A database that is emptied before each generated example."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url

    async def ask(self, batches: Sequence[Sequence[Event]], questions: Sequence[Question], **asked: Any) -> Any:
        """Commit batches and gather what questions need."""
        async with writers_at(self.url) as (database, *_, (ledger,)):
            for batch in batches:
                await post(ledger, *batch)
            return await values(Rollups(database), questions, **asked)


@pytest.fixture(scope="module")
def stage(module_database_url: str) -> Iterator[Stage]:
    made = Stage(module_database_url)
    yield made
    made.runner.close()


def same(question: Question, found: Value, rows: Sequence[reference.Row]) -> bool:
    name = question.kpi.name
    formula = None if question.formula_name == "of_answered_and_abandoned" else question.formula_name
    expected = reference.kpi(name, rows, threshold=question.threshold, formula=formula)
    if question.kpi.shape is Shape.QUANTILE and expected.value is not None:
        # The reference gives the wait of the rank itself, which lies in the same bucket.
        bounds = (0.0, *HISTOGRAM_BY_NAME[question.formula.histogram].bounds)
        place = max(1, bisect_left(bounds, float(expected.value)))
        above = bounds[min(place, len(bounds) - 1)]
        return found.value is not None and bounds[place - 1] - 1e-9 <= found.value <= above + 1e-9
    if question.kpi.shape is Shape.QUANTILE:
        return found == Value(None, None, 0)
    return all(
        one is None if other is None else one == float(other) for one, other in zip(found, expected, strict=True)
    )


def label(row: reference.Row, name: str) -> str:
    return str(getattr(row, name))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_every_kpi_is_what_the_reference_says(stage: Stage, data: st.DataObject) -> None:
    history = data.draw(histories())
    rows = [row for row in reference.rows(gather(history), NOW) if row.site is not None]
    minutes = sorted({row.minute for row in rows}) or [0]
    edges = [minutes[0], data.draw(st.sampled_from(minutes)), minutes[-1] + 1]
    start = data.draw(st.sampled_from(edges[:2]))
    end = data.draw(st.sampled_from([edge for edge in edges if edge > start]))
    interval = Interval(moment(start * MINUTE), moment(end * MINUTE))
    group_by = data.draw(st.lists(st.sampled_from(LABELS), unique=True))
    selection = Selection(
        *(tuple(data.draw(st.sampled_from([(), (), some[:1], some[1:]]))) for some in (SITES, QUEUES, CHANNELS))
    )
    formula = data.draw(st.sampled_from([*SERVICE_LEVEL_FORMULAS, "excluding_short", "of_offered"]))
    threshold = data.draw(st.sampled_from([0.0, 0.000001, 5.0, 20.0, 20.12, 60.0]))
    questions = ask(reference.KPIS, Choices(formula, threshold))
    cut = data.draw(st.integers(0, len(history)))
    batches = [batch for batch in (history[:cut], history[cut:]) if batch]

    found = stage.runner.run(stage.ask(batches, questions, interval=interval, selection=selection, group_by=group_by))

    wanted: dict[Group, list[reference.Row]] = {} if group_by else {(): []}
    for row in rows:
        if row.minute in interval.minutes and all(
            not chosen or label(row, name) in chosen
            for name, chosen in zip(LABELS, (selection.site, selection.queue, selection.channel), strict=True)
        ):
            wanted.setdefault(tuple(label(row, name) for name in group_by), []).append(row)
    assert wanted.keys() <= found.keys()
    for group, kpis in found.items():
        for question in questions:
            (value,) = kpis[question.kpi.name]
            assert same(question, value, wanted.get(group, [])), (group, question.kpi.name, value)


@pytest.fixture
def rollups(database: Database) -> Rollups:
    return Rollups(database)


async def test_a_real_month_of_calls(ledger: Ledger, rollups: Rollups) -> None:
    truth = json.loads((DATA / "january.truth.json").read_text())
    with gzip.open(DATA / "january.ndjson.gz") as lines:
        events = [json.loads(line) for line in lines]
    for first in range(0, len(events), 5000):
        await post(ledger, *events[first : first + 5000], now=datetime.now(UTC))
    for group_by in ((), LABELS):
        for threshold in (20, 60):
            for formula in SERVICE_LEVEL_FORMULAS:
                found = await values(rollups, ask(["service_level"], Choices(formula, threshold)), group_by=group_by)
                for group, kpis in found.items():
                    true = truth["groups"]["/".join(group)] if group else truth["all"]
                    (value,) = kpis["service_level"]
                    assert value.value == pytest.approx(true["service_level"][str(threshold)][formula], rel=1e-9)
        for formula, name in (("excluding_short", "abandonment_rate_excluding_short"), ("", "abandonment_rate")):
            found = await values(rollups, ask(COHORT_KPIS, Choices(formula or None)), group_by=group_by)
            assert len(found) == (len(truth["groups"]) if group_by else 1)
            for group, kpis in found.items():
                true = truth["groups"]["/".join(group)] if group else truth["all"]
                assert kpis["abandonment_rate"][0].value == pytest.approx(true[name], rel=1e-9)
                assert_like_truth(kpis, true)
                if not group:
                    # Elsewhere the truth knows contacts of the same place only.
                    assert {name: kpis[name][0].value for name in REPEATS} == {
                        name: pytest.approx(true[name]["7d"], rel=1e-9) for name in REPEATS
                    }


def assert_like_truth(kpis: dict[str, list[Value]], true: dict[str, Any]) -> None:
    checked = 0
    for name, (value,) in kpis.items():
        if name in true and name not in ("service_level", "abandonment_rate", *REPEATS):
            assert value.value == (true[name] if true[name] is None else pytest.approx(true[name], rel=1e-9)), name
            checked += 1
    assert checked >= 15
    assert kpis["contacts"] == [Value(true["contacts_with_customer"])]
    assert kpis["residual"] == [Value(0)]
    bounds = (0.0, *HISTOGRAM_BY_NAME["wait"].bounds)
    for percent, exact in true["wait_quantiles_exact"].items():
        place = max(1, bisect_left(bounds, exact))
        value = kpis[f"wait_p{percent}"][0].value
        assert value is not None
        assert bounds[place - 1] <= value <= bounds[place]


async def test_what_is_taken_back_leaves_thresholds_quantiles_and_the_maximum(ledger: Ledger, rollups: Rollups) -> None:
    start = NOW - timedelta(minutes=30)
    await post(ledger, event("call", "queued", start, site="bank", queue="sales", channel="phone"))
    await post(ledger, event("call", "answered", start + timedelta(seconds=50)))
    questions = ask(["service_level", "wait_p50", "max_wait", "average_speed_of_answer"])
    before = (await values(rollups, questions))[()]
    await post(ledger, event("call", "answered", start + timedelta(seconds=10)))
    after = (await values(rollups, questions))[()]
    assert before == {
        "service_level": [Value(0.0, 0, 1)],
        "wait_p50": [Value(52.5, None, 1)],
        "max_wait": [Value(50.0)],
        "average_speed_of_answer": [Value(50.0, 50.0, 1)],
    }
    assert after == {
        "service_level": [Value(1.0, 1, 1)],
        "wait_p50": [Value(7.5, None, 1)],
        "max_wait": [Value(10.0)],
        "average_speed_of_answer": [Value(10.0, 10.0, 1)],
    }


async def test_minutes_and_hours_find_their_points(ledger: Ledger, rollups: Rollups) -> None:
    start = datetime(2025, 3, 30, 22, 58, 30, tzinfo=UTC)
    for number, minutes in enumerate((0, 1, 1, 2, 120)):
        arrival = start + timedelta(minutes=minutes)
        await post(ledger, event(f"call-{number}", "queued", arrival, site="bank", queue="sales", channel="phone"))
    interval = Interval(start - timedelta(minutes=1), start + timedelta(hours=3))
    asked = needs(ask(["offered"]))

    async def offered(step: Step) -> dict[str, int]:
        gathered = await rollups.gather(interval, step, Selection(), (), asked)
        starts = gathered.grid.starts
        numbers = gathered.groups[()].terms["offered"]
        return {start.isoformat()[11:16]: number for start, number in zip(starts, numbers, strict=True) if number}

    assert await offered(Step.MINUTE) == {"22:58": 1, "22:59": 2, "23:00": 1, "00:58": 1}
    assert await offered(Step.HOUR) == {"22:00": 3, "23:00": 1, "00:00": 1}
    assert await offered(Step.TOTAL) == {"22:57": 5}


async def test_days_are_each_sites_own(ledger: Ledger, registry: Registry, rollups: Rollups) -> None:
    for site, zone in (("vilnius-1", "Europe/Vilnius"), ("boston", "America/New_York")):
        await registry.put_site(site, time_zone=zone, hours=None, holidays=None, since=None, queues=(), actor="test")
        for hour in (3, 21, 22):  # UTC on the day on which the clocks of Vilnius go forward
            arrival = datetime(2025, 3, 30, hour, 30, tzinfo=UTC)
            await post(ledger, event(f"{site}-{hour}", "queued", arrival, site=site, queue="tills", channel="pos"))
    asked = needs(ask(["offered", "max_wait", "wait_p50", "service_level"]))

    async def offered(*sites: str) -> dict[Group, dict[str, int]]:
        gathered = await rollups.gather(SPRING, Step.DAY, Selection(sites), ("site",), asked)
        return {
            group: {
                start.isoformat(): number
                for start, number in zip(gathered.grid.starts, sums.terms["offered"], strict=True)
                if number
            }
            for group, sums in gathered.groups.items()
        }

    assert await offered("vilnius-1") == {
        ("vilnius-1",): {"2025-03-30T00:00:00+02:00": 1, "2025-03-31T00:00:00+03:00": 2}
    }
    assert await offered("boston") == {("boston",): {"2025-03-29T00:00:00-04:00": 1, "2025-03-30T00:00:00-04:00": 2}}
    assert await offered() == {
        ("boston",): {"2025-03-29T00:00:00+00:00": 1, "2025-03-30T00:00:00+00:00": 2},
        ("vilnius-1",): {"2025-03-30T00:00:00+00:00": 1, "2025-03-31T00:00:00+00:00": 2},
    }


async def test_an_interval_may_hold_all_time_or_no_minute(ledger: Ledger, rollups: Rollups) -> None:
    await post(ledger, event("call", "queued", NOW, site="bank", queue="sales", channel="phone"))
    everything = Interval(datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    no_minute = Interval(NOW.replace(second=10), NOW.replace(second=50))
    questions = ask(["offered", "max_wait", "wait_p50", "service_level"])
    for group_by in ((), ("site",)):
        (found,) = (await values(rollups, questions, everything, group_by=group_by)).values()
        assert found["offered"] == [Value(1)]
        for step, expected in ((Step.TOTAL, [Value(0)]), (Step.DAY, []), (Step.HOUR, [])):
            groups = await values(rollups, questions, no_minute, step, group_by=group_by)
            assert [found["offered"] for found in groups.values()] == ([] if group_by else [expected])


async def test_the_live_state_is_of_those_who_are_there(ledger: Ledger, registry: Registry, rollups: Rollups) -> None:
    await registry.put_site(
        "bank", time_zone="UTC", hours=None, holidays=None, since=None, queues=[("billing", "phone")], actor="test"
    )
    for number, seconds in enumerate((90, 45.5)):
        arrival = NOW - timedelta(seconds=seconds)
        await post(ledger, event(f"call-{number}", "queued", arrival, site="bank", queue="sales", channel="phone"))
    await post(ledger, event("call-0", "answered", NOW - timedelta(seconds=20)))
    states = {(one.series.queue, one.series.channel): one for one in await rollups.live_state(NOW)}
    assert states.keys() == {("", ""), ("billing", "phone"), ("sales", "phone")}
    sales = states["sales", "phone"]
    assert (sales.waiting, sales.in_service, sales.longest_wait_seconds) == (1, 1, 45.5)
    billing = states["billing", "phone"]
    assert (billing.waiting, billing.in_service, billing.longest_wait_seconds) == (0, 0, 0.0)
    assert states["", ""].is_idle_placeholder
    later = await rollups.live_state(NOW + timedelta(hours=5), Selection(queue=("sales",)))
    assert [(one.waiting, one.in_service) for one in later] == [(0, 0)]


async def test_what_is_stored_of_an_interaction(database: Database, registry: Registry, rollups: Rollups) -> None:
    await Access(database).create_source("acd", ["*"], actor="test")
    (source,) = await Access(database).list_sources()
    ledger = Ledger(database, registry, Partitions(database), Policies(database), number=0, live_horizon_seconds=3600)
    queued = event("a/b", "queued", NOW - timedelta(minutes=1), site="bank", queue="sales", channel="phone")
    await ledger.commit([Post(source.id, accept([queued], NOW_US))], NOW_US)
    await ledger.close()
    stored = await rollups.interaction("acd", "a/b")
    assert stored is not None
    assert [fact.id for fact in stored.facts] == [queued["id"]]
    (booking,) = stored.bookings
    ((number, _),) = booking
    assert stored.series[number].queue == "sales"
    assert await rollups.interaction("acd", "a") is None
    assert await rollups.interaction("pos", "a/b") is None
