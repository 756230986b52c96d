"""What the imports of `frontline import` share: where events go, how far it is, and what became of them."""

import asyncio
import json
import signal
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click

from service.client import ClientError, FrontlineClient, UnreachableError
from service.commands.progress import Display
from service.feed.bookmark import Bookmark
from service.feed.feed import Complaint, Fed, Feed, Rows, Translate

T = TypeVar("T")
_LAST_POSTS_SECONDS = 5.0
_NOWHERE = "/dev/null"


class Zone(click.ParamType[ZoneInfo]):
    """A time zone, as Europe/Vilnius."""

    name = "zone"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> ZoneInfo:
        """The zone of a name."""
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(str(value))
        except (KeyError, ValueError, OSError):
            self.fail(f"{value!r} is no time zone, such as Europe/Vilnius", param, ctx)


@dataclass(frozen=True, slots=True)
class Target:
    """Where events go, and the file that keeps how far it is."""

    url: str
    key: str
    state: Path

    def bookmark(self, **how: object) -> Bookmark | None:
        """The bookmark of an import; another way of reading, or another target, reads from the beginning."""
        if str(self.state) == _NOWHERE:
            return None
        purpose = json.dumps([self.url, self.key, how], sort_keys=True, default=str)
        return Bookmark(self.state, sha256(purpose.encode()).hexdigest())


def feed(
    rows: Rows[T],
    translate: Translate[T],
    target: Target | None,
    bookmark: Bookmark | None,
    display: Display,
    *,
    follow: bool = False,
) -> Fed:
    """Post the events of rows; nothing where there is no target."""

    def complain(complaint: Complaint) -> None:
        display.say(f"line {complaint.line}: {complaint.code}: {complaint.detail}")

    def insist(error: UnreachableError) -> None:
        display.say(f"{error}; it is tried again")

    async def run() -> Fed:
        feeding = Feed(rows, translate, None, bookmark, display.of(_told), complain)
        if target is None:
            return await feeding.run()
        async with FrontlineClient(target.url, target.key, compress=True) as client:
            feeding.client = client
            if follow:
                feeding.insist = insist
            return await (_until_told(feeding) if follow else feeding.run())

    try:
        return asyncio.run(run())
    except ClientError as error:
        raise click.ClickException(str(error)) from error


async def _until_told(feeding: Feed[T]) -> Fed:
    """Feed until a signal says to end; posts that are on their way get a moment."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.ensure_future(feeding.run(stop))
    told = asyncio.ensure_future(stop.wait())
    await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    done, _ = await asyncio.wait({running}, timeout=_LAST_POSTS_SECONDS)
    if not done:
        running.cancel()
        await asyncio.wait({running})
    return feeding.fed if running.cancelled() else running.result()


def _told(fed: Fed) -> str:
    return f"{fed.rows:,} lines, {fed.events:,} events, {fed.unread + fed.rejected:,} not taken"


def conclude(fed: Fed, *, is_followed: bool = False) -> None:
    """Say what became of everything; exit code 1 where something was not taken, and somebody waits for the outcome."""
    for name in ("rows", "ignored", "unread", "events", "accepted", "duplicates", "rejected"):
        click.echo(f"{name:<11}{getattr(fed, name):>12,}")
    click.echo(f"{'seconds':<11}{fed.seconds:>12,.1f}")
    if (fed.unread or fed.rejected) and not is_followed:
        raise click.exceptions.Exit(1)
