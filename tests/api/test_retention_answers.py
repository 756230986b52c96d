"""Retention as clients see it: what is forgotten is not found, what is too old is refused, and no answer changes."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from service.core.catalogue.kpis import KPIS
from service.core.event import microseconds
from service.core.retention import kept_from
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.retention import Retention
from service.telemetry import Telemetry
from service.timer import Timer
from tests.api.conftest import Api, Serve, accepted, event
from tests.terms import answered_within, promises

DAYS = 100
NOW = datetime.now(UTC)


def encounter(number: int, days_ago: float) -> dict[str, Any]:
    """Someone who was served, up to three of them the same customer."""
    data: dict[str, Any] = {"site": f"shop-{number % 2}", "queue": "tills", "channel": "pos", "service_seconds": 60}
    data |= {"wait_seconds": number * 3, "customer": f"loyalty-{number % 5}", "resolved": number % 3 > 0}
    at = (NOW - timedelta(days=days_ago)).isoformat()
    return event("interaction.recorded", subject=f"visit-{number}", time=at, data=data)


HISTORY = [encounter(number, 1 + number * 9.7) for number in range(40)]


@pytest.fixture
async def told(serve: Serve) -> Api:
    """An app with a year of encounters, under one promise, and all that time has made of them."""
    api = await serve()
    await api.source()
    await Policies(api.parts.database).publish(promises(tills=answered_within(30_000_000, start_day=None)), 0)
    accepted(await api.post(HISTORY), len(HISTORY))
    await retain(api, days=None)
    return api


async def retain(api: Api, days: int | None) -> None:
    """Let the timer tick once, and carry retention out to its end."""
    database = Database(api.database_url)
    policies = Policies(database)
    registry = Registry(database, max_sites=10, max_queues_per_site=10)
    ledger = Ledger(database, registry, Partitions(database), policies, number=9, live_horizon_seconds=3600)
    now_us = microseconds(datetime.now(UTC))
    await Timer(ledger, Telemetry()).tick(now_us)
    if days is not None:
        await Retention(database, policies, ledger, days=days).go_on(now_us, math.inf)
    await ledger.close()
    await database.close()


async def answers(api: Api) -> dict[str, Any]:
    """Every KPI in many cuts, the objectives, and the page for Prometheus."""
    found: dict[str, Any] = {}
    span = {"from": (NOW - timedelta(days=400)).isoformat(), "to": (NOW - timedelta(hours=1)).isoformat()}
    for kpi in KPIS:
        for cut in (
            {"step": "total"},
            {"step": "1d", "group_by": "site,queue,channel"},
            {"step": "total", "group_by": "site", "threshold": "31.5"},
        ):
            if kpi.name == "longest_wait" or ("threshold" in cut and kpi.name != "service_level"):
                continue  # the one is of the moment of asking, the others take no threshold
            response = await api.client.get("/v1/kpis", params={"kpi": kpi.name, **span, **cut})
            found[f"{kpi.name} {cut}"] = (response.status_code, response.json())
    for path in ("/v1/objectives", "/v1/sites/shop-1/days", "/v1/live"):
        body = (await api.client.get(path)).json()
        body.pop("at", None)
        found[path] = body
    page = (await api.client.get("/metrics/kpi")).text
    found["page"] = [line for line in page.splitlines() if not line.startswith("frontline_source_last_event")]
    return found


async def test_no_answer_changes(told: Api) -> None:
    before = await answers(told)
    assert sum(status == 200 for status, _ in (one for name, one in before.items() if " {" in name)) > len(KPIS)
    await retain(told, DAYS)
    left = await told.sql("SELECT count(*) FROM interactions")
    assert 0 < left[0][0] < len(HISTORY)
    assert await answers(told) == before


async def test_what_is_forgotten_is_not_found_and_no_breach_leads_there(told: Api) -> None:
    oldest, youngest = "/v1/interactions/pos-vendor/visit-39", "/v1/interactions/pos-vendor/visit-0"
    assert (await told.client.get(oldest)).status_code == 200
    span = {"since": (NOW - timedelta(days=400)).isoformat(), "limit": "100"}
    listed = (await told.client.get("/v1/objectives/tills/breaches", params=span)).json()["breaches"]
    assert "visit-39" in {one["subject"] for one in listed}
    await retain(told, DAYS)
    first = kept_from(microseconds(NOW), DAYS)
    assert (await told.client.get(oldest)).status_code == 404
    assert (await told.client.get(youngest)).status_code == 200
    left = (await told.client.get("/v1/objectives/tills/breaches", params=span)).json()["breaches"]
    assert left == [one for one in listed if microseconds(datetime.fromisoformat(one["arrival"])) >= first]
    assert 0 < len(left) < len(listed)


async def test_an_event_that_is_too_old_is_refused_beside_one_that_is_not(told: Api) -> None:
    await retain(told, DAYS)
    response = await told.post([encounter(100, 200), encounter(101, 1), HISTORY[39], HISTORY[0]])
    assert response.status_code == 202
    body = response.json()
    assert (body["accepted"], body["duplicates"]) == (1, 1)
    assert [(one["index"], one["code"]) for one in body["rejected"]] == [(0, "too_old"), (2, "too_old")]
    assert "FRONTLINE_RETENTION_DAYS" in body["rejected"][0]["detail"]
    assert (await told.post([encounter(102, 200)])).status_code == 422


async def test_an_app_that_is_asked_to_has_a_timer_that_forgets(serve: Serve) -> None:
    api = await serve(retention_days=DAYS)
    page = (await api.client.get("/metrics")).text
    assert 'frontline_retention_forgotten_total{what="events"} 0.0' in page
