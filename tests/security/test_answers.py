"""API8, misconfiguration: what answers have in them and around them, whatever was asked and whoever asked."""

import re
from typing import Any

import httpx
import pytest

from tests.api.conftest import ADMIN_KEY, Api, Serve, event, is_problem

ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X" * 40)
ANSWERS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "numbers": ("GET", "/v1/kpis?kpi=offered", {}, 200),
    "a key": ("POST", "/v1/admin/keys", {"json": {"role": "read"}, "headers": ADMIN}, 201),
    "no body": ("DELETE", "/v1/admin/keys/2", {"headers": ADMIN}, 204),
    "an interaction": ("GET", "/v1/interactions/pos-vendor/order-1", {}, 200),
    "metrics": ("GET", "/metrics/kpi", {}, 200),
    "health": ("GET", "/healthz", {}, 200),
    "a page": ("GET", "/runbooks", {}, 200),
    "the documentation": ("GET", "/docs", {}, 200),
    "a refused body": ("POST", "/v1/events", {"content": b"{", "headers": ADMIN}, 403),
    "no key": ("POST", "/v1/events", {}, 401),
    "a wrong question": ("GET", "/v1/kpis?kpi=nothing", {}, 422),
    "no such page": ("GET", "/nothing", {}, 404),
    "no such method": ("PUT", "/v1/kpis", {}, 405),
}


def policy_of(response: httpx.Response) -> dict[str, list[str]]:
    (value,) = response.headers.get_list("content-security-policy")
    return {words[0]: words[1:] for words in (part.split() for part in value.split(";"))}


@pytest.mark.parametrize("asked", ANSWERS)
async def test_every_answer_has_the_headers_that_keep_browsers_and_caches_out(api: Api, asked: str) -> None:
    await api.post(event(subject="order-1"))
    method, path, options, status = ANSWERS[asked]
    response = await api.client.request(method, path, **options)
    assert response.status_code == status, response.text
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers.get_list("referrer-policy") == ["no-referrer"]
    assert response.headers.get_list("cross-origin-resource-policy") == ["same-origin"]
    policy = policy_of(response)
    for directive in ("default-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[directive] == ["'none'"]
    assert ("script-src" in policy) is (asked == "the documentation")
    told = {name for name in response.headers if name.startswith(("server", "x-powered", "access-control", "set-"))}
    assert not told


async def test_the_documentation_loads_what_is_here_and_nothing_else(api: Api) -> None:
    policy = policy_of(await api.client.get("/docs"))
    allowed = {source for sources in policy.values() for source in sources}
    assert allowed == {"'none'", "'self'", "'unsafe-inline'", "data:"}
    script = await api.client.get("/docs-static/swagger-ui-bundle.js")
    assert script.status_code == 200
    assert "no-store" not in script.headers.get("cache-control", "")


@pytest.mark.parametrize("path", ["/docs/oauth2-redirect", "/redoc", "/docs-static/", "/v1/events/", "/v1/kpis/", "//"])
async def test_no_answer_leads_elsewhere(api: Api, path: str) -> None:
    """A redirection would take a key to the host that a header named, in clear where TLS ends before the service."""
    for method in ("GET", "POST"):
        headers = {"Authorization": f"Bearer {api.key}", "Host": "attacker.example"}
        response = await api.client.request(method, path, headers=headers)
        assert not response.is_redirect
        assert "attacker.example" not in str(response.headers) + response.text


async def test_what_nobody_foresaw_is_told_to_nobody(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    api = await serve()

    async def fail(*_: object) -> None:
        raise RuntimeError("the words of an error")

    monkeypatch.setattr(api.parts.rollups, "interaction", fail)
    response = await api.client.get("/v1/interactions/pos-vendor/order-1")
    assert is_problem(response, 500)["detail"].startswith("this should not have happened")
    assert "words" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


async def test_every_route_takes_the_methods_that_are_described_and_no_others(api: Api) -> None:
    described = (await api.client.get("/openapi.json")).json()["paths"]
    for path, operations in described.items():
        address = re.sub(r"{\w+}", "1", path)
        for method in METHODS:
            if method.lower() in operations:
                continue
            response = await api.client.request(method, address, headers=ADMIN, content=b"")
            assert response.status_code == 405, (method, path)
            assert set(response.headers["allow"].split(", ")) <= {one.upper() for one in operations}, path


async def test_no_other_site_may_read_what_a_browser_gets(api: Api) -> None:
    for method, headers in (("GET", {}), ("OPTIONS", {"Access-Control-Request-Method": "POST"})):
        response = await api.client.request(method, "/v1/live", headers={"Origin": "https://evil.example", **headers})
        assert not [name for name in response.headers if name.startswith("access-control")]


async def test_a_method_is_not_taken_from_a_header(api: Api) -> None:
    response = await api.client.get("/v1/admin/keys/1", headers={**ADMIN, "X-HTTP-Method-Override": "DELETE"})
    assert response.status_code == 405
    assert (await api.admin("GET", "/keys")).status_code == 200
