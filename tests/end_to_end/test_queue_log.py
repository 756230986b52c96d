"""A call centre's log is followed by a real process: posted at once, through rotation and restarts, and once only."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.conftest import ServiceProcess

START = 1_700_000_000
PATIENCE_SECONDS = 30


def call(number: int) -> str:
    """A call that waits four seconds and talks ten."""
    at = START + 60 * number
    return (
        f"{at}|{at}.{number}|sales|NONE|ENTERQUEUE||5550100|1\n"
        f"{at + 4}|{at}.{number}|sales|SIP/7|CONNECT|4|b.{number}|1\n"
        f"{at + 14}|{at}.{number}|sales|SIP/7|COMPLETECALLER|4|10|1\n"
    )


@contextmanager
def following(service: ServiceProcess, key: str, log: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "service", "import", "asterisk-queue-log", str(log)]
    process = subprocess.Popen(
        [*command, "--follow", "--site", "centre", "--url", service.url, "--key", key],
        env={name: value for name, value in os.environ.items() if not name.startswith("FRONTLINE_")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def counts(service: ServiceProcess) -> dict[str, int]:
    answer = service.get(
        "/v1/kpis", kpi="offered,answered,completed", **{"from": "2023-11-14T00:00:00Z", "to": "2023-11-17T00:00:00Z"}
    )
    return {each["kpi"]: int(each["points"][0]["value"] or 0) for each in answer.json()["results"]}


def wait_for(service: ServiceProcess, calls: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := counts(service)) != (wanted := dict.fromkeys(("offered", "answered", "completed"), calls)):
        assert time.monotonic() < deadline, f"{found} instead of {wanted}"
        time.sleep(0.1)


def append(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


@pytest.mark.timeout(180)
def test_a_log_is_followed_through_rotation_and_restarts(serve: Callable[..., ServiceProcess], tmp_path: Path) -> None:
    service = serve()
    key = service.new_source("pbx")
    log = tmp_path / "queue_log"
    log.write_text(call(0))
    with following(service, key, log) as first:
        wait_for(service, 1)
        append(log, call(1))
        wait_for(service, 2)
        service.stop()
        append(log, call(6))
        service.start()
        wait_for(service, 3)
        log.rename(tmp_path / "queue_log.1")
        append(log, call(2))
        wait_for(service, 4)
        first.send_signal(signal.SIGTERM)
        told, complaints = first.communicate(timeout=PATIENCE_SECONDS)
        assert first.returncode == 0, complaints
        assert "accepted" in told
    append(log, call(3))
    log.rename(tmp_path / "queue_log.2")
    append(log, call(4))
    with following(service, key, log) as second:
        wait_for(service, 6)
        second.kill()
    (tmp_path / "queue_log.place").unlink()
    append(log, call(5) + "not a line\n")
    with following(service, key, log) as third:
        wait_for(service, 7)
        third.send_signal(signal.SIGINT)
        _, complaints = third.communicate(timeout=PATIENCE_SECONDS)
        assert third.returncode == 0
        assert "line 7: missing_field: call: is missing" in complaints
