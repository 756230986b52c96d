"""Following a log: growth, rotation, truncation, and going on where the reading was."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.client import FrontlineClient, Retry, UnreachableError
from service.core.errors import ConfigurationError, InvalidInput
from service.feed import tail as module
from service.feed.bookmark import Bookmark, Place
from service.feed.feed import Complaint, Fed, Feed
from service.feed.tail import Tail


class Reader:
    """A log and who reads it; closes what it opens."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "queue_log"
        self.path.write_text("")
        self.told: list[str] = []
        self._open: list[Tail] = []

    def write(self, *lines: str, path: Path | None = None) -> None:
        with (path or self.path).open("a") as log:
            log.writelines(f"{line}\n" for line in lines)

    def tail(self, place: Place | None = None, *, follow: bool = True) -> Tail:
        self._open.append(Tail(self.path, place, follow=follow, tell=self.told.append))
        return self._open[-1]

    def close(self) -> None:
        for one in self._open:
            one.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(tmp_path)
    yield reader
    reader.close()


def lines(tail: Tail, limit: int = 100) -> list[str]:
    return [line for _, line in tail.read(limit)]


def test_what_is_written_later_is_read_once_it_has_an_end(log: Reader) -> None:
    log.write("one", "two")
    tail = log.tail()
    assert tail.read(1) == [(1, "one")]
    assert tail.read(100) == [(2, "two")]
    assert lines(tail) == []
    with log.path.open("a") as file:
        file.write("thr")
    assert lines(tail) == []
    with log.path.open("a") as file:
        file.write("ee\nfour\n")
    assert tail.read(100) == [(3, "three"), (4, "four")]


def test_without_following_the_last_line_needs_no_end_and_is_read_again_next_time(log: Reader) -> None:
    log.path.write_text("one\ntwo")
    tail = log.tail(follow=False)
    assert lines(tail) == ["one", "two"]
    assert lines(tail) == []
    assert tail.place.offset == len("one\n")


def test_a_rotated_log_is_read_to_its_end_before_the_new_one(log: Reader, tmp_path: Path) -> None:
    log.write("one")
    tail = log.tail()
    assert lines(tail) == ["one"]
    renamed = tmp_path / "queue_log.1"
    log.path.rename(renamed)
    assert lines(tail) == []
    log.path.write_text("")
    log.write("two", path=renamed)
    assert lines(tail) == ["two"], "the writer has not begun with the new file yet"
    log.write("three", path=renamed)
    log.write("four")
    assert lines(tail) == ["three", "four"]
    log.write("five")
    assert tail.read(100) == [(2, "five")]


def test_what_is_written_while_a_rotation_is_found_out_is_read(
    log: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = tmp_path / "queue_log.1"
    found_out = Tail._has_successor

    def late(tail: Tail) -> bool:
        if "late" not in renamed.read_text():
            log.write("late", path=renamed)
        return found_out(tail)

    log.write("one")
    tail = log.tail()
    assert lines(tail) == ["one"]
    log.path.rename(renamed)
    log.write("new")
    monkeypatch.setattr(Tail, "_has_successor", late)
    assert lines(tail) == ["late", "new"]


def test_an_emptied_log_is_read_from_its_beginning(log: Reader) -> None:
    log.write("one", "two")
    tail = log.tail()
    assert lines(tail) == ["one", "two"]
    log.path.write_text("new\n")
    assert lines(tail) == ["new"]
    assert "was emptied" in log.told[0]


def test_an_emptied_log_that_has_outgrown_the_old_one_is_read_from_its_beginning(log: Reader) -> None:
    log.write("one", "two")
    tail = log.tail()
    assert lines(tail) == ["one", "two"]
    with log.path.open("r+") as file:
        file.truncate()
        file.write("something else\nwhich is longer\n")
    assert lines(tail) == ["something else", "which is longer"]


def test_it_goes_on_a_little_before_its_place(log: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_BYTES", 10)
    log.write(*(f"line {number}" for number in range(1, 10)))
    first = log.tail()
    assert len(lines(first)) == 9
    log.write("line 10")
    assert log.tail(first.place).read(100) == [(9, "line 9"), (10, "line 10")]


def test_what_was_written_before_a_rotation_is_read_from_the_renamed_files(log: Reader, tmp_path: Path) -> None:
    log.write("one")
    first = log.tail()
    assert lines(first) == ["one"]
    log.write("two")
    log.path.rename(tmp_path / "queue_log.2")
    log.write("three")
    log.path.rename(tmp_path / "queue_log.1")
    log.write("four")
    assert lines(log.tail(first.place)) == ["one", "two", "three", "four"]
    assert log.told == []


def test_it_says_so_where_the_renamed_file_is_gone(log: Reader, tmp_path: Path) -> None:
    log.write("one")
    first = log.tail()
    assert lines(first) == ["one"]
    shutil.copy(log.path, tmp_path / "other")
    log.path.unlink()
    (tmp_path / "other").rename(log.path)
    log.path.write_text("two\n")
    assert lines(log.tail(first.place)) == ["two"]
    assert "another file" in log.told[0]


def test_a_bookmark_keeps_a_place_for_its_purpose_only(log: Reader, tmp_path: Path) -> None:
    log.write("one")
    tail = log.tail()
    tail.read(10)
    path = tmp_path / "place"
    Bookmark(path, "one").save(tail.place)
    assert Bookmark(path, "one").load() == tail.place
    assert Bookmark(path, "another").load() is None
    path.write_text("{}")
    assert Bookmark(path, "one").load() is None
    with pytest.raises(ConfigurationError, match="give --state a file"):
        Bookmark(tmp_path / "nowhere" / "place", "one").save(tail.place)


def test_a_feed_keeps_its_place(log: Reader, tmp_path: Path) -> None:
    log.write("one", "two")
    complaints: list[Complaint] = []
    reports: list[Fed] = []
    bookmark = Bookmark(tmp_path / "place", "trial")
    tail = log.tail(follow=False)

    def translate(line: str) -> list[dict[str, str]] | None:
        return [{"id": line}] if line == "one" else None

    fed = asyncio.run(Feed(tail, translate, None, bookmark, reports.append, complaints.append).run())
    assert (fed.rows, fed.accepted, fed.ignored, complaints) == (2, 1, 1, [])
    assert bookmark.load() == tail.place
    assert len(reports) == 1


def test_a_feed_says_which_line_was_not_taken_and_its_place_stays_before(log: Reader, tmp_path: Path) -> None:
    log.write("one", "bad", "two")
    complaints: list[Complaint] = []
    bookmark = Bookmark(tmp_path / "place", "trial")

    def translate(line: str) -> list[dict[str, str]]:
        if line == "bad":
            raise InvalidInput("is bad", field="line")
        return [{"id": line}]

    tail = log.tail(follow=False)
    fed = asyncio.run(Feed(tail, translate, None, bookmark, lambda _: None, complaints.append).run())
    assert (fed.rows, fed.accepted, fed.unread) == (3, 2, 1)
    assert complaints == [Complaint(2, "invalid_field", "line: is bad")]
    assert bookmark.load() is None


@pytest.mark.parametrize("follows", [True, False])
def test_a_feed_that_follows_tries_until_the_service_is_back(log: Reader, follows: bool) -> None:
    log.write("one")
    taken = httpx.Response(202, json={"accepted": 1, "duplicates": 0})
    answers = iter([httpx.Response(503), httpx.Response(503), taken])
    troubles: list[UnreachableError] = []

    async def run() -> Fed:
        stop = asyncio.Event()
        stop.set()
        transport = httpx.MockTransport(lambda _: next(answers))
        async with FrontlineClient("http://frontline", "key", retry=Retry(budget=0), transport=transport) as client:
            feed = Feed(log.tail(), lambda line: [{"id": line}], client, None, lambda _: None, lambda _: None)
            feed.insist = troubles.append if follows else None
            return await feed.run(stop)

    if follows:
        assert asyncio.run(run()).accepted == 1
        assert len(troubles) == 2
    else:
        with pytest.raises(UnreachableError):
            asyncio.run(run())


def test_a_feed_that_follows_goes_on_after_a_line_that_was_not_taken(log: Reader, tmp_path: Path) -> None:
    log.write("bad")
    bookmark = Bookmark(tmp_path / "place", "trial")
    tail = log.tail()

    def translate(line: str) -> list[dict[str, str]]:
        raise InvalidInput("is bad", field=line)

    async def run() -> Fed:
        stop = asyncio.Event()
        stop.set()
        return await Feed(tail, translate, None, bookmark, lambda _: None, lambda _: None).run(stop)

    assert asyncio.run(run()).unread == 1
    assert bookmark.load() == tail.place
