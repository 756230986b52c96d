"""`POST /v1/events` in every form of a body: content types, binary mode, gzip, and what is too much."""

import gzip
import json
import time
import tracemalloc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.api.bodies import MAX_BODY_BYTES
from service.core.event import MAX_EVENTS_PER_POST
from tests.api.conftest import Api, accepted, event, is_problem


def binary(one: dict[str, Any], **changes: str) -> dict[str, str]:
    """The headers of an event in binary mode."""
    names = ("id", "source", "type", "time", "subject")
    return {"ce-specversion": "1.0", **{f"ce-{name}": one[name] for name in names}, **changes}


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/cloudevents+json",
        "application/cloudevents+json; charset=UTF-8",
        None,
    ],
)
async def test_one_event(api: Api, content_type: str | None) -> None:
    accepted(await api.post(event(specversion="1.0"), content_type=content_type), 1)
    assert await api.stored() == 1


@pytest.mark.parametrize("content_type", ["application/json", "application/cloudevents-batch+json"])
async def test_an_array(api: Api, content_type: str) -> None:
    accepted(await api.post([event(specversion="1.0") for _ in range(3)], content_type=content_type), 3)
    accepted(await api.post([], content_type=content_type), 0)
    assert await api.stored() == 3


async def test_lines(api: Api) -> None:
    body = b"\r\n".join([json.dumps(event()).encode(), b"", json.dumps(event()).encode(), b""])
    accepted(await api.post(body, content_type="application/x-ndjson"), 2)
    body = b"\n".join([b"{broken", json.dumps(event()).encode()])
    response = await api.post(body, content_type="application/x-ndjson; charset=utf-8")
    assert response.status_code == 202
    assert response.json()["accepted"] == 1
    assert [(one["index"], one["id"], one["code"]) for one in response.json()["rejected"]] == [
        (0, None, "invalid_json")
    ]


async def test_binary_mode(api: Api) -> None:
    one = event()
    accepted(await api.post(one["data"], headers=binary(one)), 1)
    accepted(await api.post(one, content_type="application/cloudevents+json"), 0, 1)
    without_data = event("interaction.answered")
    accepted(await api.post(b"", content_type=None, headers=binary(without_data)), 1)
    found = await api.sql("SELECT source, id, subject, type, data FROM events ORDER BY type")
    assert [tuple(row)[:4] for row in found] == [
        (event_["source"], event_["id"], event_["subject"], event_["type"]) for event_ in (without_data, one)
    ]
    assert json.loads(found[1]["data"]) == one["data"]


async def test_binary_mode_reads_percent_encoding_and_utf8(api: Api) -> None:
    one = event()
    headers = binary(one, **{"ce-subject": "order%204711%25%22%E2%82%AC"})
    accepted(await api.post(one["data"], headers=headers), 1)
    raw = {name.encode(): value.encode() for name, value in binary(event(), **{"ce-subject": "užsakymas"}).items()}
    response = await api.client.post(
        "/v1/events",
        content=b"{}",
        headers=[
            (b"authorization", f"Bearer {api.key}".encode()),
            (b"content-type", b"application/json"),
            *raw.items(),
        ],
    )
    assert response.status_code == 422  # queued, and no queue
    assert response.json()["rejected"][0]["detail"].startswith("data.queue: is missing")
    assert [row[0] for row in await api.sql("SELECT subject FROM events")] == ['order 4711%"€']
    body = is_problem(await api.post(b"{}", headers=binary(one, **{"ce-subject": "%ff"})), 400)
    assert body["field"] == "ce-subject"


@pytest.mark.parametrize("body", [b"{", b'{},"id":"forged"', b'{"site":"a"}}', b"nope"])
async def test_a_body_in_binary_mode_must_be_json(api: Api, body: bytes) -> None:
    is_problem(await api.post(body, headers=binary(event())), 400)
    assert await api.stored() == 0


async def test_binary_mode_names_a_missing_header(api: Api) -> None:
    headers = binary(event())
    del headers["ce-time"]
    response = await api.post({"queue": "tills"}, headers=headers)
    assert response.status_code == 422
    assert response.json()["rejected"][0]["detail"].startswith("time: is missing")
    response = await api.post({"queue": "tills"}, headers=binary(event(), **{"ce-specversion": "0.3"}))
    assert response.json()["rejected"][0]["detail"].startswith("specversion: ")


@pytest.mark.parametrize("level", [0, 9])
async def test_gzip(api: Api, level: int) -> None:
    body = gzip.compress(json.dumps([event(), event()]).encode(), level)
    accepted(await api.post(body, headers={"Content-Encoding": "gzip"}), 2)


async def test_gzip_of_several_members(api: Api) -> None:
    members = [gzip.compress(json.dumps(event()).encode() + b"\n") for _ in range(500)]
    body = b"".join([gzip.compress(b""), *members, gzip.compress(b"")])
    headers = {"Content-Encoding": "GZIP"}
    accepted(await api.post(body, content_type="application/x-ndjson", headers=headers), 500)


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(b"[]")[:-1],
        gzip.compress(b"[]")[:5],
        gzip.compress(b"[]") + b"tail",
        gzip.compress(b"[]") + gzip.compress(b"[]")[:-4],
        b"[]",
        b"\x1f\x8b",
        b"",
    ],
)
async def test_a_broken_gzip_body_is_refused(api: Api, body: bytes) -> None:
    is_problem(await api.post(body, headers={"Content-Encoding": "gzip"}), 400)


async def test_a_gzip_bomb_is_cut_off(api: Api) -> None:
    bomb = gzip.compress(b" " * (1 << 30), 1)
    assert len(bomb) < MAX_BODY_BYTES
    tracemalloc.start()
    try:
        response = await api.post(bomb, headers={"Content-Encoding": "gzip"})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    is_problem(response, 413)
    assert peak < 6 * MAX_BODY_BYTES


async def test_a_gzip_body_of_countless_members_takes_no_age(api: Api) -> None:
    """Eight times the members take about eight times as long, far from the 64 of what is quadratic."""
    empty = gzip.compress(b"")
    members = MAX_BODY_BYTES // len(empty)

    async def took(count: int) -> float:
        spent = []
        for _ in range(3):
            began = time.process_time()
            response = await api.post(empty * count, headers={"Content-Encoding": "gzip"})
            spent.append(time.process_time() - began)
            is_problem(response, 400)
        return min(spent)

    assert await took(members) < 32 * await took(members // 8)


async def test_a_body_at_its_limit_is_taken_and_one_over_it_is_not(api: Api) -> None:
    one = json.dumps(event()).encode()
    accepted(await api.post(one + b" " * (MAX_BODY_BYTES - len(one))), 1)
    over = one + b" " * (MAX_BODY_BYTES + 1 - len(one))
    body = is_problem(await api.post(over), 413)
    assert str(MAX_BODY_BYTES) in body["detail"]
    is_problem(await api.post(gzip.compress(over), headers={"Content-Encoding": "gzip"}), 413)


async def test_a_body_that_does_not_tell_its_length_is_cut_off(api: Api) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 100 * MAX_BODY_BYTES:
            sent += 65_536
            yield b" " * 65_536

    response = await api.client.post(
        "/v1/events",
        content=endless(),
        headers={"Authorization": f"Bearer {api.key}", "Content-Type": "application/json"},
    )
    is_problem(response, 413)


async def test_too_many_events_are_refused_whole(api: Api) -> None:
    body = is_problem(await api.post([{}] * (MAX_EVENTS_PER_POST + 1)), 413)
    assert str(MAX_EVENTS_PER_POST) in body["detail"]
    lines = b"{}\n" * (MAX_EVENTS_PER_POST + 1)
    is_problem(await api.post(lines, content_type="application/x-ndjson"), 413)


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json"])
async def test_other_content_types_are_not_read(api: Api, content_type: str) -> None:
    body = is_problem(await api.post(event(), content_type=content_type), 415)
    assert "application/x-ndjson" in body["detail"]


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "nope"])
async def test_other_encodings_are_not_read(api: Api, encoding: str) -> None:
    body = is_problem(await api.post(event(), headers={"Content-Encoding": encoding}), 415)
    assert "gzip" in body["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b"[{]", b"\xff\xfe", b'{"id": "1"} trailing', b"[" * 100_000])
async def test_a_body_that_is_no_json_is_refused(api: Api, body: bytes) -> None:
    assert is_problem(await api.post(body), 400)["code"] == "invalid_json"
