"""Times as other systems write them, by a named format or a pattern."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from service.core.errors import InvalidInput
from service.core.event import SECOND_US, microseconds, moment

_UNITS_US = {"epoch_seconds": SECOND_US, "epoch_milliseconds": 1000}
FORMATS = ("rfc3339", *_UNITS_US)


def check_format(format_: str, zone: str | None, prefix: str) -> None:
    """Raise InvalidInput, naming `format` or `zone` after a prefix, where one is none."""
    if format_ not in FORMATS and "%" not in format_:
        raise InvalidInput(
            f"{format_!r} is not known; it must be one of {', '.join(FORMATS)}, or a pattern such as %d.%m.%Y %H:%M:%S",
            field=f"{prefix}format",
        )
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise InvalidInput(f"{zone!r} is no time zone, such as Europe/Vilnius", field=f"{prefix}zone") from error


def read_time(value: object, format_: str, zone: str | None, field: str) -> datetime:
    """A time, in UTC; one without an offset is by the clocks of `zone`. Raises InvalidInput naming the field."""
    text = str(value).strip()
    try:
        if format_ in _UNITS_US:
            return moment(round(Decimal(text) * _UNITS_US[format_]))
        found = datetime.fromisoformat(text) if format_ == "rfc3339" else datetime.strptime(text, format_)  # noqa: DTZ007 - its zone comes below
        if found.tzinfo is None and zone is not None:
            found = found.replace(tzinfo=ZoneInfo(zone))
        if found.tzinfo is not None:
            return moment(microseconds(found))
    except (ValueError, ArithmeticError) as error:
        raise InvalidInput(f"{text[:60]!r} is no time of the format {format_}", field=field) from error
    raise InvalidInput(f"{text[:60]!r} has no offset; name its zone", field=field)
