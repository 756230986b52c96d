"""What is promised changes: the proof says so, and a rebuild measures the past again while the service runs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from tests.end_to_end.conftest import ServiceProcess

VISITS = 40
PROMISE = """
apiVersion: frontline/v1
kind: SLO
metadata: {{name: fast}}
spec:
  indicator: {{kpi: service_level, threshold: {threshold}}}
  objectives: [{{target: 0.8}}]
  {more}
"""


def visits() -> list[dict[str, object]]:
    """Visits of an hour ago that waited 0, 1, 2, … seconds."""
    ended = datetime.now(UTC) - timedelta(hours=1)
    return [
        {
            "id": f"{number}",
            "source": "till-3",
            "type": "interaction.recorded",
            "time": (ended + timedelta(seconds=number)).isoformat(),
            "subject": f"order-{number}",
            "data": {"site": "shop", "queue": "tills", "channel": "pos", "wait_seconds": number, "customer": "anna"},
        }
        for number in range(VISITS)
    ]


def kept(service: ServiceProcess) -> tuple[float, float]:
    query = {"kpi": "service_level", "objective": "fast"}
    (point,) = httpx.get(f"{service.url}/v1/kpis", params=query).json()["results"][0]["points"]
    return point["numerator"], point["denominator"]


def others(service: ServiceProcess, since: datetime) -> object:
    query = {
        "kpi": "offered,answered,average_wait,wait_p90,repeat_contacts,contacts",
        "step": "1h",
        "from": since.isoformat(),
        "to": (since + timedelta(hours=6)).isoformat(),
    }
    return httpx.get(f"{service.url}/v1/kpis", params=query).json()["results"]


def test_a_new_promise_is_measured_over_the_past_by_a_rebuild(
    serve: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    file = tmp_path / "objectives.yaml"
    file.write_text(PROMISE.format(threshold="10s", more=""))
    service = serve(FRONTLINE_OBJECTIVES=str(file))
    key = service.new_source("pos-vendor")
    answer = httpx.post(f"{service.url}/v1/events", json=visits(), headers={"Authorization": f"Bearer {key}"})
    assert answer.json()["accepted"] == VISITS
    assert kept(service) == (11, VISITS)
    since = datetime.now(UTC) - timedelta(hours=4)
    before = others(service, since)

    assert service.stop() == 0
    file.write_text(PROMISE.format(threshold="20s", more=""))
    refused = service.run("serve", "--port", "0")
    assert refused.returncode != 0
    assert "effectiveFrom: always" in refused.stderr, "the past is never changed silently"
    assert "Traceback" not in refused.stderr
    file.write_text(PROMISE.format(threshold="20s", more="effectiveFrom: always"))
    service.start()
    assert "frontline rebuild" in service.log
    assert kept(service) == (11, VISITS), "the past does not change by itself"
    doubted = service.run("verify")
    assert doubted.returncode == 1
    assert "interaction pos-vendor/order-11" in doubted.stdout
    assert "frontline rebuild" in doubted.stderr

    rebuilt = service.run("rebuild")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "put right: 10" in rebuilt.stdout
    assert kept(service) == (21, VISITS)
    assert others(service, since) == before
    service.verify()


def test_terms_that_cannot_be_read_end_the_start_with_their_place(
    serve: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    file = tmp_path / "objectives.yaml"
    file.write_text(PROMISE.format(threshold="-1s", more=""))
    service = ServiceProcess(tmp_path, FRONTLINE_OBJECTIVES=str(file))
    refused = service.run("serve", "--port", "0")
    assert refused.returncode != 0
    assert "objectives.yaml line 6: spec.indicator.threshold" in refused.stderr
    assert "Traceback" not in refused.stderr
