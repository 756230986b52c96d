"""`frontline import asterisk-queue-log`: post the calls of an Asterisk queue_log to a running Frontline."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from service.commands.feeding import Target, Zone, conclude, feed
from service.commands.progress import progress_of
from service.feed.tail import Tail
from service.vendors.asterisk import QueueLog
from service.vendors.reading.places import places


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


_EXAMPLES = """\b
Examples:
  frontline import asterisk-queue-log /var/log/asterisk/queue_log --follow --site support --key $KEY
  frontline import asterisk-queue-log queue_log.1 --site support --key $KEY --queue 600=billing --queue sales=sales@riga
"""


@click.command("asterisk-queue-log", epilog=_EXAMPLES)
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
def command(
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
    with closing(tail), progress_of(tail) as display:
        for line in told:
            display.say(line)
        tail.tell = display.say
        fed = feed(tail, log.events, target, bookmark, display, follow=follow)
    conclude(fed, is_followed=follow)


def _queues(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, object]:
    """Queues as a mapping has them."""
    found: dict[str, object] = {}
    for name, told in pairs:
        queue, _, site = told.partition("@")
        found[name] = {"queue": queue, "site": site} if site else queue
    return found
