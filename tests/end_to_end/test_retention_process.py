"""Retention in real processes: one of two forgets while posts go on, and the commands prove and rebuild the rest."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.conftest import ServiceProcess

DAYS = 60
NOW = datetime.now(UTC)
PATIENCE_SECONDS = 120
VISITS = 200


def encounters(days_ago: float) -> list[dict[str, Any]]:
    """Two hundred who were served on one day."""
    ended = NOW - timedelta(days=days_ago)
    return [
        {
            "id": f"{days_ago}-{number}",
            "source": "till-3",
            "type": "interaction.recorded",
            "time": (ended + timedelta(seconds=number)).isoformat(),
            "subject": f"order-{days_ago}-{number}",
            "data": {
                "site": "shop",
                "queue": "tills",
                "channel": "pos",
                "wait_seconds": number,
                "service_seconds": 30,
                "customer": f"loyalty-{number % 50}",
                "resolved": True,
            },
        }
        for number in range(VISITS)
    ]


def post(service: ServiceProcess, key: str, events: list[dict[str, Any]]) -> dict[str, Any]:
    answer = httpx.post(f"{service.url}/v1/events", json=events, headers={"Authorization": f"Bearer {key}"})
    body: dict[str, Any] = answer.json()
    return body


def figures(service: ServiceProcess) -> object:
    query = {
        "kpi": "offered,service_level,average_wait,wait_p90,contacts,repeat_contacts,first_contact_resolution",
        "step": "1d",
        "from": (NOW - timedelta(days=300)).isoformat(),
        "to": (NOW - timedelta(hours=2)).isoformat(),
    }
    return service.get("/v1/kpis", **query).json()["results"]


def forgotten(service: ServiceProcess) -> float:
    sample = 'frontline_retention_forgotten_total{what="events"} '
    (line,) = (line for line in service.get("/metrics").text.splitlines() if line.startswith(sample))
    return float(line.removeprefix(sample))


def test_what_is_too_old_goes_while_posts_go_on(serve: Callable[..., ServiceProcess], database_url: str) -> None:
    before = serve(FRONTLINE_DATABASE_URL=database_url)
    key = before.new_source("pos-vendor")
    for days_ago in (200.0, 120.0, 95.0, 40.0, 1.0):
        assert post(before, key, encounters(days_ago))["accepted"] == VISITS
    told = figures(before)
    assert before.stop() == 0

    replicas = [
        serve(FRONTLINE_DATABASE_URL=database_url, FRONTLINE_RETENTION_DAYS=str(DAYS), FRONTLINE_LOG_LEVEL="INFO")
        for _ in range(2)
    ]
    deadline = time.monotonic() + PATIENCE_SECONDS
    posted = 0
    while sum(map(forgotten, replicas)) < 3 * VISITS:
        assert time.monotonic() < deadline, "it was not forgotten"
        now = [{**one, "id": f"{posted}-{one['id']}"} for one in encounters(0.05)[:5]]
        posted += post(replicas[posted % 2], key, now)["accepted"]
    assert sum(map(forgotten, replicas)) == 3 * VISITS
    assert posted > 0
    assert figures(replicas[0]) == figures(replicas[1]) == told
    refused = post(replicas[1], key, encounters(200.0)[:2])
    assert {one["code"] for one in refused["rejected"]} == {"too_old"}
    assert replicas[0].get("/v1/interactions/pos-vendor/order-200.0-7").status_code == 404
    assert replicas[0].get("/v1/interactions/pos-vendor/order-40.0-7").status_code == 200
    log = replicas[0].log + replicas[1].log
    assert "retention, events_" in log
    assert "loyalty" not in log
    assert "order-" not in log

    verified = replicas[0].run("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "is forgotten" in verified.stdout
    rebuilt = replicas[0].run("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "is forgotten" in rebuilt.stdout
    assert figures(replicas[0]) == told
    replicas[0].verify()


def test_too_short_a_retention_is_refused_with_its_reason(tmp_path: Path) -> None:
    refused = ServiceProcess(tmp_path, FRONTLINE_RETENTION_DAYS="30").run("serve", "--port", "0")
    assert refused.returncode != 0
    assert "FRONTLINE_RETENTION_DAYS is '30'; it must be a whole number, 31 or more" in refused.stderr
    assert "settled after 30 days" in refused.stderr
    assert "Traceback" not in refused.stderr
