"""Whatever is posted: an answer in the documented form, and all that it says was accepted is stored, once."""

import asyncio
import itertools
import resource
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.answers import check_post, check_problem
from tests.fuzz.conftest import LONG, Target
from tests.fuzz.hostile_posts import HostilePost, hostile_post, written

POSTS = LONG or 8_000
EXAMPLES = max(200, LONG // 200)
IN_FLIGHT = 200
PARTS = 10
MAX_GROWTH_MIB = 48
"""Of the resident memory over the later half of the flood: what is remembered is bounded, and all there by then."""
PATIENCE = 20
"""How often a post is sent again that the service had no room or no database for."""


class Flood:
    """Hostile posts, many in flight at once."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.accepted = 0
        self.perhaps_before = 0
        self.unavailable: Counter[str] = Counter()
        self.seen: Counter[int] = Counter()
        self.failures: list[str] = []

    async def send(self, first: int, count: int) -> None:
        numbers = iter(range(first, first + count))
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(self._sender(numbers))

    async def _sender(self, numbers: Any) -> None:
        for number in numbers:
            if len(self.failures) >= 10:
                return
            post = hostile_post(number, datetime.now(UTC))
            try:
                await self.post(post)
            except Exception as error:  # noqa: BLE001 # told with the post that brought it about
                self.failures.append(f"post {number}: {error!r}\n  {post.headers}\n  {post.content[:600]!r}")

    async def post(self, post: HostilePost) -> None:
        headers = [*self.target.as_source(), *post.headers]
        attempts = 0
        while True:
            answer = await self.target.answer("POST", "/v1/events", headers, post.content)
            self.seen[answer.status] += 1
            attempts += 1
            if answer.status != 503 or attempts == PATIENCE:
                break
            self.unavailable[check_problem(answer)["detail"]] += 1
            await asyncio.sleep(int(answer.headers["retry-after"]))
        accepted, duplicates = check_post(post, answer)
        self.accepted += accepted
        # What got no answer but 503 may have been committed all the same.
        self.perhaps_before += duplicates if attempts > 1 else 0


@pytest.fixture(scope="module")
def flood(target: Target) -> Flood:
    return Flood(target)


@pytest.mark.timeout(0 if LONG else 300)
def test_no_post_fails_the_service(target: Target, flood: Flood) -> None:
    resident = []
    for part in range(PARTS):
        began = time.perf_counter()
        target.run(flood.send(part * POSTS // PARTS, POSTS // PARTS))
        assert flood.failures == []
        resident.append(_resident_mib())
        rate = POSTS / PARTS / (time.perf_counter() - began)
        print(f"{(part + 1) * POSTS // PARTS} posts, {rate:.0f} a second, {resident[-1]:.0f} MiB, {dict(flood.seen)}")
    assert resident[-1] - resident[PARTS // 2 - 1] < MAX_GROWTH_MIB
    # the posts must reach every room behind the door, or nothing has been put to the test
    assert {202, 400, 413, 415, 422} <= set(flood.seen)
    assert flood.accepted > POSTS / 4
    print(f"{flood.accepted} events accepted; refused for the moment: {dict(flood.unavailable)}")
    assert 0 <= target.run(target.stored()) - flood.accepted <= flood.perhaps_before


def _resident_mib() -> float:
    """What this process, and so the service in it, holds in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
_content = (
    st.binary(max_size=400) | _json.map(written) | st.lists(_json).map(lambda items: b"\n".join(map(written, items)))
)
_types = st.sampled_from([b"application/json", b"application/x-ndjson", b"application/cloudevents+json"])


@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=not LONG, database=None, suppress_health_check=list(HealthCheck)
)
@given(content=_content, content_type=_types)
@pytest.mark.timeout(0 if LONG else 300)
def test_no_body_at_all_fails_the_service(target: Target, flood: Flood, content: bytes, content_type: bytes) -> None:
    target.run(flood.post(HostilePost([(b"content-type", content_type)], content)))


def test_a_post_is_made_again_from_its_number() -> None:
    now = datetime.now(UTC)
    for number in itertools.chain(range(200), (10**6,)):
        assert hostile_post(number, now) == hostile_post(number, now)
