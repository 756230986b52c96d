"""From a slip of service to a page and back, through a real Prometheus and a real Alertmanager; and nothing false.

The rules and the routes are those that the commands print, with all their spans a number of times shorter, so that
an hour takes a minute.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from service.client import FrontlineClient, Retry
from service.simulator.durations import LogNormal
from service.simulator.profile import SiteProfile, call_centre, store
from service.simulator.run import Plan, Run, register_sites
from tests.end_to_end.alertmanager import Alertmanager, Webhook
from tests.end_to_end.conftest import ServiceProcess
from tests.end_to_end.prometheus import Prometheus
from tests.lines import lines_only

Serve = Callable[..., ServiceProcess]

# An hour of real waits does not fit into a test: here who waits for 3 s waits too long.
PROMISES = """
apiVersion: frontline/v1
kind: SLO
metadata: {name: phone-80, displayName: Calls are answered}
spec:
  owner: operations
  indicator: {kpi: service_level, threshold: 3s, filter: {channels: [phone]}}
  minimumEvents: 5
  objectives: [{target: 0.8}]
---
apiVersion: frontline/v1
kind: SLO
metadata: {name: till-80}
spec:
  indicator: {kpi: service_level, threshold: 3s, filter: {channels: [pos]}}
  minimumEvents: 5
  objectives: [{target: 0.8}]
"""
QUIET = {"FrontlineWatchdog", "FrontlineSiteClosed"}


def brisk(site: SiteProfile) -> SiteProfile:
    """A site where in each line somebody comes every second, is served in some, and hardly ever waits.

    Nobody is put on hold: that takes most of a minute, for which nine servers would not be enough. Nothing is told but
    what happens in its lines: so many customers would make too many complaints.
    """
    steady = {
        "arrivals": (3600.0,) * 24,
        "weekdays": (1.0,) * 7,
        "servers": 9,
        "service": LogNormal(3, 0.3),
        "held": 0.0,
    }
    queues = tuple(replace(queue, **steady, patience=LogNormal(60, 0.2), wrap_up=None) for queue in site.queues)
    return lines_only(replace(site, queues=queues))


CENTRE, STORE = brisk(call_centre("care-riga-1", "Europe/Riga")), brisk(store("vilnius-1", "Europe/Vilnius"))


@contextmanager
def staged(folder: Path, speedup: int, *services: ServiceProcess) -> Iterator["Stage"]:
    """A service, or replicas of one, watched by the rules and told by the routes that the commands print."""

    def printed(*arguments: str) -> str:
        done = services[0].run(*arguments, "--speedup", str(speedup))
        assert done.returncode == 0, done.stderr
        return done.stdout

    rules = printed("rules", "--objectives", str(folder / "objectives.yaml"))
    urls = [service.url for service in services]
    with (
        Webhook() as webhook,
        Alertmanager(folder, printed("alertmanager", "--webhook-url", f"{webhook.url}/told")) as alertmanager,
        Prometheus(
            folder, *urls, key=services[0].read_key, rules=rules, alertmanager_url=alertmanager.url
        ) as prometheus,
    ):
        # Prometheus takes some seconds to find what to scrape, for which rules that are in a hurry have no patience.
        prometheus.wait_for_scrapes(10)
        yield Stage(webhook, prometheus, datetime.now(UTC))


@dataclass
class Stage:
    """What Prometheus saw from a moment on, and what the webhook of Alertmanager was told."""

    webhook: Webhook
    prometheus: Prometheus
    since: datetime

    def fired(self) -> set[tuple[str, str]]:
        """All alerts that fired so far, with their sites."""
        span = f"{(datetime.now(UTC) - self.since).total_seconds():.0f}s"
        expression = f'count by (alertname, site) (count_over_time(ALERTS{{alertstate="firing"}}[{span}]))'
        found = self.prometheus.query(expression)
        return {(one["metric"]["alertname"], one["metric"].get("site", "")) for one in found} - {
            (name, "") for name in QUIET
        }

    def told(self, status: str, alertname: str, site: str) -> list[dict[str, Any]]:
        """What the webhook got."""
        return [
            alert
            for alert in self.webhook.alerts(status)
            if alert["labels"]["alertname"] == alertname and alert["labels"].get("site") == site
        ]

    async def until(self, happened: Callable[[], object], what: str, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not await asyncio.to_thread(happened):
            assert time.monotonic() < deadline, f"{what}: did not happen; fired: {self.fired()}"
            await asyncio.sleep(0.5)


def started(serve: Serve, folder: Path, **settings: str) -> ServiceProcess:
    file = folder / "objectives.yaml"
    file.write_text(PROMISES)
    return serve(FRONTLINE_OBJECTIVES=str(file), **settings)


async def simulate(service: ServiceProcess, key: str, site: SiteProfile, **plan: Any) -> None:
    async with FrontlineClient(service.url, service.admin_key) as admin:
        await register_sites(admin, [site])
    async with FrontlineClient(service.url, key, retry=Retry(budget=120)) as client:
        await Run(client, [site], Plan(**plan), seed=5, label=f"{site.name}-{time.time():.0f}").run()


def there_now(service: ServiceProcess, site: str) -> int:
    """Who waits or is served."""
    entries = service.get("/v1/live", site=site).json()["results"]
    return sum(entry["waiting"] + entry["in_service"] for entry in entries)


def judged(service: ServiceProcess, since: datetime) -> float:
    """The events of the objective on calls."""
    kpis = {"kpi": "slo_events", "objective": "phone-80", "from": since.isoformat()}
    (result,) = service.get("/v1/kpis", **kpis).json()["results"]
    return float(result["points"][0]["value"])


def test_a_slip_pages_with_its_cause_and_is_resolved_when_service_recovers(serve: Serve, tmp_path: Path) -> None:
    service = started(serve, tmp_path)
    key = service.new_source("simulated")
    site = CENTRE.name

    async def run(stage: Stage) -> None:
        slipping = {"slip": 0.9, "onset": timedelta(seconds=20), "slipping": timedelta(seconds=30)}
        traffic = asyncio.create_task(simulate(service, key, CENTRE, **slipping))
        try:
            await asyncio.sleep(15)
            assert not stage.fired(), "good service raises nothing"
            await stage.until(lambda: stage.told("firing", "FrontlineBudgetBurning", site), "the page")
            await stage.until(lambda: stage.told("resolved", "FrontlineBudgetBurning", site), "the resolution")
        finally:
            traffic.cancel()

    with staged(tmp_path, 60, service) as stage:
        asyncio.run(run(stage))
        (page, *_) = [
            alert
            for alert in stage.told("firing", "FrontlineBudgetBurning", site)
            if alert["labels"]["severity"] == "page"
        ]
    labels, notes = page["labels"], page["annotations"]
    assert (labels["objective"], labels["channel"], labels["owner"]) == ("phone-80", "phone", "operations")
    assert labels["queue"] in {"sales", "billing", "support"}
    assert site in notes["summary"] + notes["description"]
    # Every link of the page leads somewhere, the one to the cause to interactions that waited too long.
    base = "http://localhost:8000"
    assert httpx.get(notes["runbook_url"].replace(base, service.url)).status_code == 200
    assert f"var-site={site}" in notes["dashboard_url"]
    causes = httpx.get(notes["breaches_url"].replace(base, service.url)).json()["breaches"]
    assert causes
    assert {cause["site"] for cause in causes} == {site}
    assert all(
        cause["seconds"] is None or cause["seconds"] > 3 for cause in causes if cause["reason"] != "gave up waiting"
    )
    story = httpx.get(f"{service.url}{causes[0]['href']}")
    assert story.status_code == 200
    assert any(entry["objectives"].get("phone-80", {}).get("breaches") for entry in story.json()["booking"])


def test_a_till_that_goes_offline_is_a_silent_source_and_no_breach_of_service(serve: Serve, tmp_path: Path) -> None:
    service = started(serve, tmp_path)
    key = service.new_source("till-feed")
    site = STORE.name

    async def run(stage: Stage) -> None:
        await simulate(service, key, STORE, duration=timedelta(seconds=40))
        await stage.until(lambda: stage.told("firing", "FrontlineSourceSilent", site), "the ticket")
        # What a page of the service would need by now is over; those who were in line still wait.
        await asyncio.sleep(20)
        assert await asyncio.to_thread(there_now, service, site) > 0
        traffic = asyncio.create_task(simulate(service, key, STORE))
        await stage.until(lambda: stage.told("resolved", "FrontlineSourceSilent", site), "the return")
        traffic.cancel()

    with staged(tmp_path, 60, service) as stage:
        asyncio.run(run(stage))
        alerts = [one for one in stage.webhook.alerts("firing") if one["startsAt"] >= stage.since.isoformat()]
    assert {one["labels"]["alertname"] for one in alerts} == {"FrontlineSourceSilent"}


def test_replicas_that_are_killed_and_restarted_raise_nothing(serve: Serve, tmp_path: Path, database_url: str) -> None:
    replicas = [started(serve, tmp_path, FRONTLINE_DATABASE_URL=database_url) for _ in range(2)]
    key = replicas[0].new_source("simulated")

    async def run(stage: Stage) -> None:
        began = datetime.now(UTC)
        traffic = asyncio.create_task(simulate(replicas[0], key, CENTRE))
        await asyncio.sleep(15)
        for replica in (replicas[1], replicas[0], replicas[1]):
            await asyncio.to_thread(replica.kill)
            await asyncio.sleep(2)
            await asyncio.to_thread(replica.start)
            await asyncio.sleep(8)
        # Both at once, for as long as a restart takes.
        for act in (ServiceProcess.kill, ServiceProcess.start):
            await asyncio.gather(*(asyncio.to_thread(act, replica) for replica in replicas))
        await asyncio.sleep(25)
        traffic.cancel()
        counted = stage.prometheus.query("sum(increase(frontline:slo_events:total[5m]))")
        held = await asyncio.to_thread(judged, replicas[0], began)
        assert float(counted[0]["value"][1]) > 0.5 * held > 20

    with staged(tmp_path, 5, *replicas) as stage:
        asyncio.run(run(stage))
        assert not stage.fired()
        assert not stage.prometheus.query("resets(frontline:slo_events:total[10m]) > 0")


def test_a_promise_about_to_fall_due_and_an_old_complaint_are_told_until_they_are_looked_after(
    serve: Serve, tmp_path: Path
) -> None:
    service = started(serve, tmp_path)
    key = service.new_source("crm")
    # Sixty times as fast, a quarter of an hour is 15 s, and twenty hours are 20 min.
    promise, complaint = "FrontlinePromiseDue", "FrontlineComplaintsUnanswered"

    def post(id_: str, type_: str, ago: float = 0, **data: Any) -> None:
        at = datetime.now(UTC) - timedelta(seconds=ago)
        event = {"id": id_, "source": "crm", "type": type_, "time": at.isoformat(), "data": data}
        answer = httpx.post(f"{service.url}/v1/events", json=event, headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 202, answer.text

    def made(name: str, seconds: float) -> None:
        due = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
        place = {"site": "bank", "channel": "phone", "kind": "callback"}
        post(f"{name}-made", "promise.made", promise=name, due=due, **place)

    async def run(stage: Stage) -> None:
        complained = {"kind": "complaint", "site": "bank", "channel": "email"}
        made("later", 1800)
        post("young", "feedback.received", 15 * 60, **complained)
        await asyncio.sleep(10)
        assert not {name for name, _ in stage.fired()} & {promise, complaint}, "there is time"
        # One after the other, so that there is always one to be kept soon, however busy the machine is.
        names = [f"soon-{number}" for number in range(12)]
        for number, name in enumerate(names):
            made(name, 10 * number + 30)
        post("old", "feedback.received", 30 * 60, **complained)
        for name in (promise, complaint):
            await stage.until(lambda name=name: stage.told("firing", name, "bank"), name)
        for name in names:
            post(f"{name}-withdrawn", "promise.withdrawn", promise=name)
        post("old-answered", "feedback.answered", feedback="old")
        for name in (promise, complaint):
            await stage.until(lambda name=name: stage.told("resolved", name, "bank"), f"{name} is over")

    with staged(tmp_path, 60, service) as stage:
        asyncio.run(run(stage))
        told = [stage.told("firing", name, "bank")[0] for name in (promise, complaint)]
    for alert in told:
        labels, notes = alert["labels"], alert["annotations"]
        assert (labels["severity"], labels["category"]) == ("ticket", "matters")
        assert "bank" in notes["summary"] + notes["description"]
        page = httpx.get(notes["runbook_url"].replace("http://localhost:8000", service.url))
        assert page.status_code == 200
