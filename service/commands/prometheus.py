"""A Prometheus beside the demo, with the rules of the objectives, where there is one on the PATH."""

import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from urllib.parse import urlsplit

from rich.console import Console

from service.commands.processes import beside, free_port, last_lines
from service.core.objective import Promise
from service.core.window import number_of
from service.generate.rules.groups import rules_file
from service.generate.rules.options import Links, Options

_START_SECONDS = 20
_RULES = "rules.yml"
# As prometheus/prometheus.yml, at a pace at which something is seen soon, and with nobody to send alerts to.
_CONFIG = """\
global:
  scrape_interval: 5s
  evaluation_interval: 5s

rule_files: [{rules}]

scrape_configs:
  - job_name: frontline-kpi
    metrics_path: /metrics/kpi
    static_configs:
      - targets: ["{target}"]
  - job_name: frontline
    metrics_path: /metrics
    static_configs:
      - targets: ["{target}"]
"""


@contextmanager
def prometheus_beside(
    service_url: str, promises: Sequence[Promise], folder: Path, port: int, console: Console
) -> Iterator[str | None]:
    """Prometheus on a port (0: any), scraping a service, until the context ends: its URL.

    None where none is on the PATH, or where it does not start, which the console is told then. It keeps its files and
    its data in the folder.
    """
    binary = shutil.which("prometheus")
    if binary is None:
        yield None
        return
    port = port or free_port()
    folder.mkdir(exist_ok=True)
    options = Options(links=Links(service_url), today=number_of(datetime.now(UTC).date()))
    (folder / _RULES).write_text(rules_file(promises, options), encoding="utf-8")
    config, log = folder / "prometheus.yml", folder / "prometheus.log"
    config.write_text(_CONFIG.format(rules=_RULES, target=urlsplit(service_url).netloc), encoding="utf-8")
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with beside([binary, *arguments], log) as process:
        if _listens(process, port):
            yield f"http://127.0.0.1:{port}"
            return
        console.print("\n".join(["Prometheus did not start; its log ends so:", *last_lines(log)]), markup=False)
        yield None


def _listens(process: Popen[bytes], port: int) -> bool:
    """Wait until a process listens on its port, or has ended, or takes too long."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None:
                return False
            time.sleep(0.1)
        else:
            # Where somebody else listens on the port already, Prometheus ends.
            time.sleep(0.1)
            return process.poll() is None
    return False
