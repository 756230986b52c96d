"""The file of objectives: YAML text to the terms of each objective."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta, Struct

from service.core.catalogue.kpis import SERVICE_LEVEL_FORMULAS
from service.core.errors import InvalidInput
from service.core.event import Channel, Label, Seconds, duration_us, microseconds
from service.core.objective import Terms

_Names = tuple[Label, ...]


class _Promise(Struct, forbid_unknown_fields=True, kw_only=True):
    name: Label
    threshold_seconds: Seconds
    target: Annotated[float, Meta(gt=0, lt=1)]
    formula: str = "abandons_hurt"
    short_abandon_seconds: Seconds = 5.0
    sites: _Names = ()
    queues: _Names = ()
    channels: tuple[Channel, ...] = ()
    from_: Annotated[datetime, Meta(tz=True)] | None = msgspec.field(default=None, name="from")


class _File(Struct, forbid_unknown_fields=True):
    objectives: list[_Promise]


def read_promises(text: str) -> Mapping[str, tuple[Terms, ...]]:
    """The terms of each objective in a file, by its name, the earliest first. Raises InvalidInput naming the place."""
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidInput(f"is not YAML: {error}", field="objectives.yaml") from error
    try:
        promises = msgspec.convert(content, _File).objectives
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error), field="objectives.yaml") from error
    found: dict[str, list[Terms]] = {}
    for number, promise in enumerate(promises):
        field = f"objectives.yaml: objectives[{number}]"
        if promise.formula not in SERVICE_LEVEL_FORMULAS:
            raise InvalidInput(
                f"{promise.formula!r} must be one of: {', '.join(SERVICE_LEVEL_FORMULAS)}", field=f"{field}.formula"
            )
        terms = _terms(promise)
        of_name = found.setdefault(promise.name, [])
        if any(other.start_us == terms.start_us for other in of_name):
            raise InvalidInput(f"{promise.name!r} is there twice from the same time on", field=f"{field}.from")
        of_name.append(terms)
    return {
        name: tuple(sorted(terms, key=lambda one: (one.start_us is not None, one.start_us or 0)))
        for name, terms in found.items()
    }


def _terms(promise: _Promise) -> Terms:
    return Terms(
        start_us=None if promise.from_ is None else microseconds(promise.from_),
        threshold_us=duration_us(promise.threshold_seconds),
        target=promise.target,
        formula=promise.formula,
        short_us=duration_us(promise.short_abandon_seconds),
        sites=promise.sites,
        queues=promise.queues,
        channels=promise.channels,
    )
