"""`GET /v1/quality`: the index of each dimension of a site, with its parts; and the same on the page of metrics."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.core.event import microseconds
from service.core.objective import About, Promise, Terms
from service.core.quality import Dimension
from service.core.window import Span, Window
from service.store.database import Database
from service.store.policies import Policies
from tests.api.conftest import Api, accepted, event, is_problem

WINDOW = Window(Span.ROLLING, 28)


def terms(kpi: str, target: float, **more: Any) -> tuple[Terms]:
    return (Terms(None, kpi, target, window=WINDOW, **more),)


PROMISED = [
    Promise("kept", About("Promises kept"), terms("promise_kept_rate", 0.95)),
    Promise("csat", About(), terms("csat", 0.8)),
    Promise("abandoned", About(), terms("abandonment_rate", 0.95, formula="excluding_short")),
    Promise("complaints", About(), terms("complaints_answered_rate", 0.9, formula="of_due")),
]


def feedback(dimension: str, *values: int, site: str = "bank") -> list[dict[str, Any]]:
    about = {"site": site, "channel": "phone", "kind": "survey", "metric": "csat", "dimension": dimension}
    return [event("feedback.received", subject=..., data=about | {"score": value}) for value in values]


def promised(kept: int, broken: int, site: str = "bank") -> list[dict[str, Any]]:
    due = datetime.now(UTC) - timedelta(minutes=10)
    place, found = {"site": site, "channel": "phone"}, []
    for number in range(kept + broken):
        name = f"{site}-{number}"
        made = {"promise": name, "kind": "callback", "due": due.isoformat()}
        early = (due - timedelta(minutes=5)).isoformat()
        found.append(event("promise.made", subject=..., time=early, data=place | made))
        if number < kept:
            found.append(event("promise.kept", subject=..., time=early, data={"promise": name}))
    return found


async def prepared(api: Api, database: Database) -> None:
    assert await Policies(database).publish(PROMISED, microseconds(datetime.now(UTC)))
    events = [
        *promised(19, 1),
        *promised(10, 10, "shop"),
        *feedback("courtesy", *[5] * 16, *[3] * 4),
        *feedback("access", *[5] * 15, *[3] * 5),
        *feedback("courtesy", *[1] * 20, site="shop"),
    ]
    accepted(await api.post(events), len(events))


async def indexes(api: Api, **query: str) -> dict[str, dict[str, Any]]:
    response = await api.client.get("/v1/quality", params=query)
    assert response.status_code == 200, response.text
    found = response.json()["dimensions"]
    assert [one["dimension"] for one in found] == list(Dimension)
    return {one["dimension"]: one for one in found}


async def test_the_index_of_a_site_with_its_parts(api: Api, database: Database) -> None:
    await prepared(api, database)
    found = await indexes(api, site="bank")
    credibility = found["credibility"]
    parts = {part["objective"]: part for part in credibility.pop("parts")}
    assert credibility == {
        "dimension": "credibility",
        "index": 1.0,
        "met": 1,
        "judged": 1,
        "without_objective": ["quote_kept_rate", "quote_overrun", "ces"],
    }
    assert parts["kept"] == {
        "objective": "kept",
        "title": "Promises kept",
        "kpi": "promise_kept_rate",
        "value": 0.95,
        "target": 0.95,
        "at_most": False,
        "events": 20,
        "minimum_events": 20,
        "window": "28d",
        "status": "met",
    }
    assert {name: part["status"] for name, part in parts.items()} == {"csat": "no_data", "kept": "met"}
    assert (found["courtesy"]["index"], found["access"]["index"], found["security"]["index"]) == (1.0, 0.0, None)
    assert {part["objective"]: part["status"] for part in found["access"]["parts"]} == {
        "abandoned": "no_data",
        "complaints": "no_data",
        "csat": "breached",
    }


async def test_several_sites_are_one_figure_of_their_sums(api: Api, database: Database) -> None:
    await prepared(api, database)
    everywhere, shop = await indexes(api), await indexes(api, site="shop")
    assert (everywhere["courtesy"]["index"], shop["courtesy"]["index"]) == (0.0, 0.0)
    (part,) = (part for part in everywhere["credibility"]["parts"] if part["objective"] == "kept")
    assert (part["value"], part["events"], part["status"]) == (29 / 40, 40, "breached")
    assert await indexes(api, site="bank,shop") == everywhere


async def test_nothing_is_known_of_a_site_that_is_not_there(api: Api, database: Database) -> None:
    await prepared(api, database)
    found = await indexes(api, site="nowhere")
    assert {one["index"] for one in found.values()} == {None}
    assert {one["judged"] for one in found.values()} == {0}
    is_problem(await api.client.get("/v1/quality?site=no%20name"), 422)


async def test_the_page_of_metrics_has_the_index_where_anything_is_judged(api: Api, database: Database) -> None:
    await prepared(api, database)
    page = (await api.client.get("/metrics/kpi")).text
    (family,) = (
        family for family in text_string_to_metric_families(page) if family.name == "frontline_quality_index_ratio"
    )
    found = {(sample.labels["site"], sample.labels["dimension"]): sample.value for sample in family.samples}
    assert found == {
        ("bank", "credibility"): 1.0,
        ("bank", "courtesy"): 1.0,
        ("bank", "access"): 0.0,
        ("shop", "credibility"): 0.0,
        ("shop", "courtesy"): 0.0,
    }


@pytest.mark.parametrize("query", ["site=a%00b", "site=" + "x" * 65])
async def test_what_is_no_site_is_refused(api: Api, query: str) -> None:
    is_problem(await api.client.get(f"/v1/quality?{query}"), 422)
