"""`POST /v1/webhooks/{source}`: deliveries of a vendor from signature to KPI, and what cannot be read of them."""

import asyncio
import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from service.core.event import MAX_EVENTS_PER_POST
from tests.api.conftest import Api, Serve, held, is_problem

SECRET = "hush-of-the-shop"
URL = "https://frontline.example.com/v1/webhooks/shop"
MAPPING = {"sites": {"corner.myshopify.com": "corner"}, "queues": {"web": "parcels"}}


def signed(body: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def order(number: int = 4711, **changes: Any) -> bytes:
    placed = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    made = {
        "id": number,
        "created_at": placed,
        "processed_at": placed,
        "updated_at": placed,
        "source_name": "web",
        "location_id": None,
        "fulfillment_status": None,
        "fulfillments": [],
        "shipping_lines": [{"title": "Post"}],
        "refunds": [],
        "customer": {"id": 88},
        **changes,
    }
    return json.dumps(made).encode()


async def deliver(
    api: Api, body: bytes, *, topic: str = "orders/updated", signature: str | None = None, source: str = "shop"
) -> httpx.Response:
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": "corner.myshopify.com",
        "X-Shopify-Hmac-Sha256": signed(body) if signature is None else signature,
        "Content-Type": "application/json",
    }
    return await api.client.post(f"/v1/webhooks/{source}", content=body, headers=headers)


async def put(api: Api, source: str = "shop", **changes: Any) -> httpx.Response:
    wanted = {"vendor": "shopify", "public_url": URL, "secrets": [SECRET], "mapping": MAPPING} | changes
    return await api.admin("PUT", f"/sources/{source}/webhook", wanted)


async def unread(api: Api, query: str = "") -> list[dict[str, Any]]:
    response = await api.admin("GET", f"/unread{query}")
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()
    return found


async def offered(api: Api) -> float:
    (result,) = (await api.client.get("/v1/kpis?kpi=offered&site=corner")).json()["results"]
    return float(result["points"][0]["value"])


@pytest.fixture
async def shop(serve: Serve) -> Api:
    """A service that a shop posts to."""
    api = await serve(encryption_key="kept apart from the database")
    await api.source("shop", ["corner"])
    response = await put(api)
    assert response.status_code == 200, response.text
    assert SECRET not in response.text
    return api


async def test_a_delivery_is_committed_counted_once_and_seen_at_once(shop: Api) -> None:
    body = order()
    first, again = await deliver(shop, body), await deliver(shop, body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert await offered(shop) == 1
    page = (await shop.client.get("/metrics")).text
    assert 'frontline_webhook_deliveries_total{status="200",vendor="shopify"} 2.0' in page
    (row,) = await shop.sql("SELECT data ->> 'customer' AS customer FROM events WHERE type = 'interaction.queued'")
    assert row["customer"] not in (None, "88")


async def test_a_later_version_takes_the_place_of_an_earlier_one_in_either_order(shop: Api) -> None:
    placed = datetime.now(UTC) - timedelta(hours=2)
    versions = [
        order(1, processed_at=(placed + timedelta(minutes=n)).isoformat(), updated_at=(placed + later).isoformat())
        for n, later in ((0, timedelta(minutes=10)), (5, timedelta(minutes=20)))
    ]
    for body in versions:
        await deliver(shop, body)
    for body in reversed(versions):
        await deliver(shop, body.replace(b'"id": 1,', b'"id": 2,'))
    assert await offered(shop) == 2
    stories = [(await shop.client.get(f"/v1/interactions/shop/{number}")).json() for number in (1, 2)]
    assert stories[0]["visits"] == stories[1]["visits"]


@pytest.mark.parametrize("tampered", ["", "AAAA", signed(b"another body"), signed(order(), "another-secret")])
async def test_what_nobody_has_signed_is_refused(shop: Api, tampered: str) -> None:
    problem = is_problem(await deliver(shop, order(), signature=tampered), 401)
    assert SECRET not in json.dumps(problem)
    assert await shop.stored() == 0
    assert await unread(shop) == []


async def test_two_secrets_are_valid_while_one_takes_the_place_of_the_other(shop: Api) -> None:
    body = order()
    assert (await put(shop, secrets=["another-secret", SECRET])).status_code == 200
    for secret in (SECRET, "another-secret"):
        assert (await deliver(shop, body, signature=signed(body, secret))).status_code == 200
    assert (await put(shop, secrets=["another-secret"])).status_code == 200
    is_problem(await deliver(shop, body), 401)
    # A change of the mapping alone keeps the secrets.
    assert (await put(shop, secrets=None)).status_code == 200
    assert (await deliver(shop, body, signature=signed(body, "another-secret"))).status_code == 200


async def test_what_cannot_be_read_or_mapped_is_kept_and_read_once_the_mapping_is_mended(shop: Api) -> None:
    lost = [order(1, source_name="subscription"), order(2, source_name="subscription")]
    for body in (*lost, lost[0], order(3)):
        assert (await deliver(shop, body)).status_code == 200
    assert (await deliver(shop, b"not JSON")).status_code == 200
    assert (await deliver(shop, order(4), topic="orders/teleported")).status_code == 200
    kept = await unread(shop)
    assert [one["code"] for one in kept] == ["unknown_type", "unreadable", "unmapped", "unmapped"]
    assert {one["source"] for one in kept} == {"shop"}
    assert "subscription" in kept[-1]["detail"]
    assert "mapping.queues" in kept[-1]["detail"]
    assert await offered(shop) == 1
    page = (await shop.client.get("/metrics")).text
    assert 'frontline_webhook_unread_total{code="unmapped",vendor="shopify"} 3.0' in page

    response = await shop.admin("POST", "/sources/shop/replay")
    assert response.json() == {"accepted": 0, "duplicates": 0, "ignored": 0, "unread": 4}
    await put(shop, mapping=MAPPING | {"queues": {"*": "parcels"}})
    response = await shop.admin("POST", "/sources/shop/replay")
    assert response.json()["unread"] == 2
    assert response.json()["accepted"] > 0
    assert await offered(shop) == 3
    assert [one["code"] for one in await unread(shop)] == ["unknown_type", "unreadable"]
    assert (await shop.admin("POST", "/sources/shop/replay")).json()["accepted"] == 0


async def test_a_site_that_the_source_may_not_post_for_is_kept_too(shop: Api) -> None:
    await put(shop, mapping={"sites": {"*": "elsewhere"}, "queues": {"*": "parcels"}})
    assert (await deliver(shop, order())).status_code == 200
    (kept,) = await unread(shop, "?source=shop")
    assert (kept["code"], await shop.stored()) == ("site_forbidden", 0)
    assert await unread(shop, "?source=nobody") == []


async def test_while_the_database_is_held_up_the_vendor_is_asked_to_come_again(serve: Serve) -> None:
    api = await serve(encryption_key="kept apart", commit_timeout_seconds=1)
    await api.source("shop", ["corner"])
    await put(api)
    body = order()
    async with held(api):
        response = await deliver(api, body)
    is_problem(response, 503)
    assert int(response.headers["retry-after"]) >= 1
    async with asyncio.timeout(30):
        while (await deliver(api, body)).status_code != 200:
            await asyncio.sleep(0.1)
    assert await offered(api) == 1


async def test_nobody_is_told_whether_a_source_has_a_webhook_but_by_using_it(shop: Api) -> None:
    await shop.source("tills", ["*"])
    for source in ("nobody", "tills", "a%00b", "x" * 300):
        assert (
            is_problem(await deliver(shop, order(), source=source), 404)["detail"]
            == "there is no webhook at this address"
        )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"vendor": "acme"}, "vendor"),
        ({"public_url": "frontline"}, "public_url"),
        ({"public_url": "https://a/b?c=d"}, "public_url"),
        ({"secrets": []}, "secrets"),
        ({"secrets": ["short"]}, "secrets.0"),
        ({"secrets": [SECRET] * 3}, "secrets"),
        ({"mapping": {"sites": {"a": "b c"}}}, "mapping.sites[...]"),
        ({"mapping": {"site": {}}}, "mapping"),
        ({"mapping": []}, "mapping"),
        ({"secret": SECRET}, "secret"),
    ],
)
async def test_a_wrong_webhook_is_refused_naming_the_field(shop: Api, changes: dict[str, Any], field: str) -> None:
    problem = is_problem(await put(shop, **changes), 422)
    assert problem["field"] == field
    assert SECRET not in json.dumps(problem)
    (entry,) = (await shop.admin("GET", "/webhooks")).json()
    assert entry == {"source": "shop", "vendor": "shopify", "public_url": URL, "mapping": MAPPING}


async def test_a_webhook_needs_a_source_and_a_key_to_seal_its_secrets_with(serve: Serve) -> None:
    api = await serve()
    await api.source("shop", ["corner"])
    assert "FRONTLINE_ENCRYPTION_KEY" in is_problem(await put(api), 409)["detail"]
    is_problem(await put(api, "nobody"), 404)
    is_problem(await put(api, secrets=None), 404)
    assert (await api.admin("GET", "/webhooks")).json() == []


async def test_a_service_with_another_encryption_key_asks_to_come_again(shop: Api, serve: Serve) -> None:
    other = await serve(encryption_key="another")
    is_problem(await deliver(other, order()), 503)
    assert (await deliver(shop, order())).status_code == 200


async def test_a_lost_encryption_key_costs_what_was_unread_and_nothing_that_comes_later(
    shop: Api, serve: Serve
) -> None:
    unmapped = order(1, source_name="kiosk")
    assert (await deliver(shop, unmapped)).status_code == 200
    other = await serve(encryption_key="another")
    assert "FRONTLINE_ENCRYPTION_KEY" in is_problem(await other.admin("POST", "/sources/shop/replay"), 409)["detail"]
    assert (await put(other)).status_code == 200
    assert (await deliver(other, order(2, source_name="kiosk"))).status_code == 200
    assert (await put(other, secrets=None, mapping=MAPPING | {"queues": {"*": "parcels"}})).status_code == 200
    done = (await other.admin("POST", "/sources/shop/replay")).json()
    assert (done["accepted"], done["unread"]) == (1, 1)
    (left,) = await unread(other)
    assert left["code"] == "sealed"
    assert "FRONTLINE_ENCRYPTION_KEY" in left["detail"]
    assert await offered(other) == 1


async def test_without_an_admin_key_nothing_of_it_is_seen(shop: Api) -> None:
    for method, path in (("GET", "/webhooks"), ("GET", "/unread"), ("POST", "/sources/shop/replay")):
        is_problem(await shop.admin(method, path, key="wrong"), 401)
        is_problem(await shop.admin(method, path, key=shop.key), 403)
    is_problem(await shop.admin("PUT", "/sources/shop/webhook", {}, key=shop.key), 403)


async def test_a_delivery_may_say_more_than_one_post_could(serve: Serve) -> None:
    api = await serve(encryption_key="kept apart from the database")
    await api.source("desk", ["*"])
    data = {"site": {"value": "corner"}, "queue": {"value": "desk"}, "channel": {"value": "web"}}
    rule = {"type": "queued", "each": "tickets", "id": "item.id", "time": "item.at", "subject": "item.id", "data": data}
    response = await put(api, "desk", vendor="generic", mapping={"rules": [rule]})
    assert response.status_code == 200, response.text
    at = datetime.now(UTC).isoformat()
    tickets = [{"id": f"t{number}", "at": at} for number in range(MAX_EVENTS_PER_POST + 50)]
    tickets[7]["at"] = "noon"
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    for expected in (("accepted", "duplicates"), ("duplicates", "accepted")):
        answer = await api.client.post("/v1/webhooks/desk", json={"tickets": tickets}, headers=headers)
        assert answer.status_code == 200, answer.text
        counted = answer.json()
        assert (counted[expected[0]], counted[expected[1]]) == (MAX_EVENTS_PER_POST + 49, 0)
    (kept,) = await unread(api)
    assert "tickets" in kept["detail"] or "time" in kept["detail"]
