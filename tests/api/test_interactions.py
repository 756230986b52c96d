"""`GET /v1/interactions/{source}/{subject}`: the story of one interaction, and what it counts for."""

from datetime import UTC, datetime, timedelta

import pytest

from service.store.database import Database
from service.store.policies import Policies
from tests.api.reading import NINE, Service, event
from tests.terms import answered_within, promises


async def test_the_story_of_an_interaction(service: Service) -> None:
    place = {"site": "vilnius-1", "queue": "tills", "channel": "pos", "customer": "loyalty-8812"}
    await service.post(
        event("order/4711", "completed", NINE + timedelta(seconds=60), resolved=True, wrap_up_seconds=4.5),
        event("order/4711", "queued", NINE, **place),
        event("order/4711", "answered", NINE + timedelta(seconds=12.5)),
        event("order/4711", "resumed", NINE + timedelta(seconds=20)),
    )
    found = await service.get("/v1/interactions/pos/order/4711")
    assert (found["state"], found["completed"], found["resolved"], found["conflicts"]) == ("ended", True, True, 1)
    assert (found["site"], found["queue"], found["channel"]) == ("vilnius-1", "tills", "pos")
    assert found["customer"] == "pseudonym of 12"
    assert found["visits"] == [
        {
            "queue": "tills",
            "arrival": "2025-03-31T09:00:00Z",
            "outcome": "answered",
            "wait_seconds": 12.5,
            "service_seconds": 47.5,
            "hold_seconds": 0,
            "wrap_up_seconds": 4.5,
            "left_at": "2025-03-31T09:00:12.500000Z",
            "ended_at": "2025-03-31T09:01:00Z",
        }
    ]
    assert [one["type"].removeprefix("interaction.") for one in found["timeline"]] == [
        *("queued", "answered", "resumed", "completed")
    ]
    assert found["timeline"][3]["data"] == {"resolved": True, "wrap_up_seconds": 4.5}
    (booking,) = found["booking"]
    assert booking["measures"]["offered"] == booking["measures"]["resolved"] == 1
    assert booking["durations"] == {
        "wait": [12.5],
        "handle": [52.0],
        "resolution": [60.0],
        "business_resolution": [60.0],
    }
    unknown = await service.client.get("/v1/interactions/pos/order")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"


async def test_the_story_tells_what_counts_for_objectives_and_customers(service: Service, database: Database) -> None:
    await Policies(database).publish(promises(in_10=answered_within(10_000_000)), 0)
    place = {"site": "vilnius-1", "queue": "tills", "channel": "pos", "customer": "loyalty-8812"}
    await service.post(event("first", "queued", NINE - timedelta(days=2), **place))
    await service.post(
        event("second", "queued", NINE, **place), event("second", "answered", NINE + timedelta(seconds=11))
    )
    (booking,) = (await service.get("/v1/interactions/pos/second"))["booking"]
    assert booking["objectives"] == {"in-10": {"events": 1, "breaches": 1}}
    contacts = {name: amount for name, amount in booking["measures"].items() if "contacts" in name or "visits" in name}
    repeats = ("repeat_contacts_7d", "repeat_contacts_30d", "repeat_visits_7d", "repeat_visits_30d")
    assert contacts == dict.fromkeys(("contacts", "store_contacts", *repeats), 1)


@pytest.mark.parametrize(
    ("ago", "kinds", "state", "outcome"),
    [
        (timedelta(minutes=1), ["queued"], "waiting", "waiting"),
        (timedelta(hours=5), ["queued"], "expired", "expired"),
        (timedelta(minutes=1), ["queued", "answered"], "in_service", "answered"),
        (timedelta(minutes=1), ["queued", "abandoned"], "ended", "abandoned"),
        (timedelta(minutes=1), ["escalated"], "no_visit", None),
    ],
)
async def test_states(service: Service, ago: timedelta, kinds: list[str], state: str, outcome: str | None) -> None:
    begin = datetime.now(UTC) - ago
    data = {"site": "vilnius-1", "queue": "tills", "channel": "pos"}
    await service.post(*(event("a", kind, begin, **data) for kind in kinds))
    found = await service.get("/v1/interactions/pos/a")
    assert found["state"] == state
    assert [visit["outcome"] for visit in found["visits"]] == ([outcome] if outcome else [])
