"""`POST /v1/webhooks/{source}`: what vendors send, in their own form, signed in their own way."""

import msgspec
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from service.api.bodies import read_body
from service.api.deps import Services
from service.api.errors import answer_to, described
from service.api.ingest import CLIENT_LEFT, DirectRoute
from service.core.errors import ConfigurationError, FrontlineError, Unavailable
from service.store.clock import system_clock_us
from service.vendors.reading.delivery import Delivery

router = APIRouter(tags=["events"], route_class=DirectRoute)
_DESCRIPTION = """
For vendors who send webhooks of their own. An administrator gives a source its webhook: the vendor, secrets, the public
address, and a mapping of the vendor's places to sites and queues.

A delivery is verified as its vendor signs it, over the raw body, and answered with 200 once everything in it is
committed or kept. What cannot be read or mapped is kept with the reason, listed at `/v1/admin/unread`, and read again
after the mapping is mended. 503 asks the vendor to send it again.
"""


@router.post(
    "/v1/webhooks/{source}",
    summary="Deliveries of vendors",
    description=_DESCRIPTION,
    openapi_extra={
        "parameters": [{"name": "source", "in": "path", "required": True, "schema": {"type": "string"}}],
        "requestBody": {"required": True, "content": {"*/*": {"schema": {}}}},
    },
    response_class=Response,
    responses={
        200: {"description": "Committed or kept; the body is what this vendor wants"},
        **described(401, 404, 503),
    },
)
async def post_delivery(request: Request) -> Response:
    """Take a delivery, and answer in the vendor's way."""
    here: Services = request.app.state.services
    source = str(request.path_params["source"])
    vendor = "unknown"
    try:
        webhook, adapter = await here.deliveries.webhook(source)
        vendor = adapter.name
        query = request.url.query
        delivery = Delivery(
            url=f"{webhook.public_url}?{query}" if query else webhook.public_url,
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers.raw},
            body=await read_body(request),
        )
        try:
            taken = await here.deliveries.take(webhook, adapter, delivery)
        except FrontlineError as error:
            response = answer_to(_told(error))
            body, media_type = adapter.answer(delivery, system_clock_us(), str(error))
            if body:
                kept = {name: value for name, value in response.headers.items() if not name.startswith("content-")}
                response = Response(body, response.status_code, kept, media_type)
        else:
            body, media_type = adapter.answer(delivery, system_clock_us(), "")
            if not body:
                body, media_type = msgspec.json.encode(taken), "application/json"
            response = Response(body, 200, media_type=media_type)
    except FrontlineError as error:
        response = answer_to(_told(error))
    except ClientDisconnect:
        response = Response(status_code=CLIENT_LEFT)
    here.telemetry.deliveries.labels(vendor, str(response.status_code)).inc()
    return response


def _told(error: FrontlineError) -> FrontlineError:
    """An error as a vendor is to hear it: what an administrator has to mend is no reason to stop sending."""
    if isinstance(error, ConfigurationError):
        return Unavailable("this webhook is not set up as it should be; send it again later", retry_after=60)
    return error
