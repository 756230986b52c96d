"""Whatever is asked: an answer, or a problem that names what is wrong with the question."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.core.catalogue.kpis import KPIS
from tests.fuzz.answers import check_problem
from tests.fuzz.conftest import LONG, Target
from tests.fuzz.hostile_posts import hostile_post

EXAMPLES = max(150, LONG // 500)
_STATUS = {200, 307, 404, 422}
_SAID = {
    "kpi": [kpi.name for kpi in KPIS],
    "step": ["total", "1m", "1h", "1d"],
    "group_by": ["site", "queue", "channel", "site,queue,channel", ",,"],
    "by": ["site", "queue", "channel"],
    "channel": ["pos", "phone", "chat"],
    "formula": ["abandons_hurt", "abandons_ignored"],
    "threshold": ["20", "0", "-1", "1e999", "nan", "inf", "1e-9", "1_0", "9" * 400, "\u0663"],
    "within": ["1d", "7d", "30d"],
    "maturity": ["settled", "provisional"],
    "objective": ["phone-80-in-20"],
    "limit": ["0", "1", "1000", "1001", "-1", "9" * 30, "1.0"],
    "worst": ["0", "1", "1000", "9" * 30],
}
_TIMES = st.sampled_from(
    [
        *("2026-11-21T09:15:00Z", "2026-11-22T09:15:00+02:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59"),
        *(
            "9999-12-31T23:59:59Z",
            "9999-12-31T23:59:59-23:59",
            "2026-11-21T09:15:00 02:00",
            "1970-01-01T00:00:00.9999999Z",
        ),
        *("2026-11-21", "0001-01-01", "9999-12-31", "2026-02-30", "1999-12-31T23:59:60Z", "-001-01-01"),
    ]
) | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
_texts = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["\x00", "%", "*", "site-1", "other", "a" * 5_000, "\udcff"]
)


_in_paths = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(["\x00", "%", "*", "a" * 5_000])
"""A server hands no half of a surrogate pair on in a path."""


def _escaped(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _values(name: str) -> st.SearchStrategy[str]:
    if name in ("from", "to", "since", "until"):
        return (_TIMES | _texts).map(_escaped)
    said = st.sampled_from(_SAID[name]) if name in _SAID else st.sampled_from(["site-1", "tills", "vendor"])
    return (said | st.lists(said, max_size=4).map(",".join) | _texts).map(_escaped) | st.binary(max_size=6).map(
        quote_from_bytes
    )


@st.composite
def _queries(draw: st.DrawFn, names: list[str]) -> bytes:
    """Parameters that are known and some that are not, well said and badly, some of them twice."""
    asked = draw(st.lists(st.sampled_from(names), max_size=6)) if names else []
    pairs = [f"{name}={draw(_values(name))}" for name in asked]
    if "kpi" in names and draw(st.integers(0, 9)):
        pairs.append(f"kpi={draw(st.sampled_from(_SAID['kpi']))}")
    if not draw(st.integers(0, 9)):
        pairs.append(draw(_texts.map(_escaped)))
    return "&".join(pairs).encode()


@st.composite
def _paths(draw: st.DrawFn, path: str, names: list[str]) -> str:
    """The path with something in its places: what is there, what could be, and what never was."""
    known = {"source": "vendor", "subject": "order-0-1", "site": "site-1", "name": "phone-80-in-20", "key_id": "1"}
    for name in names:
        value = draw(st.just(known.get(name, "README")) | _in_paths | st.sampled_from(["..", "a/b", "-1", "9" * 40]))
        path = path.replace(f"{{{name}}}", value)
    return path


def _read_operations(target: Target) -> Iterator[tuple[str, list[str], list[str]]]:
    """Every GET of the description: its path, the names in it, and its parameters."""
    for path, operations in target.app.openapi()["paths"].items():
        if "get" in operations:
            parameters: list[dict[str, Any]] = operations["get"].get("parameters", [])
            named = {place: [one["name"] for one in parameters if one["in"] == place] for place in ("path", "query")}
            yield path, named["path"], named["query"]


@pytest.fixture(scope="module")
def inhabited(target: Target) -> Target:
    """A service that has something to tell."""

    async def fill() -> None:
        for number in range(300):
            post = hostile_post(number, datetime.now(UTC))
            await target.answer("POST", "/v1/events", [*target.as_source(), *post.headers], post.content)

    target.run(fill())
    return target


@pytest.mark.timeout(0 if LONG else 300)
def test_no_question_fails_the_service(inhabited: Target) -> None:
    operations = list(_read_operations(inhabited))
    assert ("/v1/kpis", []) in [(path, in_path) for path, in_path, _ in operations]
    seen = set()

    for path, in_path, in_query in operations:

        @settings(
            max_examples=EXAMPLES if in_path or in_query else 1,
            deadline=None,
            derandomize=not LONG,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(path=_paths(path, in_path), query=_queries(in_query))
        def ask(path: str, query: bytes) -> None:
            answer = inhabited.ask("GET", path, inhabited.as_admin(), query=query)
            seen.add(answer.status)
            assert answer.status in _STATUS, (path, query, answer)
            if answer.status >= 400:
                check_problem(answer)
            elif answer.headers.get("content-type") == "application/json":
                answer.body()

        ask()
    assert {200, 404, 422} <= seen


@settings(max_examples=EXAMPLES, deadline=None, derandomize=not LONG, database=None)
@given(
    key=st.binary(max_size=600) | _texts.map(lambda text: text.encode(errors="surrogatepass")),
    scheme=st.sampled_from([b"Bearer ", b"bearer\t", b"Basic ", b""]),
)
def test_no_key_fails_the_service(inhabited: Target, key: bytes, scheme: bytes) -> None:
    headers = [(b"authorization", scheme + key)]
    assert check_problem(inhabited.ask("GET", "/v1/admin/keys", headers))["status"] == 401
    assert check_problem(inhabited.ask("POST", "/v1/events", headers, b"{}"))["status"] == 401
