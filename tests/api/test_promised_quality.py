"""What good service is beside speed, promised: an objective on each KPI adds up to it, and each breach says why."""

from datetime import UTC, datetime
from typing import Any

import pytest

from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.catalogue.quality_kpis import QUALITY_KPIS
from service.core.event import microseconds
from service.core.objective import Terms
from service.store.database import Database
from service.store.policies import Policies
from tests.api.conftest import Api, accepted
from tests.bank import SITE, Story
from tests.terms import promises

FORMULAS = {"complaints_answered_rate": "of_due"}
PROMISABLE = [kpi.name for kpi in QUALITY_KPIS if kpi.scope is not None]
REASONS = {
    "promise_kept_rate": ["a promise was not kept"],
    "quote_kept_rate": ["waited longer than quoted"],
    "informed_rate": ["was not told how things stand"],
    "proactive_rate": ["the customer had to begin"] * 2,
    "known_customer_rate": ["the customer was not recognised"],
    "misroute_rate": ["was in the wrong line"],
    "decided_rate": ["was handed on or up"],
    "one_window_rate": ["took more than one visit or agent"],
    "same_agent_rate": ["another agent answered"],
    "identity_verified_rate": ["the customer's identity was not verified"] * 2,
    "standards_compliance": ["was not as the standard says"] * 4,
    "csat": ["the customer was not satisfied"] * 2,
    "ces": ["it was not easy for the customer"],
    "complaints_answered_rate": [],
}


async def posted(api: Api, database: Database) -> Story:
    """The story of an hour at a bank, with an objective on every KPI that may have one."""
    terms = {name: Terms(None, name, 0.5, formula=FORMULAS.get(name, "")) for name in PROMISABLE}
    assert await Policies(database).publish(promises(**terms), microseconds(datetime.now(UTC)))
    story = Story.of_now()
    accepted(await api.post(story.events()), len(story.events()))
    return story


async def value(api: Api, story: Story, kpi: str, **query: str) -> dict[str, Any]:
    response = await api.client.get("/v1/kpis", params={"kpi": kpi} | story.span | query)
    assert response.status_code == 200, response.text
    (result,) = response.json()["results"]
    (point,) = result["points"]
    return {name: point[name] for name in ("value", "numerator", "denominator")}


def test_every_kpi_that_may_be_promised_is_here() -> None:
    assert set(PROMISABLE) == set(REASONS)
    assert {kpi.name for kpi in QUALITY_KPIS if kpi.shape.value == "ratio"} - set(PROMISABLE) == {
        *("nps", "feedback_response_rate", "complaint_rate"),
    }


async def test_what_an_objective_judges_adds_up_to_the_kpi(api: Api, database: Database) -> None:
    story = await posted(api, database)
    for name in PROMISABLE:
        chosen = {"formula": FORMULAS[name]} if name in FORMULAS else {}
        plain = await value(api, story, name, **chosen)
        assert plain["denominator"] > 0
        assert await value(api, story, name, objective=name.replace("_", "-")) == plain, name


@pytest.mark.parametrize(
    ("kpi", "facet"), [("csat", {"dimension": "courtesy"}), ("standards_compliance", {"standard": "safety"})]
)
async def test_and_so_it_does_for_each_part_that_is_told_apart(
    api: Api, database: Database, kpi: str, facet: dict[str, str]
) -> None:
    story = await posted(api, database)
    assert KPI_BY_NAME[kpi].facet in facet
    plain = await value(api, story, kpi, **facet)
    assert await value(api, story, kpi, objective=kpi.replace("_", "-"), **facet) == plain
    assert plain["denominator"] > 0


async def test_each_breach_says_why_and_what_it_is_about(api: Api, database: Database) -> None:
    story = await posted(api, database)
    for name, reasons in REASONS.items():
        response = await api.client.get(f"/v1/objectives/{name.replace('_', '-')}/breaches")
        assert response.status_code == 200, response.text
        found = response.json()["breaches"]
        assert [one["reason"] for one in found] == reasons, name
        assert {one["site"] for one in found} <= {SITE}
        if name == "quote_kept_rate":
            assert (found[0]["subject"], found[0]["seconds"]) == ("c1", 150.0)
        if name == "misroute_rate":
            assert found[0]["subject"] == "c2"
        if name == "promise_kept_rate":
            (one,) = found
            # It is about no interaction, and there is none to lead to.
            assert (one["href"], datetime.fromisoformat(one["arrival"])) == (
                None,
                story.at(1500),
            )
            assert "p2" in one["subject"]
        if name == "csat":
            assert {one["subject"] for one in found} == {"c1"}
            assert (await api.client.get(found[0]["href"])).status_code == 200
