"""A scraper in the place of Prometheus, which remembers every counter that it ever saw."""

import asyncio
from collections.abc import Mapping, Sequence

import httpx
from prometheus_client.parser import text_string_to_metric_families

_INTERVAL_SECONDS = 0.2
_COUNTING = {"counter", "histogram"}

Series = tuple[str, tuple[tuple[str, str], ...]]


def counters(page: str) -> dict[Series, float]:
    """What must never go down: the samples of counters and histograms."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        if family.type in _COUNTING
        for sample in family.samples
    }


class Scraper:
    """Scrapes `/metrics/kpi` of every replica in turn; `complaints` are of counters that went down or away."""

    def __init__(self, urls: Sequence[str], headers: Mapping[str, str]) -> None:
        self._urls = urls
        self._headers = headers
        self._seen: dict[str, dict[Series, float]] = {url: {} for url in urls}
        self._task: asyncio.Task[None] | None = None
        self.pages = 0
        self.complaints: list[str] = []

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def take(self, url: str, page: str) -> None:
        """Hold a page against those before it."""
        self.pages += 1
        now, before = counters(page), self._seen[url]
        for series, value in before.items():
            if series not in now:
                self.complaints.append(f"{series} is gone from {url}; it stood at {value:g}")
            elif now[series] < value:
                self.complaints.append(f"{series} of {url} went down from {value:g} to {now[series]:g}")
        before |= now

    def total(self, name: str, **labels: str) -> float:
        """The sum of a counter's series that have these labels, by the replica that tells the most."""
        wanted = labels.items()
        return max(
            sum(value for (found, has), value in seen.items() if found == name and wanted <= set(has))
            for seen in self._seen.values()
        )

    async def scrape(self, client: httpx.AsyncClient, url: str) -> None:
        """One page, where the replica has one to give."""
        try:
            answer = await client.get(f"{url}/metrics/kpi")
        except httpx.TransportError:
            return
        if answer.status_code == httpx.codes.OK:
            self.take(url, answer.text)
        elif answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            self.complaints.append(f"a scrape of {url} was answered with {answer.status_code}")

    async def scrape_all(self) -> None:
        """One page of each replica."""
        async with httpx.AsyncClient(timeout=100, headers=self._headers) as client:
            for url in self._urls:
                await self.scrape(client, url)

    async def _run(self) -> None:
        async with httpx.AsyncClient(timeout=100, headers=self._headers) as client:
            while True:
                for url in self._urls:
                    await self.scrape(client, url)
                await asyncio.sleep(_INTERVAL_SECONDS)
