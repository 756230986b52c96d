"""Replay: shifting a history, pacing it, and counting what became of it."""

import asyncio
import gzip
import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from service.client import FrontlineClient, Retry, UnauthorizedError
from service.commands.replay import command
from service.replay import (
    MAX_SPEED,
    EventFile,
    Pace,
    Replay,
    ReplayError,
    Shift,
    busiest_day,
    moment,
    of_day,
    shift_day,
    shift_to_now,
)

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
JERUSALEM = ZoneInfo("Asia/Jerusalem")
MONTH = Path(__file__).parents[1] / "data" / "january.ndjson.gz"


def event(when: datetime, name: str = "1", subject: str = "a", **data: Any) -> bytes:
    fields = {"id": name, "source": "acd", "type": "interaction.queued", "time": when.isoformat()}
    return json.dumps({**fields, "subject": subject, "data": data}).encode()


def events(*seconds: float) -> list[bytes]:
    return [event(NOW + timedelta(seconds=each), str(index)) for index, each in enumerate(seconds)]


class Service:
    """Takes all events but those of `bad` ids, and remembers each post and when it came."""

    def __init__(self, status: int = 202, bad: Sequence[str] = ()) -> None:
        self.status, self.bad = status, bad
        self.now, self.in_flight, self.most_in_flight = NOW, 0, 0
        self.posts: list[list[dict[str, Any]]] = []
        self.times: list[float] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        if self.status != 202:
            return httpx.Response(self.status, json={"detail": "no"})
        self.in_flight += 1
        self.most_in_flight = max(self.in_flight, self.most_in_flight)
        await asyncio.sleep(0)
        self.in_flight -= 1
        self.times.append((self.now - NOW).total_seconds())
        self.posts.append([json.loads(line) for line in request.content.splitlines()])
        rejected = [
            {"index": index, "id": each["id"], "code": "bad", "detail": "no"}
            for index, each in enumerate(self.posts[-1])
            if each["id"] in self.bad
        ]
        taken = len(self.posts[-1]) - len(rejected)
        return httpx.Response(202, json={"accepted": taken, "duplicates": 0, "rejected": rejected})

    async def sleep(self, seconds: float) -> None:
        for _ in range(100):  # what is in flight arrives before time goes on
            await asyncio.sleep(0)
        self.now += timedelta(seconds=seconds)

    def replay(self, **how: Any) -> Replay:
        transport = httpx.MockTransport(self.answer)
        client = FrontlineClient("http://frontline", "k", retry=Retry(budget=0), transport=transport)
        return Replay(client, now=lambda: self.now, sleep=self.sleep, clock=self.clock, **how)

    def clock(self) -> float:
        return self.now.timestamp()

    @property
    def ids(self) -> list[str]:
        return [each["id"] for post in self.posts for each in post]


def test_a_shift_moves_every_time_and_renames_what_is_counted_once() -> None:
    line = event(NOW, "7", "call-1", queued_at="2026-11-21T11:59:00Z", customer="c", feedback="3")
    moved = json.loads(Shift(timedelta(hours=1)).apply(line))
    suffix = Shift(timedelta(hours=1)).suffix
    assert moved["time"] == "2026-11-21T13:00:00Z"
    assert (moved["id"], moved["subject"]) == ("7" + suffix, "call-1" + suffix)
    assert moved["data"] == {"queued_at": "2026-11-21T12:59:00Z", "customer": "c", "feedback": "3" + suffix}


@given(st.integers(-(10**15), 10**15), st.integers(-(10**15), 10**15))
def test_shifts_that_differ_name_differently_and_equal_ones_equally(one: int, other: int) -> None:
    first, second = (Shift(timedelta(microseconds=each)).suffix for each in (one, other))
    assert (first == second) == (one == other)


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"id":1}', b'{"id":"1","time":"noon"}', b'{"id":1,"time":null}'])
def test_what_is_no_event_is_left_to_the_service(line: bytes) -> None:
    assert Shift(timedelta(hours=1)).apply(line) == line
    assert moment(line) is None


@pytest.mark.parametrize(
    ("speed", "landing"),
    [(MAX_SPEED, [-3600, 0]), (1, [0, 3600]), (0.5, [0, 3600]), (60, [-3540, 60])],
)
def test_a_history_lands_at_now_and_never_ahead_of_its_posting(speed: float, landing: list[float]) -> None:
    lines = [event(NOW - timedelta(days=9)), event(NOW - timedelta(days=9) + timedelta(hours=1))]
    shift = shift_to_now(lines, speed, NOW)
    times = [moment(shift.apply(line)) for line in lines]
    assert [(when - NOW).total_seconds() for when in times if when] == landing
    if not math.isinf(speed):
        pace = Pace(speed, times[0] or NOW, NOW)
        assert all(pace.due(when) >= when for when in times if when)


def test_a_history_without_events_cannot_be_shifted() -> None:
    with pytest.raises(ReplayError):
        shift_to_now([b"{}"], MAX_SPEED, NOW)


async def test_all_events_are_posted_once_in_batches() -> None:
    service = Service()
    summary = await service.replay(batch=3, clients=2).run(events(*range(8)))
    assert sorted(service.ids) == [str(each) for each in range(8)]
    assert sorted(len(post) for post in service.posts) == [2, 3, 3]
    assert (summary.events, summary.accepted, summary.rejected) == (8, 8, 0)


async def test_no_more_posts_are_in_flight_than_clients() -> None:
    service = Service()
    await service.replay(batch=1, clients=3).run(events(*range(20)))
    assert service.most_in_flight == 3


async def test_rejections_are_counted_and_the_first_are_named_by_their_place_in_the_file() -> None:
    service = Service(bad=[str(each) for each in range(5, 20)])
    summary = await service.replay(batch=4, clients=1).run(events(*range(20)))
    assert (summary.accepted, summary.rejected) == (5, 15)
    assert [(each.index, each.id) for each in summary.rejections] == [(n, str(n)) for n in range(5, 15)]


async def test_a_lost_service_ends_the_replay_with_its_reason() -> None:
    with pytest.raises(UnauthorizedError):
        await Service(status=401).replay(batch=1, clients=2).run(events(*range(20)))


@pytest.mark.parametrize(("speed", "expected"), [(1, [0, 10, 40]), (10, [0, 1, 4])])
async def test_events_are_posted_by_their_own_clock(speed: float, expected: list[float]) -> None:
    service = Service()
    old = [event(NOW + timedelta(days=-5, seconds=each), str(each)) for each in (0, 10, 40)]
    await service.replay(clients=1, pace=Pace(speed, NOW - timedelta(days=5), NOW)).run(old)
    assert service.ids == ["0", "10", "40"]
    assert service.times == pytest.approx(expected, abs=0.1)


async def test_past_events_go_at_once_and_future_ones_as_their_time_comes() -> None:
    service = Service()
    await service.replay(clients=1, pace=Pace(1, NOW, NOW)).run(events(-7200, -3600, -1, 30, 90))
    assert [len(post) for post in service.posts] == [3, 1, 1]
    assert service.times == pytest.approx([0, 30, 90], abs=0.1)


def test_the_busiest_day_of_the_month_is_its_first_working_day() -> None:
    assert busiest_day(EventFile(MONTH), JERUSALEM) == date(1999, 1, 3)


def test_a_day_holds_whole_interactions_of_the_local_day() -> None:
    day, midnight = date(1999, 1, 3), datetime(1999, 1, 3, tzinfo=JERUSALEM)
    lines = [
        event(midnight - timedelta(minutes=1), "1", "eve"),
        event(midnight + timedelta(minutes=1), "2", "eve"),
        event(midnight + timedelta(minutes=2), "3", "early"),
        event(midnight + timedelta(hours=23), "4", "late"),
        event(midnight + timedelta(hours=24), "5", "morrow"),
    ]
    assert [json.loads(line)["id"] for line in of_day(lines, day, JERUSALEM)] == ["3", "4"]


@pytest.mark.parametrize("now", [datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)])
def test_an_hour_of_a_day_moved_to_now_is_now(now: datetime) -> None:
    shift = shift_day(date(1999, 1, 3), time(11), now, JERUSALEM)
    hour = datetime(1999, 1, 3, 11, tzinfo=JERUSALEM)
    assert moment(shift.apply(event(hour))) == now
    assert moment(shift.apply(event(hour - timedelta(hours=4)))) == now - timedelta(hours=4)


def test_files_are_read_as_they_are_or_zipped_and_again(tmp_path: Path) -> None:
    plain, zipped = tmp_path / "e.ndjson", tmp_path / "e.ndjson.gz"
    text = b"\n".join([b'{"id":1}', b"", b'  {"id":2}\r', b""])
    plain.write_bytes(text)
    zipped.write_bytes(gzip.compress(text))
    for path in (plain, zipped):
        file = EventFile(path)
        assert list(file) == list(file) == [b'{"id":1}', b'{"id":2}']
        assert file.position == file.size == path.stat().st_size


def test_a_cut_off_file_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson.gz"
    path.write_bytes(MONTH.read_bytes()[:10_000])
    with pytest.raises(ReplayError, match="damaged"):
        list(EventFile(path))


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "e.ndjson"
    path.write_bytes(b"\n".join(events(0, 1)))
    run = CliRunner().invoke
    assert "neither a number" in run(command, [str(path), "--key", "k", "--speed", "-1"]).output
    assert "--key" in run(command, [str(path)], env={"FRONTLINE_KEY": ""}).output
    shifted = run(command, ["-", "--key", "k", "--shift-to-now"], input=b"{}")
    assert (shifted.exit_code, "last event" in shifted.output) == (1, True)
    lost = run(command, [str(path), "--key", "k", "--url", "frontline:1"])
    assert (lost.exit_code, "not the URL" in lost.output) == (1, True)
