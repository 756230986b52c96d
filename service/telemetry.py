"""What a process tells of itself on `/metrics`; every number can be added up over replicas."""

import os
from enum import StrEnum
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from service import __version__

MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_LATENCY = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_SIZES = (1, 5, 10, 50, 100, 500, 1000, 2000, 5000, 10000)


class Reason(StrEnum):
    """Why a request was refused, or a connection cut off, for what it would take."""

    MALFORMED = "malformed"
    HEAD_TOO_LARGE = "head_too_large"
    HEAD_LATE = "head_late"
    BODY_LATE = "body_late"
    BODY_TOO_LARGE = "body_too_large"
    BODY_UNWANTED = "body_unwanted"
    BODIES = "bodies"
    READER_LATE = "reader_late"
    SILENT = "silent"
    PIPELINE = "pipeline"
    CONNECTIONS = "connections"
    QUEUE_FULL = "queue_full"
    WAIT = "wait"
    DATABASE_AWAY = "database_away"
    CLOSING = "closing"


class Telemetry:
    """The process metrics, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        self.events = Counter(
            "frontline_ingest_events_total", "events of posts, by what became of them", ["result"], registry=registry
        )
        self.posts = Counter(
            "frontline_ingest_posts_total", "posts of events, by HTTP status", ["status"], registry=registry
        )
        self.refused = Counter(
            "frontline_refused_total",
            "requests refused and connections cut off for what they would take, by reason",
            ["reason"],
            registry=registry,
        )
        self.post_seconds = Histogram(
            "frontline_ingest_post_seconds", "post received to answered", buckets=_LATENCY, registry=registry
        )
        self.deliveries = Counter(
            "frontline_webhook_deliveries_total",
            "deliveries of vendors, by HTTP status",
            ["vendor", "status"],
            registry=registry,
        )
        self.unread = Counter(
            "frontline_webhook_unread_total",
            "parts of deliveries that could not be read or mapped, and are kept",
            ["vendor", "code"],
            registry=registry,
        )
        self.commit_seconds = Histogram(
            "frontline_commit_seconds", "one transaction of the writer", buckets=_LATENCY, registry=registry
        )
        self.commit_events = Histogram(
            "frontline_commit_events", "events in one transaction of the writer", buckets=_SIZES, registry=registry
        )
        self.commit_failures = Counter(
            "frontline_commit_failures_total", "transactions that were not committed", registry=registry
        )
        self.queue_events = Gauge(
            "frontline_queue_events",
            "events that wait for their commit",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.database_away = Gauge(
            "frontline_database_away",
            "1 while the database does not answer the writer",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.timer_holder = Gauge(
            "frontline_timer_holder",
            "1 where this process runs the timer",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.timer_measured = Counter(
            "frontline_timer_measured_total", "interactions that the timer measured again", registry=registry
        )
        self.kept_from = Gauge(
            "frontline_retention_kept_from_timestamp_seconds",
            "events from this moment on are kept, as the timer's holder last saw it; 0 where nothing is forgotten",
            registry=registry,
            multiprocess_mode="livemax",
        )
        self.forgotten = Counter(
            "frontline_retention_forgotten_total", "what was too old to be kept", ["what"], registry=registry
        )
        for what in ("interactions", "events", "contacts", "customers"):
            self.forgotten.labels(what)
        for result in ("accepted", "duplicate", "rejected"):
            self.events.labels(result)
        for reason in Reason:
            self.refused.labels(reason)
        build = Gauge(
            "frontline_build_info", "1, with the version", ["version"], registry=registry, multiprocess_mode="livemax"
        )
        build.labels(__version__).set(1)

    def render(self) -> bytes:
        """The page, in Prometheus' text format; with several workers, of all of them together."""
        if MULTIPROCESS_VARIABLE in os.environ:
            _forget_ended(Path(os.environ[MULTIPROCESS_VARIABLE]))
            together = CollectorRegistry()
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]  # the library leaves it untyped
            return generate_latest(together)
        runtime = CollectorRegistry()
        ProcessCollector(registry=runtime)
        PlatformCollector(registry=runtime)
        GCCollector(registry=runtime)
        return generate_latest(self._registry) + generate_latest(runtime)


def _forget_ended(folder: Path) -> None:
    """Drop the gauges of workers that were killed, which tell of nothing any more; what those counted stays."""
    for gauges in folder.glob("gauge_live*.db"):
        worker = gauges.stem.rpartition("_")[2]
        if not Path("/proc", worker).exists():
            gauges.unlink(missing_ok=True)
