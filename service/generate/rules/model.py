"""Rules and their groups, and how they are written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.generate.plain_yaml import plain_yaml

HEAD = "# Made from objectives.yaml by `make generate`; a change by hand does not last.\n"


@dataclass(frozen=True, slots=True)
class Recording:
    """A series that Prometheus records."""

    record: str
    expr: str

    def content(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        return {"record": self.record, "expr": self.expr}


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fires where `expr` has held for as long as `held_for` says, if it says so."""

    name: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    held_for: str = ""

    def content(self) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        held = {"for": self.held_for} if self.held_for else {}
        about = {"labels": dict(self.labels), "annotations": dict(self.annotations)}
        return {"alert": self.name, "expr": self.expr} | held | about


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are evaluated one after the other, every `interval` or as often as Prometheus usually does."""

    name: str
    rules: Sequence[Recording | Alert] = field(default_factory=tuple)
    interval: str = ""

    def content(self) -> dict[str, Any]:
        """The group as Prometheus reads it."""
        interval = {"interval": self.interval} if self.interval else {}
        return {"name": self.name} | interval | {"rules": [rule.content() for rule in self.rules]}


def written(content: Mapping[str, Any]) -> str:
    """Content as a YAML file of this project."""
    return HEAD + plain_yaml(content)
