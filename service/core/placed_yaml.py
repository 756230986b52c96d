"""YAML in which every value knows its place, so that whoever refuses one can say where it stands.

Scalars stay the text that was written, and who reads a field says what it has to be. So nothing turns into something
else, as by YAML's own rules the date 2026-12-01, the word `on` and the site 0117 would.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches

import yaml

from service.core.errors import InvalidInput
from service.core.event import DAY_US, HOUR_US, LABEL, MINUTE_US, SECOND_US

_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
_NOTHING = ("", "~", "null", "Null", "NULL")
_LABEL = re.compile(rf"\A{LABEL}\Z")
_NUMBER = re.compile(r"\A[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\Z", re.ASCII)
_DURATION = re.compile(r"\A(\d{1,18}(?:\.\d{1,18})?)(us|ms|s|m|h|d)\Z", re.ASCII)
_DATE = re.compile(r"\A\d{4}-\d\d-\d\d\Z", re.ASCII)
_UNITS_US = {"us": 1, "ms": 1000, "s": SECOND_US, "m": MINUTE_US, "h": HOUR_US, "d": DAY_US}
_MAX_DAYS = 3650
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


@dataclass(frozen=True, slots=True)
class Placed:
    """A value of a file, and its place there: `field` is its name from the top, such as spec.objectives[0].target.

    All that read it raise InvalidInput, which names the place, where the value is not what they read.
    """

    file: str
    line: int
    field: str
    value: "str | tuple[Placed, ...] | Mapping[str, Placed] | None"

    def fault(self, detail: str) -> InvalidInput:
        """What to raise where the value is wrong."""
        place = f"{self.file} line {self.line}"
        return InvalidInput(detail, field=f"{place}: {self.field}" if self.field else place)

    def missing(self, name: str, example: str) -> InvalidInput:
        """What to raise where a field is not there."""
        return Placed(self.file, self.line, _joined(self.field, name), None).fault(f"is missing; write {example}")

    def fields(self, required: Mapping[str, str], optional: Iterable[str] = ()) -> "Mapping[str, Placed]":
        """The fields of a mapping by their names; `required` has an example for each that must be there."""
        known = (*required, *optional)
        if not isinstance(self.value, Mapping):
            raise self.fault(f"{self._is} must have fields of its own: {', '.join(known)}")
        for name, place in self.value.items():
            if name not in known:
                raise place.fault(f"is not a field here{_closest(name, known)}; it takes: {', '.join(known)}")
        for name, example in required.items():
            if name not in self.value:
                raise self.missing(name, example)
        return self.value

    def items(self, example: str) -> "tuple[Placed, ...]":
        """The items of a list."""
        if not isinstance(self.value, tuple):
            raise self.fault(f"{self._is} must be a list, such as {example}")
        return self.value

    def only(self, example: str) -> "Placed":
        """The one item of a list that may have no more."""
        items = self.items(example)
        if len(items) != 1:
            raise self.fault(f"has {len(items)} items; it must have exactly one, such as {example}")
        return items[0]

    def text(self) -> str:
        """The text of a scalar, without the white space around it."""
        if not isinstance(self.value, str):
            raise self.fault(f"{self._is} must be a single value")
        return self.value.strip()

    def label(self) -> str:
        """A name as sites and queues have it."""
        text = self.text()
        if not _LABEL.match(text):
            raise self.fault(f"{text!r} is not a name here; it must be 1 to 64 letters, digits or any of - _ . :")
        return text

    def labels(self, read: "Callable[[Placed], str] | None" = None) -> tuple[str, ...]:
        """A list of names, each there once, in alphabetical order; `read` reads one of them."""
        found: set[str] = set()
        for item in self.items("[a, b]"):
            name = read(item) if read else item.label()
            if name in found:
                raise item.fault(f"{name!r} is there twice; once is enough")
            found.add(name)
        return tuple(sorted(found))

    def choice(self, names: Iterable[str], what: str) -> str:
        """One of some names; `what` says what they are names of."""
        text, known = self.text(), tuple(names)
        if text not in known:
            rest = f"must be one of: {', '.join(known)}" if len(known) > 1 else f"must be {known[0]}"
            raise self.fault(f"{text!r} is no {what}{_closest(text, known)}; it {rest}")
        return text

    def flag(self) -> bool:
        """True or false."""
        text = self.text().lower()
        if text not in ("true", "false"):
            raise self.fault(f"{text!r} is neither true nor false; it must be one of the two")
        return text == "true"

    def number(self, example: str) -> float:
        """A number."""
        text = self.text()
        if not _NUMBER.match(text):
            raise self.fault(f"{text!r} is not a number; it must be one such as {example}")
        return float(text)

    def whole(self, first: int, last: int) -> int:
        """A whole number from `first` to `last`."""
        text = self.text()
        if not re.match(r"\A\d{1,18}\Z", text, re.ASCII) or not first <= int(text) <= last:
            raise self.fault(f"{text!r} must be a whole number from {first} to {last}")
        return int(text)

    def duration_us(self, example: str) -> int:
        """A duration such as 20s, in microseconds."""
        text = self.text()
        parts = _DURATION.match(text)
        if not parts:
            units = ", ".join(_UNITS_US)
            raise self.fault(f"{text!r} is not a duration; it must be a number and one of {units}, such as {example}")
        us = Decimal(parts[1]) * _UNITS_US[parts[2]]
        if us % 1:
            raise self.fault(f"{text!r} is finer than a microsecond; it must be whole ones, such as {example}")
        if us > _MAX_DAYS * _UNITS_US["d"]:
            raise self.fault(f"{text!r} is too long; it must be {_MAX_DAYS}d at most")
        return int(us)

    def day(self, otherwise: str) -> date:
        """A local date; `otherwise` is what else may be written."""
        text = self.text()
        if not _DATE.match(text):
            raise self.fault(f"{text!r} is not a local date; it must be one such as 2026-12-01, or {otherwise}")
        try:
            day = date.fromisoformat(text)
        except ValueError as error:
            raise self.fault(f"{text!r} is a date that no calendar has ({error})") from error
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise self.fault(f"{text!r} is out of range; it must be of the years {_FIRST_YEAR} to {_LAST_YEAR}")
        return day

    @property
    def _is(self) -> str:
        if self.value is None:
            return "has no value (give it one, or leave the field out);"
        if isinstance(self.value, str):
            return f"{self.value!r} is a single value;"
        return "is a list;" if isinstance(self.value, tuple) else "has fields of its own;"


def read_documents(text: str, file: str) -> tuple[Placed, ...]:
    """The documents of a YAML file that say anything. Raises InvalidInput naming the file and the line."""
    try:
        nodes = list(yaml.compose_all(text, yaml.BaseLoader))
        return tuple(document for node in nodes if (document := _document(node, file)).value is not None)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{file} line {mark.line + 1}" if mark else file
        raise InvalidInput(f"is not YAML: {error.problem}", field=place) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidInput(f"is not YAML: {error.reason}", field=f"{file} line {line}") from error
    except RecursionError as error:  # also where an alias stands within its own anchor
        raise InvalidInput("is nested without end", field=file) from error


def _document(node: yaml.Node, file: str) -> Placed:
    return _placed(node, file, node.start_mark.line + 1, "")


def _placed(node: yaml.Node, file: str, line: int, field: str) -> Placed:
    here = Placed(file, line, field, None)
    if node.tag not in _TAGS:
        raise here.fault(f"the tag {node.tag} is not taken here; leave it out")
    if isinstance(node, yaml.MappingNode):
        return Placed(file, line, field, _fields(node, here))
    if isinstance(node, yaml.SequenceNode):
        items = (
            _placed(item, file, item.start_mark.line + 1, f"{field}[{number}]")
            for number, item in enumerate(node.value)
        )
        return Placed(file, line, field, tuple(items))
    is_nothing = isinstance(node, yaml.ScalarNode) and node.style is None and node.value in _NOTHING
    return here if is_nothing else Placed(file, line, field, node.value)


def _fields(node: yaml.MappingNode, here: Placed) -> Mapping[str, Placed]:
    """The fields of a mapping, each at the line of its name. Of a field that is there twice YAML takes the last."""
    found: dict[str, Placed] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise Placed(here.file, line, here.field, None).fault("the name of a field must be a single word")
        place = _placed(value, here.file, line, _joined(here.field, key.value))
        if key.value in found:
            raise place.fault(f"is there twice, first in line {found[key.value].line}; leave one of them out")
        found[key.value] = place
    return found


def _joined(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _closest(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, known, 1)
    return f" (did you mean {found[0]}?)" if found else ""
