"""Who the customers are is known to nobody but those who post: a real process, all that it writes, and its disk."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import httpx

from tests.end_to_end.conftest import ServiceProcess

Serve = Callable[..., ServiceProcess]
CUSTOMER = "loyalty-8812-jonas"
PHONE = "+370 612 34567"
AGENT = "agent-ona-petraite"
TOPIC = "topic-of-an-illness"
SUBJECT = "call-of-tel-37061234567"
NOT_THERE = [CUSTOMER, PHONE, PHONE.replace(" ", ""), CUSTOMER.encode().hex()]
"""What must be nowhere at all; the subject, the agent and the topic are stored as they are sent, and are in no log."""


def event(number: int, type_: str = "interaction.queued", customer: Any = CUSTOMER, **changes: Any) -> dict[str, Any]:
    data = {"site": "riga-1", "queue": "calls", "channel": "phone", "agent": AGENT, "topic": TOPIC}
    made = {
        "id": f"e{number}",
        "source": "pbx",
        "type": type_,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60)),
        "subject": f"{SUBJECT}-{number}",
        "data": data | {"customer": customer, "caller": PHONE, "notes": {"of": CUSTOMER}},
    }
    return made | changes


def posts() -> Iterator[tuple[bytes, dict[str, str]]]:
    """Bodies that name customers in every way there is, and headers."""
    json_type = {"Content-Type": "application/json"}
    good = [event(1), event(2, customer=PHONE), event(3, "interaction.answered"), event(4, extension=CUSTOMER)]
    yield json.dumps(good).encode(), json_type
    yield gzip.compress(json.dumps(good).encode()), json_type | {"Content-Encoding": "gzip"}
    yield b"\n".join(json.dumps(one).encode() for one in good), {"Content-Type": "application/x-ndjson"}
    wrong: list[Any] = [
        [CUSTOMER],
        {"name": CUSTOMER},
        37061234567,
        CUSTOMER * 20,
        f"{CUSTOMER}\x00",
        f"{CUSTOMER}\n",
        "",
    ]
    yield json.dumps([event(10 + place, customer=one) for place, one in enumerate(wrong)]).encode(), json_type
    refused = [
        event(20, "interaction.unknown"),
        event(21, time="2099-01-01T00:00:00Z"),
        event(22, time="yesterday"),
        event(23, specversion="0.3"),
        event(24, data={"customer": CUSTOMER}),
        event(25, "interaction.diverted"),
        event(26, "interaction.recorded", data=event(26)["data"] | {"wait_seconds": -1}),
        event(27, subject=None),
        event(28, data_base64=CUSTOMER),
    ]
    for one in refused:
        yield json.dumps(one).encode(), json_type
    whole = json.dumps(event(30)).encode()
    yield whole[:-3], json_type
    yield whole.replace(b"queued", b"queued\xff"), json_type
    yield b"[" + whole + b", NaN, " + whole[:-1], json_type
    yield whole, {"Content-Type": "text/plain"}
    yield whole, json_type | {"Content-Encoding": "br"}
    yield whole, json_type | {"Content-Encoding": "gzip"}
    yield json.dumps([event(100 + number) for number in range(10_001)]).encode(), json_type
    yield whole.replace(CUSTOMER.encode(), CUSTOMER.encode() * 400_000), json_type
    headers = {"ce-id": "b1", "ce-source": "pbx", "ce-type": "interaction.queued", "ce-subject": f"{SUBJECT}-b"}
    for at in (event(0)["time"], "never"):
        yield json.dumps(event(0)["data"]).encode(), json_type | headers | {"ce-time": at}


async def broken(url: str, ask: Callable[[], None]) -> None:
    """Let the database fail statements as it would where something is wrong with it."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("ALTER TABLE interactions ADD CONSTRAINT broken CHECK (subject LIKE 'no%') NOT VALID")
        await connection.execute("ALTER TABLE sources RENAME COLUMN sites TO places")
        await asyncio.to_thread(ask)
        await connection.execute("ALTER TABLE sources RENAME COLUMN places TO sites")
        await asyncio.to_thread(ask)
        await connection.execute("ALTER TABLE interactions DROP CONSTRAINT broken")
    finally:
        await connection.close()


def test_a_customer_is_in_no_answer_no_log_no_table_and_no_file(serve: Serve) -> None:
    service = serve(FRONTLINE_LOG_LEVEL="DEBUG")
    key = {"Authorization": f"Bearer {service.new_source('pbx')}"}
    answers: list[httpx.Response] = []
    with httpx.Client(base_url=service.url, timeout=60) as client:

        def ask() -> None:
            for who in (key, {"Authorization": f"Bearer {CUSTOMER}"}):
                with suppress(httpx.TransportError):  # a connection is closed after what nobody foresaw
                    answers.append(client.post("/v1/events", json=event(50 + len(answers)), headers=who))
            with suppress(httpx.TransportError):
                answers.append(service.admin("GET", "/sources"))

        answers += [client.post("/v1/events", content=body, headers=key | headers) for body, headers in posts()]
        assert {answer.status_code for answer in answers} == {202, 400, 413, 415, 422}
        for wrong in (
            {"customer": [CUSTOMER]},
            {"customer": CUSTOMER, "phone": PHONE},
            {"customer": CUSTOMER * 20},
            [CUSTOMER],
        ):
            answers.append(service.admin("POST", "/erasures", wrong))
        answers += [service.get(path) for path in ("/metrics", "/metrics/kpi", "/v1/live", "/v1/kpis?kpi=offered")]
        answers += [service.get(f"/v1/interactions/pbx/{SUBJECT}-{number}") for number in (1, 2)]
        answers.append(service.admin("GET", "/actions"))
        url = f"postgresql://postgres@/postgres?host={service.folder / 'data' / 'postgresql'}"
        asyncio.run(broken(url, ask))
        assert {500, 503} & {answer.status_code for answer in answers}
        forgotten = service.admin("POST", "/erasures", {"customer": CUSTOMER})
        assert forgotten.json()["interactions"] >= 3
        answers.append(forgotten)
    for answer in answers:
        for secret in NOT_THERE:
            assert secret not in answer.text, answer.request.url
    logs = service.log + (service.folder / "data" / "postgresql" / "log").read_text(errors="replace")
    assert "CheckViolation" in service.log  # both have told of what was broken
    assert "broken" in logs
    for secret in (*NOT_THERE, AGENT, TOPIC, SUBJECT):
        assert secret not in logs
    # Tables and the write-ahead log too, in which nothing is compressed that is as short as this.
    for path in (service.folder / "data").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for secret in NOT_THERE:
                assert secret.encode() not in content, path
    assert any(SUBJECT.encode() in path.read_bytes() for path in (service.folder / "data").rglob("*") if path.is_file())
