"""The read endpoints over HTTP: the contract's fields, nulls and grids, and what a wrong parameter is told."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from service.api import errors, kpi_answer, kpis, live, metrics
from service.core.catalogue.kpis import KPIS
from service.core.catalogue.measures import MEASURES
from service.core.catalogue.metrics import METRICS
from service.core.event import microseconds
from service.core.intake import admit, read_json
from service.core.window import number_of
from service.settings import Settings
from service.store.access import Access
from service.store.database import Database
from service.store.ledger import Ledger, Post
from service.store.partitions import Partitions
from service.store.policies import Policies
from service.store.registry import Registry
from service.store.rollups import Rollups
from tests.terms import answered_within, promises

FIELDS = [
    *("kpi", "formula", "objective", "threshold", "within", "maturity"),
    *("site", "queue", "channel", "method", "points"),
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


@pytest.fixture
async def service(database: Database, registry: Registry) -> AsyncIterator[Service]:
    app = FastAPI()
    errors.install(app)
    for module in (kpis, live, metrics):
        app.include_router(module.router)
    app.state.services = SimpleNamespace(settings=Settings(), rollups=Rollups(database), policies=Policies(database))
    await Access(database).create_source("pos", ["*"], actor="test")
    (source,) = await Access(database).list_sources()
    ledger = Ledger(database, registry, Partitions(database), Policies(database), number=0, live_horizon_seconds=3600)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://frontline") as client:
        yield Service(client, ledger, source.id)
    await ledger.close()


async def test_an_answer_has_the_fields_of_the_contract(service: Service) -> None:
    await service.call("a", NINE, 10)
    await service.call("b", NINE, 30)
    await service.call("c", NINE, 40, "abandoned")
    found = await service.get(f"/v1/kpis?kpi=service_level,offered&{DAY}&site=vilnius-1")
    assert list(found) == ["from", "to", "step", "results"]
    assert (found["from"], found["to"], found["step"]) == ("2025-03-31T00:00:00Z", "2025-04-01T00:00:00Z", "total")
    level, offered = found["results"]
    assert list(level) == FIELDS
    assert level == {
        "kpi": "service_level",
        "formula": "abandons_hurt",
        "objective": None,
        "threshold": 20.0,
        "within": None,
        "maturity": None,
        "site": "vilnius-1",
        "queue": None,
        "channel": None,
        "method": "exact",
        "points": [{"start": "2025-03-31T00:00:00Z", "value": 1 / 3, "numerator": 1, "denominator": 3}],
    }
    assert (offered["formula"], offered["threshold"], offered["method"]) == (None, None, None)
    assert offered["points"] == [{"start": "2025-03-31T00:00:00Z", "value": 3, "numerator": None, "denominator": None}]


async def test_formula_and_threshold_are_taken_to_the_microsecond(service: Service) -> None:
    await service.call("a", NINE, 20.000001)
    await service.call("b", NINE, 40, "abandoned")
    url = f"/v1/kpis?kpi=service_level&{DAY}&formula=abandons_ignored&threshold="
    for threshold, value in (("20", 0.0), ("20.000001", 1.0)):
        (result,) = (await service.get(url + threshold))["results"]
        assert (result["formula"], result["threshold"]) == ("abandons_ignored", float(threshold))
        assert result["points"][0]["value"] == value


async def test_no_data_is_null_and_every_step_is_there(service: Service) -> None:
    await service.call("a", NINE, 10)
    found = await service.get(f"/v1/kpis?kpi=offered,service_level,wait_p90,max_wait&step=1h&{DAY}")
    by_kpi = {result["kpi"]: result for result in found["results"]}
    assert {name: len(result["points"]) for name, result in by_kpi.items()} == dict.fromkeys(by_kpi, 24)
    assert [point["value"] for point in by_kpi["offered"]["points"]] == [0] * 9 + [1] + [0] * 14
    empty = by_kpi["service_level"]["points"][8]
    assert empty == {"start": "2025-03-31T08:00:00Z", "value": None, "numerator": 0, "denominator": 0}
    assert by_kpi["service_level"]["points"][9]["value"] == 1.0
    assert by_kpi["wait_p90"]["points"][8]["value"] is None
    assert by_kpi["wait_p90"]["method"] == "buckets"
    assert by_kpi["wait_p90"]["points"][9] == {
        "start": "2025-03-31T09:00:00Z",
        "value": 9.5,
        "numerator": None,
        "denominator": 1,
    }
    assert [point["value"] for point in by_kpi["max_wait"]["points"]] == [None] * 9 + [10.0] + [None] * 14


async def test_without_groups_there_is_always_one_result_and_with_them_those_with_numbers(service: Service) -> None:
    assert len((await service.get(f"/v1/kpis?kpi=offered&{DAY}&site=nowhere"))["results"]) == 1
    assert (await service.get(f"/v1/kpis?kpi=offered&{DAY}&group_by=site"))["results"] == []
    await service.call("a", NINE, 10)
    await service.call("b", NINE, 10, queue="service")
    await service.call("c", NINE + timedelta(days=3), 10, queue="exchange")
    found = await service.get(f"/v1/kpis?kpi=wait_p50&{DAY}&group_by=queue,site&channel=pos")
    assert [(one["site"], one["queue"], one["channel"]) for one in found["results"]] == [
        ("vilnius-1", "service", "pos"),
        ("vilnius-1", "tills", "pos"),
    ]
    found = await service.get(f"/v1/kpis?kpi=offered&{DAY}&queue=tills,service")
    assert [(one["queue"], one["points"][0]["value"]) for one in found["results"]] == [(None, 2)]
    found = await service.get(f"/v1/kpis?kpi=offered&{DAY}&queue=tills&queue=exchange")
    assert found["results"][0]["points"][0]["value"] == 1


async def test_an_offset_whose_plus_was_not_escaped(service: Service) -> None:
    await service.call("a", NINE, 10)
    found = await service.get("/v1/kpis?kpi=offered&from=2025-03-31T12:00:00+03:00&to=2025-03-31t09:01:00z")
    assert found["from"] == "2025-03-31T09:00:00Z"
    assert found["results"][0]["points"][0]["value"] == 1


async def test_the_last_day_up_to_now_unless_told(service: Service) -> None:
    now = datetime.now(UTC)
    await service.call("a", now - timedelta(hours=23), 10)
    await service.call("b", now - timedelta(hours=25), 10)
    found = await service.get("/v1/kpis?kpi=offered&from=&to=&step=&group_by=&threshold=")
    begin, end = (datetime.fromisoformat(found[name]) for name in ("from", "to"))
    assert end - begin == timedelta(hours=24)
    assert abs(end - now) < timedelta(minutes=1)
    assert found["results"][0]["points"][0]["value"] == 1


async def test_days_are_the_sites(service: Service, registry: Registry) -> None:
    await registry.put_site(
        "vilnius-1", time_zone="Europe/Vilnius", hours=None, holidays=None, since=None, queues=(), actor="test"
    )
    await service.call("a", datetime(2025, 3, 29, 22, 30, tzinfo=UTC), 10)
    url = "/v1/kpis?kpi=offered&step=1d&from=2025-03-29T22:00:00Z&to=2025-03-31T21:00:00Z&site=vilnius-1"
    points = (await service.get(url))["results"][0]["points"]
    assert [(point["start"], point["value"]) for point in points] == [
        ("2025-03-30T00:00:00+02:00", 1),
        ("2025-03-31T00:00:00+03:00", 0),
    ]


async def test_the_longest_wait_is_of_now(service: Service) -> None:
    begin = datetime.now(UTC) - timedelta(seconds=100)
    await service.post(event("a", "queued", begin, site="vilnius-1", queue="tills", channel="pos"))
    found = await service.get(f"/v1/kpis?kpi=longest_wait,waiting&{DAY}&step=1h")
    longest, waiting = found["results"]
    (point,) = longest["points"]
    assert 100 <= point["value"] < 160
    assert (point["numerator"], point["denominator"]) == (None, None)
    assert datetime.fromisoformat(point["start"]) - begin < timedelta(seconds=160)
    assert len(waiting["points"]) == 24
    (grouped,) = (await service.get("/v1/kpis?kpi=longest_wait&group_by=queue"))["results"]
    assert grouped["queue"] == "tills"
    (nobody,) = (await service.get("/v1/kpis?kpi=longest_wait&site=kaunas-2"))["results"]
    assert nobody["points"][0]["value"] == 0


@pytest.mark.parametrize(
    ("query", "field", "hint"),
    [
        ("", "kpi", ""),
        ("kpi=", "kpi", "service_level"),
        ("kpi=service_levels", "kpi", "service_level"),
        ("kpi=offered&step=5m", "step", "total, 1m, 1h, 1d"),
        ("kpi=offered&from=2025-03-31T00:00:00", "from", "offset"),
        ("kpi=offered&to=yesterday", "to", "RFC 3339"),
        ("kpi=offered&to=2025-13-01T00:00:00Z", "to", "RFC 3339"),
        ("kpi=offered&to=0001-01-01T00:00:00Z", "to", "from"),
        ("kpi=offered&to=0001-01-01T00:00:00%2B14:00", "to", "RFC 3339"),
        ("kpi=offered&from=2025-03-31T00:00:00Z&to=2025-03-31T00:00:00Z", "from", "earlier than to"),
        ("kpi=offered&group_by=agent", "group_by", "site, queue, channel"),
        ("kpi=offered&channel=fax", "channel", "phone"),
        ("kpi=offered&step=1m&from=2025-01-01T00:00:00Z&to=2025-03-31T00:00:00Z", "step", "11000"),
        ("kpi=service_level&formula=hurts", "formula", "abandons_hurt"),
        ("kpi=service_level&threshold=soon", "threshold", "20"),
        ("kpi=service_level&threshold=-1", "threshold", "seconds"),
        ("kpi=service_level&threshold=nan", "threshold", "seconds"),
        ("kpi=service_level&objective=phones", "objective", "none is defined"),
        ("kpi=slo_events", "objective", "slo_events is counted of an objective"),
        ("kpi=repeat_contacts&within=2d", "within", "1d, 7d, 30d"),
        ("kpi=offered&within=7d", "within", "repeat_contact_rate"),
        ("kpi=first_contact_resolution&maturity=ripe", "maturity", "settled, provisional"),
        ("kpi=repeat_contacts&maturity=settled", "maturity", "first_contact_resolution"),
        ("kpi=offered&treshold=20", "treshold", "threshold"),
    ],
)
async def test_what_is_not_right_is_told(service: Service, query: str, field: str, hint: str) -> None:
    answer = await service.client.get(f"/v1/kpis?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["field"] == field
    assert hint in problem["detail"]


async def test_what_does_not_apply_is_null(service: Service) -> None:
    query = "kpi=offered,repeat_contacts&formula=abandons_hurt&threshold=30&within=30d"
    offered, repeats = (await service.get(f"/v1/kpis?{query}"))["results"]
    assert [offered[name] for name in ("formula", "threshold", "within", "maturity", "objective")] == [None] * 5
    assert [repeats[name] for name in ("formula", "threshold", "within", "maturity")] == [None, None, "30d", None]


async def test_contacts_within_days(service: Service) -> None:
    place = {"site": "vilnius-1", "queue": "tills", "channel": "pos", "customer": "loyalty-8812"}
    for day in (0, 3, 13):
        at = NINE + timedelta(days=day)
        came = event(f"order-{day}", "queued", at, topic="purchase" if day else "complaint", **place)
        await service.post(came, event(f"order-{day}", "completed", at + timedelta(minutes=5), resolved=day != 3))
    url = "/v1/kpis?kpi={}&from=2025-03-31T00:00:00Z&to=2025-05-01T00:00:00Z"
    names = "contacts,store_contacts,repeat_contacts,repeat_visits,repeat_contact_rate,repeat_visit_rate"
    for within, repeats, visits in (("1d", 0, 0), ("7d", 0, 1), ("30d", 1, 2)):
        found = (await service.get(f"{url.format(names)}&within={within}"))["results"]
        assert [one["points"][0]["value"] for one in found] == [3, 3, repeats, visits, repeats / 3, visits / 3]
        assert [one["within"] for one in found] == [None, None, *[within] * 4]
        assert (found[4]["points"][0]["numerator"], found[4]["points"][0]["denominator"]) == (repeats, 3)
    (first,) = (await service.get(url.format("first_contact_resolution")))["results"]
    assert (first["within"], first["maturity"]) == ("7d", "settled")
    assert (first["points"][0]["numerator"], first["points"][0]["denominator"]) == (2, 3)
    (young,) = (await service.get(f"{url.format('first_contact_resolution')}&maturity=provisional"))["results"]
    assert (young["maturity"], young["points"][0]["value"], young["points"][0]["denominator"]) == (
        "provisional",
        None,
        0,
    )


async def test_time_to_resolution_by_two_clocks(service: Service, registry: Registry) -> None:
    hours = {"mon": ["09:00-18:00"], "tue": ["09:00-18:00"]}
    await registry.put_site(
        "vilnius-1", time_zone="UTC", hours=hours, holidays=None, since=None, queues=(), actor="test"
    )
    await service.call("a", NINE + timedelta(hours=8), 10, "completed", resolved=False)
    await service.post(event("a", "completed", NINE + timedelta(hours=25), resolved=True))
    for formula, seconds, p50 in (("", 17 * 3600, 64_800.0), ("&formula=business", 2 * 3600, 9000.0)):
        mean, median = (await service.get(f"/v1/kpis?kpi=time_to_resolution,time_to_resolution_p50&{DAY}{formula}"))[
            "results"
        ]
        assert mean["formula"] == median["formula"] == (formula.partition("=")[2] or "wall")
        assert (mean["points"][0]["value"], median["points"][0]["value"]) == (seconds, p50)


async def test_an_objective_tells_what_it_kept(service: Service, database: Database) -> None:
    tomorrow = number_of(NINE.date()) + 1
    terms = (
        answered_within(20_000_000, formula="abandons_help", queues=("tills",)),
        answered_within(60_000_000, 0.9, start_day=tomorrow, queues=("tills",)),
    )
    await Policies(database).publish(promises(tills_20=terms), microseconds(NINE))
    await service.call("a", NINE, 10)
    await service.call("b", NINE, 10, "abandoned")
    await service.call("c", NINE, 30)
    await service.call("d", NINE, 10, queue="service")
    await service.call("e", NINE + timedelta(days=1), 30)
    days = "from=2025-03-31T00:00:00Z&to=2025-04-02T00:00:00Z"
    url = f"/v1/kpis?kpi=service_level,slo_events,slo_breaches,offered&objective=tills-20&{days}&step=1h"
    level, events, breaches, offered = (await service.get(url))["results"]
    for result in (level, events, breaches):
        assert (result["objective"], result["formula"], result["threshold"]) == ("tills-20", "abandons_hurt", 60.0)
    assert (offered["objective"], offered["threshold"]) == (None, None)
    nine, ten, next_nine = (level["points"][hour] for hour in (9, 10, 33))
    assert (nine["value"], nine["numerator"], nine["denominator"]) == (2 / 3, 2, 3)
    assert (ten["value"], ten["denominator"]) == (None, 0)
    assert (next_nine["value"], next_nine["denominator"]) == (1.0, 1)
    assert [events["points"][hour]["value"] for hour in (9, 10, 33)] == [3, 0, 1]
    assert [breaches["points"][hour]["value"] for hour in (9, 10, 33)] == [1, 0, 0]
    assert offered["points"][9]["value"] == 4
    earlier = "kpi=service_level&objective=tills-20&from=2025-03-31T09:00:00Z&to=2025-03-31T11:00:00Z"
    (result,) = (await service.get(f"/v1/kpis?{earlier}"))["results"]
    assert (result["formula"], result["threshold"], result["method"]) == ("abandons_help", 20.0, "exact")
    assert result["points"][0]["value"] == 2 / 3


@pytest.mark.parametrize(
    ("query", "field", "hint"),
    [
        ("kpi=service_level&objective=phones", "objective", "those defined are: chats, tills-20"),
        ("kpi=slo_breaches", "objective", "name one: those defined are: chats, tills-20"),
        ("kpi=offered&objective=chats", "objective", "slo_events, slo_breaches, service_level"),
        ("kpi=accuracy&objective=chats", "objective", "promises service_level"),
        ("kpi=service_level&objective=chats&threshold=20", "threshold", "objective"),
        ("kpi=service_level&objective=chats&formula=abandons_hurt", "formula", "objective"),
    ],
)
async def test_what_is_not_right_about_an_objective(
    service: Service, database: Database, query: str, field: str, hint: str
) -> None:
    terms = answered_within(20_000_000)
    await Policies(database).publish(promises(tills_20=terms, chats=terms), microseconds(NINE))
    answer = await service.client.get(f"/v1/kpis?{query}")
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["field"] == field
    assert hint in problem["detail"]


async def test_a_million_points_are_given_and_no_more(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert kpi_answer.MAX_POINTS_IN_ALL >= 1000 * 366
    monkeypatch.setattr(kpi_answer, "MAX_POINTS_IN_ALL", 96)
    for queue in ("tills", "service"):
        await service.call(queue, NINE, 10, queue=queue)
    url = f"/v1/kpis?{DAY}&step=1h&group_by=queue&kpi="
    assert len((await service.get(f"{url}offered,answered"))["results"]) == 4
    answer = await service.client.get(f"{url}offered,answered,waiting")
    assert answer.status_code == 422
    assert answer.json()["field"] == "step"
    assert "144 points" in answer.json()["detail"]


async def test_the_catalogue(service: Service) -> None:
    found = await service.get("/v1/catalogue")
    assert [kpi["name"] for kpi in found["kpis"]] == [kpi.name for kpi in KPIS]
    assert [measure["name"] for measure in found["measures"]] == [measure.name for measure in MEASURES]
    assert [metric["name"] for metric in found["metrics"]] == [metric.name for metric in METRICS]
    level = next(kpi for kpi in found["kpis"] if kpi["name"] == "service_level")
    assert level["default_formula"] == "abandons_hurt"
    assert level["definition"] == level["formulas"]["abandons_hurt"] == "A<=T / (A + B)"
    assert len(level["formulas"]) == 7
    assert level["parameters"] == {
        "formula": {"default": "abandons_hurt", "choices": list(level["formulas"]), "required": False},
        "threshold": {"default": 20.0, "choices": None, "required": False},
        "objective": {"default": None, "choices": None, "required": False},
    }
    by_name = {kpi["name"]: kpi["parameters"] for kpi in found["kpis"]}
    assert by_name["offered"] == {}
    assert by_name["slo_events"] == {"objective": {"default": None, "choices": None, "required": True}}
    assert by_name["first_contact_resolution"] == {
        "within": {"default": "7d", "choices": ["1d", "7d", "30d"], "required": False},
        "maturity": {"default": "settled", "choices": ["settled", "provisional"], "required": False},
    }


async def test_who_is_there_now(service: Service, registry: Registry) -> None:
    await registry.put_site(
        "kaunas-2", time_zone="UTC", hours=None, holidays=None, since=None, queues=[("tills", "pos")], actor="test"
    )
    begin = datetime.now(UTC) - timedelta(seconds=30)
    await service.post(event("a", "queued", begin, site="vilnius-1", queue="tills", channel="pos"))
    await service.post(event("b", "answered", begin, site="vilnius-1", queue="tills", channel="pos"))
    found = await service.get("/v1/live")
    assert abs(datetime.fromisoformat(found["at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    kaunas, vilnius = found["results"]
    assert kaunas == {
        "site": "kaunas-2",
        "queue": "tills",
        "channel": "pos",
        "waiting": 0,
        "in_service": 0,
        "longest_wait_seconds": 0,
    }
    assert (vilnius["site"], vilnius["waiting"], vilnius["in_service"]) == ("vilnius-1", 1, 1)
    assert 30 <= vilnius["longest_wait_seconds"] < 90
    assert (await service.get("/v1/live?site=kaunas-2"))["results"] == [kaunas]


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


async def test_the_page_for_prometheus(service: Service) -> None:
    await service.call("a", datetime.now(UTC) - timedelta(seconds=50), 10)
    answer = await service.client.get("/metrics/kpi")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'frontline_queue_offered_total{channel="pos",queue="tills",site="vilnius-1"} 1.0\n' in answer.text


async def test_the_description_is_complete(service: Service) -> None:
    described = await service.get("/openapi.json")
    query = described["paths"]["/v1/kpis"]["get"]
    assert all(parameter["description"] for parameter in query["parameters"])
    content = query["responses"]["200"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Answer"}
    example = msgspec.json.decode(query["description"].partition("```json")[2].partition("```")[0])
    assert list(example["results"][0]) == FIELDS
    assert list(described["components"]["schemas"]["Result"]["properties"]) == FIELDS
