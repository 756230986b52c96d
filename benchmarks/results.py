"""The results of a run as JSON, with the machine that it was on."""

import asyncio
import os
import platform
import re
import sys
from datetime import date
from importlib.metadata import version
from pathlib import Path

import asyncpg
import msgspec

from benchmarks.figures import Row
from benchmarks.process import postgres

RUN = Path("build") / "benchmarks.json"
"""Where a run leaves its results."""
COMMITTED = Path(__file__).parent / "results.json"
"""Those that docs/performance.md shows."""


class Machine(msgspec.Struct, frozen=True):
    """What the figures were taken on, and with."""

    processor: str
    cores: int
    memory_gib: float
    system: str
    python: str
    postgresql: str
    frontline: str


class Taken(msgspec.Struct, frozen=True):
    """What one benchmark found, on what day, and how long it ran, in seconds."""

    on: date
    seconds: int
    rows: list[Row]


class Results(msgspec.Struct):
    """The benchmarks that were run on a machine, by name."""

    machine: Machine
    benchmarks: dict[str, Taken]

    def row(self, key: str) -> Row | None:
        """The row with a key, if it was measured."""
        return next((row for taken in self.benchmarks.values() for row in taken.rows if row.key == key), None)


def this_machine() -> Machine:
    """The machine that this runs on."""
    processor = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    with postgres() as url:
        postgresql = asyncio.run(_server_version(url))
    return Machine(
        processor=" ".join(processor[1].split()) if processor else platform.machine(),
        cores=os.cpu_count() or 0,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=platform.freedesktop_os_release()["PRETTY_NAME"],
        python=".".join(map(str, sys.version_info[:3])),
        postgresql=postgresql,
        frontline=version("frontline-service"),
    )


async def _server_version(url: str) -> str:
    connection = await asyncpg.connect(url)
    try:
        return str(await connection.fetchval("SHOW server_version"))
    finally:
        await connection.close()


def load(path: Path) -> Results:
    """Results as they were saved."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def beside(kept: Results, measured: Results) -> Results:
    """What was measured, and what is kept of the same machine and was not measured again."""
    if kept.machine != measured.machine:
        return measured
    return Results(measured.machine, kept.benchmarks | measured.benchmarks)


def of_this_machine(path: Path) -> Results:
    """The results that a file has of this machine, to be added to; none where it has another's or isn't there."""
    machine = this_machine()
    if path.exists():
        found = load(path)
        if found.machine == machine:
            return found
    return Results(machine, {})


def save(results: Results, path: Path) -> None:
    """Write results so that a person can read them too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
