"""`frontline simulate`: post the traffic of simulated stores and call centres to a running Frontline."""

import asyncio
import sys
from datetime import timedelta

import click

from service.client import ClientError, FrontlineClient, Retry
from service.commands.replay import speed_of
from service.replay import Summary
from service.simulator.profile import SiteProfile, sites
from service.simulator.run import Plan, Run, new_key, register_sites

_EXAMPLES = """\b
Examples:
  frontline simulate --admin-key $ADMIN
  frontline simulate --key $KEY --sites 6 --rate 2 --backfill 24
  frontline simulate --admin-key $ADMIN --slip 0.6 --slip-after 300 --slip-for 600
  frontline simulate --admin-key $ADMIN --sites 6 --backfill 336    two weeks, to see what a training did
"""

_Share = click.FloatRange(0.0, 1.0)
_Positive = click.FloatRange(0.0, min_open=True)
_Span = click.FloatRange(0.0)


@click.command("simulate", epilog=_EXAMPLES)
@click.option("--url", envvar="FRONTLINE_URL", default="http://127.0.0.1:8000", show_default=True)
@click.option("--key", envvar="FRONTLINE_KEY", help="A source's key  [env: FRONTLINE_KEY].")
@click.option("--admin-key", envvar="FRONTLINE_ADMIN_KEY", help="Registers all  [env: FRONTLINE_ADMIN_KEY].")
@click.option("--source", default="simulator", show_default=True, help="The source to register.")
@click.option("--sites", "number", type=click.IntRange(1, 999), default=3, show_default=True)
@click.option("--rate", type=_Positive, default=1.0, show_default=True, help="Times the customers and servers.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--label", help="Begins all ids; one of the start time, unless given.")
@click.option("--slip", type=_Share, default=0.0, show_default=True, help="How badly service slips, 0 to 1.")
@click.option("--slip-after", type=_Span, default=0.0, show_default=True, help="Seconds until it does.")
@click.option("--slip-for", type=_Span, help="Seconds after which it recovers; otherwise it does not.")
@click.option("--backfill", type=_Span, default=0.0, show_default=True, help="Hours of past to begin with.")
@click.option(
    "--speed",
    type=speed_of,
    metavar="SPEED",
    default="max",
    show_default=True,
    help="Of the backfill: 60; max.",
)
@click.option("--duration", type=_Span, help="Seconds after which to end; otherwise at Ctrl-C.")
def command(
    url: str,
    key: str | None,
    admin_key: str | None,
    source: str,
    number: int,
    rate: float,
    seed: int,
    label: str | None,
    slip: float,
    slip_after: float,
    slip_for: float | None,
    backfill: float,
    speed: float,
    duration: float | None,
) -> None:
    """Simulate stores (tills, drive-thru) and call centres (sales, billing, support), and post what happens.

    Customers come by the hour and weekday of their site, wait in line, are served, leave, and come back with
    what was not resolved. They are promised things, and say what they think; standards are checked, and things break.
    --slip takes servers away and slows the others, so that waits grow as lines do. With --backfill some sites are
    trained in the middle of it, and better from then on.

    With an admin key the sites are registered first, with their time zones and queues, and a key is made
    unless one is given; otherwise --key has to be one that may post for them.
    """
    plan = Plan(
        backfill=timedelta(hours=backfill),
        speed=speed,
        duration=None if duration is None else timedelta(seconds=duration),
        slip=slip,
        onset=timedelta(seconds=slip_after),
        slipping=None if slip_for is None else timedelta(seconds=slip_for),
    )
    profiles = [site.times(rate) for site in sites(number)]
    try:
        summary = asyncio.run(_simulate(url, key, admin_key, source, profiles, plan, seed, label))
    except ClientError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        return
    click.echo(_told(summary))
    for each in summary.rejections:
        click.echo(f"rejected: {each.id}: {each.code}: {each.detail}", err=True)


async def _simulate(
    url: str,
    key: str | None,
    admin_key: str | None,
    source: str,
    profiles: list[SiteProfile],
    plan: Plan,
    seed: int,
    label: str | None,
) -> Summary:
    if admin_key:
        async with FrontlineClient(url, admin_key) as admin:
            await register_sites(admin, profiles)
            key = key or (await new_key(admin, source)).key
    if not key:
        raise click.UsageError("give --key, or --admin-key to have one made")
    async with FrontlineClient(url, key, retry=Retry(budget=300)) as client:
        return await Run(client, profiles, plan, seed, label, _show).run()


def _show(summary: Summary) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{_told(summary)} ", err=True, nl=False)


def _told(summary: Summary) -> str:
    counts = f"{summary.accepted:,} accepted, {summary.duplicates:,} duplicates, {summary.rejected:,} rejected"
    return f"{counts} in {summary.seconds:,.0f} s"
