"""What parameters of queries say: how the description tells them, and how they are read, which decides."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError

from service.core.catalogue.metrics import SERIES
from service.core.errors import InvalidInput
from service.core.event import CHANNELS, LABEL
from service.core.interval import Interval
from service.core.quality import FACETS, RESOURCE_KINDS, Dimension
from service.store.cohorts import Selection


@dataclass(frozen=True, slots=True)
class Described:
    """What the description says of a parameter, which comes as text and is read here."""

    schema: dict[str, Any]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The schema, and the examples that stand beside it."""
        return {name: value for name, value in handler(core).items() if name == "examples"} | self.schema


def one_of(values: Iterable[str]) -> Described:
    """One of some values."""
    return Described({"type": "string", "enum": list(values)})


def some_of(values: Iterable[str], at_least: int = 0) -> Described:
    """A list of some values, separated by commas."""
    return _list({"type": "string", "enum": list(values)}, at_least)


def _list(items: dict[str, Any], at_least: int = 0) -> Described:
    return Described({"type": "array", "items": items, **({"minItems": at_least} if at_least else {})})


_LABEL = re.compile(rf"\A{LABEL}\Z")
Labels = Annotated[list[str] | None, _list({"type": "string", "pattern": f"^{LABEL}$"})]
"""Names of sites or queues."""
Channels = Annotated[list[str] | None, some_of(CHANNELS)]
GROUPS = (*SERIES, *FACETS)
Dimensions = Annotated[list[str] | None, some_of(Dimension)]
Places = Annotated[list[str] | None, some_of(SERIES)]
"""What tells places apart."""
Grouping = Annotated[list[str] | None, some_of(GROUPS)]
"""What tells results apart."""
Kinds = Annotated[list[str] | None, some_of(RESOURCE_KINDS)]
"""Kinds of resource."""
Time = Annotated[str | None, Described({"type": "string", "format": "date-time"})]
Date = Annotated[str | None, Described({"type": "string", "format": "date"})]

_DEFAULT_INTERVAL = timedelta(hours=24)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_PLUS_LOST = re.compile(r" (?=\d\d:\d\d\Z)")


def checked_label(name: str) -> str:
    """A name as events may have it, and no other: pydantic's own patterns have another idea of letters.

    For pydantic, to which it raises what becomes one of its errors.
    """
    if not _LABEL.match(name):
        raise PydanticCustomError("label", "must be 1 to 64 letters, digits or any of - _ . :")
    return name


def is_label(name: str) -> bool:
    """Whether anything can have a name."""
    return _LABEL.match(name) is not None


def names_in(values: Iterable[str] | None) -> tuple[str, ...]:
    """The names in lists that are separated by commas, each once; an empty list is none."""
    names = (name.strip() for value in values or () for name in value.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def selection_in(
    site: Iterable[str] | None,
    queue: Iterable[str] | None,
    channel: Iterable[str] | None,
    dimension: Iterable[str] | None = None,
    standard: Iterable[str] | None = None,
    kind: Iterable[str] | None = None,
) -> Selection:
    """The series asked for by lists of names. Raises InvalidInput for a name that no series can have."""
    asked = {"site": names_in(site), "queue": names_in(queue), "standard": names_in(standard)}
    for field, names in asked.items():
        for name in names:
            if not _LABEL.match(name):
                raise InvalidInput(
                    f"{name!r} is no name; it must be 1 to 64 letters, digits or any of - _ . :", field=field
                )
    return Selection(
        **asked,
        channel=choices_in(names_in(channel), CHANNELS, "channel"),
        dimension=choices_in(names_in(dimension), [*Dimension], "dimension"),
        kind=choices_in(names_in(kind), RESOURCE_KINDS, "kind"),
    )


def choices_in(names: Iterable[str], allowed: Collection[str], field: str) -> tuple[str, ...]:
    """The names, each of which must be one of those allowed. Raises InvalidInput."""
    names = tuple(names)
    for name in names:
        if name not in allowed:
            raise InvalidInput(f"{name!r} is not known; it must be one of: {', '.join(allowed)}", field=field)
    return names


def number_in(value: str | None, field: str) -> float | None:
    """A number of seconds, None where nothing is written. Raises InvalidInput."""
    if not value:
        return None
    if not _NUMBER.fullmatch(value.strip()):
        raise InvalidInput(f"{value!r} is no number; it must be one of seconds, such as 20", field=field)
    return float(value)


def interval_in(from_: str | None, to: str | None, now: datetime, fields: tuple[str, str] = ("from", "to")) -> Interval:
    """From one time to another; 24 h to now unless told. Raises InvalidInput."""
    first, last = fields
    end = time_in(to, last) if to else now
    try:
        start = time_in(from_, first) if from_ else end - _DEFAULT_INTERVAL
    except OverflowError:
        raise InvalidInput(
            f"is at the beginning of the calendar; name {first} too", field=last, code="contradiction"
        ) from None
    if start >= end:
        raise InvalidInput(f"must be earlier than {last}", field=first, code="contradiction")
    return Interval(start, end)


def time_in(value: str, field: str) -> datetime:
    """A time of RFC 3339; the space that an unescaped + of an offset turns into is taken for the +."""
    text = _PLUS_LOST.sub("+", value.upper())
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a month 13 or a year 0: no time either
    raise InvalidInput(
        f"{value!r} is no time; it must be one of RFC 3339 with an offset, such as 2026-11-21T09:15:00Z", field=field
    )
