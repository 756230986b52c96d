"""Time that passes in real processes: a waiter becomes a breach at the deadline, whichever process holds the timer."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from tests.end_to_end.conftest import ServiceProcess

Serve = Callable[..., ServiceProcess]
OBJECTIVE = "phone-80-in-20"
PATIENCE_SECONDS = 60


def arrive(service: ServiceProcess, key: str, subject: str, seconds_ago: float) -> None:
    event = {
        "id": subject,
        "source": "acd",
        "type": "interaction.queued",
        "time": (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat(),
        "subject": subject,
        "data": {"site": "bank", "queue": "sales", "channel": "phone"},
    }
    answer = httpx.post(f"{service.url}/v1/events", json=event, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 202, answer.text


def promised(service: ServiceProcess) -> tuple[float, float]:
    """The events of the objective that were no breach, and all of them."""
    query = {"kpi": "service_level", "objective": OBJECTIVE}
    (point,) = service.get("/v1/kpis", **query).json()["results"][0]["points"]
    return point["numerator"], point["denominator"]


def holds_timer(service: ServiceProcess) -> bool:
    return "frontline_timer_holder 1.0" in service.get("/metrics").text


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_another_process_takes_the_timer_over_when_its_holder_is_killed(serve: Serve, database_url: str) -> None:
    replicas = [serve(FRONTLINE_DATABASE_URL=database_url) for _ in range(2)]
    key = replicas[0].new_source("acd")
    wait_for(lambda: any(map(holds_timer, replicas)))
    holder, other = sorted(replicas, key=holds_timer, reverse=True)
    assert not holds_timer(other)

    arrive(other, key, "call-1", seconds_ago=18)
    assert promised(other) == (0, 0)
    wait_for(lambda: promised(other) == (0, 1))

    holder.kill()
    arrive(other, key, "call-2", seconds_ago=18)
    wait_for(lambda: promised(other) == (0, 2))
    assert holds_timer(other)
    other.verify()


def test_an_arrival_that_is_late_to_be_told_is_a_breach_in_the_post_s_own_transaction(serve: Serve) -> None:
    service = serve()
    key = service.new_source("acd")
    arrive(service, key, "call-1", seconds_ago=21)
    assert promised(service) == (0, 1)
    page = service.get("/metrics/kpi").text
    samples = [line for line in page.splitlines() if line.startswith("frontline_slo_") and OBJECTIVE in line]
    assert {line.split("{")[0]: line.rsplit(" ", 1)[1] for line in samples if 'queue="sales"' in line} == {
        "frontline_slo_events_total": "1.0",
        "frontline_slo_breaches_total": "1.0",
    }
