"""The image, as far as it shows without building it: what it is made from, and what it says it does.

`make image` (.ci/image) carries its steps out.
"""

import http.server
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service import __version__
from service.app import create_app
from service.cli import main
from service.settings import Settings
from tests.golden.dockerfile import ROOT, Stage, stages

TEXT = (ROOT / "Dockerfile").read_text()
STAGES = stages(TEXT)
BUILD, FINAL = STAGES
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
COPIED = [path for copy in BUILD.all("COPY") for path in copy.words[:-1]]
COPIED += [path for copy in FINAL.all("COPY") for path in copy.words[:-1] if not copy.text.startswith("--from")]


def tool(name: str) -> str:
    binary = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert binary, f"{name} is not installed; it is among the development tools"
    return binary


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def named(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[>=<]", requirement)[0].lower() for requirement in requirements}


def test_the_linter_finds_nothing() -> None:
    done = subprocess.run([tool("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name or "final")
def test_the_base_is_one_release_of_a_python_that_is_supported(stage: Stage) -> None:
    version = re.fullmatch(r"python:(\d+\.\d+)\.\d+-slim-bookworm", stage.base)
    assert version, stage.base
    assert f"Programming Language :: Python :: {version[1]}" in PROJECT["project"]["classifiers"]


@pytest.mark.parametrize("path", COPIED)
def test_what_it_copies_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_it_copies_all_that_the_package_is_made_of() -> None:
    build = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    made_of = {PROJECT["project"]["readme"], *PROJECT["project"]["license-files"], *build["packages"]}
    made_of |= set(build["force-include"]) | {"pyproject.toml"}
    assert made_of <= set(COPIED)


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == set(COPIED)
    assert set(lines[1:]) - {f"!{path}" for path in COPIED} == {"**/__pycache__", "**/*.pyc"}


def test_nothing_is_installed_without_a_hash_or_from_a_source() -> None:
    installs = re.findall(
        r"pip\S*(?: --python \S+)? install (.*?)(?= && |$)", " && ".join(r.text for r in BUILD.all("RUN"))
    )
    from_index = [install for install in installs if "--no-index" not in install]
    assert len(from_index) == 2
    for install in from_index:
        assert {"--require-hashes", "--only-binary :all:"} <= set(re.findall(r"--[\w-]+(?: :all:)?", install))
    assert not re.search(r"\b(pip|apt-get|curl|wget) ", " ".join(run.text for run in FINAL.all("RUN")))


def test_the_servers_pins_are_those_of_everyone_without_the_embedded_database() -> None:
    server, everyone = pins("server"), pins("runtime")
    assert server.items() <= everyone.items()
    assert named(PROJECT["project"]["dependencies"]) <= server.keys()
    assert not named(PROJECT["project"]["optional-dependencies"]["embedded"]) & server.keys()


def test_it_runs_as_somebody_without_rights_by_number() -> None:
    assert FINAL.last("USER").text == "10001:10001"
    assert "--uid 10001" in FINAL.last("RUN").text
    assert "chown" not in TEXT, "what it runs must not be its own to change"


def test_its_labels_are_those_of_the_project() -> None:
    labels = FINAL.pairs("LABEL")
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == PROJECT["project"]["license"]
    assert labels["org.opencontainers.image.revision"] == "${REVISION}"
    assert FINAL.pairs("ARG") == {"REVISION": "unknown"}


def test_it_serves_on_all_addresses_and_gets_signals_itself() -> None:
    entrypoint, command = FINAL.last("ENTRYPOINT"), FINAL.last("CMD")
    assert entrypoint.is_exec_form
    assert command.is_exec_form
    assert entrypoint.words == list(PROJECT["project"]["scripts"])
    name, *arguments = command.words
    context = main.commands[name].make_context(name, arguments)
    assert (context.params["host"], str(context.params["port"])) == ("0.0.0.0", FINAL.last("EXPOSE").text)


def health_check() -> list[str]:
    _, _, command = FINAL.last("HEALTHCHECK").text.partition("CMD ")
    return stages(f"FROM x\nCMD {command}")[0].last("CMD").words


@contextmanager
def answering(status: int) -> Iterator[tuple[int, list[str]]]:
    """A server that answers all with a status: its port, and the paths that it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def checked(port: int) -> int:
    python, *arguments = health_check()
    assert python == "python"
    at_port = [argument.replace(FINAL.last("EXPOSE").text, str(port)) for argument in arguments]
    assert at_port != arguments
    return subprocess.run([sys.executable, *at_port], capture_output=True, timeout=30, check=False).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1)])
def test_it_is_healthy_when_it_says_that_it_is_ready(status: int, code: int) -> None:
    with answering(status) as (port, asked):
        assert checked(port) == code
    assert set(asked) <= set(create_app(Settings(), "postgresql://nowhere/nothing").openapi()["paths"])
    assert asked == ["/readyz"]


def test_it_is_not_healthy_when_nobody_answers() -> None:
    with answering(200) as (port, _):
        pass
    assert checked(port) != 0
