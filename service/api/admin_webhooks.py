"""`/v1/admin/…`: webhooks of sources, and what vendors sent that nobody could read, with an admin key."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from service.api.deps import ADMINISTRATION, Administrator, Here
from service.api.errors import described
from service.core.errors import ConfigurationError, Conflict, InvalidInput
from service.core.event import LABEL
from service.vendors.known import ADAPTERS

SourceName = Annotated[str, Path(pattern=f"^{LABEL}$")]
Vendor = Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(ADAPTERS)})]
Secret = Annotated[str, Field(min_length=8, max_length=512)]


class WebhookSettings(BaseModel):
    """How a vendor's deliveries to a source are verified and read."""

    model_config = ConfigDict(extra="forbid")

    vendor: Vendor = Field(examples=["shopify"])
    public_url: str = Field(
        pattern=r"^https?://[!-\"$->@-~]{1,500}$",
        description="the address that the vendor was given, which some sign",
        examples=["https://frontline.example.com/v1/webhooks/shop"],
    )
    secrets: list[Secret] | None = Field(
        None,
        min_length=1,
        max_length=2,
        description="one, or two while one takes the place of the other",
    )
    mapping: dict[str, Any] = Field({}, description="the vendor's places as sites and queues, see docs/sources")


class WebhookEntry(BaseModel):
    """A webhook without its secrets."""

    source: str
    vendor: str
    public_url: str
    mapping: dict[str, Any]


class UnreadListed(BaseModel):
    """A part of a delivery that could not be read, without what it says."""

    id: int
    source: str
    received_at: datetime
    expires_at: datetime
    code: str
    detail: str
    size_bytes: int


class Replayed(BaseModel):
    """What became of the parts that were read again; `unread` is how many still cannot be read."""

    accepted: int
    duplicates: int
    ignored: int
    unread: int


router = APIRouter(
    prefix="/v1/admin",
    tags=["administration"],
    dependencies=[ADMINISTRATION],
    responses=described(400, 401, 403, 404, 409, 422, 503),
)


@router.put("/sources/{name}/webhook", summary="Give a source its webhook")
async def put_webhook(
    name: SourceName, wanted: WebhookSettings, here: Here, administrator: Administrator
) -> WebhookEntry:
    """Let a vendor post to a source at `/v1/webhooks/{name}`, or change how what it posts is read."""
    adapter = ADAPTERS.get(wanted.vendor)
    if adapter is None:
        known = ", ".join(sorted(ADAPTERS))
        raise InvalidInput(f"{wanted.vendor!r} is not known; it must be one of {known}", field="vendor")
    try:
        adapter.reader(wanted.mapping)
    except InvalidInput as error:
        detail = str(error).removeprefix(f"{error.field}: ")
        raise InvalidInput(detail, field=error.field, code="wrong_mapping") from error
    try:
        await here.webhooks.put(
            name,
            vendor=wanted.vendor,
            public_url=wanted.public_url,
            secrets=None if wanted.secrets is None else tuple(wanted.secrets),
            mapping=wanted.mapping,
            actor=administrator.actor,
        )
    except ConfigurationError as error:
        raise Conflict(str(error)) from error
    return WebhookEntry(source=name, vendor=wanted.vendor, public_url=wanted.public_url, mapping=wanted.mapping)


@router.get("/webhooks", summary="All webhooks, without their secrets")
async def get_webhooks(here: Here) -> list[WebhookEntry]:
    """All webhooks, by source."""
    return [
        WebhookEntry(source=source, vendor=vendor, public_url=url, mapping=mapping)
        for source, vendor, url, mapping in await here.webhooks.listed()
    ]


@router.get("/unread", summary="What could not be read")
async def get_unread(
    here: Here,
    source: Annotated[str | None, Query(pattern=f"^{LABEL}$")] = None,
    before: Annotated[int | None, Query(ge=1, le=1 << 62, description="only those before the one of this id")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[UnreadListed]:
    """Parts of deliveries that could not be read or mapped, the latest first, and why; none is lost."""
    found = await here.unread.listed(source, before=before, limit=limit)
    return [UnreadListed.model_validate(one, from_attributes=True) for one in found]


@router.post("/sources/{name}/replay", summary="Read again what could not be read")
async def post_replay(name: SourceName, here: Here) -> Replayed:
    """Read what is kept of a source again, by the mapping of now. What can be read is committed and kept no longer."""
    try:
        done = await here.deliveries.replay(name)
    except ConfigurationError as error:
        raise Conflict(str(error)) from error
    return Replayed.model_validate(done, from_attributes=True)
