"""Keys: what each opens and what not, their end, their turn, their limits, and the trail that this leaves."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.conftest import ADMIN_KEY, Api, Serve, event, is_problem

READABLE = [
    "/v1/kpis?kpi=offered",
    "/v1/catalogue",
    "/v1/live",
    "/v1/resources",
    "/v1/objectives",
    "/v1/objectives/phone-80-in-20/breaches",
    "/v1/quality",
    "/v1/changes",
    "/v1/changes/course/effect?kpi=offered",
    "/v1/interactions/pos-vendor/order-1",
    "/v1/sites/vilnius-1/days",
    "/metrics",
    "/metrics/kpi",
]
OPEN = ["/healthz", "/readyz", "/docs", "/openapi.json", "/runbooks", "/runbooks/FrontlineBudgetBurning"]


async def new_key(api: Api, path: str = "/keys", **wanted: Any) -> dict[str, Any]:
    response = await api.admin("POST", path, wanted)
    assert response.status_code == 201, response.text
    found: dict[str, Any] = response.json()
    return found


async def get(api: Api, path: str, key: str | None = None) -> httpx.Response:
    return await api.client.get(path, headers={} if key is None else {"Authorization": f"Bearer {key}"})


async def test_every_route_that_tells_something_is_listed_here(serve: Serve) -> None:
    """A route that is new has to be put among those that need a key, or those that hold nothing to hide."""
    api = await serve()
    described = (await api.client.get("/openapi.json")).json()["paths"]
    reading = {path for path, methods in described.items() if "get" in methods and "/admin/" not in path}
    patterns = {
        "/v1/changes/{name}/effect": "/v1/changes/course/effect",
        "/v1/interactions/{source}/{subject}": "/v1/interactions/pos-vendor/order-1",
        "/v1/objectives/{name}/breaches": "/v1/objectives/phone-80-in-20/breaches",
        "/v1/sites/{site}/days": "/v1/sites/vilnius-1/days",
        "/runbooks/{alert}": "/runbooks/FrontlineBudgetBurning",
    }
    known = {path.partition("?")[0] for path in (*READABLE, *OPEN)}
    assert {patterns.get(path, path) for path in reading} == known - {"/docs", "/openapi.json"}


@pytest.mark.parametrize("path", READABLE)
async def test_nothing_is_read_without_a_read_key_where_one_is_required(serve: Serve, path: str) -> None:
    api = await serve(read_key_required=True)
    await api.source()
    await api.post(event(subject="order-1"))
    refused = await get(api, path)
    is_problem(refused, 401)
    assert refused.headers["www-authenticate"].startswith("Bearer, Basic realm=")
    is_problem(await get(api, path, "fl_read_invented"), 401)
    is_problem(await get(api, path, api.key), 403)
    read = await new_key(api, role="read")
    for key in (read["key"], ADMIN_KEY):
        assert (await get(api, path, key)).status_code in (200, 404), path
    assert (await api.admin("DELETE", f"/keys/{read['id']}")).status_code == 204
    is_problem(await get(api, path, read["key"]), 401)


@pytest.mark.parametrize("path", OPEN)
async def test_what_holds_nothing_to_hide_takes_no_key(serve: Serve, path: str) -> None:
    api = await serve(read_key_required=True)
    assert (await get(api, path)).status_code == 200


@pytest.mark.parametrize("path", READABLE)
async def test_reading_takes_no_key_where_none_is_required(serve: Serve, path: str) -> None:
    api = await serve()
    await api.source()
    await api.post(event(subject="order-1"))
    assert (await get(api, path)).status_code in (200, 404)


async def test_a_browser_asks_for_a_read_key_as_a_password_and_never_for_another(serve: Serve) -> None:
    api = await serve(read_key_required=True, read_key="to read: with")
    await api.source()
    for user in ("", "anybody"):
        auth = httpx.BasicAuth(user, "to read: with")
        assert (await api.client.get("/v1/live", auth=auth)).status_code == 200
    for wrong in ("to read", "", "a" * 600):
        is_problem(await api.client.get("/v1/live", auth=httpx.BasicAuth("", wrong)), 401)
    for header in ("Basic", "Basic !", "Basic /w==", "Basic dG8="):
        is_problem(await api.client.get("/v1/live", headers={"Authorization": header}), 401)
    # What changes something takes no password, for browsers send it along with other sites' forms.
    refused = await api.client.request("POST", "/v1/admin/keys", json={}, auth=httpx.BasicAuth("", ADMIN_KEY))
    is_problem(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"
    is_problem(await api.client.post("/v1/events", json=event(), auth=httpx.BasicAuth("", api.key)), 401)


async def test_a_read_key_of_the_settings_opens_reading_only(serve: Serve) -> None:
    api = await serve(read_key_required=True, read_key="to read with")
    assert (await get(api, "/v1/kpis?kpi=offered", "to read with")).status_code == 200
    assert "is a read key" in is_problem(await api.post(event(), key="to read with"), 403)["detail"]
    is_problem(await api.admin("GET", "/keys", key="to read with"), 403)


async def test_keys_are_listed_without_their_secrets(api: Api) -> None:
    ends = (datetime.now(UTC) + timedelta(days=90)).isoformat()
    made = [
        await new_key(api, role="read", expires_at=ends),
        await new_key(api, role="admin"),
        await new_key(api, "/sources/pos-vendor/keys", per_second=50),
    ]
    assert (await api.admin("POST", "/sources/pos-vendor/keys")).status_code == 201
    response = await api.admin("GET", "/keys")
    listed = response.json()
    assert [(one["role"], one["source"], one["per_second"]) for one in listed] == [
        ("admin", None, None),
        ("ingest", "pos-vendor", None),
        ("read", None, None),
        ("admin", None, None),
        ("ingest", "pos-vendor", 50),
        ("ingest", "pos-vendor", None),
    ]
    for one, entry in zip(made, listed[2:], strict=False):
        assert one.pop("key") not in response.text
        assert one == entry
    assert datetime.fromisoformat(listed[2]["expires_at"]) == datetime.fromisoformat(ends)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "role"),
        ({"role": "ingest"}, "role"),
        ({"role": "owner"}, "role"),
        ({"role": "read", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"role": "read", "expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"role": "read", "expires_at": "soon"}, "expires_at"),
        ({"role": "read", "per_second": 0}, "per_second"),
        ({"role": "read", "per_second": "many"}, "per_second"),
        ({"role": "read", "sites": ["*"]}, "sites"),
    ],
)
async def test_a_wrong_key_is_refused_naming_the_field(api: Api, body: dict[str, Any], field: str) -> None:
    problem = is_problem(await api.admin("POST", "/keys", body), 422)
    assert problem["field"] == field
    assert field in problem["detail"]
    assert len((await api.admin("GET", "/keys")).json()) == 2


async def test_keys_that_are_not_there(api: Api) -> None:
    assert "acd" in is_problem(await api.admin("POST", "/sources/acd/keys"), 404)["detail"]
    assert is_problem(await api.admin("POST", "/sources/a%00b/keys"), 422)["field"] == "name"
    for method, path in (("DELETE", "/keys/{}"), ("POST", "/keys/{}/rotation")):
        is_problem(await api.admin(method, path.format(999_999)), 404)
        for number in ("0", "99999999999", "x"):
            assert is_problem(await api.admin(method, path.format(number)), 422)["field"] == "key_id"


async def test_a_key_revoked_in_one_process_opens_nothing_in_another(serve: Serve) -> None:
    """At once, though the other has just used it and remembers it."""
    first, second = await serve(read_key_required=True), await serve(read_key_required=True)
    posting = await first.source()
    reading = await new_key(first, role="read")
    for _ in range(3):
        assert (await second.post(event(), key=posting)).status_code == 202
        assert (await get(second, "/v1/live", reading["key"])).status_code == 200
    numbers = [one["id"] for one in (await first.admin("GET", "/keys")).json()[1:]]
    for number in numbers:
        assert (await first.admin("DELETE", f"/keys/{number}")).status_code == 204
    is_problem(await second.post(event(), key=posting), 401)
    is_problem(await second.post([event(), event(data={})], key=posting), 401)
    is_problem(await get(second, "/v1/live", reading["key"]), 401)
    assert await first.stored() == 3


async def test_a_revoked_key_that_brings_nothing_to_commit_is_refused_within_a_second(api: Api) -> None:
    number = (await api.admin("GET", "/keys")).json()[1]["id"]
    assert (await api.post(event(data={}))).status_code == 422
    await api.admin("DELETE", f"/keys/{number}")
    await asyncio.sleep(1.1)
    is_problem(await api.post(event(data={})), 401)


async def test_a_key_that_has_ended_opens_nothing_though_it_is_remembered(api: Api) -> None:
    ends = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    made = await new_key(api, "/sources/pos-vendor/keys", expires_at=ends)
    answers = []
    async with asyncio.timeout(20):
        while not answers or answers[-1] == 202:
            answers.append((await api.post(event(), key=made["key"])).status_code)
    assert set(answers[:-1]) == {202}
    assert answers[-1] == 401
    assert datetime.now(UTC) >= datetime.fromisoformat(ends) - timedelta(milliseconds=100)
    assert await api.stored() == len(answers) - 1


async def test_a_key_is_rotated_while_both_work(api: Api) -> None:
    old = (await api.admin("GET", "/keys")).json()[1]
    response = await api.admin("POST", f"/keys/{old['id']}/rotation")
    assert response.status_code == 201
    new = response.json()
    assert (new["replaces"], new["role"], new["source"]) == (old["id"], "ingest", "pos-vendor")
    one = event()
    assert (await api.post(one)).json()["accepted"] == 1
    # The same source, so the same event is known.
    assert (await api.post(one, key=new["key"])).json()["duplicates"] == 1
    ends = datetime.fromisoformat((await api.admin("GET", "/keys")).json()[1]["expires_at"])
    assert timedelta(hours=23) < ends - datetime.now(UTC) < timedelta(hours=25)
    at_once = await api.admin("POST", f"/keys/{old['id']}/rotation", {"overlap_seconds": 0})
    assert at_once.status_code == 201
    is_problem(await api.post(event()), 401)
    assert (await api.post(event(), key=at_once.json()["key"])).status_code == 202
    assert (
        is_problem(await api.admin("POST", "/keys/1/rotation", {"overlap_seconds": -1}), 422)["field"]
        == "overlap_seconds"
    )


async def test_a_key_that_is_rotated_ends_when_it_is_told_to(api: Api) -> None:
    ends = (datetime.now(UTC) + timedelta(days=90)).isoformat()
    number = (await new_key(api, role="read", expires_at=ends))["id"]
    for wanted, expected in (({"expires_at": ends}, datetime.fromisoformat(ends)), ({}, None)):
        made = (await api.admin("POST", f"/keys/{number}/rotation", wanted)).json()
        assert (made["expires_at"] and datetime.fromisoformat(made["expires_at"])) == expected
    for wrong in ("2020-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "2099-01-01T00:00:00"):
        refused = await api.admin("POST", f"/keys/{number}/rotation", {"expires_at": wrong})
        assert is_problem(refused, 422)["field"] == "expires_at"


async def test_a_source_that_brings_too_much_has_to_wait_and_others_do_not(serve: Serve) -> None:
    api = await serve()
    await api.source()
    slow = (await new_key(api, "/sources/pos-vendor/keys", per_second=10))["key"]
    assert (await api.post([event() for _ in range(40)], key=slow)).status_code == 202
    refused = await api.post(event(), key=slow)
    problem = is_problem(refused, 429)
    assert "10 events in a second" in problem["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 4
    assert (await api.post(event())).status_code == 202
    assert await api.stored() == 41
    await asyncio.sleep(int(refused.headers["retry-after"]))
    assert (await api.post(event(), key=slow)).status_code == 202
    assert 'frontline_ingest_posts_total{status="429"} 1.0' in (await api.client.get("/metrics")).text


async def test_the_settings_bound_every_key(serve: Serve) -> None:
    api = await serve(read_key_required=True, key_events_per_second=1, key_reads_per_second=1)
    await api.source()
    assert (await api.post([event(), event(), event()])).status_code == 202
    is_problem(await api.post(event()), 429)
    key = (await new_key(api, role="read"))["key"]
    answers = [(await get(api, "/v1/live", key)).status_code for _ in range(4)]
    assert answers[0] == 200
    assert 429 in answers
    # Who administrates is not held up by it, to be able to help.
    assert {(await get(api, "/v1/live", ADMIN_KEY)).status_code for _ in range(5)} == {200}


async def test_a_flood_of_invented_keys_shuts_nobody_out(serve: Serve) -> None:
    api = await serve(read_key_required=True)
    await api.source()
    key = (await new_key(api, role="read"))["key"]

    async def guess(number: int) -> int:
        return (await api.post(event(), key=f"fl_ingest_{number:043}")).status_code

    guesses = [asyncio.create_task(guess(number)) for number in range(300)]
    assert (await api.post(event())).status_code == 202
    assert (await get(api, "/v1/live", key)).status_code == 200
    assert set(await asyncio.gather(*guesses)) == {401}
    assert (await get(api, "/readyz")).status_code == 200


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", f"Bearer {'k' * 513}", "Bearer a b", "bearer"]
)
async def test_a_header_that_holds_no_key_opens_nothing(serve: Serve, header: str) -> None:
    api = await serve(read_key_required=True)
    for path in ("/v1/live", "/v1/admin/keys"):
        is_problem(await api.client.get(path, headers={"Authorization": header}), 401)
    is_problem(await api.client.post("/v1/events", json=event(), headers={"Authorization": header}), 401)


async def test_administration_leaves_a_trail(api: Api) -> None:
    read = await new_key(api, role="read")
    await api.admin("PUT", "/sites/vilnius-1", {"time_zone": "Europe/Vilnius", "hours": {"mon": ["09:00-18:00"]}})
    await api.admin("POST", "/erasures", {"customer": "loyalty-8812"})
    await api.admin("DELETE", f"/keys/{read['id']}")
    await api.admin("DELETE", f"/keys/{read['id']}")
    await api.admin("PUT", "/sites/vilnius-1", {"time_zone": "Nowhere"})
    response = await api.admin("GET", "/actions?limit=5")
    found = response.json()
    assert [(one["actor"], one["action"], one["target"]) for one in found] == [
        ("key 1", "revoke key", f"key {read['id']}"),
        ("key 1", "erase customer", "a customer"),
        ("key 1", "put site", "vilnius-1"),
        ("key 1", "create key", f"key {read['id']}"),
        ("key 1", "create key", "key 2"),
    ]
    assert found[2]["detail"]["time_zone"] == "Europe/Vilnius"
    assert found[1]["detail"] == {"interactions": 0, "events": 0, "contacts": 0}
    assert "loyalty" not in response.text
    older = (await api.admin("GET", f"/actions?before={found[-1]['id']}")).json()
    assert [(one["actor"], one["action"]) for one in older] == [
        ("key 1", "create source"),
        ("environment", "create key"),
    ]
    for query in ("limit=0", "limit=1001", "before=0", "before=x"):
        is_problem(await api.admin("GET", f"/actions?{query}"), 422)
