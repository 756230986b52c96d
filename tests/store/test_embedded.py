"""The embedded server: started, shared, stopped, killed and started again."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from service.store.embedded import EmbeddedPostgres

_USE = """
import sys
from pathlib import Path
from service.store.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as embedded:
    print(embedded.url, flush=True)
    sys.stdin.readline()
print("left", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder whose server is gone when the test is over, however it went."""
    yield tmp_path / "data"
    postmaster = pid(tmp_path / "data")
    if postmaster is not None:
        os.kill(postmaster, signal.SIGKILL)


def pid(folder: Path) -> int | None:
    """The number of the running server of a data folder."""
    path = folder / "postgresql" / "postmaster.pid"
    if not path.exists():
        return None
    number = int(path.read_text().split()[0])
    return number if alive(number) else None


def alive(number: int) -> bool:
    """Whether a process runs, one that is only waiting to be reaped left aside."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ask(url: str, *statements: str) -> object:
    """What the last of some statements answers."""

    async def run() -> object:
        connection = await asyncpg.connect(url)
        try:
            found: object = None
            for statement in statements:
                found = await connection.fetchval(statement)
            return found
        finally:
            await connection.close()

    return asyncio.run(run())


class User:
    """Another process that uses the server of a data folder."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _USE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def url(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def leave(self) -> None:
        out, _ = self._process.communicate("\n", timeout=60)
        assert out.endswith("left\n")
        assert self._process.returncode == 0

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def test_it_starts_stops_and_keeps_its_data(folder: Path) -> None:
    with EmbeddedPostgres(folder) as embedded:
        assert pid(folder) is not None
        assert ask(embedded.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)", "SELECT n FROM kept") == 7
        assert int(str(ask(embedded.url, "SHOW server_version_num"))) >= 150_000
        assert ask(embedded.url, "SHOW max_connections") == "60"
    assert pid(folder) is None
    with EmbeddedPostgres(folder) as embedded:
        assert ask(embedded.url, "SELECT n FROM kept") == 7


def test_it_listens_on_no_network(folder: Path) -> None:
    with EmbeddedPostgres(folder) as embedded:
        assert ask(embedded.url, "SHOW listen_addresses") == ""


def test_a_second_user_shares_it_at_once_and_the_last_one_stops_it(folder: Path) -> None:
    first = User(folder)
    url = first.url()
    began = time.monotonic()
    second = User(folder)
    assert second.url() == url
    assert time.monotonic() - began < 20
    server = pid(folder)
    assert server is not None
    first.leave()
    assert pid(folder) == server
    assert ask(url, "SELECT 1") == 1
    second.leave()
    assert pid(folder) is None


def test_users_of_one_process_share_it_too(folder: Path) -> None:
    with EmbeddedPostgres(folder) as first:
        with EmbeddedPostgres(folder) as second:
            assert first.url == second.url
        assert ask(first.url, "SELECT 1") == 1
    assert pid(folder) is None


def test_several_come_at_once(folder: Path) -> None:
    users = [User(folder) for _ in range(4)]
    urls = {user.url() for user in users}
    assert len(urls) == 1
    assert ask(urls.pop(), "SELECT 1") == 1
    for user in users:
        user.leave()
    assert pid(folder) is None


def test_a_killed_user_is_in_nobodys_way(folder: Path) -> None:
    killed = User(folder)
    url = killed.url()
    killed.kill()
    assert ask(url, "SELECT 1") == 1
    with EmbeddedPostgres(folder) as embedded:
        assert embedded.url == url
    assert pid(folder) is None


def test_it_starts_again_after_it_was_killed(folder: Path) -> None:
    with EmbeddedPostgres(folder) as embedded:
        ask(embedded.url, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        server = pid(folder)
        assert server is not None
        os.kill(server, signal.SIGKILL)
        _until_gone(server)
    with EmbeddedPostgres(folder) as embedded:
        assert pid(folder) not in (None, server)
        assert ask(embedded.url, "SELECT n FROM kept") == 7
    assert pid(folder) is None


def test_the_next_user_starts_what_was_killed_under_the_first(folder: Path) -> None:
    first = User(folder)
    url = first.url()
    server = pid(folder)
    assert server is not None
    os.kill(server, signal.SIGKILL)
    _until_gone(server)
    second = User(folder)
    assert second.url() == url
    assert ask(url, "SELECT 1") == 1
    second.leave()
    assert ask(url, "SELECT 1") == 1
    first.leave()
    assert pid(folder) is None


def test_a_stranger_with_the_number_of_a_killed_server_is_not_taken_for_it(folder: Path) -> None:
    """As in a container that was killed and starts again: its few numbers are given to others."""
    first = User(folder)
    url = first.url()
    server = pid(folder)
    assert server is not None
    os.kill(server, signal.SIGKILL)
    _until_gone(server)
    first.kill()
    left = folder / "postgresql" / "postmaster.pid"
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        left.write_text(left.read_text().replace(str(server), str(stranger.pid), 1))
        with EmbeddedPostgres(folder) as embedded:
            assert ask(embedded.url, "SELECT 1") == 1
            assert embedded.url == url
        assert pid(folder) is None
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_what_a_start_that_was_cut_short_leaves_is_no_hindrance(folder: Path) -> None:
    with EmbeddedPostgres(folder):
        pass
    for remnant in ("", "999999999\n"):
        (folder / "postgresql" / "postmaster.pid").write_text(remnant)
        with EmbeddedPostgres(folder) as embedded:
            assert ask(embedded.url, "SELECT 1") == 1


def _until_gone(number: int) -> None:
    deadline = time.monotonic() + 10
    while alive(number):
        assert time.monotonic() < deadline
        time.sleep(0.05)
