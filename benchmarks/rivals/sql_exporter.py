"""Debian's prometheus-sql-exporter, set up to compute KPIs from the table of events.

One statement computes all, so that the events are read once, and PostgreSQL may keep its groups in memory. It takes
the first event of a kind for the moment that it tells, which is right for calls of one visit, as those posted here
are; transfers, corrections, repeats and objectives it doesn't know. It reads every event, so PostgreSQL's planner takes
no index for it, even one of all that it reads.
"""

import json
import os
import subprocess
import tempfile
import time
import urllib.request
from datetime import datetime
from pathlib import Path

from benchmarks.process import free_port, installed

_WAITS = (1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
_HANDLED = (15, 30, 60, 120, 180, 300, 450, 600, 900, 1800, 3600)
_BUCKETS = {
    **{f"wait_le_{bound}": f"answered_at - queued_at <= interval '{bound} s'" for bound in _WAITS},
    **{f"left_le_{bound}": f"abandoned_at - queued_at <= interval '{bound} s'" for bound in _WAITS},
    **{f"handle_le_{bound}": f"completed_at - answered_at <= interval '{bound} s'" for bound in _HANDLED},
}
_COUNTS = {
    "offered": "count(queued_at)",
    "answered": "count(answered_at)",
    "abandoned": "count(abandoned_at)",
    "short_abandoned": "count(*) FILTER (WHERE abandoned_at - queued_at < interval '5 s')",
    "completed": "count(completed_at)",
    "wait_sum": "coalesce(extract(epoch FROM sum(answered_at - queued_at)), 0)",
    "left_sum": "coalesce(extract(epoch FROM sum(abandoned_at - queued_at)), 0)",
    "handle_sum": "coalesce(extract(epoch FROM sum(completed_at - answered_at)), 0)",
    **{name: f"count(*) FILTER (WHERE {condition})" for name, condition in _BUCKETS.items()},
}
_SQL = f"""
SELECT site::text, queue::text, channel::text, {", ".join(f"({sql})::float AS {name}" for name, sql in _COUNTS.items())}
FROM (
    SELECT max(data->>'site') AS site, max(data->>'queue') AS queue, max(data->>'channel') AS channel,
        min(time) FILTER (WHERE type = 'interaction.queued') AS queued_at,
        min(time) FILTER (WHERE type = 'interaction.answered') AS answered_at,
        min(time) FILTER (WHERE type = 'interaction.abandoned') AS abandoned_at,
        max(time) FILTER (WHERE type = 'interaction.completed') AS completed_at
    FROM events GROUP BY source_id, subject
) AS visits
GROUP BY site, queue, channel
"""
_JOB = {
    "name": "frontline",
    "interval": "24h",
    "startup_sql": ["SET work_mem = '512MB'"],
    "queries": [
        {
            "name": "service_quality",
            "help": "KPIs of queues by SQL.",
            "labels": ["site", "queue", "channel"],
            "values": list(_COUNTS),
            "query": _SQL,
        }
    ],
}


def refreshed(database_url: str) -> tuple[float, bytes]:
    """The seconds that the exporter takes for new numbers and a scrape of them, and the page.

    It works in the background, again and again, and shows what it found last. So what its log says that it took for its
    statement is counted with the scrape: the numbers are that old at least.
    """
    program = installed("prometheus-sql-exporter", "prometheus-sql-exporter")
    port = free_port()
    connection = f"{database_url.replace('postgresql://', 'postgres://', 1)}&sslmode=disable"
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "exporter.yml"
        config.write_text(json.dumps({"jobs": [{**_JOB, "connections": [connection]}]}))
        process = subprocess.Popen(
            [program, f"-config.file={config}", f"-web.listen-address=127.0.0.1:{port}"],
            env={**os.environ, "LOGLEVEL": "debug"},
            stdout=subprocess.PIPE,
        )
        try:
            seconds = _statement_seconds(process)
            took, page = _scraped(f"http://127.0.0.1:{port}/metrics")
        finally:
            process.terminate()
            process.wait(60)
    return seconds + took, page


def _statement_seconds(process: "subprocess.Popen[bytes]") -> float:
    if process.stdout is None:
        raise RuntimeError("the exporter's log cannot be read")
    started = None
    for line in process.stdout:
        said = json.loads(line)
        if said["msg"] == "Running Query":
            started = datetime.fromisoformat(said["ts"][:26])
        elif said["msg"] == "Query finished" and started is not None:
            return (datetime.fromisoformat(said["ts"][:26]) - started).total_seconds()
        elif said["msg"].startswith("Failed"):
            break
    raise RuntimeError("the exporter could not run its statement")


def _scraped(url: str) -> tuple[float, bytes]:
    began = time.perf_counter()
    with urllib.request.urlopen(url) as answer:
        page: bytes = answer.read()
    return time.perf_counter() - began, page


def total(page: bytes, name: str) -> int:
    """One of the exporter's values, over all lines."""
    marked = f'col="{name}"'.encode()
    return round(sum(float(line.rpartition(b" ")[2]) for line in page.splitlines() if marked in line))
