"""A demonstration: a real bank's day and simulated sites, live, beside a table of their KPIs.

The bank's day is replayed onto today: what lies in the past at once, the rest as its time comes. Where the bank would
be closed now, its day is moved so that it is late morning there.
"""

import asyncio
import json
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from service.client import ClientError, FrontlineClient, KpiSeries, LiveQueue, Retry, SiteQueue
from service.replay import EventFile, Pace, Replay, Summary, busiest_day, of_day, shift_day
from service.simulator.profile import sites
from service.simulator.run import Plan, Run, new_key, register_sites

BANK = "bank"
BANK_ZONE = "Asia/Jerusalem"
BANK_QUEUES = ("ps", "nw", "ne", "tt", "in", "pe")
SOURCE = "demo"

_KPIS = (
    "offered",
    "answered",
    "abandoned",
    "service_level",
    "average_speed_of_answer",
    "abandonment_rate",
    "average_handle_time",
)
_THRESHOLDS = {"phone": 20, "pos": 180}  # seconds within which service should begin
_HEADINGS = ("site", "queue", "channel", "offered", "answered", "left", "SL", "ASA", "left %", "AHT")
_LIVE_HEADINGS = ("wait", "longest")
_REFRESH, _PLAIN_REFRESH = 1.0, 10.0  # seconds
_AT_LEAST = timedelta(hours=6)  # just after midnight, today would be empty
_BUSY_FROM, _BUSY_TO = time(9), time(21)  # when there is something to see at the bank
_ELSE_IT_IS = time(11)

Line = tuple[str, str, str]  # site, queue, channel


@dataclass(frozen=True, slots=True)
class Board:
    """The KPIs of each line since `since`, and who waits in it now; `trouble` says why they are old."""

    since: datetime
    kpis: dict[Line, dict[str, float | None]] = field(default_factory=dict)
    live: dict[Line, LiveQueue] = field(default_factory=dict)
    trouble: str = ""

    @property
    def lines(self) -> list[Line]:
        """The lines of service, sorted."""
        return sorted(self.kpis.keys() | self.live.keys())


async def read_board(client: FrontlineClient, since: datetime) -> Board:
    """Read the KPIs since `since` and the live state; raises `ClientError`."""
    kpis: dict[Line, dict[str, float | None]] = {}
    for channel, threshold in _THRESHOLDS.items():
        series = await client.kpis(
            _KPIS,
            from_=since.isoformat(),
            to=(datetime.now(UTC) + timedelta(minutes=1)).isoformat(),
            channel=channel,
            threshold=str(threshold),
            group_by="site,queue,channel",
        )
        for each in series:
            kpis.setdefault(_line(each), {})[each.kpi] = each.points[0].value if each.points else None
    return Board(since, kpis, {_line(each): each for each in await client.live()})


def _line(of: KpiSeries | LiveQueue) -> Line:
    return of.site or "", of.queue or "", of.channel or ""


def table(board: Board) -> Table:
    """The board as a table for the terminal."""
    phone, store = _THRESHOLDS["phone"], _THRESHOLDS["pos"]
    title = f"Since {board.since:%H:%M} (left: abandoned; SL: within {phone} s by phone, {store} s in a store)"
    caption = board.trouble or None
    drawn = Table(title=title, caption=caption, caption_style="red", box=box.SIMPLE_HEAD, padding=0)
    for place, heading in enumerate((*_HEADINGS, *_LIVE_HEADINGS)):
        drawn.add_column(heading, justify="left" if place < 3 else "right", no_wrap=True)
    for line in board.lines:
        drawn.add_row(*line, *_cells(board.kpis.get(line, {}), board.live.get(line)))
    return drawn


def snapshot(board: Board) -> str:
    """The board as plain text, a line of service to a line."""
    names = ("off", "ans", "abn", "sl", "asa", "abr", "aht", "wait", "longest")
    rows = [f"{datetime.now(UTC):%H:%M:%S}Z {board.trouble}".rstrip()]
    for line in board.lines:
        cells = _cells(board.kpis.get(line, {}), board.live.get(line))
        told = " ".join(f"{name}={cell.plain}" for name, cell in zip(names, cells, strict=True))
        rows.append(f"{'/'.join(line)} {told}")
    return "\n".join(rows)


def _cells(kpis: dict[str, float | None], live: LiveQueue | None) -> list[Text]:
    counts = [Text(_number(kpis.get(name))) for name in _KPIS[:3]]
    level, answer, abandonment, handle = (kpis.get(name) for name in _KPIS[3:])
    waiting = live.waiting if live else 0
    longest = live.longest_wait_seconds if live and live.waiting else None
    return [
        *counts,
        Text(_percent(level), style=_colour(level, good=0.8, fair=0.6)),
        Text(_seconds(answer)),
        Text(_percent(abandonment), style=_colour(_complement(abandonment), good=0.95, fair=0.9)),
        Text(_seconds(handle)),
        Text(str(waiting)),
        Text(_seconds(longest)),
    ]


def _complement(value: float | None) -> float | None:
    return None if value is None else 1 - value


def _colour(value: float | None, good: float, fair: float) -> str:
    if value is None:
        return "dim"
    return "green" if value >= good else "yellow" if value >= fair else "red"


def _number(value: float | None) -> str:
    return "0" if value is None else f"{value:.0f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}s"


async def watch(client: FrontlineClient, console: Console) -> None:
    """Show the board until cancelled: a table renewed each second, or plain text where it is no terminal."""
    board = Board(_since())
    if not console.is_terminal:
        while True:
            board = await _renewed(client, board)
            console.print(snapshot(board), soft_wrap=True, highlight=False, markup=False)
            await asyncio.sleep(_PLAIN_REFRESH)
    with Live(table(board), console=console, auto_refresh=False) as live:
        while True:
            board = await _renewed(client, board)
            live.update(table(board), refresh=True)
            await asyncio.sleep(_REFRESH)


async def _renewed(client: FrontlineClient, board: Board) -> Board:
    """A new board, or the old one with the reason why there is none."""
    try:
        return await read_board(client, _since())
    except ClientError as error:
        return Board(board.since, board.kpis, board.live, trouble=str(error))


def _since() -> datetime:
    """The beginning of today here, but never less than six hours ago."""
    now = datetime.now(UTC).astimezone()
    return min(now.replace(hour=0, minute=0, second=0, microsecond=0), now - _AT_LEAST)


async def replay_bank_day(client: FrontlineClient, month: Path, day: date | None = None) -> Summary:
    """Replay one day of the bank's month (None: its busiest) so that its hour is the hour there now, or a busy one."""
    zone, lines = ZoneInfo(BANK_ZONE), EventFile(month)
    if day is None:
        day = await asyncio.to_thread(busiest_day, lines, zone)
    now = datetime.now(UTC)
    hour = now.astimezone(zone).time()
    shift = shift_day(day, hour if _BUSY_FROM <= hour < _BUSY_TO else _ELSE_IT_IS, now, zone)
    by_its_own_clock = Pace(1, now, now)
    return await Replay(client, by_its_own_clock).run(map(shift.apply, of_day(lines, day, zone)))


async def run_demo(
    url: str,
    admin_key: str,
    *,
    prometheus_url: str | None = None,
    month: Path,
    day: date | None = None,
    number_of_sites: int = 3,
    seed: int = 1,
    slip: float = 0.0,
    backfill: timedelta = timedelta(hours=2),
    duration: timedelta | None = None,
    console: Console | None = None,
) -> None:
    """Show a running Frontline at work until cancelled, or for `duration`.

    `month` is the bank's month of events, in UTC. Registers the source `demo` and all sites, replays a day of
    the bank, simulates stores and a call centre with some hours of past, prints where to look, and watches.
    Raises `ClientError` where the service cannot be reached or does not take the admin key.
    """
    console = console or Console()
    profiles = sites(number_of_sites)
    async with FrontlineClient(url, admin_key, retry=Retry(budget=5)) as admin:
        await admin.wait_until_ready()
        queues = [SiteQueue(name, "phone") for name in BANK_QUEUES]
        await admin.put_site(BANK, BANK_ZONE, queues=queues)
        await register_sites(admin, profiles)
        key = (await new_key(admin, SOURCE)).key
        console.print(
            where_to_look(url.rstrip("/"), key, datetime.now(UTC), prometheus_url),
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
        async with FrontlineClient(url, key, retry=Retry(budget=300)) as client:
            simulated = Run(client, profiles, Plan(backfill, slip=slip), seed)
            shown = watch(admin, console)
            await _together((replay_bank_day(client, month, day), simulated.run(), shown), duration)


async def _together(parts: Iterable[Coroutine[Any, Any, object]], duration: timedelta | None) -> None:
    """Run all parts at once until they end, one fails, or the time is over."""
    try:
        async with (
            asyncio.timeout(duration.total_seconds() if duration else None),
            asyncio.TaskGroup() as tasks,
        ):
            for part in parts:
                tasks.create_task(part)
    except TimeoutError:
        return
    except ExceptionGroup as group:
        raise group.exceptions[0] from group


def where_to_look(url: str, key: str, now: datetime, prometheus_url: str | None = None) -> str:
    """What a newcomer can open and try, as text."""
    prometheus = f"""\
  {prometheus_url}/graph?g0.expr=frontline%3Aqueue_waiting&g0.tab=0&g0.range_input=15m   a graph of who waits
  {prometheus_url}/alerts   the alerts, and which of them fire
"""
    first = {
        "id": f"first-{now:%H%M%S}",
        "source": "till-3",
        "type": "interaction.queued",
        "time": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "subject": f"order-{now:%H%M%S}",
        "data": {"site": "vilnius-1", "queue": "tills", "channel": "pos"},
    }
    return f"""
Where to look
  {url}/docs          the API, to try out
  {url}/v1/live       who waits now
  {url}/v1/kpis?kpi=offered,service_level,average_speed_of_answer&group_by=site,queue
  {url}/metrics/kpi   the KPIs for Prometheus
{prometheus if prometheus_url else ""}
Post an event of your own
  curl {url}/v1/events -H 'Authorization: Bearer {key}' \\
    -H 'Content-Type: application/json' -d '{json.dumps(first)}'
"""
