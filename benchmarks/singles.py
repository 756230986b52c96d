"""Single-event posts from 64 connections, against an empty FastAPI endpoint under the same server.

The load comes from wrk (Debian's package), so that the client costs little and the same for both.
"""

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Row, rate, ratio
from benchmarks.process import command, free_port, installed, postgres, service

ROUNDS = 3
SECONDS = 6
CONNECTIONS = 64

_QUIET = ("--no-access-log", "--log-level", "warning")
UVICORN = (sys.executable, "-m", "uvicorn", *_QUIET, "--no-proxy-headers", "--port", "{port}")
"""The server as `frontline serve` sets it up, for an application named behind it."""
EMPTY_APP = """
from fastapi import FastAPI

app = FastAPI()


@app.post("/v1/events", status_code=202)
async def take() -> dict[str, int]:
    return {"accepted": 1}
"""
_SCRIPT = """
local count = 0
local run = "%(label)s"
local kinds = {"queued", "answered", "completed"}
wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer %(key)s"
wrk.headers["Content-Type"] = "application/json"
request = function()
  local call = math.floor(count / 3)
  local kind = kinds[count %% 3 + 1]
  local time = os.date("!%%Y-%%m-%%dT%%H:%%M:%%SZ")
  count = count + 1
  local body = string.format('{"id":"%%s-%%d","source":"acd","type":"interaction.%%s","time":"%%s",' ..
    '"subject":"%%s-%%d","data":{"site":"bank","queue":"q%%d","channel":"phone"}}',
    run, count, kind, time, run, call, call %% 8)
  return wrk.format(nil, "/v1/events", nil, body)
end
"""


def drive(port: int, key: str, label: str) -> tuple[float, float]:
    """Post single events for some seconds; requests a second, and their 99th percentile in milliseconds."""
    return load(port, _SCRIPT % {"label": label, "key": key})


def load(port: int, script: str) -> tuple[float, float]:
    """Load a server for some seconds by a script of wrk; the same two figures."""
    binary = installed("wrk", "wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command_line = [binary, "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", "--latency", "-s", file.name]
        done = subprocess.run([*command_line, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    if "Non-2xx" in done.stdout:
        raise RuntimeError(f"some posts were refused:\n{done.stdout}")
    reached = re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", done.stdout)
    if reached is None or late is None:
        raise RuntimeError(f"wrk printed something else:\n{done.stdout}")
    return float(reached[1]), float(late[1]) * {"us": 0.001, "ms": 1, "s": 1000}[late[2]]


def compare(empty_server: Sequence[str], our_server: Sequence[str], key: str) -> list[Row]:
    """Rounds of both under one kind of server, in turn; medians and their ratio. `{port}` stands for the port."""
    ours, empty, latest = [], [], []
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, postgres() as url:
        (Path(folder) / "empty.py").write_text(EMPTY_APP)
        start = [part.format(port=port) for part in empty_server]
        with service(url, our_server) as running, command(start, port, "/docs", PYTHONPATH=folder):
            for number in range(ROUNDS):
                empty.append(drive(port, "none", f"empty-{number}")[0])
                reached, late = drive(running.port, running.key, f"single-{number}")
                ours.append(reached)
                latest.append(late)
    return [
        rate(f"single posts, {CONNECTIONS} connections, posts/s", ours),
        Row("their 99th percentile, ms", f"{statistics.median(latest):.1f}"),
        rate("empty FastAPI endpoint, same server, requests/s", empty),
        ratio("ratio, median of rounds", key, ours, empty),
    ]


def run() -> list[Row]:
    """Under uvicorn, as `frontline serve` runs."""
    return compare([*UVICORN, "empty:app"], [], "singles-by-empty")
