"""`frontline report` on a database: the month of each site, by the promises of its days."""

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from service.commands.report import command
from service.core.event import microseconds
from service.core.objective import Override
from service.core.window import number_of
from service.generate.report.sheet import COLUMNS
from service.store.database import Database
from service.store.ledger import Ledger
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.verdicts import Post
from tests.books import accept
from tests.terms import answered_within, promises

SECOND = 1_000_000
NOW = datetime(2025, 12, 2, tzinfo=UTC)
IN_20 = answered_within(20 * SECOND, minimum_events=1)
LATER = replace(IN_20, target=0.9, start_day=number_of(date(2025, 11, 16)), overrides=(Override(("apia",), 0.5),))
# 23:30 on the last day of November at each site, and 23:30 on the last day of October.
LAST = {
    "apia": ("2025-11-30T10:30", "2025-10-31T10:30"),
    "honolulu": ("2025-12-01T09:30", "2025-11-01T09:30"),
    "utc": ("2025-11-30T23:30", "2025-10-31T23:30"),
}
ZONES = {"apia": "Pacific/Apia", "honolulu": "Pacific/Honolulu", "utc": "UTC"}


def calls() -> Iterator[dict[str, Any]]:
    """At each site: on the last of November one too late; and half an hour after it, and before it began, one each."""
    for site, (last, before) in LAST.items():
        for name, text, minutes, wait in (
            ("first", before, 30, 5),
            ("last", last, 0, 90),
            ("next", last, 30, 90),
            ("previous", before, 0, 90),
        ):
            arrival = datetime.fromisoformat(f"{text}+00:00") + timedelta(minutes=minutes)
            yield {
                "id": f"{site}-{name}",
                "source": "acd",
                "type": "interaction.recorded",
                "time": (arrival + timedelta(seconds=wait)).isoformat(),
                "subject": f"{site}-{name}",
                "data": {"site": site, "queue": "sales", "channel": "phone", "wait_seconds": wait},
            }


@pytest.fixture
async def told(database: Database, registry: Registry, ledger: Ledger, database_url: str) -> str:
    """The URL of a database in which November has happened."""
    for site, zone in ZONES.items():
        await registry.put_site(site, time_zone=zone, hours=None, holidays=None, since=None, queues=[], actor="test")
    await Policies(database).publish(
        promises(phone=(IN_20, LATER), chats=replace(IN_20, channels=("chat",))),
        microseconds(NOW) - 40 * 86_400 * SECOND,
    )
    await ledger.commit([Post(1, accept(calls(), microseconds(NOW)))], microseconds(NOW))
    return database_url


def run(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, env={"FRONTLINE_DATABASE_URL": url})


def rows(url: str, *arguments: str) -> list[dict[str, str]]:
    done = run(url, *arguments)
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout)))


def test_a_month_is_that_of_each_site(told: str) -> None:
    found = rows(told, "--month", "2025-11", "--objective", "phone")
    sites = {one["site"]: one for one in found if one["scope"] == "site"}
    for site in ZONES:
        one = sites[site]
        assert (one["events"], one["breaches"], one["numerator"]) == ("2", "1", "1")
    # By what was promised on the day of each: a fifth and a tenth of a call, or a half where it was promised otherwise.
    assert {site: one["allowed_breaches"] for site, one in sites.items()} == {
        "apia": "0.7",
        "honolulu": "0.3",
        "utc": "0.3",
    }
    days = {(one["first_date"], one["events"], one["breaches"]) for one in found if one["scope"] == "day"}
    assert days == {("2025-11-01", "3", "0"), ("2025-11-30", "3", "3")}
    (whole,) = (one for one in found if one["scope"] == "all")
    assert (whole["events"], whole["allowed_breaches"], whole["result"], whole["so_far"]) == (
        "6",
        "1.3",
        "not_met",
        "false",
    )
    assert whole["terms"] == "2025-11-01: at least 80 % within 20 s; 2025-11-16: at least 90 % within 20 s"


def test_it_can_be_narrowed_to_sites_and_objectives(told: str) -> None:
    assert {one["objective"] for one in rows(told, "--month", "2025-11")} == {"phone", "chats"}
    found = rows(told, "--month", "2025-11", "--objective", "phone", "--site", "apia", "--site", "utc")
    assert {one["site"] for one in found if one["scope"] in ("site", "series")} == {"apia", "utc"}
    assert [one["events"] for one in found if one["scope"] == "all"] == ["4"]


def test_the_page_goes_to_a_file_of_its_name(told: str, tmp_path: Path) -> None:
    file = tmp_path / "november.html"
    done = run(told, "--month", "2025-11", "--output", str(file))
    assert (done.exit_code, done.stdout) == (0, "")
    text = file.read_text(encoding="utf-8")
    assert "<h1>Service quality, November 2025</h1>" in text
    assert "3 / 6 = 50.00 %" in text
    assert run(told, "--month", "2025-11", "--format", "html").stdout.count("<h2>") == 2
    other = tmp_path / "november.csv"
    assert run(told, "--month", "2025-11", "--output", str(other)).exit_code == 0
    assert other.read_text(encoding="utf-8").startswith("month,so_far,objective,")


def test_the_last_month_is_told_unless_another_is_named(told: str) -> None:
    before = datetime.now(UTC).replace(day=1) - timedelta(days=1)
    assert {one["month"] for one in rows(told)} == {f"{before:%Y-%m}"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--site", "moon"), "'moon' is not known; there are: apia, honolulu, utc"),
        (("--objective", "moon"), "'moon' is not known; there are: chats, phone"),
        (("--month", "2025-13"), "'2025-13' is no month; write it as 2026-11"),
        (("--month", "2199-01"), "the month has not begun yet"),
        (("--format", "pdf"), "'pdf'"),
        (("--output", "/nowhere/november.csv"), "/nowhere/november.csv cannot be written"),
    ],
)
def test_what_cannot_be_told_is_said(told: str, arguments: tuple[str, ...], said: str) -> None:
    done = run(told, *arguments)
    assert done.exit_code != 0
    assert said in " ".join(done.stderr.split())


@pytest.fixture
async def outdated(told: str, database: Database) -> str:
    """The same, once the past is to be judged otherwise."""
    stricter = [replace(one, rewrites=True) for one in promises(phone=replace(IN_20, threshold_us=SECOND))]
    assert await Policies(database).publish(stricter, microseconds(NOW))
    return told


def test_that_a_rebuild_is_wanted_is_said_beside_the_table_and_on_the_page(outdated: str) -> None:
    assert "frontline rebuild" in run(outdated, "--month", "2025-11").stderr
    done = run(outdated, "--month", "2025-11", "--format", "html")
    assert "have changed since the past was measured" in done.stdout


def test_nothing_is_said_beside_a_table_that_is_right(told: str) -> None:
    assert run(told, "--month", "2025-11").stderr == ""


def test_the_help_explains_every_column() -> None:
    done = CliRunner().invoke(command, ["--help"])
    assert done.exit_code == 0
    assert "Examples:" in done.stdout
    for name in COLUMNS:
        assert f"  {name} " in done.stdout
