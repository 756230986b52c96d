"""What is read of now and of all: who waits, the catalogue, the page for Prometheus, the description."""

from datetime import UTC, datetime, timedelta

import msgspec

from service.core.catalogue.kpis import KPIS
from service.core.catalogue.measures import MEASURES
from service.core.catalogue.metrics import METRICS
from service.store.registry import Registry
from tests.api.reading import FIELDS, Service, event


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
