"""`GET /v1/kpis`: the contract's fields, nulls and grids, and what a wrong parameter is told."""

from datetime import UTC, datetime, timedelta

import pytest

from service.api import kpi_answer
from service.core.event import microseconds
from service.core.window import number_of
from service.store.database import Database
from service.store.policies import Policies
from service.store.registry import Registry
from tests.api.reading import DAY, FIELDS, NINE, Service, event
from tests.terms import answered_within, promises


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
        "dimension": None,
        "standard": None,
        "kind": None,
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


async def test_days_of_a_site_that_is_not_there_have_nothing_in_them(service: Service) -> None:
    await service.call("a", NINE, 10)
    (nobody,) = (await service.get(f"/v1/kpis?kpi=offered&step=1d&site=kaunas-2&{DAY}"))["results"]
    assert [point["value"] for point in nobody["points"]] == [0]
    assert (await service.get(f"/v1/kpis?kpi=offered&step=1d&site=kaunas-2&group_by=site&{DAY}"))["results"] == []


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
