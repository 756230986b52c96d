"""Bits of PromQL and of the templates of annotations."""

import re
from collections.abc import Iterable, Mapping

SERIES = ("site", "queue", "channel")


def quoted(text: str) -> str:
    """A string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def any_of(names: Iterable[str]) -> str:
    """A regular expression, as a string of PromQL, that takes these names and no others."""
    return quoted("|".join(re.sub(r"[.+*?()|\[\]{}^$\\]", r"\\\g<0>", name) for name in names))


def number(value: float) -> str:
    """A number, without what binary fractions add to it."""
    return f"{value:.10g}"


def literal(text: str) -> str:
    """Text that a template of Prometheus gives as it is."""
    return text.replace("{{", '{{ "{{" }}')


def looked_up(metric: str, labels: Mapping[str, str], *own: str) -> str:
    """A template for a metric's whole value, that of the place of the alert and of its `own` labels, and of others."""
    names = (*SERIES, *own)
    matchers = (*(f"{name}=%q" for name in names), *(f"{name}={quoted(value)}" for name, value in labels.items()))
    query = f"printf `{metric}{{{','.join(matchers)}}}` {' '.join(f'$labels.{name}' for name in names)}"
    return f'{{{{ with query ({query}) }}}}{{{{ . | first | value | printf "%.0f" }}}}{{{{ end }}}}'
