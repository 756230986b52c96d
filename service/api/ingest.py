"""`POST /v1/events`: read, admit, commit, and only then answer."""

import time
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from service.api.bodies import MAX_BODY_BYTES, read_events
from service.api.deps import Services
from service.api.description import EVENT, EVENTS, VERDICTS
from service.api.errors import answer_to, described, problem
from service.core.errors import FrontlineError
from service.core.event import MAX_EVENTS_PER_POST, Rejected
from service.core.intake import admit
from service.store.clock import system_clock_us
from service.store.registry import pseudonym
from service.store.verdicts import Outcome


class DirectRoute(APIRoute):
    """A route whose endpoint reads the request by itself: the framework's own reading costs as much as a commit."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint as it is."""
        return self.endpoint


router = APIRouter(tags=["events"], route_class=DirectRoute)
CLIENT_LEFT = 499
_encode = msgspec.json.Encoder().encode

_EXAMPLE: dict[str, Any] = {
    "id": "0192f3a0-1",
    "source": "till-3",
    "type": "interaction.queued",
    "time": "2026-11-21T09:15:02.120Z",
    "subject": "order-4711",
    "data": {
        "site": "vilnius-1",
        "queue": "tills",
        "channel": "pos",
        "customer": "loyalty-8812",
        "topic": "purchase",
    },
}
_ANSWER = {"accepted": 1, "duplicates": 0, "rejected": []}
_REFUSED = {
    "accepted": 0,
    "duplicates": 0,
    "rejected": [
        {
            "index": 0,
            "id": "0192f3a0-1",
            "code": "missing_field",
            "detail": "data.queue: is missing; it must be 1 to 64 letters, digits or any of - _ . :",
        }
    ],
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"anyOf": [EVENT, EVENTS]},
            "examples": {
                "one": {"summary": "A customer joins the line", "value": _EXAMPLE},
                "many": {
                    "summary": "The same customer, served and done",
                    "value": [
                        {
                            **_EXAMPLE,
                            "id": "0192f3a0-2",
                            "type": "interaction.answered",
                            "time": "2026-11-21T09:15:40Z",
                            "data": {},
                        },
                        {
                            **_EXAMPLE,
                            "id": "0192f3a0-3",
                            "type": "interaction.completed",
                            "time": "2026-11-21T09:17:05Z",
                            "data": {"resolved": True},
                        },
                    ],
                },
                "recorded": {
                    "summary": "The whole encounter in one event",
                    "value": {
                        **_EXAMPLE,
                        "id": "0192f3a0-9",
                        "type": "interaction.recorded",
                        "subject": "order-4712",
                        "data": {
                            "site": "vilnius-1",
                            "queue": "tills",
                            "channel": "pos",
                            "wait_seconds": 41.5,
                            "service_seconds": 63,
                        },
                    },
                },
            },
        },
        "application/cloudevents+json": {"schema": EVENT},
        "application/cloudevents-batch+json": {"schema": EVENTS},
        "application/x-ndjson": {"schema": {"type": "string", "description": "an Event as JSON on each line"}},
    },
}
_DESCRIPTION = f"""
Post one event, an array of events (`application/json`, `application/cloudevents+json`,
`application/cloudevents-batch+json`), one event a line (`application/x-ndjson`), or a CloudEvent in binary mode (its
attributes in `ce-*` headers). `Content-Encoding: gzip` is read. At most {MAX_EVENTS_PER_POST} events and
{MAX_BODY_BYTES // 1024 // 1024} MiB, after unpacking.

The answer comes once everything accepted is committed. Posting the same events again is safe: an event is known by its
registered source, its `source` and its `id`, and counts once. A bad event is listed in `rejected` and fails no other.

What a source measured itself may come as `wait_seconds`, on the event that ends a wait, and as `service_seconds`, on
`interaction.completed`: how far that is from the times of events is a metric, and it decides nothing. A system that
tells the whole of something again with each change names it in `record` and counts its versions in `revision`: of an
interaction's events with the same `record`, those with the greatest `revision` count and no others.

    curl -X POST localhost:8000/v1/events -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \\
      -d '{{"id":"1","source":"till-3","type":"interaction.queued","time":"2026-11-21T09:15:02Z",
           "subject":"order-4711","data":{{"site":"vilnius-1","queue":"tills","channel":"pos"}}}}'
"""


@router.post(
    "/v1/events",
    status_code=202,
    summary="Post events",
    description=_DESCRIPTION,
    openapi_extra={"requestBody": _BODY, "security": [{"key": []}]},
    response_class=Response,
    responses={
        202: {
            "description": "Committed, duplicates and rejected events told apart",
            "content": {"application/json": {"schema": VERDICTS, "example": _ANSWER}},
        },
        **described(400, 401, 403, 413, 415, 429, 503),
        422: {
            "description": "Nothing accepted, something rejected",
            "content": {"application/json": {"schema": VERDICTS, "example": _REFUSED}},
        },
    },
)
async def post_events(request: Request) -> Response:
    """Commit the events of a post and answer."""
    here: Services = request.app.state.services
    began = time.perf_counter()
    try:
        response = await _take(request, here)
    except FrontlineError as error:
        response = answer_to(error)
    except ClientDisconnect:
        response = Response(status_code=CLIENT_LEFT)  # nobody reads it; it is counted
    here.telemetry.posts.labels(str(response.status_code)).inc()
    here.telemetry.post_seconds.observe(time.perf_counter() - began)
    return response


async def _take(request: Request, here: Services) -> Response:
    source = await here.key_ring.source(request)
    events = await read_events(request)
    here.key_ring.spend(source, len(events))
    accepted, rejected = admit(
        events,
        now_us=system_clock_us(),
        pseudonym=lambda customer: pseudonym(here.pseudonym_key, customer),
        may_post=source.may_post,
    )
    outcome = Outcome(0, 0)
    if not accepted:
        await here.key_ring.source_still(request)
    else:
        outcome = await here.writer.submit(source.source_id, accepted, key_id=source.key_id)
        if outcome.rejected:
            rejected = sorted([*rejected, *outcome.rejected], key=lambda one: one.index)
    counted = here.telemetry.events
    counted.labels("accepted").inc(outcome.accepted)
    counted.labels("duplicate").inc(outcome.duplicates)
    counted.labels("rejected").inc(len(rejected))
    return _answer(outcome, rejected)


def _answer(outcome: Outcome, rejected: list[Rejected]) -> Response:
    body = {"accepted": outcome.accepted, "duplicates": outcome.duplicates, "rejected": rejected}
    if outcome.accepted or not rejected:
        return Response(_encode(body), status_code=202, media_type="application/json")
    if not outcome.duplicates and all(one.code == "site_forbidden" for one in rejected):
        return problem(403, "Not permitted", rejected[0].detail, **body)
    return Response(_encode(body), status_code=422, media_type="application/json")
