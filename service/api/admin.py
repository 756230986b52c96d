"""`/v1/admin/…`: sites, sources and erasures, with an admin key."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from service.api.deps import ADMINISTRATION, Administrator, Here
from service.api.errors import described
from service.api.parameters import checked_label
from service.core.calendar import DAYS, check_holidays, check_hours, check_time_zone
from service.core.errors import InvalidInput
from service.core.event import LABEL, SECOND_US, Channel, duration_us
from service.core.opening import INTERVAL_PATTERN, MAX_DATES, MAX_INTERVALS_OF_DAY
from service.core.series import OTHER
from service.store.erasures import erase_customer
from service.store.registry import Site, pseudonym

MAX_PATIENCE_SECONDS = 31_536_000
_PATTERN = f"^{LABEL}$"
Label = Annotated[str, AfterValidator(checked_label), Field(json_schema_extra={"pattern": _PATTERN})]
Sites = Annotated[
    str,
    AfterValidator(lambda site: site if site == "*" else checked_label(site)),
    Field(json_schema_extra={"pattern": rf"^(\*|{LABEL})$"}),
]
SiteName = Annotated[
    str,
    AfterValidator(checked_label),
    Path(
        json_schema_extra={"pattern": _PATTERN, "not": {"const": OTHER}},
        description="letters, digits or any of - _ . :, 64 at most",
    ),
]


def _check_date(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("date", "must be a date such as 2026-12-25")
    return value


_Date = Annotated[date, BeforeValidator(_check_date)]
TimeZone = Annotated[
    str, WithJsonSchema({"type": "string", "format": "iana-time-zone", "description": "as in the IANA database"})
]
_WantedHours = Annotated[
    dict[str, list[str]],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                day: {
                    "type": "array",
                    "items": {"type": "string", "pattern": INTERVAL_PATTERN},
                    "maxItems": MAX_INTERVALS_OF_DAY,
                }
                for day in DAYS
            },
            "additionalProperties": False,
        }
    ),
]
_DATES = {"type": "array", "items": {"type": "string", "format": "date"}, "maxItems": MAX_DATES}
_WantedHolidays = Annotated[
    list[str] | dict[str, Any],
    WithJsonSchema(
        {
            "anyOf": [
                _DATES,
                {
                    "type": "object",
                    "properties": {
                        "country": {"type": "string", "pattern": "^[A-Z]{2}$", "description": "as ISO 3166 has it"},
                        "subdivision": {"type": "string"},
                        "dates": _DATES,
                    },
                    "required": ["country"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]


_Patience = Annotated[float, Field(gt=0, le=MAX_PATIENCE_SECONDS, strict=True, allow_inf_nan=False)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class QueueOfSite(_Model):
    """A line of a site, declared so that its series stand at 0 before its first event."""

    name: Label
    channel: Channel
    patience_seconds: _Patience | None = Field(
        None,
        examples=[90.0],
        description="how long customers wait here without being told how things stand; as is usual for the channel "
        "unless told",
    )


class SiteSettings(_Model):
    """What is known of a site."""

    time_zone: TimeZone = Field("UTC", examples=["Europe/Vilnius"])
    hours: _WantedHours | None = Field(None, examples=[{"mon": ["09:00-18:00"], "sat": ["10:00-24:00"]}])
    holidays: _WantedHolidays | None = Field(None, examples=[["2026-12-25"]])
    since: _Date | None = Field(
        None, alias="from", description="local date from which hours and holidays hold; for all time unless told"
    )
    queues: list[QueueOfSite] = Field([], max_length=100)


class CalendarVersion(BaseModel):
    """Hours and holidays that hold from a local date on, or for all time."""

    since: date | None = Field(alias="from")
    hours: dict[str, list[str]] | None
    holidays: list[str] | dict[str, Any] | None


class SiteEntry(BaseModel):
    """A registered site, its latest hours and holidays, and all that hold from some date on; none is always open."""

    site: str
    time_zone: str
    hours: dict[str, list[str]] | None
    holidays: list[str] | dict[str, Any] | None
    calendars: list[CalendarVersion]
    patience_seconds: dict[str, float] = Field(description="by queue, of those that have a patience of their own")


class NewSource(_Model):
    """A system that will post events, and the sites for which it may; `*` is any."""

    name: Label = Field(examples=["pos-vendor"])
    sites: list[Sites] = Field(["*"], min_length=1, max_length=10_000)


class SourceKey(BaseModel):
    """The key of a source, shown once: what is stored is its hash."""

    name: str
    key: str


class SourceEntry(BaseModel):
    """A registered source."""

    name: str
    sites: list[str]


class Erasure(_Model):
    """A customer who is to be forgotten, named as the sources name him in their events."""

    customer: str = Field(min_length=1, max_length=256, examples=["loyalty-8812"])


class ErasureDone(BaseModel):
    """In how many interactions, events of the log and contacts the customer was replaced."""

    interactions: int
    events: int
    contacts: int


router = APIRouter(
    prefix="/v1/admin",
    tags=["administration"],
    dependencies=[ADMINISTRATION],
    responses=described(400, 401, 403, 404, 409, 422, 503),
)


@router.put("/sites/{site}", summary="Register or change a site")
async def put_site(site: SiteName, wanted: SiteSettings, here: Here, administrator: Administrator) -> SiteEntry:
    """Register a site, or change it. Known series stand at 0 from now on.

    A queue that is named has the patience told with it, or the usual one of its channel; others keep theirs.
    """
    if site == OTHER:
        raise InvalidInput("is reserved for the numbers of sites beyond the limit; choose another name", field="site")
    registered = await here.registry.put_site(
        site,
        time_zone=check_time_zone(wanted.time_zone),
        hours=check_hours(wanted.hours),
        holidays=check_holidays(wanted.holidays),
        since=wanted.since,
        queues=[(queue.name, queue.channel) for queue in wanted.queues],
        actor=administrator.actor,
        patiences=_patiences(wanted.queues),
    )
    return _entry(registered)


@router.get("/sites", summary="All sites")
async def get_sites(here: Here) -> list[SiteEntry]:
    """All registered sites, by name."""
    return [_entry(site) for site in await here.registry.list_sites() if site.name != OTHER]


@router.post("/sources", status_code=201, summary="Register a source")
async def post_source(wanted: NewSource, here: Here, administrator: Administrator) -> SourceKey:
    """Register a source. Its key is shown in this answer and never again."""
    made = await here.access.create_source(wanted.name, wanted.sites, actor=administrator.actor)
    return SourceKey(name=wanted.name, key=made.secret)


@router.get("/sources", summary="All sources")
async def get_sources(here: Here) -> list[SourceEntry]:
    """All registered sources, by name."""
    return [SourceEntry(name=source.name, sites=list(source.sites)) for source in await here.access.list_sources()]


@router.post("/erasures", summary="Forget a customer")
async def post_erasure(wanted: Erasure, here: Here, administrator: Administrator) -> ErasureDone:
    """Forget a customer in all that is stored; no published number changes.

    What stood for the customer becomes a random token, so the contacts of before lead to nobody, and the same person
    who comes again is somebody new. All of it or nothing is done, and doing it again does no harm. It takes as long as
    reading the log takes, and posts go on meanwhile. A customer who is not known answers zeros.
    """
    done = await erase_customer(
        here.database, pseudonym(here.pseudonym_key, wanted.customer), actor=administrator.actor
    )
    return ErasureDone(interactions=done.interactions, events=done.events, contacts=done.contacts)


_ALWAYS_OPEN = CalendarVersion.model_validate({"from": None, "hours": None, "holidays": None})


def _entry(site: Site) -> SiteEntry:
    versions = [CalendarVersion.model_validate(version) for version in site.calendars]
    latest = versions[-1] if versions else _ALWAYS_OPEN
    return SiteEntry(
        site=site.name,
        time_zone=site.time_zone,
        hours=latest.hours,
        holidays=latest.holidays,
        calendars=versions,
        patience_seconds={queue: us / SECOND_US for queue, us in sorted(site.patiences.items())},
    )


def _patiences(queues: Sequence[QueueOfSite]) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for number, queue in enumerate(queues):
        us = None if queue.patience_seconds is None else duration_us(queue.patience_seconds)
        before = found.get(queue.name)
        if us is not None and before not in (None, us):
            raise InvalidInput(
                f"{queue.name} was given another one before; a queue has one patience, whatever the channel",
                field=f"queues.{number}.patience_seconds",
                code="contradiction",
            )
        found[queue.name] = before if us is None else us
    return found
