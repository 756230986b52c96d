"""The service under load while something goes wrong, and what must hold afterwards."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import asyncpg
import httpx

from tests.end_to_end.conftest import ServiceProcess
from tests.faults.proxy import Proxy
from tests.faults.scraping import Scraper
from tests.faults.server import Server
from tests.faults.traffic import OBJECTIVE, SOURCE, Record, Traffic

_HEAL_SECONDS = 60
_EVENTS_BEFORE = 150
_EVENTS_AFTER = 150
POSTERS = 8

Fault = Callable[["Harness"], Coroutine[None, None, None]]


class Harness:
    """Replicas on one database, reached through a proxy, and their clients; `survive` is a fault and its check."""

    def __init__(
        self,
        folder: Path,
        server: Server,
        database: str,
        proxy: Proxy,
        replicas: int,
        arguments: Sequence[str],
        settings: Mapping[str, str],
    ) -> None:
        self.server = server
        self.database = database
        self.proxy = proxy
        through = f"postgresql://postgres@127.0.0.1:{proxy.port}/{database}?sslmode=disable"
        self.replicas = []
        for number in range(replicas):
            place = folder / f"replica-{number}"
            place.mkdir()
            reached = {"FRONTLINE_DATABASE_URL": through, "FRONTLINE_COMMIT_TIMEOUT_SECONDS": "2"}
            self.replicas.append(ServiceProcess(place, *arguments, **reached, **settings))
        self.replicas[-1].admin_key = self.replicas[0].admin_key
        self.record = Record()
        self.scraper = Scraper([replica.url for replica in self.replicas], self.replicas[0].reading)
        self._rounds = 0
        self._key = ""

    @property
    def database_url(self) -> str:
        """The way to the database that is never cut."""
        return self.server.url(self.database)

    async def start(self) -> None:
        await asyncio.gather(*(asyncio.to_thread(replica.start) for replica in self.replicas))
        self._key = await asyncio.to_thread(self.replicas[0].new_source, SOURCE)
        self.scraper.start()

    async def stop(self) -> None:
        await self.scraper.stop()
        for replica in self.replicas:
            if replica.process is not None and replica.process.poll() is None:
                await asyncio.to_thread(replica.kill)

    async def survive(self, fault: Fault) -> None:
        """Let a fault happen under load, and check everything once the clients have had their answers."""
        await self.under_load(fault)
        await self.check()
        told = (
            f"{len(self.record.acknowledged)} events, answers {dict(self.record.answers)}, {self.scraper.pages} scrapes"
        )
        print(f"round {self._rounds}: {told}")

    async def under_load(self, fault: Fault) -> None:
        """Let a fault happen while clients post; they end once everything they had is acknowledged."""
        self._rounds += 1
        ports = [replica.port for replica in self.replicas]
        traffic = Traffic(ports, self._key, self._rounds, POSTERS, self.record)
        traffic.start()
        try:
            await traffic.flow(_EVENTS_BEFORE)
            await fault(self)
            await traffic.flow(_EVENTS_AFTER)
            await self.heal()
            await traffic.settle()
        finally:
            await traffic.stop()

    async def heal(self) -> None:
        """Return when every replica is ready."""
        async with httpx.AsyncClient(timeout=5) as client:
            for replica in self.replicas:
                try:
                    async with asyncio.timeout(_HEAL_SECONDS):
                        while not await _is_ready(client, replica.url):
                            await asyncio.sleep(0.05)
                except TimeoutError:
                    self._fail(f"{replica.url} did not heal within {_HEAL_SECONDS} s")

    async def check(self) -> None:
        """Nothing lost, nothing counted twice, nobody told anything else than the contract says."""
        await self.heal()
        for complaint in (self.record.complaints, self.scraper.complaints):
            if complaint:
                self._fail("\n".join(complaint[:10]))
        await self._check_log()
        await self._check_numbers()
        verified = await asyncio.to_thread(self.replicas[0].run, "verify")
        if verified.returncode != 0:
            self._fail(f"verify: {verified.stdout}{verified.stderr}")

    async def _check_log(self) -> None:
        connection = await asyncpg.connect(self.database_url)
        try:
            rows = await connection.fetch("SELECT source, id, count(*) AS times FROM events GROUP BY 1, 2")
            keys = await connection.fetch("SELECT source, id FROM event_keys")
        finally:
            await connection.close()
        times = {(row["source"], row["id"]): row["times"] for row in rows}
        acknowledged = self.record.acknowledged
        if lost := acknowledged - times.keys():
            self._fail(f"{len(lost)} acknowledged events are not in the log: {sorted(lost)[:5]}")
        if twice := [name for name, number in times.items() if number != 1]:
            self._fail(f"{len(twice)} events are in the log more than once: {sorted(twice)[:5]}")
        if strange := times.keys() - acknowledged:
            self._fail(f"{len(strange)} events of the log were never acknowledged: {sorted(strange)[:5]}")
        if times.keys() != {(row["source"], row["id"]) for row in keys}:
            self._fail("the keys of events are not those of the log")
        if self.record.accepted > len(times):
            self._fail(f"{self.record.accepted} events were called new, and the log has {len(times)}")

    async def _check_numbers(self) -> None:
        expected = self.record.kpis()
        for replica in self.replicas:
            async with httpx.AsyncClient(base_url=replica.url, headers=replica.reading, timeout=30) as client:
                seconds = _HEAL_SECONDS if self.record.clocks_differ else 0
                found = await _values(client, expected, seconds)
                point = await _point(client, kpi="service_level", objective=OBJECTIVE)
            if found != expected:
                self._fail(f"{replica.url} tells {found}, and the clients {expected}")
            if (point["numerator"], point["denominator"]) != self.record.service_level():
                self._fail(f"{replica.url} tells {point}, and the clients {self.record.service_level()}")
        await self.scraper.scrape_all()
        offered = self.scraper.total("frontline_queue_offered_total")
        late = self.scraper.total("frontline_backfilled_total", measure="offered")
        if offered + late != expected["offered"]:
            counted = f"{offered:g} live and {late:g} late"
            self._fail(f"the counters of arrivals stand at {counted}, and {expected['offered']} arrived")
        if late and not self.record.clocks_differ:
            self._fail(f"{late:g} arrivals of a moment ago were counted as late")

    def _fail(self, what: str) -> NoReturn:
        logs = "".join(f"\n{replica.url}:\n{replica.log[-3000:]}" for replica in self.replicas)
        raise AssertionError(f"{what}\nanswers: {dict(self.record.answers)}{logs}")


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/readyz")).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


async def _values(client: httpx.AsyncClient, expected: Mapping[str, float], seconds: int) -> dict[str, float]:
    """The values of KPIs, which may take so long to become those expected.

    What was measured by a clock that was behind, the timer corrects.
    """
    while True:
        found = {name: (await _point(client, kpi=name))["value"] for name in expected}
        if found == expected or seconds <= 0:
            return found
        seconds -= 1
        await asyncio.sleep(1)


async def _point(client: httpx.AsyncClient, **query: str) -> dict[str, float]:
    """The one value of a KPI over all time."""
    query |= {"from": "2020-01-01T00:00:00Z", "to": "2100-01-01T00:00:00Z"}
    answer = await client.get("/v1/kpis", params=query)
    answer.raise_for_status()
    (point,) = answer.json()["results"][0]["points"]
    return dict(point)
