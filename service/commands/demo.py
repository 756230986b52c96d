"""`frontline demo`: everything at once, on a real day of calls and a simulated store chain."""

import asyncio
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from service.client import ClientError
from service.demo import run_demo
from service.files import shipped
from service.settings import Settings

_STOP_SECONDS = 30
_LOG_LINES = 20

_EXAMPLES = """\b
Examples:
  frontline demo
  frontline demo --slip 0.6                service slips: watch the waits grow
  frontline demo --seconds 60              for a minute, then stop
  frontline demo --day 1999-01-20          another day of the bank
"""


@click.command("demo", epilog=_EXAMPLES)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port; 0: any.")
@click.option("--sites", default=3, show_default=True, type=click.IntRange(1, 50), help="Simulated sites.")
@click.option("--slip", default=0.0, type=click.FloatRange(0, 1), help="How far service slips, 0 to 1.")
@click.option("--seed", default=1, show_default=True, help="Of the simulation.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day of January 1999 to replay; a busy one.")
@click.option("--seconds", type=click.IntRange(1), help="Stop after so long; else Ctrl-C does.")
@click.option("--keep", is_flag=True, help="Keep the data in FRONTLINE_DATA_DIR instead of a folder that is removed.")
def command(
    port: int, sites: int, slip: float, seed: int, day: datetime | None, seconds: int | None, keep: bool
) -> None:
    """Start the service, replay a day of a real call centre shifted to today, and simulate stores and calls live."""
    console = Console()
    month = shipped("_data/january.ndjson.gz", "tests/data/january.ndjson.gz")
    with _data_dir(keep) as folder, _service(folder, port, console) as (url, admin_key):
        try:
            asyncio.run(
                run_demo(
                    url,
                    admin_key,
                    month=month,
                    day=day.date() if day else None,
                    number_of_sites=sites,
                    seed=seed,
                    slip=slip,
                    duration=timedelta(seconds=seconds) if seconds else None,
                    console=console,
                )
            )
        except ClientError as error:
            log = (folder / "service.log").read_text().splitlines()[-_LOG_LINES:]
            raise click.ClickException("\n".join([str(error), "The service's log ends so:", *log])) from error
        except KeyboardInterrupt:
            console.print("Stopped.")


@contextmanager
def _data_dir(keep: bool) -> Iterator[Path]:
    if keep:
        folder = Settings.read().data_dir
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="frontline-demo-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


@contextmanager
def _service(folder: Path, port: int, console: Console) -> Iterator[tuple[str, str]]:
    """The service as a process of its own, until the context ends: its URL and its admin key."""
    port = port or _free_port()
    admin_key = f"fl_admin_{secrets.token_urlsafe(32)}"
    environment = {**os.environ, "FRONTLINE_DATA_DIR": str(folder), "FRONTLINE_ADMIN_KEY": admin_key}
    environment.pop("FRONTLINE_DATABASE_URL", None)
    console.print("Starting PostgreSQL and the service …")
    with (folder / "service.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-m", "service", "serve", "--port", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield f"http://127.0.0.1:{port}", admin_key
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
