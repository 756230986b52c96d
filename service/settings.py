"""The settings: every environment variable that Frontline reads, read here and nowhere else."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from service.core.errors import ConfigurationError
from service.core.retention import LEAST_DAYS, WHY_LEAST

_SWITCHES = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False, "on": True, "off": False}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_SHORTEST_SECRET = 22
_PLACEHOLDERS = frozenset({"RANDOM", "PASSWORD"})
"""Characters of 128 random bits, at 6 bits a character."""


def _setting(
    variable: str,
    help_: str,
    default: Any = None,
    *,
    least: int = 0,
    most: int | None = None,
    why: str = "",
    secret: bool = False,
) -> Any:
    """A field read from a variable.

    `least` and `most` bound a number, and `least` what a secret should have; `why` says why. A `secret` is not shown.
    """
    metadata = {"variable": variable, "help": help_, "least": least, "most": most, "why": why}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment decides. `Settings.read(os.environ)` raises ConfigurationError naming a bad variable."""

    database_url: str | None = _setting(
        "FRONTLINE_DATABASE_URL",
        "postgresql://… of a server; without it an embedded PostgreSQL is started",
        secret=True,
    )
    data_dir: Path = _setting("FRONTLINE_DATA_DIR", "where the embedded PostgreSQL keeps its data", Path(".frontline"))
    admin_key: str | None = _setting("FRONTLINE_ADMIN_KEY", "the first admin key", least=_SHORTEST_SECRET, secret=True)
    read_key: str | None = _setting("FRONTLINE_READ_KEY", "the first read key", least=_SHORTEST_SECRET, secret=True)
    read_key_required: bool | None = _setting(
        "FRONTLINE_READ_KEY_REQUIRED",
        "true or false: whether reading takes a key; true with a server's database if not set",
    )
    pseudonym_key: str | None = _setting(
        "FRONTLINE_PSEUDONYM_KEY",
        "secret of the keyed hash that stands for a customer; made and stored if not set",
        least=_SHORTEST_SECRET,
        secret=True,
    )
    encryption_key: str | None = _setting(
        "FRONTLINE_ENCRYPTION_KEY",
        "secret with which webhooks' secrets and unread payloads are encrypted; made with the embedded PostgreSQL",
        least=_SHORTEST_SECRET,
        secret=True,
    )
    unread_days: int = _setting("FRONTLINE_UNREAD_DAYS", "days that what could not be read is kept", 30, least=1)
    objectives: Path | None = _setting(
        "FRONTLINE_OBJECTIVES", "file of objectives that is put in force at the start; the one shipped if not set"
    )
    max_sites: int = _setting("FRONTLINE_MAX_SITES", "sites registered by their first event", 1000)
    max_queues_per_site: int = _setting(
        "FRONTLINE_MAX_QUEUES_PER_SITE", "queues of a site that get series of their own", 100
    )
    live_horizon_seconds: int = _setting(
        "FRONTLINE_LIVE_HORIZON_SECONDS", "age up to which an event moves the live counters", 3600
    )
    key_events_per_second: int = _setting(
        "FRONTLINE_KEY_EVENTS_PER_SECOND", "events that a key may post in a second, in one process; 0 is any number", 0
    )
    key_reads_per_second: int = _setting(
        "FRONTLINE_KEY_READS_PER_SECOND",
        "requests that a read key may make in a second, in one process; 0 is any number",
        0,
    )
    queue_events: int = _setting(
        "FRONTLINE_QUEUE_EVENTS", "events that may wait for their commit in one process", 50_000, least=10_000
    )
    wait_seconds: int = _setting(
        "FRONTLINE_WAIT_SECONDS",
        "time that a post may wait for its commit; what would wait longer is refused",
        5,
        least=1,
    )
    batch_events: int = _setting("FRONTLINE_BATCH_EVENTS", "events that one transaction takes, about", 2_000, least=1)
    writers: int = _setting("FRONTLINE_WRITERS", "transactions in flight at once in one process", 3, least=1)
    commit_timeout_seconds: int = _setting(
        "FRONTLINE_COMMIT_TIMEOUT_SECONDS", "after which a transaction counts as failed", 30, least=1
    )
    drain_seconds: int = _setting("FRONTLINE_DRAIN_SECONDS", "time that posts in flight get at shutdown", 20)
    shutdown_delay_seconds: int = _setting(
        "FRONTLINE_SHUTDOWN_DELAY_SECONDS", "time between not being ready and closing the door at shutdown", 0
    )
    retention_days: int | None = _setting(
        "FRONTLINE_RETENTION_DAYS",
        "age in days at which events, interactions and customers are forgotten, by whole months; never if not set",
        least=LEAST_DAYS,
        why=WHY_LEAST,
    )
    client_seconds: int = _setting(
        "FRONTLINE_CLIENT_SECONDS",
        "time for a request's headers, and for a standstill of its body or of reading its answer",
        20,
        least=1,
    )
    max_connections: int = _setting("FRONTLINE_MAX_CONNECTIONS", "connections of one process", 2_000, least=10)
    metrics_port: int | None = _setting(
        "FRONTLINE_METRICS_PORT",
        "port on which `/metrics` and `/metrics/kpi` are served, and no longer on the other",
        least=1,
        most=65_535,
    )
    log_level: str = _setting("FRONTLINE_LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR", "INFO")

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings that an environment makes; an empty variable counts as not set."""
        values: dict[str, Any] = {}
        for setting in fields(cls):
            variable = setting.metadata["variable"]
            text = environment.get(variable, "").strip()
            if not text:
                continue
            if setting.type in (int, int | None):
                values[setting.name] = _whole(variable, text, setting.metadata)
            elif setting.type == bool | None:
                values[setting.name] = _switch(variable, text)
            elif setting.type in (Path, Path | None):
                values[setting.name] = Path(text)
            else:
                values[setting.name] = _text(variable, text)
        level = values.get("log_level", "INFO")
        if level.upper() not in LOG_LEVELS:
            raise ConfigurationError(f"FRONTLINE_LOG_LEVEL is {level!r}; it must be one of {', '.join(LOG_LEVELS)}")
        if "admin_key" in values and values["admin_key"] == values.get("read_key"):
            raise ConfigurationError("FRONTLINE_READ_KEY is the admin key; a key that reads must be another one")
        return cls(**values)

    @property
    def guessable(self) -> tuple[str, ...]:
        """The variables whose secrets are so short that they could be guessed: of less than 128 bits at their best."""
        secrets = [setting for setting in fields(self) if setting.metadata["least"] == _SHORTEST_SECRET]
        return tuple(
            setting.metadata["variable"]
            for setting in secrets
            if 0 < len(getattr(self, setting.name) or "") < _SHORTEST_SECRET
        )

    @property
    def reading_needs_key(self) -> bool:
        """Whether reading takes a key, as told, or because others may reach the database of a server."""
        return self.database_url is not None if self.read_key_required is None else self.read_key_required


def _switch(variable: str, text: str) -> bool:
    if text.lower() not in _SWITCHES:
        raise ConfigurationError(f"{variable} is {text!r}; it must be one of {', '.join(_SWITCHES)}")
    return _SWITCHES[text.lower()]


def _whole(variable: str, text: str, bounded: Mapping[str, Any]) -> int:
    least, most, why = bounded["least"], bounded["most"], bounded["why"]
    if not text.isascii() or not text.isdigit() or int(text) < least or (most is not None and int(text) > most):
        bounds = f"{least} or more" if most is None else f"{least} to {most}"
        reason = f": {why}" if why else ""
        raise ConfigurationError(f"{variable} is {text!r}; it must be a whole number, {bounds}{reason}")
    return int(text)


def _text(variable: str, text: str) -> str:
    if text in _PLACEHOLDERS:
        raise ConfigurationError(
            f"{variable} is still what an example has in its place; make one at random, as `openssl rand -hex 24` does"
        )
    return text
