"""`/v1/admin/…`: who may, and sites and sources."""

import asyncio
import hashlib
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import ADMIN_KEY, Api, Serve, event


def is_problem(response: httpx.Response, status: int, field: str | None = None) -> str:
    """The detail of an answer that must be problem+json, and name a field."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    if field is not None:
        assert body["field"] == field
        assert field in body["detail"]
    return str(body["detail"])


ENDPOINTS = [
    ("PUT", "/sites/vilnius-1"),
    ("GET", "/sites"),
    ("POST", "/sources"),
    ("GET", "/sources"),
    ("POST", "/sources/pos-vendor/keys"),
    ("POST", "/keys"),
    ("GET", "/keys"),
    ("POST", "/keys/1/rotation"),
    ("DELETE", "/keys/1"),
    ("GET", "/actions"),
    ("POST", "/erasures"),
]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_an_admin_key_is_needed(api: Api, method: str, path: str) -> None:
    response = await api.admin(method, path, {}, key="wrong")
    is_problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    is_problem(await api.client.request(method, f"/v1/admin{path}", json={}), 401)
    is_problem(await api.admin(method, path, {}, key=api.key), 403)


async def test_a_new_source_gets_a_key_that_is_shown_once(api: Api) -> None:
    response = await api.admin("POST", "/sources", {"name": "acd", "sites": ["vilnius-1"]})
    assert response.status_code == 201
    assert set(response.json()) == {"name", "key"}
    assert response.json()["name"] == "acd"
    key = response.json()["key"]
    assert (await api.post(event(), key=key)).status_code == 202
    for path in ("/sources", "/keys"):
        assert key not in (await api.admin("GET", path)).text
    hashes = {bytes(row[0]) for row in await api.sql("SELECT hash FROM keys")}
    assert hashlib.sha256(key.encode()).digest() in hashes
    assert hashlib.sha256(ADMIN_KEY.encode()).digest() in hashes
    everything = await api.sql("SELECT * FROM keys")
    for secret in (key, ADMIN_KEY):
        assert secret not in repr(everything)


async def test_sources_are_listed(api: Api) -> None:
    await api.source("acd", ["b", "a"])
    response = await api.admin("GET", "/sources")
    assert response.json() == [{"name": "acd", "sites": ["b", "a"]}, {"name": "pos-vendor", "sites": ["*"]}]


async def test_a_source_exists_once(api: Api) -> None:
    detail = is_problem(await api.admin("POST", "/sources", {"name": "pos-vendor"}), 409)
    assert "/v1/admin/sources/pos-vendor/keys" in detail
    answers = await asyncio.gather(*(api.admin("POST", "/sources", {"name": "acd"}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert [row[0] for row in await api.sql("SELECT count(*) FROM keys")] == [3]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "a\n"}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": None}, "name"),
        ({"name": "a", "sites": []}, "sites"),
        ({"name": "a", "sites": "*"}, "sites"),
        ({"name": "a", "sites": ["a b"]}, "sites.0"),
        ({"name": "a", "sites": ["a", "b\x00"]}, "sites.1"),
        ({"name": "a", "sites": [7]}, "sites.0"),
        ({"name": "a", "site": ["b"]}, "site"),
    ],
)
async def test_a_wrong_source_is_refused_naming_the_field(api: Api, body: dict[str, Any], field: str) -> None:
    is_problem(await api.admin("POST", "/sources", body), 422, field)
    assert len((await api.admin("GET", "/sources")).json()) == 1


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"name": "a",}'])
async def test_a_body_that_is_no_json_is_refused(api: Api, body: bytes) -> None:
    response = await api.client.post(
        "/v1/admin/sources",
        content=body,
        headers={"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"},
    )
    assert response.status_code in (400, 422)
    is_problem(response, response.status_code)


@pytest.mark.parametrize("text", [b'{"\\ud800": 1}', b'{"name": "\\ud800"}', b'{"name": "a", "sites": ["\\ud800"]}'])
async def test_half_a_surrogate_pair_is_refused(api: Api, text: bytes) -> None:
    for method, path in (("POST", "/sources"), ("PUT", "/sites/vilnius-1")):
        response = await api.client.request(
            method,
            f"/v1/admin{path}",
            content=text,
            headers={"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"},
        )
        is_problem(response, 422)


async def test_a_site_is_registered_and_changed(api: Api) -> None:
    wanted = {
        "time_zone": "Europe/Vilnius",
        "hours": {"mon": ["09:00-13:00", "14:00-18:00"], "fri": ["18:00-02:00"], "sat": ["10:00-24:00"]},
        "holidays": ["2026-12-25"],
    }
    response = await api.admin("PUT", "/sites/vilnius-1", wanted)
    assert response.status_code == 200
    ever = {"from": None, "hours": wanted["hours"], "holidays": wanted["holidays"]}
    assert response.json() == {"site": "vilnius-1", **wanted, "calendars": [ever], "patience_seconds": {}}
    assert (await api.admin("GET", "/sites")).json() == [response.json()]
    national = {"holidays": {"country": "LT", "dates": ["2026-06-01"]}}
    response = await api.admin("PUT", "/sites/vilnius-1", national)
    ever = {"from": None, "hours": None, **national}
    expected = {"site": "vilnius-1", "time_zone": "UTC", "hours": None, **national, "calendars": [ever]}
    expected["patience_seconds"] = {}
    assert response.json() == expected
    assert (await api.admin("GET", "/sites")).json() == [expected]
    await api.admin("PUT", "/sites/kaunas-1", {})
    assert [one["site"] for one in (await api.admin("GET", "/sites")).json()] == ["kaunas-1", "vilnius-1"]


async def test_hours_may_hold_from_a_date_on(api: Api) -> None:
    winter, summer = {"mon": ["10:00-16:00"]}, {"mon": ["08:00-20:00"]}
    for body in ({"hours": winter}, {"hours": summer, "from": "2027-05-01"}, {"hours": winter, "from": "2026-12-01"}):
        response = await api.admin("PUT", "/sites/vilnius-1", body)
        assert response.status_code == 200
    versions = [(one["from"], one["hours"]) for one in response.json()["calendars"]]
    assert versions == [(None, winter), ("2026-12-01", winter), ("2027-05-01", summer)]
    assert response.json()["hours"] == summer
    response = await api.admin("PUT", "/sites/vilnius-1", {"hours": winter})
    assert [one["from"] for one in response.json()["calendars"]] == [None]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"from": "someday"}, "from"),
        ({"from": "2026-13-01"}, "from"),
        ({"time_zone": "Europe/Nowhere"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": "Europe"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"time_zone": "a\x00b"}, "time_zone"),
        ({"time_zone": None}, "time_zone"),
        ({"hours": {"monday": ["09:00-18:00"]}}, "hours"),
        ({"hours": {"mon": ["9-18"]}}, "hours.mon"),
        ({"hours": {"mon": ["09:00-25:00"]}}, "hours.mon"),
        ({"hours": {"mon": "09:00-18:00"}}, "hours.mon"),
        ({"hours": ["09:00-18:00"]}, "hours"),
        ({"holidays": ["25.12.2026"]}, "holidays"),
        ({"holidays": ["2026-02-30"]}, "holidays"),
        ({"holidays": {"country": "Lithuania"}}, "holidays.country"),
        ({"holidays": {"country": "LT", "note": "a\x00b"}}, "holidays"),
        ({"queues": [{"name": "tills"}]}, "queues.0.channel"),
        ({"queues": [{"name": "a b", "channel": "pos"}]}, "queues.0.name"),
        ({"queues": [{"name": "tills", "channel": "fax"}]}, "queues.0.channel"),
        *(
            ({"queues": [{"name": "tills", "channel": "pos", "patience_seconds": wrong}]}, "queues.0.patience_seconds")
            for wrong in (0, -1, "90", True, 31_536_001, [])
        ),
        (
            {"queues": [{"name": "a", "channel": name, "patience_seconds": len(name)} for name in ("pos", "kiosk")]},
            "queues.1.patience_seconds",
        ),
        ({"queues": [{"name": f"q{n}", "channel": "pos"} for n in range(101)]}, "queues"),
        ({"timezone": "UTC"}, "timezone"),
    ],
)
async def test_a_wrong_site_is_refused_naming_the_field(api: Api, body: dict[str, Any], field: str) -> None:
    detail = is_problem(await api.admin("PUT", "/sites/vilnius-1", body), 422)
    assert field in detail
    assert (await api.admin("GET", "/sites")).json() == []


@pytest.mark.parametrize("name", ["a%20b", "x" * 65, "a%00", "a%0A", "other"])
async def test_a_wrong_name_of_a_site_is_refused(api: Api, name: str) -> None:
    is_problem(await api.admin("PUT", f"/sites/{name}", {}), 422, "site")


async def test_queues_have_a_patience_of_their_own(api: Api) -> None:
    def queue(name: str, channel: str, seconds: float | None = None) -> dict[str, Any]:
        return {"name": name, "channel": channel} | ({} if seconds is None else {"patience_seconds": seconds})

    async def put(*queues: dict[str, Any]) -> Any:
        response = await api.admin("PUT", "/sites/vilnius-1", {"queues": queues})
        assert response.status_code == 200, response.text
        assert (await api.admin("GET", "/sites")).json() == [response.json()]
        return response.json()["patience_seconds"]

    assert await put(queue("tills", "pos", 90), queue("tills", "kiosk"), queue("sales", "phone", 30.5)) == {
        "tills": 90.0,
        "sales": 30.5,
    }
    # One that is not named keeps its own; one that is named without has the usual one again.
    assert await put(queue("sales", "phone", 45), queue("billing", "phone")) == {"tills": 90.0, "sales": 45.0}
    assert await put(queue("tills", "pos")) == {"sales": 45.0}
    assert await put() == {"sales": 45.0}


async def test_the_queues_of_a_site_stand_at_zero_before_their_first_event(api: Api) -> None:
    queues = [{"name": "tills", "channel": "pos"}, {"name": "billing", "channel": "phone"}]
    assert (await api.admin("PUT", "/sites/vilnius-1", {"queues": queues})).status_code == 200
    await api.admin("PUT", "/sites/kaunas-1", {"queues": []})
    page = (await api.client.get("/metrics/kpi")).text
    offered = [
        sample
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "frontline_queue_offered_total"
    ]
    for queue, channel in (("tills", "pos"), ("billing", "phone")):
        labels = {"site": "vilnius-1", "queue": queue, "channel": channel}
        assert [one.value for one in offered if one.labels == labels] == [0], labels
    assert 'site="kaunas-1"' in page
    # Putting the site again, without its queues, takes none away, and doubles none.
    assert (await api.admin("PUT", "/sites/vilnius-1", {"queues": queues[:1]})).status_code == 200
    found = await api.sql("SELECT queue, channel FROM series JOIN sites ON sites.id = site_id WHERE name = 'vilnius-1'")
    assert sorted(map(tuple, found)) == [("", ""), ("billing", "phone"), ("tills", "pos")]


async def test_a_site_is_registered_by_its_first_event_up_to_the_limit(serve: Serve) -> None:
    api = await serve(max_sites=2)
    await api.source()

    def at(site: str) -> dict[str, Any]:
        return event(data={"site": site, "queue": "tills", "channel": "pos"})

    for site in ("a", "b", "c", "d"):
        assert (await api.post(at(site))).json()["accepted"] == 1
    assert [one["site"] for one in (await api.admin("GET", "/sites")).json()] == ["a", "b"]
    assert await _offered(api) == {"a": 1, "b": 1, "other": 2}
    # One that an administrator registers is beyond the limit, and its next events are its own.
    assert (await api.admin("PUT", "/sites/c", {})).status_code == 200
    assert (await api.post([at("c"), at("d")])).json()["accepted"] == 2
    assert await _offered(api) == {"a": 1, "b": 1, "other": 3, "c": 1}


async def _offered(api: Api) -> dict[str, int]:
    rows = await api.sql(
        "SELECT name, sum(offered) FROM rollups JOIN series ON series.id = series_id"
        " JOIN sites ON sites.id = site_id GROUP BY name HAVING sum(offered) > 0"
    )
    return {row[0]: int(row[1]) for row in rows}


async def test_the_queues_of_a_site_are_bounded(serve: Serve) -> None:
    api = await serve(max_queues_per_site=2, writers=1)
    await api.source()
    data = [{"site": "a", "queue": f"q{number}", "channel": "pos"} for number in range(5)]
    assert (await api.post([event(data=one) for one in data])).json()["accepted"] == 5
    assert (await api.post([event(data=one) for one in data])).json()["accepted"] == 5
    rows = await api.sql("SELECT queue, sum(offered) FROM rollups JOIN series ON series.id = series_id GROUP BY queue")
    assert {row[0]: int(row[1]) for row in rows if row[1]} == {"q0": 2, "q1": 2, "other": 6}


async def test_the_admin_key_of_the_settings_is_known_once(serve: Serve) -> None:
    await serve()
    api = await serve()
    listed = (await api.admin("GET", "/keys")).json()
    assert len(listed) == 1
    assert ADMIN_KEY[:10] not in listed[0]["hint"]
