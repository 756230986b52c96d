"""A case: series that go in, and what has to come out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from service.generate.rules.promql import quoted
from service.generate.rules.variants import Variant

Labels = Mapping[str, str]
WHO = ("alertname", "objective", "site", "tier", "severity")


@dataclass(frozen=True, slots=True)
class Look:
    """Which alerts fire at a minute, of those that match; each is told by its labels of WHO."""

    minute: int
    firing: tuple[Labels, ...]
    matching: str

    def content(self) -> dict[str, Any]:
        """The look as promtool reads it."""
        return {
            "eval_time": f"{self.minute}m",
            "expr": f'count by ({", ".join(WHO)}) (ALERTS{{alertstate="firing",{self.matching}}})',
            "exp_samples": [{"labels": series("", labels), "value": 1} for labels in self.firing],
        }


@dataclass(frozen=True, slots=True)
class Verbatim:
    """All alerts of a name that fire at a minute, with all their labels and annotations."""

    minute: int
    name: str
    alerts: tuple[tuple[Labels, Labels], ...]

    def content(self) -> dict[str, Any]:
        """The expectation as promtool reads it."""
        return {
            "eval_time": f"{self.minute}m",
            "alertname": self.name,
            "exp_alerts": [
                {"exp_labels": _plain(labels), "exp_annotations": _plain(annotations)}
                for labels, annotations in self.alerts
            ],
        }


@dataclass(frozen=True, slots=True)
class Case:
    """What is told of it, the samples of its series a step apart, and what is expected."""

    name: str
    series: Mapping[str, str]
    looks: tuple[Look, ...] = ()
    verbatim: tuple[Verbatim, ...] = ()
    step: int = 1

    def content(self) -> dict[str, Any]:
        """The case as promtool reads it."""
        return {
            "name": self.name,
            "interval": f"{self.step}m",
            "input_series": [{"series": name, "values": values} for name, values in self.series.items()],
            "promql_expr_test": [look.content() for look in self.looks],
            "alert_rule_test": [one.content() for one in self.verbatim],
        }


def series(name: str, labels: Labels) -> str:
    """A series as PromQL writes it."""
    return f"{name}{{{', '.join(f'{label}={quoted(value)}' for label, value in labels.items())}}}"


def line_of(variant: Variant) -> dict[str, str] | None:
    """A line that a variant covers; None where its overrides have left it none."""
    terms = variant.terms
    free = (site for site in (variant.sites or _anywhere()) if site not in variant.without)
    site = next(free, None)
    if site is None:
        return None
    queue = (terms.queues or ("" if variant.is_beside else "line",))[0]
    line = {"site": site, "queue": queue, "channel": (terms.channels or ("phone",))[0]}
    return {name: value for name, value in line.items() if value}


def lines_of(found: Iterable[Variant]) -> tuple[tuple[Variant, dict[str, str]], ...]:
    """The variants that cover a line, with it."""
    return tuple((variant, line) for variant in found if (line := line_of(variant)) is not None)


def _anywhere() -> Iterator[str]:
    return (f"shop-{number}" for number in count(1))


def _plain(templates: Labels) -> dict[str, str]:
    """Labels or annotations as they come out of templates in which nothing but braces is left to fill in."""
    return {name: text.replace('{{ "{{" }}', "{{") for name, text in templates.items()}
