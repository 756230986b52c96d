"""The HTTP client: what it repeats, what it gives up on, what it hands back."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.client import (
    AnswerError,
    ConflictError,
    FrontlineClient,
    KpiPoint,
    Posted,
    RefusedError,
    Rejection,
    Retry,
    SiteQueue,
    UnauthorizedError,
    UnreachableError,
)

GOOD = {"accepted": 2, "duplicates": 1, "rejected": []}
EVENTS = [b'{"id":"1"}', b'{"id":"2"}']


class Service:
    """Answers with what it was given, one after the other, and keeps the requests and the pauses."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers: Iterator[httpx.Response | Exception] = iter(answers)
        self.requests: list[httpx.Request] = []
        self.pauses: list[float] = []
        self.time = 0.0

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.time += seconds

    def client(self, *, chance: float = 1.0, **how: Any) -> FrontlineClient:
        return FrontlineClient(
            "http://frontline/",
            "secret",
            transport=httpx.MockTransport(self.answer),
            sleep=self.sleep,
            clock=lambda: self.time,
            chance=lambda: chance,
            **how,
        )


def said(status: int, body: Any = None, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def test_events_go_out_one_a_line_with_the_key() -> None:
    service = Service(said(202, GOOD))
    async with service.client() as client:
        assert await client.post_events(EVENTS) == Posted(2, 1)
    (request,) = service.requests
    assert (request.method, request.url.path) == ("POST", "/v1/events")
    assert request.headers["Authorization"] == "Bearer secret"
    assert request.headers["Content-Type"] == "application/x-ndjson"
    assert request.content.splitlines() == EVENTS


async def test_compressed_events_are_the_same_events() -> None:
    service = Service(said(202, GOOD))
    async with service.client(compress=True) as client:
        await client.post_events(EVENTS)
    (request,) = service.requests
    assert request.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(request.content).splitlines() == EVENTS


@pytest.mark.parametrize(
    "failure",
    [
        said(503),
        said(429),
        said(502),
        said(504),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("gone"),
    ],
)
async def test_what_leaves_the_outcome_in_doubt_is_tried_again(failure: httpx.Response | Exception) -> None:
    service = Service(failure, failure, said(202, GOOD))
    async with service.client() as client:
        assert (await client.post_events(EVENTS)).accepted == 2
    assert [request.content for request in service.requests] == [b"\n".join(EVENTS)] * 3


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "Sat, 21 Nov 2026 09:00:30 GMT", "Date": "Sat, 21 Nov 2026 09:00:00 GMT"}, 30.0),
        ({"Retry_After": "soon"}, 0.25),
        ({"Retry_After": "0"}, 0.25),
        ({}, 0.25),
    ],
)
async def test_retry_after_is_honoured(headers: dict[str, str], pause: float) -> None:
    service = Service(said(503, **headers), said(202, GOOD))
    async with service.client() as client:
        await client.post_events(EVENTS)
    assert service.pauses == [pause]


@pytest.mark.parametrize(("chance", "pauses"), [(1.0, [1, 2, 4, 5, 5]), (0.0, [0.5, 1, 2, 2.5, 2.5])])
async def test_pauses_double_up_to_the_longest_and_are_jittered(chance: float, pauses: list[float]) -> None:
    service = Service(*[said(503)] * 5, said(202, GOOD))
    async with service.client(retry=Retry(budget=100, first=1, longest=5), chance=chance) as client:
        await client.post_events(EVENTS)
    assert service.pauses == pauses


async def test_it_gives_up_within_the_budget() -> None:
    service = Service(*[said(503)] * 100)
    async with service.client(retry=Retry(budget=10, first=1, longest=2)) as client:
        with pytest.raises(UnreachableError, match="status 503"):
            await client.post_events(EVENTS)
    assert 8 <= service.time <= 10


async def test_a_pause_longer_than_the_budget_is_not_begun() -> None:
    service = Service(said(503, Retry_After="3600"))
    async with service.client() as client:
        with pytest.raises(UnreachableError):
            await client.post_events(EVENTS)
    assert service.pauses == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, RefusedError), (401, UnauthorizedError), (403, UnauthorizedError), (413, RefusedError)],
)
async def test_a_refusal_is_final_and_tells_its_reason(status: int, kind: type[RefusedError]) -> None:
    service = Service(said(status, {"title": "No", "detail": "site x is not yours", "status": status}))
    async with service.client() as client:
        with pytest.raises(RefusedError, match="site x is not yours") as caught:
            await client.post_events(EVENTS)
    assert type(caught.value) is kind
    assert (caught.value.status, caught.value.detail) == (status, "site x is not yours")
    assert len(service.requests) == 1


async def test_a_verdict_on_each_event_is_a_result_even_with_422() -> None:
    rejected = [{"index": 0, "id": None, "code": "invalid_field", "detail": "time is missing"}]
    service = Service(said(422, {"accepted": 0, "duplicates": 0, "rejected": rejected}))
    async with service.client() as client:
        posted = await client.post_events(EVENTS)
    assert posted == Posted(0, 0, (Rejection(0, None, "invalid_field", "time is missing"),))


async def test_a_422_without_verdicts_is_a_refusal() -> None:
    service = Service(said(422, {"title": "Unprocessable", "detail": "time_zone is unknown"}))
    async with service.client() as client:
        with pytest.raises(RefusedError, match="time_zone is unknown"):
            await client.put_site("s", "Nowhere")


async def test_an_answer_of_something_else_is_told_apart() -> None:
    service = Service(httpx.Response(200, text="<html>welcome</html>"))
    async with service.client() as client:
        with pytest.raises(AnswerError):
            await client.post_events(EVENTS)


async def test_a_source_is_created_and_its_name_taken_once() -> None:
    service = Service(said(201, {"name": "till", "key": "k"}), said(409, {"detail": "till is there"}))
    async with service.client() as client:
        assert (await client.create_source("till", ["vilnius-1"])).key == "k"
        with pytest.raises(ConflictError):
            await client.create_source("till")
    assert json.loads(service.requests[0].content) == {"name": "till", "sites": ["vilnius-1"]}
    assert json.loads(service.requests[1].content) == {"name": "till", "sites": ["*"]}


async def test_a_key_may_have_been_made_when_the_answer_is_lost_so_it_is_not_asked_for_twice() -> None:
    service = Service(httpx.ReadTimeout("slow"))
    async with service.client() as client:
        with pytest.raises(UnreachableError, match="unknown"):
            await client.add_key("a/b")
    assert [request.url.raw_path for request in service.requests] == [b"/v1/admin/sources/a%2Fb/keys"]


async def test_a_key_is_asked_for_again_where_nothing_can_have_happened() -> None:
    service = Service(httpx.ConnectError("refused"), said(503), said(201, {"name": "till", "key": "k"}))
    async with service.client() as client:
        assert (await client.add_key("till")).key == "k"


QUEUES = [SiteQueue("tills", "pos"), SiteQueue("sales", "phone", 90)]


async def test_a_site_is_put_with_its_queues_and_calendar() -> None:
    service = Service(said(200, {}))
    async with service.client() as client:
        await client.put_site("v 1", "Europe/Vilnius", queues=QUEUES, holidays=["2026-12-25"])
    (request,) = service.requests
    assert (request.method, request.url.raw_path) == ("PUT", b"/v1/admin/sites/v%201")
    assert json.loads(request.content) == {
        "time_zone": "Europe/Vilnius",
        "queues": [
            {"name": "tills", "channel": "pos"},
            {"name": "sales", "channel": "phone", "patience_seconds": 90},
        ],
        "holidays": ["2026-12-25"],
    }


async def test_kpis_are_read_with_no_data_told_from_zero() -> None:
    points = [{"start": "2026-11-21T00:00:00Z", "value": None, "numerator": 0, "denominator": 0}]
    series = {
        "kpi": "service_level",
        "site": "bank",
        "queue": None,
        "formula": "abandons_hurt",
        "points": points,
    }
    service = Service(said(200, {"from": "a", "to": "b", "step": "total", "results": [series]}))
    async with service.client() as client:
        (read,) = await client.kpis(["service_level", "offered"], from_="2026-11-21T00:00:00+02:00", site="bank")
    assert (read.kpi, read.site, read.queue) == ("service_level", "bank", None)
    assert read.points == (KpiPoint("2026-11-21T00:00:00Z", None, 0, 0),)
    asked = dict(service.requests[0].url.params)
    assert asked == {"kpi": "service_level,offered", "from": "2026-11-21T00:00:00+02:00", "site": "bank"}


async def test_live_queues_are_read() -> None:
    line = {"site": "bank", "queue": "ps", "channel": "phone", "waiting": 3, "in_service": 1}
    service = Service(said(200, {"at": "now", "results": [{**line, "longest_wait_seconds": None}]}))
    async with service.client() as client:
        (queue,) = await client.live()
    assert (queue.waiting, queue.in_service, queue.longest_wait_seconds) == (3, 1, None)


async def test_readiness_is_waited_for() -> None:
    service = Service(httpx.ConnectError("refused"), said(503), said(200))
    async with service.client() as client:
        await client.wait_until_ready()
    assert len(service.requests) == 3


async def test_readiness_is_not_waited_for_forever() -> None:
    service = Service(*[said(503)] * 100)
    async with service.client() as client:
        with pytest.raises(UnreachableError, match="503"):
            await client.wait_until_ready(timeout=5)
    assert service.time == pytest.approx(5, abs=0.3)


@pytest.mark.parametrize("url", ["frontline:8000", "ftp://frontline"])
async def test_what_is_no_url_of_a_service_is_told_at_once(url: str) -> None:
    async with FrontlineClient(url, "secret", sleep=_never) as client:
        with pytest.raises(UnreachableError, match="not the URL"):
            await client.live()


async def _never(seconds: float) -> None:
    raise AssertionError("nothing to wait for")
