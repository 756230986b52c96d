"""Metrics on a port of their own: there and only there, from every worker."""

from collections.abc import Callable

import httpx
import pytest

from tests.end_to_end.conftest import ServiceProcess, free_port

Serve = Callable[..., ServiceProcess]

METRICS = ("/metrics", "/metrics/kpi")
HEALTH = ("/healthz", "/readyz")
OTHERS = ("/v1/live", "/v1/catalogue", "/docs", "/openapi.json", "/runbooks", "/docs-static/favicon.png")


def status(url: str) -> int:
    # A connection of its own, so that the next worker may take it.
    answer = httpx.get(url, timeout=30)
    if answer.status_code == 404:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


@pytest.mark.parametrize("workers", [1, 2])
def test_metrics_are_on_their_port_only(serve: Serve, workers: int) -> None:
    port = free_port()
    service = serve("--workers", str(workers), FRONTLINE_METRICS_PORT=str(port))
    beside = f"http://127.0.0.1:{port}"
    for _ in range(2 * workers):
        assert {path: status(f"{beside}{path}") for path in METRICS + HEALTH} == dict.fromkeys(METRICS + HEALTH, 200)
        assert {path: status(f"{beside}{path}") for path in OTHERS} == dict.fromkeys(OTHERS, 404)
        assert {path: status(f"{service.url}{path}") for path in METRICS} == dict.fromkeys(METRICS, 404)
        assert {path: status(f"{service.url}{path}") for path in HEALTH} == dict.fromkeys(HEALTH, 200)
    key = service.new_source("tills")
    headers = {"Authorization": f"Bearer {key}"}
    assert httpx.post(f"{beside}/v1/events", json=[], headers=headers).status_code == 404
    assert httpx.post(f"{service.url}/v1/events", json=[], headers=headers).status_code == 202
    assert httpx.post(f"{beside}/v1/admin/sources", json={"name": "x"}).status_code == 404
    assert service.stop() == 0, service.log


def test_a_port_that_is_taken_is_told_at_the_start(serve: Serve) -> None:
    taken = serve()
    folder = taken.folder / "second"
    folder.mkdir()
    service = ServiceProcess(folder, FRONTLINE_METRICS_PORT=str(taken.port))
    with pytest.raises(AssertionError, match="the service ended at its start"):
        service.start()
    assert "Address already in use" in service.log
