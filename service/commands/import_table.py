"""`frontline import csv`: post the finished encounters of a table to a running Frontline."""

import codecs
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from service.commands.feeding import Target, Zone, conclude, feed
from service.commands.mappings import check, read_mapping
from service.commands.progress import progress_of
from service.core.event import CHANNELS
from service.feed.rows import CsvRows
from service.vendors.reading.delivery import Event
from service.vendors.table import Table

_SHOWN_OF_A_TRIAL = 3


def _encoding(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """The name of an encoding that is known."""
    try:
        return codecs.lookup(value).name
    except LookupError as error:
        raise click.BadParameter(f"{value!r} is no encoding, such as utf-8 or latin-1") from error


def _delimiter(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """One character."""
    character = "\t" if value in ("\\t", "tab") else value
    if character is not None and len(character) != 1:
        raise click.BadParameter(f"{value!r} is not one character, nor tab")
    return character


_EXAMPLES = """\b
Examples:
  frontline import csv calls.csv --site support --queue billing --channel phone --time-zone Europe/Vilnius \\
      --map id=call_no --map queued_at=arrived --map answered_at=picked_up --map completed_at=ended --key $KEY
  frontline import csv calls.csv --map calls.json --dry-run
"""


@click.command("csv", epilog=_EXAMPLES)
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--map", "maps", multiple=True, metavar="FIELD=COLUMN|FILE", help="A column that is a field; or a file of JSON."
)
@click.option("--site", help="The site, where no column is.")
@click.option("--queue", help="The queue, where no column is.")
@click.option("--channel", type=click.Choice(CHANNELS), help="The channel, where no column is.")
@click.option("--time-format", help="rfc3339, epoch_seconds, epoch_milliseconds, or a pattern as %d.%m.%Y %H:%M:%S.")
@click.option("--time-zone", type=Zone(), help="Of times that have no offset.")
@click.option("--delimiter", callback=_delimiter, help="Between cells; the one that the first line has most of.")
@click.option("--encoding", callback=_encoding, default="utf-8", show_default=True, help="latin-1, for instance.")
@click.option("--dry-run", is_flag=True, help="Say what would be posted, and post nothing.")
@click.option("--url", envvar="FRONTLINE_URL", default="http://127.0.0.1:8000", show_default=True)
@click.option("--key", envvar="FRONTLINE_KEY", help="A source's key  [env: FRONTLINE_KEY].")
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Keeps how far it is; PATH.place.")
def command(
    path: Path,
    maps: tuple[str, ...],
    site: str | None,
    queue: str | None,
    channel: str | None,
    time_format: str | None,
    time_zone: ZoneInfo | None,
    delimiter: str | None,
    encoding: str,
    dry_run: bool,
    url: str,
    key: str | None,
    state: Path | None,
) -> None:
    """Post the finished encounters of a table at PATH, whose first line names its columns, a row an encounter.

    Fields are id, subject, time (of the end), queued_at, answered_at, completed_at, wait_seconds, service_seconds,
    hold_seconds, wrap_up_seconds, outcome, resolved, transfers, site, queue, channel, customer, topic, agent. Without
    an id, rows are known by what they say, and of rows that say the same one counts.

    Rows that cannot be taken are told with their lines, and cost no others; then the exit code is 1.
    """
    if not dry_run and not key:
        raise click.UsageError("give --key, or --dry-run to try it")
    constants = {"site": site, "queue": queue, "channel": channel}
    times = {"time_format": time_format, "time_zone": None if time_zone is None else str(time_zone)}
    mapping = _table_mapping(maps, constants, times)
    rows = CsvRows(path, encoding=encoding, delimiter=delimiter)
    table = Table(mapping, rows.columns)
    target = None if dry_run else Target(url, key or "", state or path.with_name(f"{path.name}.place"))
    bookmark = None if target is None else target.bookmark(path=path.resolve(), mapping=mapping, encoding=encoding)
    rows.go_to(None if bookmark is None else bookmark.load())
    shown = iter(range(_SHOWN_OF_A_TRIAL))

    def translate(row: dict[str, str]) -> list[Event]:
        events = table.events(row)
        if target is None:
            check(events)
            if next(shown, None) is not None:
                click.echo(json.dumps(events[0], ensure_ascii=False))
        return events

    with closing(rows), progress_of(rows) as display:
        fed = feed(rows, translate, target, bookmark, display)
    conclude(fed)


def _table_mapping(
    maps: tuple[str, ...], constants: Mapping[str, str | None], times: Mapping[str, str | None]
) -> dict[str, Any]:
    """A table's mapping, of a file and of what is given beside it, which has the last word."""
    mapping: dict[str, Any] = {}
    columns: dict[str, str] = {}
    for told in maps:
        field, sign, column = told.partition("=")
        if sign:
            columns[field] = column
        else:
            mapping |= read_mapping(Path(told))
    mapping["columns"] = {**mapping.get("columns", {}), **columns}
    given = {name: value for name, value in constants.items() if value is not None}
    mapping["constants"] = {**mapping.get("constants", {}), **given}
    return mapping | {name: value for name, value in times.items() if value is not None}
