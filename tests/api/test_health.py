"""What operators and readers of the documentation see."""

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Api, Serve, event


async def test_the_process_is_alive_and_ready(api: Api) -> None:
    alive = await api.client.get("/healthz")
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    ready = await api.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})


async def test_it_is_not_ready_once_it_shuts_down(api: Api) -> None:
    api.parts.ready = False
    response = await api.client.get("/readyz")
    assert response.status_code == 503
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["retry-after"]
    assert "shutting down" in response.json()["detail"]
    assert (await api.client.get("/healthz")).status_code == 200


async def test_it_stays_ready_while_its_queue_takes_nothing(serve: Serve) -> None:
    api = await serve(queue_events=0)
    await api.source()
    assert (await api.post(event())).status_code == 503
    assert (await api.client.get("/readyz")).status_code == 200, "all replicas would be taken away at once"


async def test_after_its_end_the_writer_takes_no_post(api: Api) -> None:
    assert (await api.post(event())).status_code == 202
    await api.parts.writer.stop(1)
    response = await api.post(event())
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert "shutting down" in response.json()["detail"]


@pytest.mark.parametrize("path", ["/metrics", "/metrics/kpi"])
async def test_metrics_are_valid_prometheus_text(api: Api, path: str) -> None:
    await api.post([event(), event(time="never")])
    response = await api.client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(response.text))
    names = [family.name for family in families]
    assert len(names) == len(set(names))
    samples = [(sample.name, tuple(sorted(sample.labels.items()))) for family in families for sample in family.samples]
    assert len(samples) == len(set(samples))
    for family in families:
        assert family.documentation, family.name
        assert family.type != "unknown", family.name


async def test_the_process_tells_of_ingest_commits_and_runtime(api: Api) -> None:
    await api.post([event(), event(time="never")])
    text = (await api.client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for name in (
        "frontline_ingest_events",
        "frontline_ingest_posts",
        "frontline_ingest_post_seconds",
        "frontline_commit_seconds",
        "frontline_commit_events",
        "frontline_commit_failures",
        "frontline_queue_events",
        "frontline_database_away",
        "frontline_build_info",
        "process_resident_memory_bytes",
        "python_info",
    ):
        assert families[name].samples, name
    by_result = {
        sample.labels["result"]: sample.value
        for sample in families["frontline_ingest_events"].samples
        if sample.name.endswith("_total")
    }
    assert by_result == {"accepted": 1, "duplicate": 0, "rejected": 1}


async def test_no_customer_agent_or_interaction_is_ever_a_label(api: Api) -> None:
    data = {"site": "vilnius-1", "queue": "tills", "channel": "pos", "customer": "loyalty-8812", "agent": "anna-x"}
    await api.post(event(subject="order-secret", data=data))
    for path in ("/metrics", "/metrics/kpi"):
        text = (await api.client.get(path)).text
        for secret in ("8812", "anna-x", "order-secret"):
            assert secret not in text


async def test_the_documentation_is_served(api: Api) -> None:
    response = await api.client.get("/docs")
    assert response.status_code == 200
    assert "/openapi.json" in response.text
    needed = re.findall(r'(?:src|href)="([^"]+)"', response.text)
    assert len(needed) >= 2
    for address in needed:
        assert address.startswith("/"), f"{address} is somebody else's"
        assert (await api.client.get(address)).status_code == 200


async def test_the_openapi_document_holds_together(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    assert re.match(r"3\.\d+\.\d+", document["openapi"])
    assert document["info"]["title"] == "Frontline"
    assert document["info"]["version"]
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    identities = [operation["operationId"] for _, _, operation in operations]
    assert len(identities) == len(set(identities))
    for path, method, operation in operations:
        assert operation["summary"], (method, path)
        assert operation["responses"], (method, path)
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), (method, path)
        for requirement in operation.get("security", []):
            assert set(requirement) <= set(document["components"]["securitySchemes"])
    for reference in _references(document):
        assert _resolve(document, reference) is not None, reference


async def test_the_contract_is_documented(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    paths = document["paths"]
    for path in (
        "/v1/events",
        "/v1/kpis",
        "/v1/catalogue",
        "/v1/live",
        "/v1/interactions/{source}/{subject}",
        "/v1/admin/sites/{site}",
        "/v1/admin/sources",
        "/healthz",
        "/readyz",
        "/metrics",
        "/metrics/kpi",
    ):
        assert path in paths
    post = paths["/v1/events"]["post"]
    assert post["security"] == [{"key": []}]
    assert set(post["responses"]) >= {"202", "400", "401", "403", "413", "415", "422", "503"}
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    assert set(post["requestBody"]["content"]) >= {
        "application/json",
        "application/cloudevents+json",
        "application/cloudevents-batch+json",
        "application/x-ndjson",
    }


async def test_the_examples_of_the_documentation_are_accepted(api: Api) -> None:
    document = (await api.client.get("/openapi.json")).json()
    examples = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    for example in examples.values():
        response = await api.post(_in_the_past(example["value"]))
        assert response.status_code == 202, response.text
        assert response.json()["rejected"] == []
    schemas = document["components"]["schemas"]
    hours = schemas["SiteSettings"]["properties"]["hours"]["examples"][0]
    zone = schemas["SiteSettings"]["properties"]["time_zone"]["examples"][0]
    response = await api.admin("PUT", "/sites/vilnius-1", {"hours": hours, "time_zone": zone})
    assert response.status_code == 200


def _in_the_past(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_the_past(one) for one in value]
    return {**value, "time": value["time"].replace("2026-", "2025-")}


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [reference for value in part.values() for reference in _references(value)]
    if isinstance(part, list):
        return [reference for value in part for reference in _references(value)]
    return []


def _resolve(document: Any, reference: str) -> Any:
    found = document
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step) if isinstance(found, dict) else None
    return found
