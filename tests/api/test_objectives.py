"""`GET /v1/objectives` and the breaches behind them: how each objective stands, where worst, and why."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.core.event import microseconds
from service.core.objective import About, Override, Promise, Severity, Terms
from service.core.window import Span, Window, number_of
from service.store.database import Database
from service.store.policies import Policies
from tests.api.conftest import Api, accepted, event, is_problem
from tests.terms import answered_within, promises

SECOND = 1_000_000
WINDOW = Window(Span.ROLLING, 28)
IN_20 = answered_within(20 * SECOND, window=WINDOW)
Event = dict[str, Any]


@pytest.fixture
def policies(database: Database) -> Policies:
    return Policies(database)


async def promise(policies: Policies, promised: list[Promise]) -> None:
    assert await policies.publish(promised, microseconds(datetime.now(UTC)))


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def visits(waits: list[float], arrival: datetime, site: str = "bank", **data: Any) -> Iterator[Event]:
    """Visits that were answered after so many seconds."""
    for wait in waits:
        ended = arrival + timedelta(seconds=wait + 60)
        place = {"site": site, "queue": "sales", "channel": "phone", "resolved": True, **data}
        told = {**place, "wait_seconds": wait, "service_seconds": 60}
        yield event("interaction.recorded", time=ended.isoformat(), data=told)


async def post(api: Api, *groups: Iterator[Event]) -> None:
    events = [one for group in groups for one in group]
    accepted(await api.post(events), len(events))


async def objectives(api: Api, **query: Any) -> dict[str, dict[str, Any]]:
    response = await api.client.get("/v1/objectives", params=query)
    assert response.status_code == 200, response.text
    body = response.json()
    assert ago(minutes=1) < datetime.fromisoformat(body["at"]) <= datetime.now(UTC)
    return {one["name"]: one for one in body["objectives"]}


async def breaches(api: Api, name: str = "phone", **query: Any) -> dict[str, Any]:
    response = await api.client.get(f"/v1/objectives/{name}/breaches", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_an_objective_says_what_it_promises_and_what_it_comes_to(api: Api, policies: Policies) -> None:
    about = About("Calls", "why", "operations", Severity.TICKET, "https://example.com/phone")
    terms = replace(IN_20, channels=("phone",), queues=("sales",), open_only=True)
    await promise(policies, [Promise("phone", about, (terms,))])
    await post(api, visits([5] * 35 + [30] * 5, ago(hours=1)))
    (one,) = (await objectives(api)).values()
    days, today = one.pop("window"), datetime.now(UTC).date()
    assert days["name"] == "28d"
    assert days["elapsed"] == 0.75
    assert days["last_date"] in (f"{today - timedelta(days=1)}", f"{today}")
    settled = {
        "value": 0.875,
        "target": 0.8,
        "events": 40,
        "breaches": 5,
        "allowed_breaches": 8.0,
        "budget_left": 0.375,
        "projected_budget_left": 0.375,
    }
    place = {
        "site": "bank",
        "queue": None,
        "channel": None,
        "threshold": 20.0,
        "target": 0.8,
        "status": "met",
        "settled": settled,
        "provisional": None,
    }
    assert one == {
        "name": "phone",
        "title": "Calls",
        "description": "why",
        "owner": "operations",
        "severity": "ticket",
        "runbook": "https://example.com/phone",
        "kpi": "service_level",
        "definition": "A<=T / (A + B)",
        "formula": "abandons_hurt",
        "threshold": 20.0,
        "within": None,
        "target": 0.8,
        "at_most": False,
        "sites": [],
        "queues": ["sales"],
        "channels": ["phone"],
        "dimensions": [],
        "standards": [],
        "opening_hours_only": True,
        "minimum_events": 20,
        "status": "met",
        "settled": settled,
        "provisional": None,
        "worst": [place],
    }


async def test_how_an_objective_stands(api: Api, policies: Policies) -> None:
    names = ("met", "at-risk", "breached", "no-data", "few")
    await promise(policies, [Promise(name, About(), (replace(IN_20, queues=(name,)),)) for name in names])
    before, now = ago(days=10), ago(hours=1)
    await post(
        api,
        # Exactly as many as allowed are none too many.
        visits([5] * 16 + [30] * 4, before, queue="met"),
        # Well within the budget, until two days ago.
        visits([5] * 100, before, queue="at-risk"),
        visits([5] * 5 + [30] * 15, now, queue="at-risk"),
        visits([5] * 15 + [30] * 5, before, queue="breached"),
        visits([30] * 19, before, queue="few"),
    )
    found = await objectives(api)
    assert {name: one["status"] for name, one in found.items()} == {
        "met": "met",
        "at-risk": "at_risk",
        "breached": "breached",
        "no-data": "no_data",
        "few": "no_data",
    }
    assert list(found) == sorted(names)
    assert (found["met"]["settled"]["budget_left"], found["met"]["settled"]["value"]) == (0.0, 0.8)
    assert found["at-risk"]["settled"]["budget_left"] == 0.375
    assert found["at-risk"]["settled"]["projected_budget_left"] == pytest.approx(-0.40625)
    nothing = found["no-data"]["settled"]
    assert (nothing["value"], nothing["target"], nothing["budget_left"], nothing["events"]) == (None, None, None, 0)


async def test_the_worst_sites_come_first(api: Api, policies: Policies) -> None:
    await promise(policies, promises(phone=replace(IN_20, overrides=(Override(("strict",), 0.95),))))
    now, late = ago(hours=1), [30.0]
    await post(
        api,
        visits([5] * 90 + late * 10, now, "good"),
        visits([5] * 82 + late * 18, now, "fair"),
        visits([5] * 60 + late * 40, now, "bad"),
        visits([5] * 90 + late * 10, now, "strict"),
        visits(late * 3, now, "small"),
    )
    (one,) = (await objectives(api)).values()
    assert [(place["site"], place["status"]) for place in one["worst"]] == [
        ("bad", "breached"),
        ("strict", "breached"),
        ("fair", "met"),
        ("good", "met"),
        ("small", "no_data"),
    ]
    strict = one["worst"][1]["settled"]
    assert (strict["target"], strict["allowed_breaches"], strict["budget_left"]) == (0.95, 5.0, -1.0)
    # The whole is the sum: 403 events, of which 0.2 * 303 + 0.05 * 100 may be breaches.
    whole = one["settled"]
    assert (whole["events"], whole["breaches"], whole["allowed_breaches"]) == (403, 81, 65.6)
    assert [place["site"] for place in (await objectives(api, worst=2))["phone"]["worst"]] == ["bad", "strict"]
    assert (await objectives(api, worst=0))["phone"]["worst"] == []


async def test_it_can_be_asked_of_some_places_only(api: Api, policies: Policies) -> None:
    await promise(policies, promises(phone=IN_20))
    now = ago(hours=1)
    await post(
        api,
        visits([5] * 3, now),
        visits([5] * 4, now, queue="loans"),
        visits([5] * 5, now, channel="chat"),
        visits([5] * 6, now, "shop"),
    )
    for query, events in (
        ({}, 18),
        ({"site": "bank"}, 12),
        ({"site": "bank,shop", "queue": "sales"}, 14),
        ({"channel": "chat"}, 5),
        ({"site": "nowhere"}, 0),
    ):
        assert (await objectives(api, **query))["phone"]["settled"]["events"] == events


async def test_of_a_kpi_to_keep_low_the_value_is_what_must_not_exceed_the_target(api: Api, policies: Policies) -> None:
    gave_up = Terms(None, "abandonment_rate", 0.95, formula="of_answered_and_abandoned", window=WINDOW)
    await promise(policies, promises(phone=gave_up))
    await post(api, visits([5] * 38, ago(hours=1)), visits([5] * 2, ago(hours=1), outcome="abandoned"))
    (one,) = (await objectives(api)).values()
    assert (one["at_most"], one["target"], one["status"]) == (True, 0.05, "met")
    assert (one["settled"]["value"], one["settled"]["target"], one["settled"]["budget_left"]) == (0.05, 0.05, 0.0)


async def test_settled_and_provisional_cases_are_told_apart(api: Api, policies: Policies) -> None:
    first = Terms(None, "first_contact_resolution", 0.75, within="7d", window=WINDOW)
    await promise(policies, promises(first=first))
    await post(
        api,
        *(visits([5], ago(days=10), customer=f"a{number}") for number in range(20)),
        *(visits([5], ago(days=1), customer=f"b{number}", resolved=number < 10) for number in range(30)),
    )
    (one,) = (await objectives(api)).values()
    assert one["within"] == "7d"
    settled, provisional = one["settled"], one["provisional"]
    assert (settled["events"], settled["breaches"], settled["value"]) == (20, 0, 1.0)
    assert (provisional["events"], provisional["breaches"], provisional["value"]) == (30, 20, 1 / 3)
    # What is settled is met; what is provisional will not be.
    assert one["status"] == "at_risk"
    assert one["worst"][0]["provisional"] == provisional


async def test_terms_of_tomorrow_are_not_told_today(api: Api, policies: Policies) -> None:
    tomorrow = number_of((datetime.now(UTC) + timedelta(days=2)).date())
    month = replace(IN_20, window=Window(Span.QUARTER))
    await promise(policies, promises(phone=(month, replace(month, start_day=tomorrow, target=0.95))))
    await post(api, visits([5], ago(minutes=5)))
    assert (await objectives(api))["phone"]["target"] == 0.8


async def test_an_objective_that_is_not_in_force_yet_is_not_told(api: Api, policies: Policies) -> None:
    ahead = number_of((datetime.now(UTC) + timedelta(days=3)).date())
    await promise(policies, promises(phone=replace(IN_20, start_day=ahead)))
    assert await objectives(api) == {}


async def test_each_breach_says_why_and_leads_to_its_story(api: Api, policies: Policies) -> None:
    await promise(policies, promises(phone=replace(IN_20, formula="diversions_hurt")))
    waits = {"late": 30, "left": 60, "diverted": 40, "good": 5}
    outcomes = {"left": "abandoned", "diverted": "diverted"}
    data = {"site": "bank", "queue": "sales", "channel": "phone", "customer": "anna"}
    arrivals = {
        name: ago(hours=5 - place) for place, name in enumerate(("late", "left", "diverted", "good", "waiting"))
    }
    events = [event("interaction.queued", subject="waiting", time=arrivals["waiting"].isoformat(), data=data)]
    for name, wait in waits.items():
        queued = {**data, "wait_seconds": wait, "outcome": outcomes.get(name, "answered")}
        ended = arrivals[name] + timedelta(seconds=wait)
        events.append(event("interaction.recorded", subject=name, time=ended.isoformat(), data=queued))
    accepted(await api.post(events), 5)
    answer = await breaches(api)
    assert (answer["objective"], answer["more"]) == ("phone", False)
    found = answer["breaches"]
    assert [(one["subject"], one["reason"]) for one in found] == [
        ("waiting", "still waits"),
        ("diverted", "was diverted"),
        ("left", "gave up waiting"),
        ("late", "answered too late"),
    ]
    assert [one["seconds"] for one in found[1:]] == [40.0, 60.0, 30.0]
    assert 3600 <= found[0]["seconds"] < 3700
    for one in found:
        assert datetime.fromisoformat(one["arrival"]) == arrivals[one["subject"]]
        assert (one["source"], one["site"], one["queue"], one["channel"]) == ("pos-vendor", "bank", "sales", "phone")
        story = await api.client.get(one["href"])
        assert story.status_code == 200
    # A pseudonym, the same each time, and never what was sent.
    (customer,) = {one["customer"] for one in found}
    assert len(customer) >= 16
    assert "anna" not in customer


async def test_breaches_are_found_by_place_and_time(api: Api, policies: Policies) -> None:
    await promise(policies, promises(phone=IN_20))
    old, new = ago(hours=30), ago(hours=2)
    await post(
        api,
        visits([30], old),
        visits([30, 40], new),
        visits([30], new, "shop"),
        visits([30], new, queue="loans"),
        visits([30], new, channel="chat"),
    )
    assert len((await breaches(api))["breaches"]) == 5
    for query, count in (
        ({"site": "bank"}, 4),
        ({"site": "shop,bank", "queue": "sales"}, 4),
        ({"queue": "loans"}, 1),
        ({"channel": "chat"}, 1),
        ({"since": ago(hours=40).isoformat()}, 6),
        ({"since": ago(hours=40).isoformat(), "until": ago(hours=20).isoformat()}, 1),
        ({"until": ago(hours=20).isoformat()}, 1),
        ({"since": ago(hours=1).isoformat()}, 0),
    ):
        assert len((await breaches(api, **query))["breaches"]) == count, query
    some = await breaches(api, limit=2)
    assert (len(some["breaches"]), some["more"]) == (2, True)
    all_ = await breaches(api, limit=5)
    assert (len(all_["breaches"]), all_["more"]) == (5, False)


async def test_breaches_of_interactions_say_why(api: Api, policies: Policies) -> None:
    first = Terms(None, "first_contact_resolution", 0.75, within="1d", window=WINDOW)
    accurate = Terms(None, "accuracy", 0.97, window=WINDOW)
    await promise(policies, promises(first=first, accurate=accurate))
    await post(
        api, visits([5], ago(hours=3), customer="anna"), visits([5], ago(hours=2), customer="ben", resolved=False)
    )
    (back,) = list(visits([5], ago(hours=1), customer="anna"))
    wrong = event("interaction.corrected", subject=back["subject"], time=ago(minutes=30).isoformat())
    wrong["data"] = {"kind": "refund"}
    accepted(await api.post([back, wrong]), 2)
    assert [one["reason"] for one in (await breaches(api, "first"))["breaches"]] == [
        "was not resolved",
        "the customer came back about the same matter",
    ]
    (error,) = (await breaches(api, "accurate"))["breaches"]
    assert (error["subject"], error["reason"], error["seconds"]) == (
        back["subject"],
        "the service made an error",
        None,
    )


async def test_an_unknown_objective_is_not_found_and_the_known_ones_are_named(api: Api, policies: Policies) -> None:
    assert "there are: none" in is_problem(await api.client.get("/v1/objectives/x/breaches"), 404)["detail"]
    await promise(policies, promises(phone=IN_20, chats=IN_20))
    problem = is_problem(await api.client.get("/v1/objectives/x/breaches"), 404)
    assert "there is no objective x; there are: chats, phone" in problem["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"until": "2026-13-01T00:00:00Z"}, "until"),
        ({"until": "2026-11-01T00:00:00"}, "until"),
        ({"since": "2026-11-02T00:00:00Z", "until": "2026-11-02T00:00:00Z"}, "since"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
    ],
)
async def test_what_is_no_question_is_refused_by_its_field(
    api: Api, policies: Policies, query: dict[str, str], field: str
) -> None:
    await promise(policies, promises(phone=IN_20))
    problem = is_problem(await api.client.get("/v1/objectives/phone/breaches", params=query), 422)
    assert problem["detail"].startswith(f"{field}: ")


async def test_the_number_of_worst_sites_has_bounds(api: Api) -> None:
    for worst in ("-1", "1001"):
        assert "worst" in is_problem(await api.client.get("/v1/objectives", params={"worst": worst}), 422)["detail"]
