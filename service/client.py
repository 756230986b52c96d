"""The HTTP client of Frontline: posts events, registers sources and sites, reads KPIs.

A post of events is safe to repeat, because the service knows an event by its id: whatever leaves the
outcome in doubt (a lost connection, a timeout, 429, 503) is tried again until `Retry.budget` is spent.
"""

import asyncio
import gzip
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

import httpx
import msgspec

T = TypeVar("T")

_BUSY = frozenset({429, 503})  # nothing was half done
_IN_DOUBT = frozenset({502, 504})  # a gateway's word: the service may or may not have seen the request
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class ClientError(Exception):
    """Anything that keeps the client from getting what it asked for."""


class UnreachableError(ClientError):
    """The service could not be reached, or stayed busy, for longer than the retries may take."""


class AnswerError(ClientError):
    """The answer is not one that Frontline gives; perhaps the URL is of something else."""


class RefusedError(ClientError):
    """The service said no, for good: `status` is the HTTP status, `detail` the reason that it gave."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{status} {title}: {detail}" if detail else f"{status} {title}")
        self.status, self.title, self.detail = status, title, detail


class UnauthorizedError(RefusedError):
    """The key is unknown (401), or may not do this (403)."""


class ConflictError(RefusedError):
    """What was to be created is there already (409)."""


_REFUSALS = {401: UnauthorizedError, 403: UnauthorizedError, 409: ConflictError}


@dataclass(frozen=True, slots=True)
class Retry:
    """How long to insist, in seconds: `budget` in all, pauses doubling from `first` to `longest`."""

    budget: float = 60.0
    first: float = 0.25
    longest: float = 10.0

    def pause(self, attempt: int, chance: float) -> float:
        """The pause after failed attempt 0, 1, …: half of it fixed, half by `chance` (0 to 1)."""
        return min(self.longest, self.first * 2.0 ** min(attempt, 30)) * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Rejection:
    """One event that the service would not take; `index` is its place in the post, from 0."""

    index: int
    id: str | None
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of the events of one post."""

    accepted: int
    duplicates: int
    rejected: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceKey:
    """A key of a registered source; the service shows it this once."""

    name: str
    key: str


@dataclass(frozen=True, slots=True)
class SiteQueue:
    """A line of service that a site is known to have; without a patience it has the usual one of its channel."""

    name: str
    channel: str
    patience_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class KpiPoint:
    """One value of a KPI; null where there is no data (a ratio) or no such part (a count)."""

    start: str | None = None
    value: float | None = None
    numerator: float | None = None
    denominator: float | None = None


@dataclass(frozen=True, slots=True)
class KpiSeries:
    """A KPI of one site, queue and channel (null: of all of them), over time."""

    kpi: str
    points: tuple[KpiPoint, ...]
    site: str | None = None
    queue: str | None = None
    channel: str | None = None


@dataclass(frozen=True, slots=True)
class LiveQueue:
    """A queue at this moment: how many wait and are served, and the longest wait so far in seconds."""

    site: str
    queue: str | None
    channel: str | None
    waiting: int
    in_service: int = 0
    longest_wait_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of what could not be read before; `unread` is how many parts still cannot be."""

    accepted: int
    duplicates: int
    ignored: int
    unread: int


@dataclass(frozen=True, slots=True)
class UnreadPart:
    """A part of a delivery that could not be read, without what it says."""

    id: int
    source: str
    received_at: str
    expires_at: str
    code: str
    detail: str
    size_bytes: int


class _Results(msgspec.Struct, Generic[T]):
    results: tuple[T, ...]


class FrontlineClient:
    """An async client holding one key: a source's to post events, an admin key for the rest.

    `compress` sends posts gzipped; `timeout` is of one attempt, in seconds; what follows them is for tests,
    `clock` in seconds and `chance` from 0 to 1. Every method raises `ClientError`.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        retry: Retry = Retry(),
        compress: bool = False,
        timeout: float = 30.0,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.url = url.rstrip("/")
        self._retry = retry
        self._compress = compress
        self._sleep, self._clock, self._chance = sleep, clock, chance
        bearer = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(base_url=url, headers=bearer, timeout=timeout, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._http.aclose()

    async def post_events(self, events: Sequence[bytes]) -> Posted:
        """Post events, each already encoded as one line of JSON; returns once they are committed.

        Events that the service rejects are part of the result, even where it rejects all of them.
        """
        body = b"\n".join(events)
        headers = {"Content-Type": "application/x-ndjson"}
        if self._compress:
            body, headers["Content-Encoding"] = gzip.compress(body, compresslevel=1), "gzip"
        return _decode(await self._send("POST", "/v1/events", content=body, headers=headers), Posted)

    async def create_source(self, name: str, sites: Sequence[str] = ("*",)) -> SourceKey:
        """Register a source that may post for `sites`; `ConflictError` where the name is taken."""
        return await self._new_key("/v1/admin/sources", {"name": name, "sites": list(sites)})

    async def add_key(self, name: str) -> SourceKey:
        """Give a registered source one more key."""
        return await self._new_key(f"/v1/admin/sources/{quote(name, safe='')}/keys", {})

    async def replay_source(self, name: str) -> Replayed:
        """Have what could not be read of a source read again."""
        return _decode(await self._send("POST", f"/v1/admin/sources/{quote(name, safe='')}/replay"), Replayed)

    async def unread(self, source: str | None, limit: int) -> tuple[UnreadPart, ...]:
        """What could not be read, of one source or of all, the latest first."""
        query = {"limit": str(limit)} | ({} if source is None else {"source": source})
        return _decode(await self._send("GET", "/v1/admin/unread", params=query), tuple[UnreadPart, ...])

    async def put_site(
        self,
        site: str,
        time_zone: str,
        *,
        queues: Sequence[SiteQueue] = (),
        **calendar: Any,
    ) -> None:
        """Register a site, or change it: the series of `queues` stand at 0 from now on, and they are patient as told.

        `calendar` is `hours` and `holidays`, as the service knows them; what is left out is left to it.
        """
        named = [
            {name: value for name, value in msgspec.to_builtins(queue).items() if value is not None} for queue in queues
        ]
        content = {"time_zone": time_zone, "queues": named, **calendar}
        _granted(await self._send("PUT", f"/v1/admin/sites/{quote(site, safe='')}", json=content))

    async def kpis(self, kpis: Sequence[str], **parameters: str) -> tuple[KpiSeries, ...]:
        """The values of `kpis`; `parameters` as of `GET /v1/kpis`, with `from_` for `from`."""
        query = {"kpi": ",".join(kpis)} | {name.rstrip("_"): value for name, value in parameters.items()}
        return _decode(await self._send("GET", "/v1/kpis", params=query), _Results[KpiSeries]).results

    async def live(self) -> tuple[LiveQueue, ...]:
        """Who waits and is served now, by site, queue and channel."""
        return _decode(await self._send("GET", "/v1/live"), _Results[LiveQueue]).results

    async def wait_until_ready(self, timeout: float = 60.0) -> None:  # noqa: ASYNC109 - own clock, for tests
        """Return when the service is ready for posts; `UnreachableError` after `timeout` seconds."""
        deadline, reason = self._clock() + timeout, ""
        while self._clock() < deadline:
            try:
                status = (await self._http.get("/readyz")).status_code
                if status == httpx.codes.OK:
                    return
                reason = f"status {status}"
            except httpx.TransportError as error:
                reason = repr(error)
            await self._sleep(0.2)
        raise UnreachableError(f"{self.url} is not ready after {timeout:g} s ({reason})")

    async def _new_key(self, path: str, content: Mapping[str, Any]) -> SourceKey:
        # A key is shown once and a name can be taken once: not to be repeated where the outcome is in doubt.
        return _decode(await self._send("POST", path, repeatable=False, json=content), SourceKey)

    async def _send(self, method: str, path: str, repeatable: bool = True, **request: Any) -> httpx.Response:
        deadline = self._clock() + self._retry.budget
        for attempt in itertools.count():
            try:
                answer = await self._http.request(method, path, **request)
            except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                raise UnreachableError(f"{self.url!r} is not the URL of a service: {error}") from error
            except httpx.TransportError as error:
                if not repeatable and not isinstance(error, _NEVER_SENT):
                    raise UnreachableError(f"{self.url}: {error!r}; the outcome is unknown") from error
                reason, asked = repr(error), 0.0
            else:
                if answer.status_code not in (_BUSY | _IN_DOUBT if repeatable else _BUSY):
                    return answer
                reason, asked = f"status {answer.status_code}", _asked_pause(answer)
            pause = max(asked, self._retry.pause(attempt, self._chance()))
            if self._clock() + pause > deadline:
                break
            await self._sleep(pause)
        raise UnreachableError(f"{self.url}: gave up after {attempt + 1} attempts ({reason})")


def _asked_pause(answer: httpx.Response) -> float:
    """The seconds that `Retry-After` asks for; a date is read against the answer's own `Date`."""
    asked = answer.headers.get("Retry-After", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        then, now = parsedate_to_datetime(asked), parsedate_to_datetime(answer.headers.get("Date", ""))
        return max(0.0, (then - now).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def _fields(answer: httpx.Response) -> dict[str, Any]:
    try:
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _granted(answer: httpx.Response) -> httpx.Response:
    """The answer, where it is a result: of success, or a 422 with a verdict on each event."""
    if answer.is_success:
        return answer
    status, problem = answer.status_code, _fields(answer)
    if status == httpx.codes.UNPROCESSABLE_ENTITY and "rejected" in problem:
        return answer
    kinds: dict[int, type[RefusedError]] = {
        401: UnauthorizedError,
        403: UnauthorizedError,
        409: ConflictError,
    }
    title, detail = problem.get("title") or answer.reason_phrase, problem.get("detail") or ""
    raise kinds.get(status, RefusedError)(status, str(title), str(detail))


def _decode(answer: httpx.Response, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(_granted(answer).content, type=kind)
    except msgspec.DecodeError as error:
        raise AnswerError(f"{answer.request.url} gave an unreadable answer: {error}") from error
