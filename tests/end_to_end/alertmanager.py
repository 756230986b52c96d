"""A real Alertmanager, as a process, and a webhook that keeps what it is sent."""

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from tests.end_to_end.conftest import free_port


class Alertmanager:
    """A context manager; inside it, Alertmanager runs with a configuration, by itself."""

    def __init__(self, folder: Path, config_text: str) -> None:
        binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        assert binary, "Alertmanager is not installed; `apt-get install prometheus-alertmanager` brings it"
        self._binary = binary
        self._folder = folder
        self._config_text = config_text
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> "Alertmanager":
        config = self._folder / "alertmanager.yml"
        config.write_text(self._config_text)
        self._log = (self._folder / "alertmanager.log").open("wb")
        self._process = subprocess.Popen(
            [
                self._binary,
                f"--config.file={config}",
                f"--storage.path={self._folder / 'alertmanager'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
            stdout=self._log,
            stderr=self._log,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/-/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"Alertmanager is not ready:\n{(self._folder / 'alertmanager.log').read_text()}")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._log.close()

    def fire(self, *alerts: dict[str, str], **annotations: str) -> None:
        """Raise alerts with labels, as Prometheus does, or go on raising them."""
        self._post(alerts, annotations, timedelta(minutes=5))

    def resolve(self, *alerts: dict[str, str]) -> None:
        """End alerts that fire."""
        self._post(alerts, {}, timedelta())

    def _post(self, alerts: tuple[dict[str, str], ...], annotations: dict[str, str], left: timedelta) -> None:
        now = datetime.now(UTC)
        times = {"startsAt": now.isoformat(), "endsAt": (now + left).isoformat()}
        body = [{"labels": labels, "annotations": annotations, **times} for labels in alerts]
        answer = httpx.post(f"{self.url}/api/v2/alerts", json=body, timeout=30)
        assert answer.status_code == 200, answer.text

    def alerts(self) -> list[dict[str, Any]]:
        """Those that it holds, with their receivers, and in `status` the state and what inhibits them."""
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/api/v2/alerts", timeout=30).json()
        return found


class Webhook:
    """A context manager; inside it, a receiver keeps each message that is posted to its URL, at any path."""

    def __init__(self) -> None:
        self.payloads: list[dict[str, Any]] = []

    def __enter__(self) -> "Webhook":
        payloads = self.payloads

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                received = {"path": self.path, "received_at": time.time()}
                payloads.append(json.loads(self.rfile.read(length)) | received)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
                """Tests tell what arrived themselves."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def alerts(self, status: str = "firing", path: str | None = None) -> list[dict[str, Any]]:
        """The alerts of all messages so far that fire, or are resolved; of one path only, if one is given."""
        return [
            alert
            for payload in list(self.payloads)
            if path is None or payload["path"] == path
            for alert in payload["alerts"]
            if alert["status"] == status
        ]

    def wait(self, condition: Callable[[], object], seconds: float = 30) -> None:
        """Wait until something is so, and fail with all messages so far if that takes too long."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"received so far: {json.dumps(self.payloads, indent=2)}"
            time.sleep(0.02)
