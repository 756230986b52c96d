"""Numbers and terms as people read them."""

import re
from collections.abc import Mapping
from datetime import datetime

from service.core.catalogue.kpi import Shape
from service.core.catalogue.measures import WITHIN_DAYS
from service.core.event import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from service.core.objective import Terms

_UNITS = (("d", DAY_US), ("h", HOUR_US), ("min", MINUTE_US), ("s", SECOND_US), ("ms", 1000), ("µs", 1))
_SYMBOLS: Mapping[str, str] = {
    "A<=T": "answered within T",
    "B<=T": "gave up within T",
    "B>T": "gave up after more than T",
    "B<=s": "gave up within s",
    "Bs": "gave up within s",
    "A": "answered",
    "B": "gave up",
    "F": "diverted",
    "O": "offered",
}
_SYMBOL = re.compile(r"\b[ABFO](?:s\b|(?:<=|>)[Ts]\b|\b)")


def promise(terms: Terms) -> str:
    """What is promised: at least 80 % within 20 s."""
    if terms.ended:
        return "nothing"
    most = "most" if terms.is_at_most else "least"
    limit = "" if terms.threshold_us is None else f" within {duration(terms.threshold_us)}"
    return f"at {most} {share(terms.stated_target)}{limit}"


def share(value: float) -> str:
    """A share as it was written: 99.95 %."""
    return f"{value * 100:.10g} %"


def percent(value: float | None, target: float | None = None) -> str:
    """A share of two decimals, or of as many as it takes to see on which side of its target it is."""
    if value is None:
        return "-"
    for digits in (2, 3, 4, 6):
        text = f"{value * 100:.{digits}f}"
        if target is None or value == target or text != f"{target * 100:.{digits}f}":
            break
    return f"{text} %"


def duration(us: int) -> str:
    """A span of time in the largest unit of which it is a whole number: 20 s, 3 min."""
    unit, size = next((unit, size) for unit, size in _UNITS if us % size == 0)
    return f"{us // size} {unit}"


def days_of(within: str) -> str:
    """A span in which a customer may come back, as days."""
    days = WITHIN_DAYS[within]
    return f"{days} day{'s' if days > 1 else ''}"


def amount(number: float) -> str:
    """A number with separators, and decimals where it has any."""
    return f"{number:,.2f}".rstrip("0").rstrip(".")


def minute(moment: datetime) -> str:
    """A moment in UTC, to the minute."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def symbols(formula: str, terms: Terms) -> list[str]:
    """What the signs of a formula stand for, where it has any."""
    found = list(dict.fromkeys(_SYMBOL.findall(formula))) if terms.kpi in ("service_level", "abandonment_rate") else []
    told = [f"{pretty(sign)} {_SYMBOLS[sign]}" for sign in found]
    if terms.threshold_us is not None:
        told.append(f"T = {duration(terms.threshold_us)}")
    if any(sign in ("B<=s", "Bs") for sign in found):
        told.append(f"s = {duration(terms.short_us)}")
    if terms.of_kpi.shape is Shape.QUANTILE:
        told.append(f"so {terms.kpi} is at most T where this is at least {share(terms.of_kpi.quantile)}")
    return told


def pretty(formula: str) -> str:
    """A formula as it is printed."""
    return formula.replace("<=", "≤")
