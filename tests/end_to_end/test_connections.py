"""Clients that are slow, large or many: each is told, or cut off, and nobody else notices."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.conftest import ServiceProcess, serving
from tests.end_to_end.wire import Answer, Wire

SECONDS = 2
CONNECTIONS = 40
KIBIBYTE = 1024
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    """One for all: whatever a client does, it must serve the next."""
    with serving() as serve:
        yield serve(FRONTLINE_CLIENT_SECONDS=str(SECONDS), FRONTLINE_MAX_CONNECTIONS=str(CONNECTIONS))


@pytest.fixture(scope="module")
def key(service: ServiceProcess) -> str:
    return service.new_source("tills")


class Refusals:
    """How often the service says that it turned somebody away since the test began."""

    def __init__(self, service: ServiceProcess) -> None:
        self._service = service
        self._before = self._all()

    def _all(self) -> dict[str, float]:
        families = text_string_to_metric_families(httpx.get(f"{self._service.url}/metrics").text)
        return {
            sample.labels["reason"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "frontline_refused_total"
        }

    def of(self, reason: str) -> float:
        """Those for one reason."""
        return self._all().get(reason, 0) - self._before.get(reason, 0)


@pytest.fixture
def refusals(service: ServiceProcess) -> Refusals:
    return Refusals(service)


def post(key: str, length: int) -> bytes:
    """The head of a post."""
    return (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def event(number: int = 0) -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    data = {"site": "shop", "queue": "tills", "channel": "pos"}
    made = {"id": f"e{number}", "source": "t", "type": "interaction.queued", "time": now, "subject": f"s{number}"}
    return json.dumps({**made, "data": data}).encode()


def test_a_large_head_is_refused_whether_it_comes_at_once_or_in_pieces(
    service: ServiceProcess, refusals: Refusals
) -> None:
    large = b"X: " + b"x" * 33 * KIBIBYTE + b"\r\n"
    many = b"".join(b"X-%d: x\r\n" % number for number in range(4000))
    path = b"GET /v1/kpis?site=" + b"x" * 33 * KIBIBYTE + b" HTTP/1.1\r\n"
    for head in (GET + large + b"\r\n", GET + many + b"\r\n", path + b"\r\n", GET + large[:-2]):
        with Wire(service.port) as wire:
            wire.send(head)
            answer = wire.answer()
            assert answer.status == 431, head[:40]
            assert "32768" in answer.problem["detail"]
            assert answer.headers["connection"] == "close"
            wire.closed()
    with Wire(service.port) as wire:
        wire.send(GET + b"X: ")
        for _ in range(33):
            wire.send(b"x" * KIBIBYTE)
            time.sleep(0.001)
        assert wire.answer().status == 431
    with Wire(service.port) as wire:
        wire.send(GET + b"X: " + b"x" * 31 * KIBIBYTE + b"\r\n\r\n")
        assert wire.answer().status == 200, "one within the bound is taken"
    assert refusals.of("head_too_large") == 5


def test_what_follows_a_body_in_chunks_is_bounded_like_a_head(
    service: ServiceProcess, key: str, refusals: Refusals
) -> None:
    head = post(key, 0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    with Wire(service.port) as wire:
        wire.send(head + b"2\r\n[]\r\n0\r\n")
        for _ in range(40):
            wire.send(b"X: " + b"x" * KIBIBYTE + b"\r\n")
        wire.closed()
    assert refusals.of("head_too_large") == 1


def test_a_head_that_takes_long_is_refused_however_it_trickles(service: ServiceProcess, refusals: Refusals) -> None:
    with Wire(service.port) as wire:
        assert wire.trickle(GET + b"X: x" * 1000, pause=0.05)
        answer = wire.answer()
        assert answer.status == 408
        assert answer.problem["detail"]
        assert answer.took >= SECONDS * 0.9
        wire.closed()
    with Wire(service.port) as wire:
        wire.send(GET + b"\r\n")
        assert wire.answer().status == 200
        wire.send(GET)
        late = wire.answer()
        assert late.status == 408
        assert late.took >= SECONDS * 0.9
    assert refusals.of("head_late") == 2


def test_a_connection_that_says_nothing_is_closed_and_one_between_requests_is_kept(service: ServiceProcess) -> None:
    with Wire(service.port) as silent, Wire(service.port) as idle:
        idle.send(GET + b"\r\n")
        assert idle.answer().status == 200
        assert silent.closed() >= SECONDS * 0.9
        time.sleep(SECONDS)
        idle.send(GET + b"\r\n")
        assert idle.answer().status == 200


def test_a_body_that_stands_still_is_refused(service: ServiceProcess, key: str, refusals: Refusals) -> None:
    with Wire(service.port) as wire:
        wire.send(post(key, 1000))
        assert wire.trickle(b"[" * 1000, pause=0.05)
        answer = wire.answer()
        assert answer.status == 408
        assert answer.problem["detail"]
        assert answer.took >= SECONDS * 0.9
        wire.closed()
    assert refusals.of("body_late") == 1


def test_a_body_that_came_fast_may_not_stand_still_for_that(
    service: ServiceProcess, key: str, refusals: Refusals
) -> None:
    with Wire(service.port) as wire:
        wire.send(post(key, 1 << 20) + b" " * (1 << 19))
        assert wire.answer().status == 408
    assert refusals.of("body_late") == 1


def test_a_body_that_comes_slowly_but_steadily_is_taken(service: ServiceProcess, key: str) -> None:
    body = event() + b" " * 24 * KIBIBYTE
    began = time.monotonic()
    with Wire(service.port) as wire:
        wire.send(post(key, len(body)))
        for start in range(0, len(body), KIBIBYTE):
            wire.send(body[start : start + KIBIBYTE])
            time.sleep(SECONDS / 10)
        assert time.monotonic() - began > 2 * SECONDS
        assert wire.answer().status == 202


def test_a_client_that_does_not_read_is_cut_off(service: ServiceProcess, refusals: Refusals) -> None:
    requests = (b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n") * 16
    with Wire(service.port, read_buffer=4096) as wire:
        until = time.monotonic() + 20 * SECONDS
        while not refusals.of("reader_late"):
            wire.send(requests if time.monotonic() < until - 19 * SECONDS else b"")
            assert time.monotonic() < until, "a client that reads nothing is kept"
            time.sleep(0.1)


def test_requests_without_end_in_one_packet_are_cut_off(service: ServiceProcess, refusals: Refusals) -> None:
    with Wire(service.port) as wire:
        wire.send((GET + b"\r\n") * 2000)
        wire.closed()
    assert refusals.of("pipeline") == 1
    with Wire(service.port) as wire:
        wire.send((GET + b"\r\n") * 20)
        assert [wire.answer().status for _ in range(20)] == [200] * 20


def test_what_is_no_http_is_refused_and_an_upgrade_is_not_made(service: ServiceProcess, key: str) -> None:
    with Wire(service.port) as wire:
        wire.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert wire.answer().problem["status"] == 400
        wire.closed()
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    with Wire(service.port) as wire:
        wire.send(GET + upgrade + b"\r\n")
        answer = wire.answer()
        assert (answer.status, answer.headers.get("upgrade")) == (200, None)
        wire.send(GET + b"\r\n")
        assert wire.answer().status == 200
    body = event()
    with Wire(service.port) as wire:  # as Java's client asks for HTTP/2 with every first post
        wire.send(post(key, len(body))[:-2] + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + body)
        assert wire.answer().status == 202
        wire.send(post(key, len(body)) + body)
        assert wire.answer().status == 202
    with Wire(service.port) as wire:
        wire.send(b"CONNECT example.test:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().status == 400


def test_past_the_bound_a_connection_is_refused_at_once_and_the_others_go_on(
    service: ServiceProcess, refusals: Refusals
) -> None:
    with ExitStack() as open_:
        wires = [open_.enter_context(Wire(service.port)) for _ in range(CONNECTIONS)]
        for wire in wires:
            wire.send(GET + b"\r\n")
        assert {wire.answer().status for wire in wires} == {200}
        for _ in range(10):
            with Wire(service.port) as further:
                answer = further.answer()
                assert answer.status == 503
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.problem["detail"]
                further.closed()
        wires[0].send(GET + b"\r\n")
        assert wires[0].answer().status == 200
    until = time.monotonic() + 10
    while _status(service) != 200:
        assert time.monotonic() < until, "connections that were closed still count"
    assert refusals.of("connections") >= 10


def _status(service: ServiceProcess) -> int:
    try:
        return httpx.get(f"{service.url}/healthz").status_code
    except httpx.TransportError:
        return 0


def test_every_body_has_its_bound(service: ServiceProcess, key: str) -> None:
    large = b'{"time_zone": "' + b"x" * (1 << 20) + b'"}'
    assert service.admin("PUT", "/sites/shop", json.loads(large)).status_code == 413
    for path, size in (("/v1/admin/sites/shop", (1 << 20) + 1), ("/healthz", 65 * KIBIBYTE), ("/v1/events", 6 << 20)):
        method = {"/healthz": "GET", "/v1/events": "POST"}.get(path, "PUT")
        for declared in (True, False):
            answer = _upload(service, method, path, key if path == "/v1/events" else service.admin_key, size, declared)
            is_read = declared or path != "/healthz"
            assert answer.status == (413 if is_read else 200), (path, declared, answer)
            if is_read:
                assert answer.problem["detail"]
    process = psutil.Process(service.process.pid if service.process else None)
    assert process.memory_info().rss < 512 << 20


def _upload(service: ServiceProcess, method: str, path: str, key: str, size: int, declared: bool) -> Answer:
    framing = f"Content-Length: {size}" if declared else "Transfer-Encoding: chunked"
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    with Wire(service.port) as wire:
        wire.send(f"{head}Content-Type: application/json\r\n{framing}\r\n\r\n".encode())
        sent = threading.Thread(target=wire.send, args=(b"".join(_pieces(size, declared)),))
        sent.start()
        answer = wire.answer()
        sent.join()
    return answer


def _pieces(size: int, declared: bool) -> Iterator[bytes]:
    while size > 0:
        piece = b" " * min(size, 1 << 16)
        size -= len(piece)
        yield piece if declared else b"%x\r\n" % len(piece) + piece + b"\r\n"
    if not declared:
        yield b"0\r\n\r\n"


def test_a_body_that_is_thrown_away_does_not_flow_for_ever(service: ServiceProcess, refusals: Refusals) -> None:
    with Wire(service.port) as wire:
        wire.send(post("no-key", 1 << 40))
        assert wire.answer().status in {401, 413}
        for _ in range(64):
            wire.send(b" " * (1 << 20))
        wire.closed()
    assert refusals.of("body_unwanted") + refusals.of("body_late") == 1


@pytest.mark.parametrize("depth", [100, 900, 1_100, 100_000])
def test_a_body_of_many_levels_is_refused_as_any_other(service: ServiceProcess, depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    headers = {"Authorization": f"Bearer {service.admin_key}", "Content-Type": "application/json"}
    for body in (nested, b'{"holidays": ' + nested + b"}", b'{"holidays": {"dates": ' + nested + b"}}"):
        answer = httpx.put(f"{service.url}/v1/admin/sites/shop", content=body, headers=headers, timeout=30)
        assert answer.status_code in {400, 422}, answer.text[:500]
        assert answer.headers["content-type"] == "application/problem+json"
