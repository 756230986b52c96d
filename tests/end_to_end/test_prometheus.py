"""What Prometheus sees of a live simulation is what the database holds, across a kill of the service."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.client import FrontlineClient, Retry
from service.core.catalogue.measures import MEASURE_BY_NAME, Unit
from service.core.catalogue.metrics import METRICS, SERIES, Metric, MetricKind
from service.simulator.profile import sites
from service.simulator.run import Plan, Run, register_sites
from tests.end_to_end.conftest import ServiceProcess
from tests.end_to_end.prometheus import Prometheus

Labels = tuple[str, ...]
PAST = timedelta(minutes=50)
SPEED = 200.0
TOLD_BY = {
    "response_us": "first_response_time",
    "complaint_answer_us": "complaint_answer_time",
    "csat_points": "csat_mean",
    "star_points": "stars",
}
"""The KPIs of sums that have another name than those."""


def places(metric: Metric) -> tuple[str, ...]:
    """By which of site, queue and channel a metric is told apart."""
    return tuple(label for label in metric.labels if label in SERIES)


def increases(prometheus: Prometheus, metric: Metric, first: float, last: float) -> dict[Labels, float]:
    """Prometheus' own increase() between two scrapes, by place."""
    window = f"{round((last - first) * 1000)}ms"
    by = places(metric)
    return {
        tuple(found["metric"].get(label, "") for label in by): float(found["value"][1])
        for found in prometheus.query(f"sum by ({', '.join(by)}) (increase({metric.name}[{window}]))", last)
    }


def rollups(service: ServiceProcess, metric: Metric, since: datetime) -> dict[Labels, float]:
    """A count, or a sum of seconds or points, which is told as the numerator of its mean."""
    measure, by = metric.source, places(metric)
    is_sum = MEASURE_BY_NAME[measure].unit is not Unit.COUNT
    params = {
        "kpi": TOLD_BY.get(measure) or measure.removesuffix("_us"),
        "from": (since - timedelta(days=1)).isoformat(),
        # A promise that was kept early counts at the time for which it was made.
        "to": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
        "group_by": ",".join(by),
    }
    answer = httpx.get(f"{service.url}/v1/kpis", params=params, timeout=30)
    return {
        tuple(result[label] for label in by): result["points"][0]["numerator" if is_sum else "value"]
        for result in answer.json()["results"]
    }


def corrections(page: str, metric: Metric) -> dict[Labels, float]:
    """Up less down, by place."""
    measure, by = metric.source, places(metric)
    measure = f"{measure.removesuffix('_us')}_seconds" if measure.endswith("_us") else measure
    found: dict[Labels, float] = {}
    for sample in samples(page, "frontline_corrections_total"):
        if sample["measure"] == measure:
            key = tuple(sample[label] for label in by)
            sign = 1 if sample["direction"] == "up" else -1
            found[key] = found.get(key, 0) + sign * float(sample["value"])
    return found


def samples(page: str, name: str) -> Iterator[dict[str, str]]:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name:
                yield {**sample.labels, "value": str(sample.value)}


@pytest.mark.parametrize("registered", [True, False], ids=["registered sites", "sites by their first event"])
def test_increase_over_a_live_simulation_is_what_the_database_holds(
    serve: Callable[..., ServiceProcess], tmp_path: Path, registered: bool
) -> None:
    service = serve()
    profiles = sites(12)
    began = datetime.now(UTC)

    async def simulate() -> None:
        async with FrontlineClient(service.url, key, retry=Retry(budget=120)) as client:
            plan = Plan(PAST, speed=SPEED, duration=timedelta(seconds=PAST.total_seconds() / SPEED + 3), slip=0.3)
            summary = await Run(client, profiles, plan, seed=3).run()
            assert summary.accepted > 500
            assert not summary.rejected

    async def register() -> None:
        async with FrontlineClient(service.url, service.admin_key) as admin:
            await register_sites(admin, profiles)

    async def kill_in_the_middle() -> None:
        await asyncio.sleep(PAST.total_seconds() / SPEED / 2)
        await asyncio.to_thread(service.kill)
        await asyncio.to_thread(service.start)

    async def run() -> None:
        await asyncio.gather(simulate(), kill_in_the_middle())

    if registered:
        asyncio.run(register())
    key = service.new_source("simulated")
    with Prometheus(tmp_path, service.url) as prometheus:
        prometheus.wait_for_scrapes(3)
        asyncio.run(run())
        prometheus.wait_for_scrapes(3)
        scrapes = prometheus.scrapes()
        page = httpx.get(f"{service.url}/metrics/kpi").text
        counted = 0
        for metric in METRICS:
            if metric.kind is not MetricKind.COUNTER or not metric.source:
                continue
            held = rollups(service, metric, began)
            corrected = corrections(page, metric)
            seen = increases(prometheus, metric, scrapes[0], scrapes[-1])
            for labels, value in held.items():
                expected = value - corrected.get(labels, 0)
                # A series that is not shown has nothing to show.
                assert abs(seen.get(labels, 0) - expected) < 1e-6, (metric.name, labels)
                counted += int(value)
            assert not prometheus.query(f"resets({metric.name}[10m]) > 0"), metric.name
        assert counted > 500
        assert not prometheus.query("frontline_queue_residual != 0")
        assert prometheus.query("sum(increase(frontline_wait_seconds_count[5m])) > 0")
    assert not list(samples(page, "frontline_backfilled_total"))
