"""Objectives of what is beside interactions: how it is judged, and that several facets of a place are one sample."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.core.event import MINUTE_US, microseconds
from service.core.interval import Interval
from service.core.objective import Promise, Terms
from service.core.reason import cause
from service.core.standing import places
from service.core.window import number_of
from service.exporter import render
from service.files import promises_in, shipped_objectives
from service.store.access import Access
from service.store.cohorts import Selection
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from service.store.verdicts import Post
from tests.books import accept
from tests.store.proof import audit
from tests.terms import promises

NOW = datetime(2026, 11, 18, 12, tzinfo=UTC)
NOON = NOW - timedelta(minutes=50)
ANYWHERE = Selection()
PLACE = {"site": "bank", "channel": "phone"}
_numbers = count(1)


def told(type_: str, at: datetime, id_: str = "", **data: Any) -> dict[str, Any]:
    return {
        "id": id_ or f"{type_}-{next(_numbers)}",
        "source": "crm",
        "type": type_,
        "time": at.isoformat(),
        "data": PLACE | data,
    }


def scores(dimension: str | None, *values: int, at: datetime = NOON) -> Iterator[dict[str, Any]]:
    about = {} if dimension is None else {"dimension": dimension}
    for value in values:
        yield told("feedback.received", at, kind="survey", metric="csat", score=value, **about)


def promise(name: str, due: datetime, kept: datetime | None = None) -> Iterator[dict[str, Any]]:
    yield told(
        "promise.made", NOON - timedelta(hours=2), f"{name}-made", promise=name, kind="callback", due=due.isoformat()
    )
    if kept is not None:
        yield told("promise.kept", kept, f"{name}-kept", promise=name)


def checked(standard: str, passed: int, of: int) -> Iterator[dict[str, Any]]:
    yield told("assessment.recorded", NOON, standard=standard, passed=passed, of=of)


class World:
    """A database with its writer and its reader."""

    def __init__(self, database: Database, registry: Registry, ledger: Ledger) -> None:
        self.database, self.registry = database, registry
        self.policies, self.rollups, self._ledger = Policies(database), Rollups(database), ledger

    async def promise(self, promised: list[Promise]) -> None:
        assert await self.policies.publish(promised, microseconds(NOW))

    async def post(self, *events: Iterator[dict[str, Any]], now: datetime = NOW, site: str = "bank") -> None:
        every = [one | {"data": one["data"] | {"site": site}} for some in events for one in some]
        await self._ledger.commit([Post(1, accept(every, microseconds(now)))], microseconds(now))

    async def counted(self, now: datetime = NOW) -> dict[str, tuple[int, int]]:
        """The events and breaches of each objective, as its standings add up."""
        policy, standings = await self.rollups.standings(ANYWHERE, microseconds(now))
        found = {}
        for objective in policy.objectives.all:
            own = [one for one in standings if one.objective.number == objective.number]
            for place in places(objective.terms[0], own, ()):
                found[objective.name] = place.settled.events, place.settled.breaches
        return found

    async def page(self, now: datetime = NOW) -> str:
        return (await render(self.rollups, now)).decode()


@pytest.fixture
def world(database: Database, registry: Registry, ledger: Ledger) -> World:
    return World(database, registry, ledger)


async def test_a_promise_is_judged_when_it_is_due_and_one_that_was_withdrawn_is_not(world: World) -> None:
    await world.promise(promises(kept=Terms(None, "promise_kept_rate", 0.95)))
    soon = NOW + timedelta(minutes=10)
    await world.post(
        promise("in-time", NOON, NOON - timedelta(minutes=5)),
        promise("late", NOON, NOON + timedelta(minutes=5)),
        promise("early", soon, NOON),
        promise("open", soon),
        iter([told("promise.withdrawn", NOON, "w-withdrawn", promise="w")]),
        promise("w", NOW - timedelta(minutes=1)),
    )
    assert await world.counted() == {"kept": (3, 1)}


async def test_a_complaint_is_judged_once_it_is_answered_or_a_day_old(world: World) -> None:
    terms = Terms(None, "complaints_answered_rate", 0.9, formula="of_due")
    await world.promise(promises(answered=terms))
    for number, ago in enumerate((30, 26, 2, 1)):
        await world.post(
            iter([told("feedback.received", NOW - timedelta(hours=ago), f"complaint-{number}", kind="complaint")])
        )
    for number in (0, 2):
        await world.post(iter([told("feedback.answered", NOW - timedelta(minutes=30), feedback=f"complaint-{number}")]))
    # The first was answered too late, the second was not, the third was in time, and the last is young.
    assert await world.counted() == {"answered": (3, 2)}


async def test_a_filter_takes_what_was_told_of_its_dimensions_and_standards(world: World) -> None:
    await world.promise(
        promises(
            all_scores=Terms(None, "csat", 0.8),
            courtesy=Terms(None, "csat", 0.8, facets=("dimension:courtesy",)),
            safety=Terms(None, "standards_compliance", 0.9, facets=("standard:safety",)),
            all_standards=Terms(None, "standards_compliance", 0.9),
            waits=Terms(None, "abandonment_rate", 0.95),
        )
    )
    await world.post(
        scores("courtesy", 5, 4, 2),
        scores("access", 1),
        scores(None, 5, 5),
        checked("safety", 9, 10),
        checked("phrases", 1, 5),
        checked("a:b", 3, 3),
    )
    assert await world.counted() == {
        "all-scores": (6, 2),
        "courtesy": (3, 1),
        "safety": (10, 1),
        "all-standards": (18, 5),
        "waits": (0, 0),
    }
    _, standings = await world.rollups.standings(ANYWHERE, microseconds(NOW))
    beside = {one.series.facet for one in standings if one.objective.name == "all-scores"}
    assert beside == {"dimension:courtesy", "dimension:access", ""}


async def test_what_is_told_apart_beside_the_place_is_one_sample_of_it(world: World) -> None:
    """Of several series in one place Prometheus takes none: it refuses the whole page."""
    await world.promise(promises(csat=Terms(None, "csat", 0.8), standards=Terms(None, "standards_compliance", 0.9)))
    await world.post(
        scores("courtesy", 5, 4, 2),
        scores("access", 1),
        scores(None, 5),
        checked("safety", 9, 10),
        checked("own", 1, 5),
    )
    page = await world.page()
    samples = [line.rpartition(" ")[0] for line in page.splitlines() if not line.startswith("#")]
    assert len(samples) == len(set(samples))
    found = {
        (sample.name, sample.labels["objective"]): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.labels.get("objective") and sample.labels.get("channel") == "phone"
    }
    for name in ("frontline_slo_events_total", "frontline_window_events"):
        assert (found[name, "csat"], found[name, "standards"]) == (5, 15)
    for name in ("frontline_slo_breaches_total", "frontline_window_breaches"):
        assert (found[name, "csat"], found[name, "standards"]) == (2, 5)
    assert found["frontline_window_allowed_breaches", "csat"] == pytest.approx(1)


async def test_an_objective_stands_at_0_where_there_has_been_anything_that_it_may_judge(world: World) -> None:
    """A counter that begins at 1 has lost its first event to Prometheus; and most places have no feedback at all."""
    await world.promise(promises(courtesy=Terms(None, "csat", 0.8, facets=("dimension:courtesy",))))
    await world.post(iter([told("feedback.received", NOON, kind="comment")]))
    await world.post(promise("elsewhere", NOON), site="shop")
    labels = '{channel="phone",objective="courtesy",queue="",site="bank"}'
    page = await world.page()
    assert f"frontline_slo_events_total{labels} 0.0\n" in page
    assert 'site="shop"' not in "".join(line for line in page.splitlines() if line.startswith("frontline_slo"))
    await world.post(scores("courtesy", 5, 1))
    page = await world.page()
    assert f"frontline_slo_events_total{labels} 2.0\n" in page
    assert f"frontline_slo_breaches_total{labels} 1.0\n" in page


async def test_days_add_up_to_standings_over_facets(world: World) -> None:
    await world.promise(promises(csat=Terms(None, "csat", 0.8)))
    yesterday = NOON - timedelta(days=1)
    await world.post(scores("courtesy", 5, 1), scores("access", 4, at=yesterday), scores(None, 5, at=yesterday))
    days = range(number_of(NOW.date()) - 6, number_of(NOW.date()) + 1)
    month = await world.rollups.month(ANYWHERE, microseconds(NOW), days)
    assert [(day.settled.events, day.settled.breaches) for day in month.days] == [(2, 0), (2, 1)]
    assert sum(one.settled.events for one in month.standings) == 4


async def test_each_breach_beside_interactions_says_why(world: World) -> None:
    """Through the very list that an alert links to."""
    await Access(world.database).create_source("crm", ["*"], actor="test")
    await world.promise(promises(standards=Terms(None, "standards_compliance", 0.9)))
    await world.post(checked("safety", 9, 10), checked("phrases", 4, 4))
    (objective,) = (await world.policies.latest()).objectives.all
    interval = Interval(NOON - timedelta(hours=1), NOW)
    (one,) = await world.rollups.breaches(objective.number, ANYWHERE, interval, 10)
    assert one.series.key == ("bank", "", "phone", "standard:safety")
    assert cause(objective.terms[0], one.facts, "", one.minute_us // MINUTE_US, 0).reason == (
        "was not as the standard says"
    )


async def test_numbers_judged_are_those_of_the_log(world: World) -> None:
    await world.promise(list(promises_in(shipped_objectives())))
    await world.post(
        scores("courtesy", 5, 4, 2),
        checked("safety", 9, 10),
        promise("kept", NOON, NOON - timedelta(minutes=5)),
        promise("broken", NOON),
        iter([told("feedback.received", NOW - timedelta(hours=30), kind="complaint")]),
    )
    counted = await world.counted()
    names = ("promises-95-kept", "complaints-90-answered-in-1d", "csat-80", "standards-90")
    assert [counted[name] for name in names] == [(2, 1), (1, 1), (3, 1), (10, 1)]
    report = await audit(world.database, world.registry, microseconds(NOW))
    assert (report.findings, report.events) == ([], 8)
