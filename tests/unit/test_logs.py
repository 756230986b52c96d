"""Logs: a line is a line, whatever it is about, and tells nothing that a client has sent."""

import json
import logging
from collections.abc import Iterator

import pytest

from service import logs
from service.core.errors import Unavailable

HOSTILE = 'x\n{"level": "info", "message": "forged"}\r\x1b[2J\x7f\x85\x9b31m\u2028\u202e\ud800 ąž'
CUSTOMER = "loyalty-8812"
_log = logging.getLogger("test")


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """The one entry that was logged, from a line that a terminal shows as it stands."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isascii()
    assert line.isprintable()
    entry: dict[str, str] = json.loads(line)
    return entry


def test_a_line_cannot_be_forged(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    _log.warning("the site %s is new", HOSTILE)
    assert logged(capsys)["message"] == f"the site {HOSTILE} is new"


def fail(words: str) -> None:
    try:
        {}[words]
    except KeyError as error:
        raise ValueError(words) from error


def test_an_exception_is_told_by_its_kind_and_its_way_and_not_by_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    try:
        fail(CUSTOMER)
    except ValueError:
        _log.exception("something failed")
    told = logged(capsys)["exception"]
    assert CUSTOMER not in told
    for part in ("builtins.ValueError", "builtins.KeyError", "test_logs.py", "in fail", "raise ValueError(words)"):
        assert part in told


def test_what_is_in_a_group_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    try:
        raise ExceptionGroup(CUSTOMER, [TypeError(CUSTOMER), Unavailable("the database is away")])
    except ExceptionGroup:
        _log.exception("something failed")
    told = logged(capsys)["exception"]
    assert CUSTOMER not in told
    assert "builtins.TypeError" in told
    assert "service.core.errors.Unavailable: the database is away" in told


def test_words_of_the_system_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    try:
        raise OSError(28, "No space left on device")
    except OSError:
        _log.exception("something failed")
    assert "builtins.OSError: [Errno 28] No space left on device" in logged(capsys)["exception"]
