"""`GET /v1/sites/…`: the calendar of a site, day by day."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from service.api.deps import Here
from service.api.errors import described
from service.api.parameters import Date
from service.core.calendar import Calendar
from service.core.errors import InvalidInput, NotFound
from service.core.event import EPOCH, MINUTE_US, SECOND_US, microseconds, moment
from service.core.series import OTHER
from service.store.policies import calendar_of

router = APIRouter(tags=["KPIs"], responses=described(422, 503))

MAX_DAYS = 366
_DEFAULT_DAYS = 7
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_FIRST_DAY = EPOCH.toordinal()


class OpeningEntry(BaseModel):
    """An opening, in UTC; `to` is exclusive."""

    from_: datetime = Field(alias="from")
    to: datetime


class DayEntry(BaseModel):
    """A local date: from `starts_at` up to `ends_at`, in UTC.

    `openings` are those that begin on it, as they were registered; the last may end on the next day. `open_seconds` is
    what is open between `starts_at` and `ends_at`, and counts no second twice.
    """

    date: date
    starts_at: datetime
    ends_at: datetime
    business_day: bool
    holiday: str | None
    open_seconds: int
    openings: list[OpeningEntry]


class SiteDays(BaseModel):
    """The days of a site from `from` up to `to`, which is exclusive."""

    site: str
    time_zone: str
    from_: date = Field(alias="from")
    to: date
    days: list[DayEntry]


_EXAMPLE = """{
  "site": "vilnius-1", "time_zone": "Europe/Vilnius", "from": "2026-12-23", "to": "2026-12-25",
  "days": [
    {"date": "2026-12-23", "starts_at": "2026-12-22T22:00:00Z", "ends_at": "2026-12-23T22:00:00Z",
     "business_day": true, "holiday": null, "open_seconds": 32400,
     "openings": [{"from": "2026-12-23T07:00:00Z", "to": "2026-12-23T16:00:00Z"}]},
    {"date": "2026-12-24", "starts_at": "2026-12-23T22:00:00Z", "ends_at": "2026-12-24T22:00:00Z",
     "business_day": false, "holiday": "Christmas Eve", "open_seconds": 0, "openings": []}
  ]
}"""
# FastAPI drops nulls from examples in the schema, and here they matter: so the example stands in the text.
_DESCRIPTION = f"""
Each local date of a site: when it begins and ends, whether the site opens on it, and when.

A date on which an opening begins is a business day. A day may have 23 or 25 hours where the clocks change, and one
that they skip has none. `holiday` is the name of the public holiday, or `holiday` where the site listed the date
itself; a site of which no hours are known is always open.

    /v1/sites/vilnius-1/days?from=2026-12-23&to=2026-12-25

```json
{_EXAMPLE}
```
"""


@router.get(
    "/v1/sites/{site}/days",
    summary="A site's days: business days, holidays, opening hours",
    description=_DESCRIPTION,
    responses=described(404),
)
async def get_days(
    here: Here,
    site: Annotated[str, Path(description="a registered site", examples=["vilnius-1"])],
    from_: Annotated[
        Date, Query(description="local date; today unless told", examples=["2026-12-23"], alias="from")
    ] = None,
    to: Annotated[
        Date, Query(description="local date, exclusive; 7 days after `from` unless told", examples=["2026-12-25"])
    ] = None,
) -> SiteDays:
    """The local dates of a site; described in full by `_DESCRIPTION`."""
    first, stop = _date(from_, "from"), _date(to, "to")
    known = {one.name: one for one in await here.registry.list_sites() if one.name != OTHER}
    if site not in known:
        raise NotFound(f"there is no site {site}; it is registered at its first event or by PUT /v1/admin/sites/{site}")
    found = known[site]
    calendar = calendar_of(found.time_zone, found.calendars)
    try:
        first = first or _local_date(calendar.day_of(microseconds(datetime.now(UTC)) // MINUTE_US))
        stop = stop or first + timedelta(days=_DEFAULT_DAYS)
        _check(first, stop)
        # The holidays of a country take a while to find, in which posts should go on.
        days = await asyncio.to_thread(_days, calendar, first, stop)
    except OverflowError as error:
        raise InvalidInput("lies too close to the end of the calendar", field="from", code="contradiction") from error
    return SiteDays.model_validate(
        {"site": site, "time_zone": found.time_zone, "from": first, "to": stop, "days": days}
    )


def _date(value: str | None, field: str) -> date | None:
    if not value:
        return None
    try:
        if _DATE.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass  # a month 13: no date either
    raise InvalidInput(f"{value!r} is no date; it must be one such as 2026-11-21", field=field)


def _check(first: date, stop: date) -> None:
    if first >= stop:
        raise InvalidInput(f"must be later than from, {first}", field="to", code="contradiction")
    if (stop - first).days > MAX_DAYS:
        raise InvalidInput(
            f"is {(stop - first).days} days after from; at most {MAX_DAYS} are given: it must be "
            f"{first + timedelta(days=MAX_DAYS)} or earlier",
            field="to",
            code="contradiction",
        )


def _days(calendar: Calendar, first: date, stop: date) -> list[DayEntry]:
    return [_day(calendar, ordinal - _FIRST_DAY) for ordinal in range(first.toordinal(), stop.toordinal())]


def _day(calendar: Calendar, day: int) -> DayEntry:
    begin, end = calendar.midnight_us(day), calendar.midnight_us(day + 1)
    openings = calendar.openings(day)
    return DayEntry(
        date=_local_date(day),
        starts_at=moment(begin),
        ends_at=moment(end),
        business_day=bool(openings),
        holiday=calendar.holiday(day),
        open_seconds=calendar.open_us(begin, end) // SECOND_US,
        openings=[OpeningEntry.model_validate({"from": moment(start), "to": moment(stop)}) for start, stop in openings],
    )


def _local_date(day: int) -> date:
    return date.fromordinal(day + _FIRST_DAY)
