"""Real processes: the service as a user starts it, on ports and in folders of its own."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ServiceProcess:
    """`frontline serve` with an embedded PostgreSQL, which outlives a kill of the service as it would for a user."""

    def __init__(self, folder: Path, *arguments: str, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.admin_key = f"admin-{secrets.token_hex(16)}"
        self.read_key = f"read-{secrets.token_hex(16)}"
        self.arguments = arguments
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        return (self.folder / "service.log").read_text()

    @property
    def environment(self) -> dict[str, str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FRONTLINE_")}
        environment |= {"FRONTLINE_DATA_DIR": str(self.folder / "data"), "FRONTLINE_ADMIN_KEY": self.admin_key}
        return environment | {"FRONTLINE_READ_KEY": self.read_key} | self.settings

    @property
    def reading(self) -> dict[str, str]:
        """The header with which a request may read."""
        return {"Authorization": f"Bearer {self.read_key}"}

    def get(self, path: str, **query: str) -> httpx.Response:
        """What a path answers to somebody who may read."""
        return httpx.get(f"{self.url}{path}", params=query, headers=self.reading, timeout=30)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of Frontline on the service's database."""
        command = [sys.executable, "-m", "service", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=300, check=False)

    def verify(self) -> None:
        """Hold everything that is stored against the log."""
        verified = self.run("verify")
        assert verified.returncode == 0, verified.stdout + verified.stderr

    def start(self) -> None:
        with (self.folder / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service", "serve", "--port", str(self.port), *self.arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the service ended at its start:\n{self.log}"
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"the service is not ready after {START_SECONDS} s:\n{self.log}")

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def admin(self, method: str, path: str, body: object = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        return httpx.request(method, f"{self.url}/v1/admin{path}", json=body, headers=headers, timeout=30)

    def new_source(self, name: str) -> str:
        answer = self.admin("POST", "/sources", {"name": name, "sites": ["*"]})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["key"])


@contextmanager
def serving() -> Iterator[Callable[..., ServiceProcess]]:
    """Starts services; they and their databases end with the context, once what they stored is verified."""
    started: list[ServiceProcess] = []
    place = tempfile.TemporaryDirectory(prefix="frontline-test-", ignore_cleanup_errors=True)

    def start(*arguments: str, **settings: str) -> ServiceProcess:
        folder = Path(place.name) / f"service-{len(started)}"
        folder.mkdir()
        service = ServiceProcess(folder, *arguments, **settings)
        started.append(service)
        service.start()
        return service

    yield start
    for service in started:
        is_embedded = (service.folder / "data" / "postgresql").exists()
        if is_embedded:
            service.verify()
        ended = None if service.process is None else service.process.poll()
        if is_embedded and ended:
            service.start()  # a killed service leaves its PostgreSQL behind; the next one takes it over and stops it
        if service.process is not None and service.process.poll() is None:
            service.stop()
    place.cleanup()


@pytest.fixture
def serve() -> Iterator[Callable[..., ServiceProcess]]:
    """Starts services; they and their databases end with the test, once what they stored is verified."""
    with serving() as start:
        yield start
