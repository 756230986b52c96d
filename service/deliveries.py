"""From a vendor's delivery to events that are committed; what cannot be read is kept, and nothing is dropped.

A delivery is answered once everything in it is committed or kept. So one that is sent again, because its answer was
lost, finds everything there and changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from service.core.errors import ConfigurationError, NotAuthenticated
from service.core.event import MAX_EVENTS_PER_POST, Rejected
from service.core.intake import admit, read_json
from service.store.clock import Clock, system_clock_us
from service.store.unread import UnreadParts
from service.store.webhooks import Webhook, Webhooks
from service.telemetry import Telemetry
from service.vendors.known import ADAPTERS
from service.vendors.reading.delivery import Adapter, Delivery, Part, Reader, Reading, Unread, Verifier
from service.writer import Writer

_REPLAYED_AT_ONCE = 200
_OTHER_KEY = "it was sealed with another FRONTLINE_ENCRYPTION_KEY than that of now, and only that one opens it"


@dataclass(slots=True)
class Taken:
    """What became of a delivery, or of several: events, and parts that were kept or say nothing of service."""

    accepted: int = 0
    duplicates: int = 0
    unread: int = 0
    ignored: int = 0


class Deliveries:
    """Takes deliveries of vendors to sources' webhooks, and takes again what could not be read before."""

    def __init__(
        self,
        webhooks: Webhooks,
        unread: UnreadParts,
        writer: Writer,
        telemetry: Telemetry,
        pseudonym: Callable[[str], str],
        *,
        clock: Clock = system_clock_us,
    ) -> None:
        self._webhooks = webhooks
        self._unread = unread
        self._writer = writer
        self._telemetry = telemetry
        self._pseudonym = pseudonym
        self._clock = clock
        self._readers: dict[str, tuple[Mapping[str, Any], Reader]] = {}

    async def webhook(self, source: str) -> tuple[Webhook, Adapter]:
        """The webhook of a source, and who sends to it. Raises NotFound, ConfigurationError, Unavailable."""
        webhook = await self._webhooks.of(source)
        adapter = ADAPTERS.get(webhook.vendor)
        if adapter is None:
            raise ConfigurationError(f"{webhook.vendor} is no vendor that this version knows")
        return webhook, adapter

    async def take(self, webhook: Webhook, adapter: Adapter, delivery: Delivery) -> Taken:
        """Commit what a delivery says, and keep what cannot be read of it.

        Raises NotAuthenticated where nobody has signed it, and Unavailable; nothing is lost if it is sent again then.
        """
        if not webhook.secrets:
            raise NotAuthenticated("this webhook has no secret, so nothing is taken from it")
        reader = self._reader(webhook, adapter)
        verifier = reader if isinstance(reader, Verifier) else adapter
        verifier.verify(delivery, webhook.secrets, self._clock())
        headers = {name: delivery.headers[name] for name in adapter.kept_headers if name in delivery.headers}
        taken, unread = await self._commit(webhook, reader.read(delivery), headers)
        for one in unread:
            self._telemetry.unread.labels(adapter.name, one.code).inc()
        return taken

    async def replay(self, source: str) -> Taken:
        """Read again what could not be read before, by the mapping of now.

        What was sealed with another key stays as it is. Raises NotFound, ConfigurationError, Unavailable.
        """
        webhook, adapter = await self.webhook(source)
        reader = self._reader(webhook, adapter)
        done = Taken()
        after = 0
        while kept := await self._unread.of(webhook.source_id, after=after, limit=_REPLAYED_AT_ONCE):
            after = kept[-1].id
            for one in kept:
                if one.part is None:
                    await self._unread.explain(one.id, "sealed", _OTHER_KEY)
                    done.unread += 1
                    continue
                reading = reader.read(Delivery(webhook.public_url, one.part.headers, one.part.body))
                taken, unread = await self._commit(webhook, reading, one.part.headers)
                if unread:
                    await self._unread.explain(one.id, unread[0].code, unread[0].detail)
                else:
                    await self._unread.drop(one.id)
                done.accepted += taken.accepted
                done.duplicates += taken.duplicates
                done.ignored += taken.ignored
                done.unread += bool(unread)
        return done

    def _reader(self, webhook: Webhook, adapter: Adapter) -> Reader:
        mapping, reader = self._readers.get(webhook.source, (None, None))
        if reader is None or mapping != webhook.mapping:
            reader = adapter.reader(webhook.mapping)
            self._readers[webhook.source] = (webhook.mapping, reader)
        return reader

    async def _commit(
        self, webhook: Webhook, reading: Reading, headers: Mapping[str, str]
    ) -> tuple[Taken, list[Unread]]:
        taken = Taken(ignored=reading.ignored)
        events = [event for part in reading.parts for event in part.events]
        reasons: dict[int, Rejected] = {}
        for start in range(0, len(events), MAX_EVENTS_PER_POST):
            accepted, rejected = admit(
                read_json(msgspec.json.encode(events[start : start + MAX_EVENTS_PER_POST])),
                now_us=self._clock(),
                pseudonym=self._pseudonym,
                may_post=webhook.may_post,
            )
            if accepted:
                outcome = await self._writer.submit(webhook.source_id, accepted)
                taken.accepted += outcome.accepted
                taken.duplicates += outcome.duplicates
                rejected += outcome.rejected
            reasons.update({start + one.index: one for one in rejected})
        unread = [*reading.unread, *_refused(reading.parts, reasons)]
        parts = [(one.code, one.detail, one.body) for one in unread]
        await self._unread.keep(webhook.source_id, headers, parts)
        taken.unread = len(unread)
        return taken, unread


def _refused(parts: list[Part], reasons: Mapping[int, Rejected]) -> list[Unread]:
    """The parts of which an event was rejected, each with the first reason; `reasons` are by the place of the event."""
    found = []
    first = 0
    for part in parts:
        mine = [reasons[index] for index in range(first, first + len(part.events)) if index in reasons]
        first += len(part.events)
        if mine:
            found.append(Unread(mine[0].code, mine[0].detail, part.body()))
    return found
