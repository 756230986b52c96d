"""API4, resource consumption: what a client can make large is bounded, and what is over a bound costs next to nothing.

Bounds with tests elsewhere: bodies, gzip and events of a post (tests/api/test_ingest_bodies.py), events of an
interaction (tests/api/test_ingest.py), sites and queues (tests/api/test_admin.py), points of an answer
(tests/api/test_kpis.py), the queue of the writer (tests/api/test_ingest_faults.py), requests of a key
(tests/api/test_keys.py).
"""

import json
import time
from datetime import date, timedelta
from typing import Any

import pytest

from service.core.event import MAX_EVENTS_PER_POST
from service.core.intake import admit, read_json, read_lines
from service.core.opening import MAX_DATES, MAX_INTERVALS_OF_DAY
from service.store.registry import MAX_VERSIONS
from tests.api.conftest import ADMIN_KEY, Api, accepted, event, is_problem

DIGITS = "9" * 5_000
LONG = 4_000_000
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"}
DATA = {"site": "vilnius-1", "queue": "tills", "channel": "pos"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"[" * LONG, 400),
        (b'{"id":' * (LONG // 6), 400),
        (b"[" * 1_000 + b"NaN" + b"]" * 1_000, 400),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
        (b'{"id":' + b"9" * LONG + b"}", 422),
        (b'{"id":-' + b"9" * LONG + b"e999999999}", 422),
        (b"[" + b",".join([b"9" * 400] * 9_999) + b"]", 422),
    ],
    ids=["arrays", "objects", "NaN within arrays", "an unknown field", "digits", "an exponent", "many numbers"],
)
async def test_deep_json_and_long_numbers_are_refused(api: Api, body: bytes, status: int) -> None:
    assert (await api.post(body)).status_code == status
    accepted(await api.post(event()), 1)


@pytest.mark.parametrize("field", ["id", "source", "subject", "type", "time", "specversion", "data"])
async def test_a_long_attribute_is_refused_in_few_words(api: Api, field: str) -> None:
    response = await api.post(event(**{field: "x" * LONG}) if field != "type" else event("x" * LONG))
    assert response.status_code == 422
    assert len(response.content) < 2_000


@pytest.mark.parametrize("field", ["site", "queue", "channel", "customer", "topic", "agent"])
async def test_a_long_field_is_refused_in_few_words(api: Api, field: str) -> None:
    response = await api.post(event(data=DATA | {field: "x" * LONG}))
    assert response.status_code == 422
    assert len(response.content) < 2_000
    most = 64 if field in ("site", "queue") else 256
    if field != "channel":
        accepted(await api.post(event(data=DATA | {field: "x" * most})), 1)
        assert (await api.post(event(data=DATA | {field: "x" * (most + 1)}))).status_code == 422


def seconds(body: bytes, *, lines: bool = False) -> float:
    """How long it takes to judge a body; the shortest of three, since others use the machine too."""
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        events = read_lines(body) if lines else read_json(body)
        admit(events, now_us=0, pseudonym=str, may_post=lambda _: True)
        taken.append(time.perf_counter() - began)
    return min(taken)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x",
            " - at `$.data.customer",
            " - at `",
            "`",
            "Object missing required field `",
            "1",
            "2026-11-21T",
            "\\u0000",
        ),
        *("\\ud83d\\ude00", "é", " ", "\\\\", "<", "Z", "+"),
    ],
)
@pytest.mark.parametrize("field", ["type", "time", "id", "site", "topic"])
def test_the_time_to_judge_a_text_grows_with_its_length_and_not_its_square(field: str, text: str) -> None:
    def body(size: int) -> bytes:
        long = text * (size // len(text))
        made: dict[str, Any] = event(data={**DATA})
        (made["data"] if field in ("site", "topic") else made)[field] = "@"
        return json.dumps(made).replace('"@"', f'"{long}"').encode()

    short, long = seconds(body(40_000)), seconds(body(1_280_000))
    assert long < 32 * 6 * max(short, 0.0002)  # of a square it would be 1024


@pytest.mark.parametrize("item", [b"{}", b"null", b'{"type":"' + b"x" * 400 + b'"}', b"NaN", b'{"id":"1","data":{}}'])
@pytest.mark.parametrize("lines", [False, True], ids=["array", "lines"])
def test_the_time_to_refuse_events_grows_with_their_number_and_not_its_square(item: bytes, lines: bool) -> None:
    def body(count: int) -> bytes:
        return b"\n".join([item] * count) if lines else b"[" + b",".join([item] * count) + b"]"

    few, many = (seconds(body(count), lines=lines) for count in (300, MAX_EVENTS_PER_POST - 400))
    assert many < 32 * 6 * max(few, 0.0002)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        *(
            (f"/v1/kpis?kpi=service_level&threshold={number}", "threshold")
            for number in (DIGITS, "nan", "inf", "1e308")
        ),
        *((f"/v1/objectives/x/breaches?limit={number}", "limit") for number in (DIGITS, "0", "-1", "1001")),
        *((f"/v1/objectives?worst={number}", "worst") for number in (DIGITS, "-1", "1001")),
        *((f"/v1/changes?limit={number}", "limit") for number in (DIGITS, "0", "1001")),
        *((f"/v1/changes/x/effect?kpi=service_level&threshold={number}", "threshold") for number in (DIGITS, "nan")),
        ("/v1/changes/x/effect?kpi=offered&span=9999999999w", "span"),
        *((f"/v1/admin/actions?limit={number}", "limit") for number in (DIGITS, "0", "1001")),
        *((f"/v1/admin/actions?before={number}", "before") for number in (DIGITS, "0", str(1 << 63))),
        ("/v1/kpis?kpi=offered&from=0001-01-01T00:00:00%2B14:00", "from"),
        ("/v1/kpis?kpi=offered&to=9999-12-31T23:59:59-14:00", "to"),
        ("/v1/kpis?kpi=offered&step=1m&from=0001-01-01T00:00:00Z", "step"),
        ("/v1/kpis?kpi=offered&from=" + "%20" * 20_000, "from"),
        ("/v1/sites/vilnius-1/days?from=2026-01-01&to=9999-01-01", "to"),
        ("/v1/sites/vilnius-1/days?from=" + "1" * 20_000, "from"),
    ],
)
async def test_a_question_far_out_is_refused_by_its_name(api: Api, path: str, field: str) -> None:
    await api.post(event())
    assert is_problem(await api.client.get(path, headers=ADMIN), 422)["field"] == field


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"role": "read", "expires_at": "9999-12-31T23:59:59-14:00"}', 422),
        ('{"role": "read", "expires_at": "0001-01-01T00:00:00+14:00"}', 422),
        ('{"role": "read", "expires_at": 1e300}', 422),
        (f'{{"role": "read", "per_second": {DIGITS}}}', 400),
        ('{"role": "read", "per_second": 1e999}', 422),
        ('{"role": "read", "per_second": NaN}', 422),
        ("[" * 100_000, 400),
        ('{"role": ' * 100_000, 400),
    ],
)
async def test_a_key_far_out_is_refused(api: Api, body: str, status: int) -> None:
    response = await api.client.post("/v1/admin/keys", content=body, headers=ADMIN)
    is_problem(response, status)
    assert len((await api.admin("GET", "/keys")).json()) == 2


async def test_the_calendar_of_a_site_is_bounded(api: Api) -> None:
    hours = [
        f"{number // 2:02}:{number % 2 * 30:02}-{number // 2:02}:{number % 2 * 30 + 20:02}" for number in range(48)
    ]
    dates = [(date(2026, 1, 1) + timedelta(days=number)).isoformat() for number in range(2_000)]
    for wanted, field in (
        ({"hours": {"mon": hours[: MAX_INTERVALS_OF_DAY + 1]}}, "hours.mon"),
        ({"holidays": dates[: MAX_DATES + 1]}, "holidays"),
        ({"holidays": {"country": "LT", "dates": dates[: MAX_DATES + 1]}}, "holidays"),
    ):
        assert is_problem(await api.admin("PUT", "/sites/vilnius-1", wanted), 422)["field"] == field
    most = {"hours": {"mon": hours[:MAX_INTERVALS_OF_DAY]}, "holidays": dates[:MAX_DATES], "from": "2026-01-01"}
    assert (await api.admin("PUT", "/sites/vilnius-1", most)).status_code == 200
    versions = json.dumps(
        [{"from": f"{1000 + number}-01-01", "hours": None, "holidays": None} for number in range(500)]
    )
    await api.sql("UPDATE sites SET calendars = $1::text::jsonb", versions)
    assert len(json.loads(versions)) == MAX_VERSIONS
    assert is_problem(await api.admin("PUT", "/sites/vilnius-1", {"from": "2026-02-02"}), 422)["field"] == "from"
    assert (await api.admin("PUT", "/sites/vilnius-1", {"from": "1000-01-01"})).status_code == 200


@pytest.mark.parametrize("name", ["a\u200db", "e\u0301", "a\n", "", "a b", "x" * 65, "a/b", "a'b", "a\u202eb"])
async def test_a_name_is_the_same_for_administrators_and_for_events(api: Api, name: str) -> None:
    """What only one of them would take could be made to look like another's."""
    for path, body in (
        ("/sources", {"name": name}),
        ("/sources", {"name": "other", "sites": [name]}),
        ("/sites/riga-1", {"queues": [{"name": name, "channel": "pos"}]}),
    ):
        response = await api.admin("PUT" if path.startswith("/sites") else "POST", path, body)
        assert "letters, digits or any of - _ . :" in is_problem(response, 422)["detail"]
    refused = await api.post(event(data=DATA | {"site": name}))
    assert refused.status_code == 422
