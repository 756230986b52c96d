"""A real Prometheus, as a process, scraping every second."""

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.conftest import free_port

_CONFIG = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
scrape_configs:
  - job_name: frontline-kpi
    metrics_path: /metrics/kpi
    authorization: {{credentials: "{key}"}}
    static_configs:
      - targets: {targets}
  - job_name: frontline
    authorization: {{credentials: "{key}"}}
    static_configs:
      - targets: {targets}
"""
_ALERTING = """
rule_files: ["rules.yml"]
alerting:
  alertmanagers:
    - static_configs:
        - targets: {alertmanagers}
"""


class Prometheus:
    """A context manager; inside it, Prometheus scrapes a service or its replicas, and evaluates rules, if given."""

    def __init__(
        self, folder: Path, *target_urls: str, key: str = "-", rules: str = "", alertmanager_url: str = ""
    ) -> None:
        binary = shutil.which("prometheus")
        assert binary, "prometheus is not installed; `apt-get install prometheus` brings it"
        self._binary = binary
        self._folder = folder
        self._config = _CONFIG.format(targets=_listed(target_urls), key=key)
        self._rules = rules
        if rules:
            self._config += _ALERTING.format(alertmanagers=_listed((alertmanager_url,)))
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> "Prometheus":
        config = self._folder / "prometheus.yml"
        config.write_text(self._config)
        (self._folder / "rules.yml").write_text(self._rules)
        self._log = (self._folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                self._binary,
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder / 'tsdb'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
            ],
            stdout=self._log,
            stderr=self._log,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/-/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(f"Prometheus is not ready:\n{(self._folder / 'prometheus.log').read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def query(self, expression: str, at: float | None = None) -> list[dict[str, Any]]:
        """The result of an instant query, now or at a moment in seconds since 1970."""
        params = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        answer = httpx.get(f"{self.url}/api/v1/query", params=params, timeout=30).json()
        assert answer["status"] == "success", answer
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def scrapes(self) -> list[float]:
        """The moments of the successful scrapes of the last ten minutes, in seconds since 1970."""
        result = self.query("up{job='frontline-kpi'}[10m]")
        return [at for at, value in result[0]["values"] if value == "1"] if result else []

    def wait_for_scrapes(self, count: int) -> None:
        """Wait for so many more scrapes."""
        wanted = len(self.scrapes()) + count
        deadline = time.monotonic() + 60
        while len(self.scrapes()) < wanted:
            assert time.monotonic() < deadline, "Prometheus does not scrape"
            time.sleep(0.1)


def _listed(urls: tuple[str, ...]) -> str:
    return json.dumps([url.removeprefix("http://") for url in urls if url])
