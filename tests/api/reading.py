"""The read endpoints on a database, and events to read of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from service.core.event import microseconds
from service.core.intake import admit, read_json
from service.store.ledger import Ledger
from service.store.verdicts import Post

FIELDS = [
    *("kpi", "formula", "objective", "threshold", "within", "maturity"),
    *("site", "queue", "channel", "dimension", "standard", "kind", "method", "points"),
]
DAY = "from=2025-03-31T00:00:00Z&to=2025-04-01T00:00:00Z"
NINE = datetime(2025, 3, 31, 9, 0, tzinfo=UTC)


def event(subject: str, kind: str, at: datetime, **data: Any) -> dict[str, Any]:
    return {
        "id": f"{subject}-{kind}-{at.timestamp()}",
        "source": "till-3",
        "type": f"interaction.{kind}",
        "time": at.isoformat(),
        "subject": subject,
        "data": data,
    }


class Service:
    """The read endpoints on a database, and a registered source `pos` that posts to it."""

    def __init__(self, client: httpx.AsyncClient, ledger: Ledger, source_id: int) -> None:
        self.client = client
        self._ledger = ledger
        self._source_id = source_id

    async def post(self, *events: dict[str, Any]) -> None:
        now_us = microseconds(datetime.now(UTC))
        accepted, rejected = admit(
            read_json(msgspec.json.encode(events)),
            now_us=now_us,
            pseudonym=lambda customer: f"pseudonym of {len(customer)}",
            may_post=lambda _: True,
        )
        assert not rejected
        await self._ledger.commit([Post(self._source_id, accepted)], now_us)

    async def call(self, subject: str, at: datetime, wait: float, kind: str = "answered", **data: Any) -> None:
        """One who waits for the tills of vilnius-1, unless told otherwise, until something of a kind happens."""
        place = {"site": "vilnius-1", "queue": "tills", "channel": "pos"} | data
        await self.post(event(subject, "queued", at, **place), event(subject, kind, at + timedelta(seconds=wait)))

    async def get(self, url: str) -> Any:
        answer = await self.client.get(url)
        assert answer.status_code == 200, answer.text
        return answer.json()
