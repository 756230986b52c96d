"""`frontline replay`: post a file of events to a running Frontline."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path

import click

from service.client import ClientError, FrontlineClient
from service.commands.progress import progress_of
from service.replay import MAX_SPEED, EventFile, Pace, Replay, ReplayError, Summary, moment
from service.replay import shift_to_now as to_now

_EXAMPLES = """\b
Examples:
  frontline replay january.ndjson.gz --key $KEY
  frontline replay january.ndjson.gz --key $KEY --shift-to-now
  frontline replay today.ndjson --key $KEY --speed 60
  zcat *.ndjson.gz | frontline replay - --key $KEY --clients 8
"""


def speed_of(text: str) -> float:
    """A multiple of real time; `MAX_SPEED` for `max`. Raises `click.BadParameter`."""
    try:
        speed = MAX_SPEED if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    if not speed > 0:
        raise click.BadParameter(f"{text!r} is neither a number above 0 nor max")
    return speed


@click.command("replay", epilog=_EXAMPLES)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--url", envvar="FRONTLINE_URL", default="http://127.0.0.1:8000", show_default=True)
@click.option("--key", envvar="FRONTLINE_KEY", required=True, help="A source's key  [env: FRONTLINE_KEY].")
@click.option(
    "--speed", type=speed_of, metavar="SPEED", default="max", show_default=True, help="1: real time; 60; max."
)
@click.option("--shift-to-now", is_flag=True, help="Move all times so that the history ends (or begins) now.")
@click.option("--batch", type=click.IntRange(1, 10_000), default=500, show_default=True, help="Events a post.")
@click.option("--clients", type=click.IntRange(1, 64), default=4, show_default=True, help="Posts in flight.")
@click.option("--compress/--no-compress", default=True, show_default=True, help="Send posts gzipped.")
def command(
    file: str, url: str, key: str, speed: float, shift_to_now: bool, batch: int, clients: int, compress: bool
) -> None:
    """Post FILE, one event a line (.ndjson, .ndjson.gz; - is standard input), and count what became of it.

    Posts are tried again until the service has them; repeating a replay counts nothing twice.

    --shift-to-now moves all times by one constant: at max speed the last event lands at now, in real time the
    first one does, and at a speed between them the last event lands at the moment when it is posted. Ids and
    subjects get a suffix made of the shift, so another shifted replay is another history, not duplicates.

    Ends with exit code 1 where events were rejected, or the service was lost.
    """
    source = EventFile(None if file == "-" else Path(file))
    try:
        lines, pace = _prepared(source, speed, shift_to_now)
        with progress_of(source) as display:
            report = display.of(_told)
            summary = asyncio.run(_post(url, key, compress, pace, batch, clients, report, lines))
    except (ClientError, ReplayError) as error:
        raise click.ClickException(str(error)) from error
    _conclude(summary)


def _prepared(source: EventFile, speed: float, shifted: bool) -> tuple[Iterator[bytes], Pace | None]:
    """The lines to post, shifted if asked for, and the pace at which to post them."""
    now = datetime.now(UTC)
    if shifted and speed > 1 and not source.rereadable:
        raise ReplayError("--shift-to-now has to know the last event first: give a file, or --speed 1")
    lines = iter(source)
    head = list(islice(lines, 1))
    lines = chain(head, lines)
    if shifted:
        shift = to_now(source if speed > 1 else head, speed, now)
        head = [shift.apply(line) for line in head]
        lines = map(shift.apply, lines)
    first = (moment(head[0]) if head else None) or now
    return lines, None if speed == MAX_SPEED else Pace(speed, first, now)


async def _post(
    url: str,
    key: str,
    compress: bool,
    pace: Pace | None,
    batch: int,
    clients: int,
    report: Callable[[Summary], None],
    lines: Iterator[bytes],
) -> Summary:
    async with FrontlineClient(url, key, compress=compress) as client:
        return await Replay(client, pace, batch, clients, report).run(lines)


def _told(summary: Summary) -> str:
    return f"{summary.events:,} events, {summary.rate:,.0f}/s, {summary.rejected:,} rejected"


def _conclude(summary: Summary) -> None:
    for name in ("events", "accepted", "duplicates", "rejected"):
        click.echo(f"{name:<11}{getattr(summary, name):>12,}")
    click.echo(f"{'seconds':<11}{summary.seconds:>12,.1f}\n{'events/s':<11}{summary.rate:>12,.0f}")
    for each in summary.rejections:
        click.echo(f"rejected: event {each.index + 1}, id {each.id}: {each.code}: {each.detail}", err=True)
    if summary.rejected:
        raise click.exceptions.Exit(1)
