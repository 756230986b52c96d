"""`frontline sources`: try a webhook's mapping, see what could not be read, and have it read again."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from service.client import ClientError, FrontlineClient
from service.commands.mappings import read_mapping, rejected
from service.vendors.known import ADAPTERS
from service.vendors.reading.delivery import Delivery, Event, Reader

T = TypeVar("T")
_EXAMPLES = """\b
Examples:
  frontline sources try --vendor generic --mapping desk.json sample.json
  frontline sources try --vendor shopify --mapping shop.json --header "X-Shopify-Topic: orders/create" order.json
  frontline sources unread --source shop
  frontline sources replay shop
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a part of a sample: an event, or why there is none."""

    sample: str
    event: Event | None = None
    code: str = ""
    detail: str = ""


@click.group("sources", epilog=_EXAMPLES)
def command() -> None:
    """Try a webhook's mapping, see what could not be read, and have it read again."""


@command.command("try")
@click.argument("samples", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--vendor", type=click.Choice(sorted(ADAPTERS)), required=True, help="Who sends it.")
@click.option("--mapping", "mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header that comes with the samples.")
@click.option("--url", default="https://frontline.example.com/v1/webhooks/source", help="The webhook's public URL.")
@click.option("--format", "form", type=click.Choice(["table", "ndjson"]), default="table", show_default=True)
def try_mapping(
    samples: tuple[Path, ...], vendor: str, mapping: Path, headers: tuple[str, ...], url: str, form: str
) -> None:
    """Say what a webhook with a mapping would make of SAMPLES, each the body of a delivery. Nothing is posted.

    Ends with exit code 1 where something is not read, or would not be taken.
    """
    reader = ADAPTERS[vendor].reader(read_mapping(mapping))
    known = dict(_header(told) for told in headers)
    outcomes = [one for sample in samples for one in _outcomes(reader, sample, Delivery(url, known, b""))]
    if form == "ndjson":
        for one in outcomes:
            told = one.event or {"sample": one.sample, "code": one.code, "detail": one.detail}
            click.echo(json.dumps(told, ensure_ascii=False))
    else:
        Console().print(_table(outcomes))
    if any(one.code and one.code != "ignored" for one in outcomes):
        raise click.exceptions.Exit(1)


@command.command("unread")
@click.option("--source", help="Only of this one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@click.option("--url", envvar="FRONTLINE_URL", default="http://127.0.0.1:8000", show_default=True)
@click.option("--key", envvar="FRONTLINE_ADMIN_KEY", required=True, help="An admin key  [env: FRONTLINE_ADMIN_KEY].")
def unread(source: str | None, limit: int, url: str, key: str) -> None:
    """What vendors sent that could not be read or mapped, the latest first, and why."""
    parts = _asked(url, key, lambda client: client.unread(source, limit))
    table = Table("id", "source", "received", "kept until", "code", "why", "bytes")
    for one in parts:
        times = (one.received_at[:16], one.expires_at[:16])
        table.add_row(str(one.id), one.source, *times, one.code, escape(one.detail), str(one.size_bytes))
    Console().print(table)


@command.command("replay")
@click.argument("name")
@click.option("--url", envvar="FRONTLINE_URL", default="http://127.0.0.1:8000", show_default=True)
@click.option("--key", envvar="FRONTLINE_ADMIN_KEY", required=True, help="An admin key  [env: FRONTLINE_ADMIN_KEY].")
def replay(name: str, url: str, key: str) -> None:
    """Have what could not be read of the source NAME read again, by the mapping that it has now.

    Ends with exit code 1 where something still cannot be read.
    """
    done = _asked(url, key, lambda client: client.replay_source(name))
    for what in ("accepted", "duplicates", "ignored", "unread"):
        click.echo(f"{what:<11}{getattr(done, what):>12,}")
    if done.unread:
        raise click.exceptions.Exit(1)


def _asked(url: str, key: str, question: Callable[[FrontlineClient], Coroutine[Any, Any, T]]) -> T:
    async def ask() -> T:
        async with FrontlineClient(url, key) as client:
            return await question(client)

    try:
        return asyncio.run(ask())
    except ClientError as error:
        raise click.ClickException(str(error)) from error


def _header(told: str) -> tuple[str, str]:
    name, sign, value = told.partition(":")
    if not sign:
        raise click.BadParameter(f"{told!r} is not of the form name: value", param_hint="--header")
    return name.strip().lower(), value.strip()


def _outcomes(reader: Reader, sample: Path, delivery: Delivery) -> Iterator[Outcome]:
    """What becomes of each part of a sample."""
    reading = reader.read(Delivery(delivery.url, delivery.headers, sample.read_bytes()))
    events = [event for part in reading.parts for event in part.events]
    refused = {one.index: one for one in rejected(events)}
    for place, event in enumerate(events):
        if place in refused:
            yield Outcome(str(sample), None, refused[place].code, refused[place].detail)
        else:
            yield Outcome(str(sample), event)
    for one in reading.unread:
        yield Outcome(str(sample), None, one.code, one.detail)
    for _ in range(reading.ignored):
        yield Outcome(str(sample), None, "ignored", "says nothing of service")


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("sample", "type", "time", "subject", "data")
    for one in outcomes:
        if one.event is None:
            table.add_row(escape(one.sample), one.code, "", "", escape(one.detail))
        else:
            data = ", ".join(f"{name}={value}" for name, value in one.event["data"].items())
            words = (one.sample, one.event["type"], one.event["time"], one.event["subject"], data)
            table.add_row(*map(escape, words))
    return table
