"""API9, inventory: nothing is served that is not told of.

That the README tells of every route of the description, and of no other, is in tests/unit/test_readme.py.
"""

from collections.abc import Iterator
from typing import Any

from starlette.routing import BaseRoute, Mount, Route

from tests.api.conftest import Api

UNDESCRIBED = {"/openapi.json", "/docs", "/docs/oauth2-redirect"}
"""The description and its page, of which the description does not tell."""


def routes_of(router: Any) -> Iterator[BaseRoute]:
    """The routes of an app or a router, those of the routers in it among them."""
    for route in router.routes:
        included = getattr(route, "original_router", None)
        if included is None:
            yield route
        else:
            yield from routes_of(included)


async def test_every_route_is_described(api: Api) -> None:
    described = set((await api.client.get("/openapi.json")).json()["paths"])
    routes = list(routes_of(api.app))
    paths = [route.path.replace(":path", "") for route in routes if isinstance(route, Route)]
    assert set(paths) == described | UNDESCRIBED
    assert [route.path for route in routes if isinstance(route, Mount)] == ["/docs-static"]
    assert len(paths) + 1 == len(routes)


async def test_every_route_says_which_key_it_takes(api: Api) -> None:
    described = (await api.client.get("/openapi.json")).json()["paths"]
    for path, methods in described.items():
        for method, operation in methods.items():
            assert ("security" in operation) is (path == "/v1/events" or "/admin/" in path), (method, path)
