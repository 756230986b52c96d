"""Tables of finished encounters: rows whose columns a mapping names, each an event `interaction.recorded`."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from msgspec import field

from service.core.errors import InvalidInput
from service.core.vocabulary import RecordedData
from service.vendors.reading.delivery import Event, event
from service.vendors.reading.places import Places, converted
from service.vendors.reading.times import check_format, read_time

_TIMES = ("time", "queued_at", "answered_at", "completed_at")
_DURATIONS = ("wait_seconds", "service_seconds", "hold_seconds", "wrap_up_seconds")
FIELDS = ("id", "subject", "time", *RecordedData.__struct_fields__)
"""What a column, or a constant, may be."""

_CLOCK = re.compile(r"(?:(\d{1,6}):)?(\d{1,6}):(\d{1,2}(?:\.\d{1,6})?)")
_WORDS: Mapping[str, Mapping[str, object]] = {
    "resolved": {
        **dict.fromkeys(("true", "yes", "y", "1"), True),
        **dict.fromkeys(("false", "no", "n", "0"), False),
    },
}


class TableMapping(Places, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Which columns are which fields, what every row has, the words that a table has for values, and its times.

    `values` has, for each field, the words that its column uses and what they are here.
    """

    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    time_format: str = "rfc3339"
    time_zone: str | None = None
    source: str = "table"


class Table:
    """Reads rows by a mapping. Raises InvalidInput where the mapping is wrong or names columns that are not there."""

    def __init__(self, mapping: Any, columns: list[str]) -> None:
        self._mapping: TableMapping = converted(mapping, TableMapping)
        told = self._mapping
        for group in ("columns", "constants", "values"):
            for name in getattr(told, group):
                if name not in FIELDS:
                    raise InvalidInput(
                        f"is no field; it must be one of {', '.join(FIELDS)}", field=f"mapping.{group}.{name}"
                    )
        for name, column in told.columns.items():
            if column not in columns:
                raise InvalidInput(
                    f"there is no column {column!r}; there are {', '.join(map(repr, columns))}",
                    field=f"mapping.columns.{name}",
                )
        check_format(told.time_format, told.time_zone, "mapping.time_")
        if not {"time", "completed_at", "queued_at", "answered_at"} & {*told.columns, *told.constants}:
            raise InvalidInput("a column must be time, completed_at, answered_at or queued_at", field="mapping.columns")

    def events(self, row: Mapping[str, str]) -> list[Event]:
        """The event of a row. Raises InvalidInput naming the field that cannot be read."""
        fields = {name: self._value(name, text) for name, text in self._texts(row).items()}
        identity = str(fields.pop("id", None) or sha256(repr(sorted(row.items())).encode()).hexdigest()[:32])
        subject = str(fields.pop("subject", None) or identity)
        time = fields.pop("time", None) or fields.get("completed_at") or _end(fields)
        for name in _TIMES:
            if name in fields:
                fields[name] = fields[name].isoformat()
        self._place(fields)
        return [event("recorded", identity, time.isoformat(), subject, self._mapping.source, **fields)]

    def _texts(self, row: Mapping[str, str]) -> dict[str, str]:
        """What the row says of each field; an empty cell says nothing."""
        told = self._mapping
        found = {name: row.get(column, "").strip() for name, column in told.columns.items()}
        return told.constants | {name: text for name, text in found.items() if text}

    def _value(self, name: str, text: str) -> Any:
        words = self._mapping.values.get(name)
        if words is not None:
            if text not in words and "*" not in words:
                raise InvalidInput(
                    f"{text[:60]!r} is not mapped; name it, or * for all others",
                    field=f"mapping.values.{name}",
                    code="unmapped",
                )
            text = words.get(text, words.get("*", ""))
        if name in _TIMES:
            return read_time(text, self._mapping.time_format, self._mapping.time_zone, name)
        if name in _DURATIONS:
            return _seconds(text, name)
        if name == "transfers":
            if not re.fullmatch(r"\d{1,4}", text):
                raise InvalidInput(f"{text[:60]!r} is no number", field=name)
            return int(text)
        if name == "outcome":
            return text.lower()
        if name in _WORDS:
            if text.lower() not in _WORDS[name]:
                raise InvalidInput(f"{text[:60]!r} is neither yes nor no", field=name)
            return _WORDS[name][text.lower()]
        return text

    def _place(self, fields: dict[str, Any]) -> None:
        """Put the names of here in the place of the table's, where the mapping has any."""
        told = self._mapping
        if "queue" in fields and told.queues:
            place = told.queue(fields["queue"])
            fields["queue"] = place.queue
            if place.site is not None:
                fields["site"] = place.site
        if "site" in fields and told.sites:
            fields["site"] = told.site(fields["site"])
        if "channel" in fields:
            fields["channel"] = told.channel(fields["channel"], fields["channel"].lower())
        if not told.customers:
            fields.pop("customer", None)


def _end(fields: Mapping[str, Any]) -> datetime:
    """When it ended, of what is told of when it began and how long it took."""
    lasted = sum(fields.get(name, 0.0) for name in ("service_seconds", "hold_seconds"))
    begin = fields.get("answered_at")
    if begin is None:
        begin = fields.get("queued_at")
        lasted += fields.get("wait_seconds", 0.0)
    if begin is None:
        raise InvalidInput("is missing, and so is all that it follows from", field="time", code="missing_field")
    try:
        end: datetime = begin + timedelta(seconds=lasted)
    except OverflowError as error:
        raise InvalidInput("is too far away", field="time") from error
    return end


def _seconds(text: str, name: str) -> float:
    """A duration in seconds, or as hours, minutes and seconds with colons."""
    clock = _CLOCK.fullmatch(text)
    if clock:
        return int(clock[1] or 0) * 3600 + int(clock[2]) * 60 + float(clock[3])
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        raise InvalidInput(f"{text[:60]!r} is no duration; it must be seconds, or 1:02:03", field=name)
    return float(text)
