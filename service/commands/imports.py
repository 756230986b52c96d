"""`frontline import`: read what other systems wrote to files, and post it to a running Frontline."""

import asyncio
import json
import math
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

import click

from service.client import ClientError, FrontlineClient, Retry
from service.commands.progress import Display, progress_of
from service.feed.bookmark import Bookmark
from service.feed.feed import Complaint, Fed, Feed, Rows, Translate
from service.feed.tail import Tail
from service.vendors.asterisk import QueueLog
from service.vendors.places import places

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


class Pair(click.ParamType[tuple[str, str]]):
    """A name and what it stands for, as tills=counter."""

    name = "pair"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """The two halves of name=value."""
        if isinstance(value, tuple):
            return value
        left, sign, right = str(value).partition("=")
        if not (left and sign and right):
            self.fail(f"{value!r} is not of the form name=value", param, ctx)
        return left, right


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


@click.group("import")
def command() -> None:
    """Read what other systems wrote to files, and post it to a running Frontline.

    An import can be repeated, and broken off, at any moment: it goes on where it was, and nothing counts twice.
    """


_LOG_EXAMPLES = """\b
Examples:
  frontline import asterisk-queue-log /var/log/asterisk/queue_log --follow --site support --key $KEY
  frontline import asterisk-queue-log queue_log.1 --site support --key $KEY --queue 600=billing --queue sales=sales@riga
"""


@command.command("asterisk-queue-log", epilog=_LOG_EXAMPLES)
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--follow", is_flag=True, help="Go on with what is written later, until told to end.")
@click.option("--site", required=True, help="The site whose log it is.")
@click.option(
    "--queue", "queues", type=Pair(), multiple=True, metavar="NAME=QUEUE[@SITE]", help="A queue with another name here."
)
@click.option("--customers", is_flag=True, help="Callers' numbers are customers, which keyed hashes stand for.")
@click.option("--time-zone", type=Zone(), default="UTC", show_default=True, help="Of times that are written as local.")
@click.option("--url", envvar="FRONTLINE_URL", default="http://127.0.0.1:8000", show_default=True)
@click.option("--key", envvar="FRONTLINE_KEY", required=True, help="A source's key  [env: FRONTLINE_KEY].")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keeps how far it is; PATH.place.")
def asterisk_queue_log(
    path: Path,
    follow: bool,
    site: str,
    queues: tuple[tuple[str, str], ...],
    customers: bool,
    time_zone: ZoneInfo,
    url: str,
    key: str,
    state: Path | None,
) -> None:
    """Post the calls of an Asterisk queue_log at PATH, from its beginning or from where the last import was.

    Lines that cannot be read are told with their numbers, and passed over. With --follow, lines are posted within a
    second, and rotated and emptied logs are followed. Ends with exit code 1 where lines were not taken.
    """
    mapping = {"sites": {"*": site}, "queues": _queues(queues), "customers": customers}
    log = QueueLog(places(mapping), time_zone)
    target = Target(url, key, state or path.with_name(f"{path.name}.place"))
    bookmark = target.bookmark(path=path.resolve(), mapping=mapping, zone=time_zone)
    place = None if bookmark is None else bookmark.load()
    told: list[str] = []
    tail = Tail(path, place, follow=follow, tell=told.append)
    with progress_of(tail) as display:
        for line in told:
            display.say(line)
        tail.tell = display.say
        fed = _feed(tail, log.events, target, bookmark, display, follow=follow)
    conclude(fed, is_followed=follow)


def _queues(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, object]:
    """Queues as a mapping has them."""
    found: dict[str, object] = {}
    for name, told in pairs:
        queue, _, site = told.partition("@")
        found[name] = {"queue": queue, "site": site} if site else queue
    return found


def _feed(
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

    async def run() -> Fed:
        feed = Feed(rows, translate, None, bookmark, display.of(_told), complain)
        if target is None:
            return await feed.run()
        retry = Retry(budget=math.inf) if follow else Retry()
        async with FrontlineClient(target.url, target.key, retry=retry, compress=True) as client:
            feed.client = client
            return await (_until_told(feed) if follow else feed.run())

    try:
        return asyncio.run(run())
    except ClientError as error:
        raise click.ClickException(str(error)) from error


async def _until_told(feed: Feed[T]) -> Fed:
    """Feed until a signal says to end; posts that are on their way get a moment."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = asyncio.ensure_future(feed.run(stop))
    told = asyncio.ensure_future(stop.wait())
    await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    done, _ = await asyncio.wait({running}, timeout=_LAST_POSTS_SECONDS)
    if not done:
        running.cancel()
        await asyncio.wait({running})
    return feed.fed if running.cancelled() else running.result()


def _told(fed: Fed) -> str:
    return f"{fed.rows:,} lines, {fed.events:,} events, {fed.unread + fed.rejected:,} not taken"


def conclude(fed: Fed, *, is_followed: bool = False) -> None:
    """Say what became of everything; exit code 1 where something was not taken, and somebody waits for the outcome."""
    for name in ("rows", "ignored", "unread", "events", "accepted", "duplicates", "rejected"):
        click.echo(f"{name:<11}{getattr(fed, name):>12,}")
    click.echo(f"{'seconds':<11}{fed.seconds:>12,.1f}")
    if (fed.unread or fed.rejected) and not is_followed:
        raise click.exceptions.Exit(1)
