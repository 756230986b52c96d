"""Fields that a mapping declares: found by an expression (JMESPath) or constant, then made what a field must be."""

import math
from typing import Annotated, Any

import jmespath
import jmespath.exceptions
import msgspec
from jmespath.parser import ParsedResult
from msgspec import UNSET, Meta, UnsetType

from service.core.errors import InvalidInput
from service.core.event import microseconds
from service.vendors.reading.times import check_format, read_time

Expression = Annotated[str, Meta(min_length=1, max_length=2000)]
Constant = str | int | float | bool

_TIMES = frozenset({"time", "queued_at", "answered_at", "completed_at", "due"})
_NUMBERS = frozenset(
    {
        *("wait_seconds", "service_seconds", "hold_seconds", "wrap_up_seconds", "quoted_wait_seconds"),
        *("interval_seconds", "transfers", "revision", "score", "scale", "passed", "of", "staffed", "available"),
    }
)
_ANY = "*"


class Source(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where a field comes from: an expression or a constant; `values` translates, `times` multiplies.

    A time has a `format`, and a `zone` where it has no offset.
    """

    of: Expression | None = None
    value: Constant | UnsetType = UNSET
    values: dict[str, Constant] | None = None
    times: float | None = None
    format: str | None = None
    zone: str | None = None


class Finding:
    """An expression that is ready to be used. `place` is where it stands in the mapping."""

    def __init__(self, expression: str, place: str) -> None:
        self._place = place
        try:
            self._compiled: ParsedResult = jmespath.compile(expression)
        except (jmespath.exceptions.JMESPathError, RecursionError) as error:
            raise InvalidInput(f"is no JMESPath expression: {_line(error)}", field=place) from error
        try:
            self._compiled.search(None)
        except jmespath.exceptions.UnknownFunctionError as error:
            raise InvalidInput(f"is no JMESPath expression: {_line(error)}", field=place) from error
        except jmespath.exceptions.JMESPathError:
            return  # nothing is there yet; on a body it may well work

    def of(self, context: Any) -> Any:
        """What it finds. Raises InvalidInput where it cannot be used on this."""
        try:
            return self._compiled.search(context)
        except (jmespath.exceptions.JMESPathError, RecursionError, TypeError, ValueError, OverflowError) as error:
            raise InvalidInput(f"cannot be used on this body: {_line(error)}", field=self._place) from error


class Field:
    """A field of an event, as a mapping declares it. Raises InvalidInput where the declaration is wrong."""

    def __init__(self, name: str, given: str | Source, place: str) -> None:
        self.name = name
        self._place = place
        source = Source(of=given) if isinstance(given, str) else given
        if (source.of is None) == (source.value is UNSET):
            raise InvalidInput("needs either of, an expression, or value, a constant", field=place)
        self._source = source
        self._finding = None if source.of is None else Finding(source.of, f"{place}.of" if source is given else place)
        self._format = source.format or ("rfc3339" if name in _TIMES else None)
        if self._format is not None:
            check_format(self._format, source.zone, f"{place}.")

    def of(self, context: Any) -> Any:
        """The field's value; None where there is none. Raises InvalidInput naming the place in the mapping."""
        value = self._source.value if self._finding is None else self._finding.of(context)
        if value is None or value == "":
            return None
        if self._source.values is not None:
            value = self._translated(value, self._source.values)
        if self._format is not None:
            at = read_time(value, self._format, self._source.zone, self._place)
            return microseconds(at) if self.name == "revision" else at.isoformat()
        if self.name in _NUMBERS:
            return self._number(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, str | int | float):
            return str(value)
        raise InvalidInput(f"finds {type(value).__name__}; it must be text or a number", field=self._place)

    def needed(self, context: Any) -> str:
        """The same, where there must be one."""
        value = self.of(context)
        if value is None:
            raise InvalidInput("finds nothing", field=self._place, code="missing_field")
        return str(value)

    def _translated(self, value: object, values: dict[str, Constant]) -> Constant:
        word = str(value).lower() if isinstance(value, bool) else str(value)
        found = values.get(word, values.get(_ANY))
        if found is None:
            raise InvalidInput(
                f"{word[:60]!r} is not among them; name it, or * for all others",
                field=f"{self._place}.values",
                code="unmapped",
            )
        return found

    def _number(self, value: object) -> float | int:
        try:
            number = float(value) if isinstance(value, str | int | float) else None
        except (ValueError, OverflowError):
            number = None
        if number is None or isinstance(value, bool) or not math.isfinite(number):
            raise InvalidInput(f"finds {str(value)[:60]!r}; it must be a number", field=self._place)
        if self._source.times is not None:
            number *= self._source.times
        if isinstance(value, int) and self._source.times is None:
            return value
        return int(number) if number.is_integer() else number


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
