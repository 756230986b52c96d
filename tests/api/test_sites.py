"""`GET /v1/sites/…/days` over HTTP: a site's days, and what a wrong date is told."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.api.conftest import Api, is_problem

VILNIUS = {
    "time_zone": "Europe/Vilnius",
    "hours": {
        "mon": ["09:00-13:00", "14:00-18:00"],
        "wed": ["09:00-18:00"],
        "thu": ["09:00-18:00"],
        "fri": ["09:00-18:00"],
    },
    "holidays": {"country": "LT", "dates": ["2026-12-31"]},
}


async def register(api: Api, site: str, **settings: Any) -> None:
    response = await api.admin("PUT", f"/sites/{site}", settings)
    assert response.status_code == 200, response.text


async def days(api: Api, site: str, begin: str = "", end: str = "") -> dict[str, Any]:
    response = await api.client.get(f"/v1/sites/{site}/days", params={"from": begin, "to": end})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_the_answer_of_the_documentation(api: Api) -> None:
    await register(api, "vilnius-1", **VILNIUS)
    described = api.app.openapi()["paths"]["/v1/sites/{site}/days"]["get"]["description"]
    example = json.loads(described.split("```json")[1].split("```")[0])
    assert await days(api, "vilnius-1", "2026-12-23", "2026-12-25") == example
    assert [day["holiday"] for day in example["days"]] == [None, "Christmas Eve"]


async def test_business_days_and_holidays(api: Api) -> None:
    await register(api, "vilnius-1", **VILNIUS)
    found = (await days(api, "vilnius-1", "2026-12-28", "2027-01-05"))["days"]
    told = [(day["date"][5:], day["business_day"], day["holiday"], day["open_seconds"]) for day in found]
    assert told == [
        ("12-28", True, None, 8 * 3600),
        ("12-29", False, None, 0),
        ("12-30", True, None, 9 * 3600),
        ("12-31", False, "holiday", 0),
        ("01-01", False, "New Year's Day", 0),
        ("01-02", False, None, 0),
        ("01-03", False, None, 0),
        ("01-04", True, None, 8 * 3600),
    ]
    assert found[0]["openings"] == [
        {"from": "2026-12-28T07:00:00Z", "to": "2026-12-28T11:00:00Z"},
        {"from": "2026-12-28T12:00:00Z", "to": "2026-12-28T16:00:00Z"},
    ]


async def test_nights_overlaps_and_days_of_other_lengths(api: Api) -> None:
    await register(api, "bar", time_zone="Europe/Vilnius", hours={"sat": ["20:00-06:00", "22:00-24:00"]})
    saturday, sunday = (await days(api, "bar", "2026-03-28", "2026-03-30"))["days"]
    assert saturday["openings"] == [
        {"from": "2026-03-28T18:00:00Z", "to": "2026-03-29T03:00:00Z"},
        {"from": "2026-03-28T20:00:00Z", "to": "2026-03-28T22:00:00Z"},
    ]
    assert (saturday["business_day"], saturday["open_seconds"]) == (True, 4 * 3600)
    # The clocks skip an hour of the night, which the opening loses.
    assert (sunday["business_day"], sunday["openings"], sunday["open_seconds"]) == (False, [], 5 * 3600)
    assert (sunday["starts_at"], sunday["ends_at"]) == ("2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z")


async def test_a_site_without_hours_is_always_open(api: Api) -> None:
    await register(api, "kiosk", time_zone="America/New_York")
    (day,) = (await days(api, "kiosk", "2026-11-01", "2026-11-02"))["days"]
    assert (day["business_day"], day["holiday"], day["open_seconds"]) == (True, None, 25 * 3600)
    assert day["openings"] == [{"from": day["starts_at"], "to": day["ends_at"]}]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue"])
async def test_the_coming_week_in_the_sites_own_time_unless_told(api: Api, zone: str) -> None:
    await register(api, "shop", time_zone=zone)
    before = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    found = await days(api, "shop")
    after = datetime.now(UTC).astimezone(ZoneInfo(zone)).date()
    first = date.fromisoformat(found["from"])
    assert before <= first <= after
    assert date.fromisoformat(found["to"]) == first + timedelta(days=7)
    assert [day["date"] for day in found["days"]] == [str(first + timedelta(days=number)) for number in range(7)]
    assert (await days(api, "shop", "2026-12-31"))["to"] == "2027-01-07"


async def test_a_year_and_a_leap_day_at_once(api: Api) -> None:
    await register(api, "shop")
    assert len((await days(api, "shop", "2028-01-01", "2029-01-01"))["days"]) == 366


@pytest.mark.parametrize(
    ("query", "field", "hint"),
    [
        ("from=2026-13-01", "from", "such as 2026-11-21"),
        ("from=20261121", "from", "such as 2026-11-21"),
        ("from=2026-W47-6", "from", "such as 2026-11-21"),
        ("from=2026-11-21T00:00:00Z", "from", "such as 2026-11-21"),
        ("from=2026-11-21&to=2027-02-29", "to", "such as 2026-11-21"),
        ("from=2026-11-21&to=2026-11-21", "to", "must be later than from, 2026-11-21"),
        ("to=1999-01-01", "to", "must be later than from, 20"),
        ("from=2026-01-01&to=2027-01-03", "to", "must be 2027-01-02 or earlier"),
        ("from=9999-12-28", "from", "the end of the calendar"),
        ("from=0001-01-01&to=0001-01-02", "from", "the end of the calendar"),
    ],
)
async def test_wrong_dates_are_told_what_would_be_right(api: Api, query: str, field: str, hint: str) -> None:
    await register(api, "shop", time_zone="Europe/Vilnius", hours={"mon": ["09:00-18:00"]})
    problem = is_problem(await api.client.get(f"/v1/sites/shop/days?{query}"), 422)
    assert problem["field"] == field
    assert hint in problem["detail"]


async def test_unknown_sites_are_not_found(api: Api) -> None:
    problem = is_problem(await api.client.get("/v1/sites/nowhere/days"), 404)
    assert "nowhere" in problem["detail"]


async def test_what_went_over_the_limit_of_sites_has_no_days(api: Api) -> None:
    await api.sql("INSERT INTO sites (name) VALUES ('other')")
    is_problem(await api.client.get("/v1/sites/other/days"), 404)
