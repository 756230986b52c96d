"""`frontline demo` as a newcomer runs it, with and without Prometheus on the PATH."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from service.commands.prometheus import _CONFIG

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("FRONTLINE_")}


class Demo:
    """A demo that runs, and what it printed so far."""

    def __init__(self, output: Path, process: subprocess.Popen[bytes]) -> None:
        self._output = output
        self.process = process

    @property
    def told(self) -> str:
        return self._output.read_text()

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.told
            assert time.monotonic() < deadline, f"{what} after {seconds} s:\n{self.told}"
            time.sleep(0.1)


@contextmanager
def demo(folder: Path, *arguments: str, **settings: str) -> Iterator[Demo]:
    output = folder / "demo.txt"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "service", "demo", "--port", "0", *arguments],
            env=ENVIRONMENT | settings,
            stdout=file,
            stderr=file,
        )
    running = Demo(output, process)
    try:
        running.wait(lambda: "Where to look" in running.told, "nothing is told")
        yield running
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def answered(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_prometheus_scrapes_evaluates_and_ends_with_the_demo(tmp_path: Path) -> None:
    assert shutil.which("prometheus"), "prometheus is not installed; `apt-get install prometheus` brings it"
    with demo(tmp_path) as running:
        found = re.search(r"(http://\S+)/alerts", running.told)
        assert found, running.told
        url = found[1]

        def result(expression: str) -> list[object]:
            answer = httpx.get(f"{url}/api/v1/query", params={"query": expression}, timeout=30).json()
            return list(answer["data"]["result"])

        running.wait(lambda: len(result("up == 1")) == 2, "not both jobs are scraped")
        running.wait(lambda: result("frontline:queue_waiting"), "no rule has recorded")
        running.wait(lambda: result('ALERTS{alertname="FrontlineWatchdog"}'), "no alert is evaluated")
        groups = httpx.get(f"{url}/api/v1/rules", timeout=30).json()["data"]["groups"]
        committed = yaml.safe_load((ROOT / "prometheus" / "rules" / "frontline.yml").read_text())["groups"]
        assert {group["name"] for group in groups} == {group["name"] for group in committed}
        service = re.search(r"(http://\S+)/docs", running.told)
        assert service
        assert answered(f"{service[1]}/healthz")
    assert not answered(f"{url}/-/ready"), "Prometheus outlived the demo"
    assert not answered(f"{service[1]}/healthz"), "the service outlived the demo"


def test_without_prometheus_the_demo_does_without(tmp_path: Path) -> None:
    folders = ENVIRONMENT["PATH"].split(os.pathsep)
    without = os.pathsep.join(folder for folder in folders if not (Path(folder) / "prometheus").exists())
    assert shutil.which("prometheus", path=without) is None
    with demo(tmp_path, PATH=without) as running:
        assert "/metrics/kpi" in running.told
        assert "/alerts" not in running.told
        assert "Prometheus" not in running.told.replace("the KPIs for Prometheus", "")


def test_a_prometheus_that_does_not_start_is_told_and_done_without(tmp_path: Path) -> None:
    broken = tmp_path / "prometheus"
    broken.write_text("#!/bin/sh\necho 'no space left on the moon'\nexit 1\n")
    broken.chmod(0o755)
    with demo(tmp_path, PATH=f"{tmp_path}{os.pathsep}{ENVIRONMENT['PATH']}") as running:
        assert "Prometheus did not start" in running.told
        assert "no space left on the moon" in running.told
        assert "/alerts" not in running.told


@pytest.mark.parametrize("key", ["job_name", "metrics_path"])
def test_its_jobs_are_those_of_the_committed_configuration(key: str) -> None:
    committed = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    demos = yaml.safe_load(_CONFIG.format(rules="rules.yml", target="localhost:8000"))
    assert [job[key] for job in demos["scrape_configs"]] == [job[key] for job in committed["scrape_configs"]]
