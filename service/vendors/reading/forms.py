"""JSON payloads read in the form that a sender gives them; what is not so is an error that names the field."""

from typing import TypeVar

import msgspec

from service.core.errors import InvalidInput

T = TypeVar("T")
_MISSING = "Object missing required field `"


def read_as(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    """A payload in its form. Raises InvalidInput with the code missing_field, invalid_field or unreadable."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").removeprefix(".")
        if what.startswith(_MISSING):
            name = what.removeprefix(_MISSING).rstrip("`")
            field = f"{field}.{name}" if field else name
            raise InvalidInput("is missing", field=field, code="missing_field") from error
        raise InvalidInput(what[:1].lower() + what[1:], field=field or "the body") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}", code="unreadable") from error
