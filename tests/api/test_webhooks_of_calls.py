"""Webhooks of telephone systems over HTTP: the answer that Firehose wants, and the URL that Twilio signs."""

import base64
import gzip
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.api.conftest import Api, Serve, is_problem

SECRET = "hush-of-the-phones"
URL = "https://frontline.example.com/v1/webhooks/phones"
PATH = "/v1/webhooks/phones"
PLACES = {"queues": {"Sales": {"queue": "sales", "site": "riga"}}}


@pytest.fixture
async def api(serve: Serve) -> Api:
    return await serve(encryption_key="kept apart from the database")


async def set_up(api: Api, vendor: str) -> None:
    await api.source("phones", ["riga"])
    wanted = {"vendor": vendor, "public_url": URL, "secrets": [SECRET], "mapping": PLACES}
    assert (await api.admin("PUT", "/sources/phones/webhook", wanted)).status_code == 200


async def offered(api: Api) -> float:
    (result,) = (await api.client.get("/v1/kpis?kpi=offered&site=riga")).json()["results"]
    return float(result["points"][0]["value"])


def contact_record(contact: str) -> dict[str, Any]:
    left = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    return {
        "ContactId": contact,
        "LastUpdateTimestamp": left,
        "DisconnectTimestamp": left,
        "Queue": {"Name": "Sales", "EnqueueTimestamp": left, "DequeueTimestamp": left, "Duration": 0},
    }


async def post_records(api: Api, key: str, *contacts: str) -> httpx.Response:
    data = [{"data": base64.b64encode(json.dumps(contact_record(one)).encode()).decode()} for one in contacts]
    headers = {
        "X-Amz-Firehose-Request-Id": "r-1",
        "X-Amz-Firehose-Access-Key": key,
        "Content-Type": "application/json",
        "Content-Encoding": "gzip",
    }
    body = gzip.compress(json.dumps({"requestId": "r-1", "timestamp": 1, "records": data}).encode())
    return await api.client.post(PATH, content=body, headers=headers)


async def test_firehose_is_answered_in_its_own_form_whether_it_is_taken_or_not(api: Api) -> None:
    await set_up(api, "amazon_connect")
    taken = await post_records(api, SECRET, "c-1", "c-2")
    assert taken.status_code == 200
    assert taken.headers["content-type"] == "application/json"
    assert taken.json().keys() == {"requestId", "timestamp"}
    assert taken.json()["requestId"] == "r-1"
    assert await offered(api) == 2
    refused = await post_records(api, "another-key", "c-3")
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "application/json"
    assert int(refused.headers["content-length"]) == len(refused.content)
    assert refused.json()["requestId"] == "r-1"
    assert refused.json()["errorMessage"]
    assert await offered(api) == 2


async def test_a_stream_of_twilio_is_verified_with_the_query_of_its_url(api: Api) -> None:
    await set_up(api, "twilio")
    entered = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    payload = {"task_sid": "WT1", "timestamp": entered, "task_queue_name": "Sales"}
    event = {"id": "EZ1", "type": "com.twilio.taskrouter.task-queue.entered", "data": {"payload": payload}}
    body = json.dumps([event]).encode()
    query = f"bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = base64.b64encode(hmac.digest(SECRET.encode(), f"{URL}?{query}".encode(), "sha1")).decode()
    headers = {"X-Twilio-Signature": signature, "Content-Type": "application/json"}
    for _ in range(2):
        assert (await api.client.post(f"{PATH}?{query}", content=body, headers=headers)).status_code == 200
    assert await offered(api) == 1
    is_problem(await api.client.post(PATH, content=body, headers=headers), 401)
    is_problem(await api.client.post(f"{PATH}?{query}", content=body + b" ", headers=headers), 401)
