"""The real month and its truth: what a running service must answer once the month was posted to it."""

import gzip
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

from service.core.catalogue.measures import HISTOGRAM_BY_NAME
from tests.end_to_end.conftest import ServiceProcess

DATA = Path(__file__).parent.parent / "data"
WHOLE = {"from": "1998-12-01T00:00:00Z", "to": "1999-03-01T00:00:00Z"}
COUNTS = {
    "offered": "offered",
    "answered": "answered",
    "abandoned": "abandoned",
    "short_abandoned": "short_abandoned",
    "diverted": "diverted",
    "waiting": "waiting",
    "interactions": "interactions",
    "completed": "completed",
    "conflicts": "conflicts",
    "max_wait": "max_wait",
}
PLAIN = ("average_speed_of_answer", "average_wait", "average_handle_time", "average_hold_time", "resolution_rate")
RATES = ("reopen_rate", "transfer_rate", "escalation_rate", "accuracy")
QUANTILES = ("50", "90", "95", "99")
TOLERANCE = 1e-9


def lines() -> list[bytes]:
    """The month's events, one a line, in the order of their times."""
    with gzip.open(DATA / "january.ndjson.gz") as file:
        return file.read().splitlines()


def truth() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DATA / "january.truth.json").read_text())
    return loaded


def differences(service: ServiceProcess) -> list[str]:
    """Where the service's answers differ from the truth, for all and for each group."""
    true = truth()
    found = []
    for (group, name, formula, threshold), value in _answers(service).items():
        expected = true["all"] if group == "all" else true["groups"][group]
        found += _compare(f"{group} {name} {formula} {threshold}", expected, name, formula, threshold, value)
    return found + _repeats(service)


def _repeats(service: ServiceProcess) -> list[str]:
    """Where the shares of customers who came back differ. A contact may repeat one of another group: for all only."""
    true = truth()["all"]["repeat_contact_rate"]
    found = []
    with httpx.Client(base_url=service.url, headers=service.reading, timeout=60) as client:
        for within, expected in true.items():
            query = {**WHOLE, "kpi": "repeat_contact_rate", "within": within}
            (point,) = client.get("/v1/kpis", params=query).json()["results"][0]["points"]
            if abs(point["value"] - expected) > TOLERANCE:
                found.append(f"repeat_contact_rate within {within}: {point['value']} instead of {expected}")
    assert len(true) == 3
    return found


def _compare(
    where: str, expected: dict[str, Any], name: str, formula: str, threshold: str, value: float | None
) -> Iterator[str]:
    if name == "service_level":
        wanted = expected["service_level"][threshold][formula]
    elif name == "abandonment_rate":
        wanted = expected["abandonment_rate_excluding_short" if formula == "excluding_short" else name]
    elif name.startswith("wait_p"):
        exact = expected["wait_quantiles_exact"][name.removeprefix("wait_p")]
        low, high = _bucket(exact)
        if value is None or not low <= value <= high:
            yield f"{where}: {value} is outside the bucket {low} to {high} of {exact}"
        return
    else:
        wanted = expected[COUNTS.get(name, name)]
    if wanted is None or value is None:
        if wanted is not value:
            yield f"{where}: {value} instead of {wanted}"
    elif abs(value - wanted) > (TOLERANCE if isinstance(wanted, float) else 0):
        yield f"{where}: {value} instead of {wanted}"


def _bucket(exact: float) -> tuple[float, float]:
    bounds = (0.0, *HISTOGRAM_BY_NAME["wait"].bounds, float("inf"))
    return next((low, high) for low, high in pairwise(bounds) if exact <= high)


def _answers(service: ServiceProcess) -> dict[tuple[str, str, str, str], float | None]:
    names = [*COUNTS, *PLAIN, *RATES, *(f"wait_p{q}" for q in QUANTILES), "abandonment_rate", "residual"]
    asked: list[tuple[dict[str, str], str, str]] = [({"kpi": ",".join(names)}, "", "")]
    asked.append(({"kpi": "abandonment_rate", "formula": "excluding_short"}, "excluding_short", ""))
    for threshold in ("20", "60"):
        for formula in truth()["all"]["service_level"][threshold]:
            if not formula.endswith("_within"):
                query = {"kpi": "service_level", "formula": formula, "threshold": threshold}
                asked.append((query, formula, threshold))
    answers = {}
    with httpx.Client(base_url=service.url, headers=service.reading, timeout=60) as client:
        for query, formula, threshold in asked:
            for grouping in ({}, {"group_by": "site,queue,channel"}):
                answer = client.get("/v1/kpis", params={**WHOLE, **query, **grouping})
                assert answer.status_code == 200, answer.text
                for result in answer.json()["results"]:
                    group = f"{result['site']}/{result['queue']}/{result['channel']}" if grouping else "all"
                    (point,) = result["points"]
                    if result["kpi"] == "residual":
                        assert point["value"] == 0
                    else:
                        answers[group, result["kpi"], formula, threshold] = point["value"]
    assert len({group for group, *_ in answers}) == 7
    return answers
