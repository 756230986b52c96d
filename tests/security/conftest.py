"""The whole app on a database of the test's own, as the tests of the API have it."""

from tests.api.conftest import api, serve

__all__ = ["api", "serve"]
