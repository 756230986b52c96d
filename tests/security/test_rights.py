"""API1, API2, API3, API5: what a key opens, whose things it reaches, and which properties of them.

A source reaches what it has posted itself and nothing else: its interactions are told apart by its registration, which
no event can name. A key of a source or a reader administrates nothing; that nothing is read without a key, and that
revoked and ended keys open nothing, is in tests/api/test_keys.py.
"""

import re
from typing import Any

import httpx
import pytest

from tests.api.conftest import ADMIN_KEY, Api, Serve, accepted, event, is_problem

DATA = {"site": "vilnius-1", "queue": "tills", "channel": "pos"}
BODIES: dict[tuple[str, str], Any] = {
    ("PUT", "/v1/admin/sites/{site}"): {"time_zone": "UTC"},
    ("GET", "/v1/admin/sites"): None,
    ("POST", "/v1/admin/sources"): {"name": "another"},
    ("GET", "/v1/admin/sources"): None,
    ("POST", "/v1/admin/sources/{name}/keys"): {"per_second": 5},
    ("POST", "/v1/admin/keys"): {"role": "admin"},
    ("GET", "/v1/admin/keys"): None,
    ("POST", "/v1/admin/keys/{key_id}/rotation"): {"overlap_seconds": 60},
    ("DELETE", "/v1/admin/keys/{key_id}"): None,
    ("GET", "/v1/admin/actions"): None,
    ("POST", "/v1/admin/erasures"): {"customer": "loyalty-8812"},
}
"""Every route of the administration, with a body that it takes."""


async def read_key(api: Api) -> str:
    return str((await api.admin("POST", "/keys", {"role": "read"})).json()["key"])


async def interaction(api: Api, source: str, subject: str) -> dict[str, Any]:
    response = await api.client.get(f"/v1/interactions/{source}/{subject}")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_source_cannot_touch_the_interactions_of_another(api: Api) -> None:
    """API1: subject, source and id may be the other's to the letter; the registration is the key's."""
    theirs = event(subject="order-1", id="e-1", source="till-3", time="2026-11-21T09:00:00Z")
    accepted(await api.post(theirs), 1)
    before = await interaction(api, "pos-vendor", "order-1")
    attacker = await api.source("attacker")
    forged = [
        theirs,
        event("interaction.abandoned", subject="order-1", source="pos-vendor", time="2026-11-21T09:00:01Z"),
        event("interaction.completed", subject="pos-vendor/order-1", data={"resolved": False}),
        event("interaction.queued", subject="order-1", data=DATA | {"source_id": 1, "registered_source": "pos-vendor"}),
    ]
    accepted(await api.post(forged, key=attacker), len(forged))
    assert await interaction(api, "pos-vendor", "order-1") == before
    assert len((await interaction(api, "attacker", "order-1"))["timeline"]) == 3


@pytest.mark.parametrize("type_", ["interaction.queued", "interaction.answered", "interaction.recorded"])
async def test_a_source_of_certain_sites_adds_to_no_number_of_others(api: Api, type_: str) -> None:
    """API1: neither by naming the site, nor by leaving it out, nor in a field that names another line."""
    key = await api.source("limited", ["riga-1"])
    data = {"queue": "tills", "channel": "pos"}
    if type_ == "interaction.recorded":
        data |= {"wait_seconds": 5, "service_seconds": 5}
    refused = await api.post(event(type_, data=data | {"site": "vilnius-1"}), key=key)
    assert "site_forbidden" in refused.text
    is_problem(refused, 403)
    accepted(await api.post(event(type_, data=data), key=key), 1)
    response = await api.client.get("/v1/kpis?kpi=offered&group_by=site")
    assert [result["site"] for result in response.json()["results"]] == []
    assert await api.sql("SELECT name FROM sites WHERE name <> 'riga-1'") == []


async def test_strangers_learn_nothing_from_how_they_are_refused(api: Api) -> None:
    """API2: a key that never was, one that was revoked and one cut short are refused with the same words."""
    made = (await api.admin("POST", "/keys", {"role": "read"})).json()
    assert (await api.admin("DELETE", f"/keys/{made['id']}")).status_code == 204
    told = set()
    for key in ("fl_admin_invented", made["key"], api.key[:-1], api.key + "x", "x" * 600):
        for method, path in (("POST", "/v1/events"), ("GET", "/v1/admin/keys"), ("DELETE", "/v1/admin/keys/1")):
            response = await api.client.request(method, path, headers={"Authorization": f"Bearer {key}"})
            told.add((is_problem(response, 401)["detail"], response.headers["www-authenticate"]))
    assert len(told) == 1


@pytest.mark.parametrize("place", ["?key=", "?api_key=", "?access_token=", "?Authorization=Bearer%20"])
async def test_a_key_is_taken_from_its_header_only(serve: Serve, place: str) -> None:
    """API2: addresses end up in logs of proxies and in histories of browsers."""
    api = await serve(read_key_required=True)
    is_problem(await api.client.get(f"/v1/live{place}{ADMIN_KEY}"), 401)
    for headers in ({"Cookie": f"key={ADMIN_KEY}; Authorization=Bearer {ADMIN_KEY}"}, {"X-Api-Key": ADMIN_KEY}):
        is_problem(await api.client.get("/v1/live", headers=headers), 401)


ROUTES = [(method, path) for method, path in BODIES if BODIES[method, path] is not None]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "field", ["id", "role_", "hash", "source_id", "revoked_at", "created_at", "actor", "__class__"]
)
async def test_no_property_can_be_set_that_is_not_asked_for(api: Api, method: str, path: str, field: str) -> None:
    """API3: what is not in the description of a body is refused, and nothing is done."""
    before = await api.sql("SELECT count(*) FROM admin_actions")
    address = re.sub(r"{key_id}", "1", path.format(site="vilnius-1", name="pos-vendor", key_id="{key_id}"))
    body = BODIES[method, path] | {field: 1}
    response = await api.client.request(method, address, json=body, headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    assert is_problem(response, 422)["field"] == field
    assert await api.sql("SELECT count(*) FROM admin_actions") == before


async def test_no_answer_has_a_property_that_is_not_described(api: Api) -> None:
    """API3: what is stored beside it, such as hashes and numbers of rows, is in no answer."""
    described = (await api.client.get("/openapi.json")).json()
    schemas = described["components"]["schemas"]
    await api.post(event(subject="order-1", data=DATA | {"customer": "loyalty-8812"}))
    for path, name in (
        ("/v1/admin/keys", "KeyListed"),
        ("/v1/admin/sources", "SourceEntry"),
        ("/v1/admin/sites", "SiteEntry"),
        ("/v1/admin/actions", "ActionListed"),
        ("/v1/interactions/pos-vendor/order-1", "InteractionEntry"),
    ):
        body = (await api.client.get(path, headers={"Authorization": f"Bearer {ADMIN_KEY}"})).json()
        for entry in body if isinstance(body, list) else [body]:
            assert set(entry) == set(schemas[name]["properties"]), path
    assert set(schemas["KeyListed"]["properties"]) & {"hash", "key", "secret"} == set()


async def administrate(api: Api, method: str, path: str, key: str | None, key_id: int) -> httpx.Response:
    address = path.format(site="vilnius-1", name="pos-vendor", key_id=key_id)
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    return await api.client.request(method, address, json=BODIES[method, path], headers=headers)


async def test_every_route_of_the_administration_is_listed_here(api: Api) -> None:
    described = (await api.client.get("/openapi.json")).json()["paths"]
    there = {(method.upper(), path) for path, methods in described.items() if "/admin/" in path for method in methods}
    assert there == set(BODIES)


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_an_admin_key_administrates_and_no_other(api: Api, method: str, path: str) -> None:
    """API5: whoever has no admin key does nothing and learns nothing, whatever the body says."""
    reader = await read_key(api)
    spare = (await api.admin("POST", "/keys", {"role": "read"})).json()["id"]
    before = await api.sql("SELECT count(*) FROM admin_actions")
    for key, status in ((None, 401), ("invented", 401), (api.key, 403), (reader, 403)):
        is_problem(await administrate(api, method, path, key, spare), status)
    wrong = await api.client.request(method, path, content=b"[]", headers={"Authorization": f"Bearer {reader}"})
    assert wrong.status_code in (403, 422)
    assert await api.sql("SELECT count(*) FROM admin_actions") == before
    assert (await administrate(api, method, path, ADMIN_KEY, spare)).is_success


async def test_a_source_reads_nothing_and_a_reader_posts_nothing(serve: Serve) -> None:
    """API5: the key of a till that was stolen tells its thief nothing."""
    api = await serve(read_key_required=True)
    await api.source()
    is_problem(await api.post(event(), key=await read_key(api)), 403)
    is_problem(await api.post(event(), key=ADMIN_KEY), 403)
    accepted(await api.post(event(subject="order-1")), 1)
    headers = {"Authorization": f"Bearer {api.key}"}
    for path in ("/v1/live", "/v1/interactions/pos-vendor/order-1", "/metrics/kpi", "/v1/kpis?kpi=offered"):
        is_problem(await api.client.get(path, headers=headers), 403)
