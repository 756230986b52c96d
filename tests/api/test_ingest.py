"""`POST /v1/events` as clients see it: who may post, every answer, and what becomes of the events."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from service.core.event import MAX_EVENTS_PER_INTERACTION
from tests.api.conftest import ADMIN_KEY, Api, Serve, accepted, event, held, is_problem


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic dXNlcjpwYXNz", "wrong", "Bearer " + "x" * 5000],
)
async def test_a_key_is_needed(api: Api, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = await api.client.post("/v1/events", json=event(), headers=headers)
    is_problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert await api.stored() == 0


async def test_the_scheme_is_read_in_any_case(api: Api) -> None:
    response = await api.client.post("/v1/events", json=event(), headers={"Authorization": f"bearer  {api.key}"})
    accepted(response, 1)


async def test_an_admin_key_posts_no_events(api: Api) -> None:
    is_problem(await api.post(event(), key=ADMIN_KEY), 403)


async def test_a_source_posts_for_its_own_sites_only(api: Api) -> None:
    key = await api.source("vilnius-tills", ["vilnius-1", "vilnius-2"])
    foreign = {"site": "kaunas-1", "queue": "tills", "channel": "pos"}
    alone = is_problem(await api.post(event(data=foreign), key=key), 403)
    assert "kaunas-1" in alone["detail"]
    one = event(data=foreign)
    all_foreign = is_problem(await api.post([one, event(data=foreign)], key=key), 403)
    assert [entry["index"] for entry in all_foreign["rejected"]] == [0, 1]
    mixed = await api.post([one, event(), event("interaction.answered", data={})], key=key)
    assert mixed.status_code == 202
    assert mixed.json()["accepted"] == 2
    assert [(entry["index"], entry["id"], entry["code"]) for entry in mixed.json()["rejected"]] == [
        (0, one["id"], "site_forbidden")
    ]
    bad = await api.post([one, event(time="never")], key=key)
    assert bad.status_code == 422
    assert {row[0] for row in await api.sql("SELECT name FROM sites")} == {"vilnius-1"}


async def test_nothing_accepted_and_something_rejected_is_422_with_the_same_body(api: Api) -> None:
    response = await api.post([event(time="never"), event(data={"channel": "fax"})])
    assert response.status_code == 422
    body = response.json()
    assert list(body) == ["accepted", "duplicates", "rejected"]
    assert (body["accepted"], body["duplicates"]) == (0, 0)
    assert [list(one) for one in body["rejected"]] == [["index", "id", "code", "detail"]] * 2
    known = event()
    accepted(await api.post(known), 1)
    response = await api.post([known, event(time="never")])
    assert response.status_code == 422
    assert (response.json()["accepted"], response.json()["duplicates"]) == (0, 1)


async def test_a_bad_event_never_fails_its_neighbours(api: Api) -> None:
    bad = [
        event(type="interaction.lost"),
        event(data={"queue": "x" * 100}),
        event(subject="a\x00b"),
        event(time="2099-01-01T00:00:00Z"),
        event(time="9999-12-31T23:59:59-12:00"),
        event("interaction.recorded", data={"answered_at": "2098-01-01T00:00:00Z"}),
        event(subject="\ud800"),
        "text",
        None,
        [],
    ]
    body = [one for pair in zip(bad, [event() for _ in bad], strict=True) for one in pair]
    response = await api.post(body)
    assert response.status_code == 202
    assert response.json()["accepted"] == len(bad)
    assert [one["index"] for one in response.json()["rejected"]] == list(range(0, 2 * len(bad), 2))
    assert await api.stored() == len(bad)


async def test_duplicates_count_once(api: Api) -> None:
    one, two = event(), event()
    accepted(await api.post([one, one, two, one]), 2, 2)
    accepted(await api.post([one, two]), 0, 2)
    accepted(await api.post([two, event()]), 1, 1)
    # The same id with other content is the same event: what came first stands.
    accepted(await api.post({**one, "subject": "another", "time": "2020-01-01T00:00:00Z"}), 0, 1)
    assert await api.stored() == 3


async def test_another_source_attribute_or_registered_source_makes_it_another_event(api: Api) -> None:
    one = event()
    accepted(await api.post(one), 1)
    accepted(await api.post({**one, "source": "till-4"}), 1)
    other = await api.source("another-vendor")
    accepted(await api.post(one, key=other), 1)
    accepted(await api.post([one, {**one, "source": "till-4"}], key=other), 1, 1)
    found = await api.sql("SELECT source_id, subject, convert_from(facts, 'UTF8') FROM interactions ORDER BY source_id")
    assert [json.loads(row[2])[0][2] for row in found] == [one["id"]] * 2
    assert [len(json.loads(row[2])) for row in found] == [2, 2]


async def test_the_same_events_posted_at_once_count_once(serve: Serve) -> None:
    first, second = await serve(), await serve()
    key = await first.source()
    events = [event() for _ in range(40)]
    posts = [api.post(events[::step], key=key) for api in (first, second) for step in (1, -1) for _ in range(4)]
    answers = [response.json() for response in await asyncio.gather(*posts)]
    assert sum(answer["accepted"] for answer in answers) == 40
    assert sum(answer["duplicates"] for answer in answers) == 15 * 40
    assert await first.stored() == 40
    offered = await first.sql("SELECT sum(offered), sum(waiting) FROM rollups")
    assert tuple(offered[0]) == (40, 40)


async def test_an_answer_comes_after_its_commit(api: Api) -> None:
    accepted(await api.post(event()), 1)
    async with held(api) as connection:
        posting = asyncio.create_task(api.post(event()))
        _, pending = await asyncio.wait([posting], timeout=0.5)
        assert pending
        assert await connection.fetchval("SELECT count(*) FROM events") == 1
    accepted(await posting, 1)
    assert await api.stored() == 2


async def test_unknown_fields_and_raw_customers_are_not_stored(api: Api) -> None:
    data = {"queue": "tills", "site": "vilnius-1", "customer": "loyalty-8812", "card": "4111-1111"}
    accepted(await api.post(event(data=data, note="do not keep")), 1)
    stored = json.loads((await api.sql("SELECT data FROM events"))[0][0])
    assert set(stored) == {"queue", "site", "customer"}
    facts = (await api.sql("SELECT convert_from(facts, 'UTF8') FROM interactions"))[0][0]
    for text in (json.dumps(stored), facts):
        assert "8812" not in text
        assert "4111" not in text
        assert "do not keep" not in text


async def test_the_customer_of_a_source_is_the_same_pseudonym_after_a_restart(serve: Serve) -> None:
    first = await serve()
    key = await first.source()
    one = {"queue": "tills", "site": "vilnius-1", "customer": "loyalty-8812"}
    accepted(await first.post(event(data=one)), 1)
    second = await serve()
    accepted(await second.post(event(data=one), key=key), 1)
    assert len(await first.sql("SELECT DISTINCT data ->> 'customer' FROM events")) == 1


async def test_what_became_of_posts_is_counted(api: Api) -> None:
    one = event()
    await api.post([one, event()])
    await api.post([one, event(time="never")])
    await api.post(b"{")
    await api.post(event(), key="wrong")
    page = (await api.client.get("/metrics")).text
    for line in (
        'frontline_ingest_events_total{result="accepted"} 2.0',
        'frontline_ingest_events_total{result="duplicate"} 1.0',
        'frontline_ingest_events_total{result="rejected"} 1.0',
        'frontline_ingest_posts_total{status="202"} 1.0',
        'frontline_ingest_posts_total{status="422"} 1.0',
        'frontline_ingest_posts_total{status="400"} 1.0',
        'frontline_ingest_posts_total{status="401"} 1.0',
    ):
        assert line in page


@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/events"), ("GET", "/v1/nothing"), ("DELETE", "/healthz")])
async def test_every_error_is_a_problem(api: Api, method: str, path: str) -> None:
    response = await api.client.request(method, path)
    is_problem(response, response.status_code)
    assert response.status_code in (404, 405)


async def test_what_came_late_or_from_a_clock_ahead_is_told(api: Api) -> None:
    now = datetime.now(UTC)
    times = [
        now - timedelta(days=2),
        now - timedelta(seconds=90),
        now - timedelta(seconds=5),
        now + timedelta(minutes=2),
    ]
    await api.post([event(time=at.isoformat()) for at in times])
    params = {"kpi": "late_events,clock_skew", "from": (now - timedelta(days=3)).isoformat()}
    params["to"] = (now + timedelta(hours=1)).isoformat()
    answer = await api.client.get("/v1/kpis", params=params)
    late, skew = (result["points"][0] for result in answer.json()["results"])
    assert late["value"] == 2
    assert skew["denominator"] == 1
    assert 100 < skew["value"] <= 120
    page = (await api.client.get("/metrics/kpi")).text
    assert 'frontline_late_events_total{lag="1d",site="vilnius-1",source="pos-vendor"} 1.0' in page
    assert 'frontline_late_events_total{lag="1m",site="vilnius-1",source="pos-vendor"} 2.0' in page
    assert 'frontline_clock_skew_events_total{site="vilnius-1",source="pos-vendor"} 1.0' in page


async def test_a_full_interaction_refuses_what_is_too_much_and_nothing_else(api: Api) -> None:
    crowd = [event("interaction.held", subject="loop", data={}) for _ in range(MAX_EVENTS_PER_INTERACTION)]
    accepted(await api.post(crowd), MAX_EVENTS_PER_INTERACTION)
    bad, over, beside = event(data={}), event("interaction.resumed", subject="loop"), event()
    answer = await api.post([beside, over, bad])
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["duplicates"]) == (1, 0)
    assert [(one["index"], one["id"], one["code"]) for one in body["rejected"]] == [
        (1, over["id"], "interaction_full"),
        (2, bad["id"], "missing_field"),
    ]
    assert (await api.post(over)).status_code == 422
    assert await api.stored() == MAX_EVENTS_PER_INTERACTION + 1
    page = (await api.client.get("/metrics")).text
    assert 'frontline_ingest_events_total{result="rejected"} 3.0' in page
