"""`frontline demo`: everything at once, on a real day of calls and a simulated store chain."""

import asyncio
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import click
from rich.console import Console

from service.client import ClientError
from service.commands.processes import beside, free_port, last_lines
from service.commands.prometheus import prometheus_beside
from service.demo import run_demo
from service.files import promises_in, shipped, shipped_objectives
from service.settings import Settings

_EXAMPLES = """\b
Examples:
  frontline demo
  frontline demo --slip 0.6                service slips: watch the waits grow
  frontline demo --seconds 60              for a minute, then stop
  frontline demo --day 1999-01-20          another day of the bank
"""


@click.command("demo", epilog=_EXAMPLES)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port; 0: any.")
@click.option(
    "--prometheus-port",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port of Prometheus, where one is installed; 0: any.",
)
@click.option("--sites", default=3, show_default=True, type=click.IntRange(1, 50), help="Simulated sites.")
@click.option("--slip", default=0.0, type=click.FloatRange(0, 1), help="How far service slips, 0 to 1.")
@click.option("--seed", default=1, show_default=True, help="Of the simulation.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day of January 1999 to replay; a busy one.")
@click.option("--seconds", type=click.IntRange(1), help="Stop after so long; else Ctrl-C does.")
@click.option("--keep", is_flag=True, help="Keep the data in FRONTLINE_DATA_DIR instead of a folder that is removed.")
def command(
    port: int,
    prometheus_port: int,
    sites: int,
    slip: float,
    seed: int,
    day: datetime | None,
    seconds: int | None,
    keep: bool,
) -> None:
    """Start the service, replay a day of a real call centre shifted to today, and simulate stores and calls live.

    Where `prometheus` is on the PATH it is started too, with the alert rules of the objectives.
    """
    console = Console()
    month = shipped("_data/january.ndjson.gz", "tests/data/january.ndjson.gz")
    promises = promises_in(Settings.read().objectives or shipped_objectives())
    # A demo that is asked to end takes down what it started, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        _data_dir(keep) as folder,
        _service(folder, port, console) as (url, admin_key),
        prometheus_beside(url, promises, folder / "prometheus", prometheus_port, console) as prometheus_url,
    ):
        try:
            asyncio.run(
                run_demo(
                    url,
                    admin_key,
                    prometheus_url=prometheus_url,
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
            log = last_lines(folder / "service.log")
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
    port = port or free_port()
    admin_key = f"fl_admin_{secrets.token_urlsafe(32)}"
    environment = {**os.environ, "FRONTLINE_DATA_DIR": str(folder), "FRONTLINE_ADMIN_KEY": admin_key}
    for other in ("FRONTLINE_DATABASE_URL", "FRONTLINE_METRICS_PORT"):
        environment.pop(other, None)
    console.print("Starting PostgreSQL and the service …")
    command = [sys.executable, "-m", "service", "serve", "--port", str(port)]
    with beside(command, folder / "service.log", environment):
        yield f"http://127.0.0.1:{port}", admin_key
