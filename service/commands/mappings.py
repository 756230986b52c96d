"""Mappings in files, and what would become of the events that they make."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from service.core.errors import InvalidInput
from service.core.event import Rejected, microseconds
from service.core.intake import admit, read_json
from service.vendors.reading.delivery import Event


def read_mapping(path: Path) -> dict[str, Any]:
    """A mapping in a file of JSON. Raises click.ClickException where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path} is no mapping in JSON: {error}") from error
    if not isinstance(found, dict):
        raise click.ClickException(f"{path} is no mapping in JSON: it must be an object")
    return found


def rejected(events: Sequence[Event]) -> list[Rejected]:
    """What the service would say of those events that it would not take now, for any site."""
    now_us = microseconds(datetime.now(UTC))
    body = msgspec.json.encode(list(events))
    return admit(read_json(body), now_us=now_us, pseudonym=str, may_post=lambda _site: True)[1]


def check(events: Sequence[Event]) -> None:
    """Raise InvalidInput where the service would not take an event."""
    for one in rejected(events):
        raise InvalidInput(one.detail, code=one.code)
