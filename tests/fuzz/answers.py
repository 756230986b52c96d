"""What an answer must look like, whatever was asked."""

import json
from dataclasses import dataclass
from typing import Any

from tests.fuzz.hostile_posts import HostilePost

_VERDICTS = {"accepted", "duplicates", "rejected"}
_POST_STATUS = {202, 400, 403, 413, 415, 422}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the service, whole."""

    status: int
    headers: dict[str, str]
    content: bytes

    def body(self) -> Any:
        return json.loads(self.content.decode())


def check_problem(answer: Answer) -> dict[str, Any]:
    """An error must be a problem+json that says what it is; its members."""
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.body()
    assert body["status"] == answer.status
    assert all(isinstance(body[member], str) and body[member] for member in ("type", "title", "detail"))
    return body


def check_post(post: HostilePost, answer: Answer) -> tuple[int, int]:
    """An answer to a post with a known key, and room for it; how many events it says were accepted, and duplicates."""
    assert answer.status in _POST_STATUS, answer
    if answer.status == 202 or (answer.status == 422 and answer.headers["content-type"] == "application/json"):
        body = answer.body()
        assert set(body) == _VERDICTS
    else:
        body = check_problem(answer)
        assert not post.sound, "one bad event failed its neighbours"
        if not set(body) >= _VERDICTS:
            return 0, 0
    accepted, duplicates, rejected = body["accepted"], body["duplicates"], body["rejected"]
    _check_verdicts(post, accepted + duplicates, rejected)
    assert (answer.status == 202) == (accepted > 0 or not rejected)
    return int(accepted), int(duplicates)


def _check_verdicts(post: HostilePost, taken: int, rejected: list[dict[str, Any]]) -> None:
    places = [one["index"] for one in rejected]
    assert places == sorted(set(places))
    assert not post.sound & set(places), "nothing is wrong with an event that was rejected"
    for one in rejected:
        assert set(one) == {"index", "id", "code", "detail"}
        assert one["id"] is None or isinstance(one["id"], str)
        assert isinstance(one["code"], str)
        assert one["code"]
        assert isinstance(one["detail"], str)
        assert one["detail"]
    sent = _sent(post)
    if sent is not None:
        assert taken + len(rejected) == sent
        assert all(0 <= place < sent for place in places)


def _sent(post: HostilePost) -> int | None:
    """How many events a post holds, where another reader of JSON can tell."""
    headers = dict(post.headers)
    if b"content-encoding" in headers:
        return None
    if b"ce-specversion" in headers and headers[b"content-type"] == b"application/json":
        return 1
    if headers.get(b"content-type") == b"application/x-ndjson":
        return sum(1 for line in post.content.split(b"\n") if line.strip())
    try:
        body = json.loads(post.content.decode())
    except (ValueError, RecursionError):
        return None
    return len(body) if isinstance(body, list) else 1
