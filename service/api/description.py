"""The description of the API, completed: every type of event, what errors look like, and lists with commas."""

from typing import Any

import msgspec

from service.api.errors import Problem
from service.core.event import MAX_EVENTS_PER_POST, Rejected
from service.core.vocabulary import AnyEvent

_REFERENCE = "#/components/schemas/{name}"
EVENT = {"$ref": _REFERENCE.format(name="Event")}
VERDICTS = {"$ref": _REFERENCE.format(name="Verdicts")}
EVENTS = {"type": "array", "items": EVENT, "maxItems": MAX_EVENTS_PER_POST}
_LETTERS = (r"\w", r"\p{L}\p{N}_")
"""A letter, a digit or an underscore: in Python, and in JSON Schema, where the former knows those of English only."""


class Verdicts(msgspec.Struct):
    """What became of the events of a post; those in `rejected` by their places in it, beginning with 0."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


def complete(document: dict[str, Any]) -> None:
    """Put into the description what the framework doesn't know."""
    (event, *_), schemas = msgspec.json.schema_components((AnyEvent, Verdicts, Problem), ref_template=_REFERENCE)
    event["description"] = "An event of the contract, a CloudEvent 1.0. Unknown fields of `data` are ignored."
    document["components"]["schemas"] |= {"Event": event, **schemas}
    _translate(document)
    for operations in document["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and parameter["schema"].get("type") == "array":
                    parameter |= {"style": "form", "explode": False}


def _translate(part: Any) -> None:
    """Write the patterns in it as JSON Schema has them."""
    if isinstance(part, list):
        for item in part:
            _translate(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "pattern" and isinstance(value, str):
                part[name] = value.replace(*_LETTERS).replace(r"\A", "^").replace(r"\Z", "$")
            else:
                _translate(value)
