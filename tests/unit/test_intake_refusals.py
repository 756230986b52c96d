"""Every way to get an event wrong, and the verdict that names it and leaves the neighbours alone."""

import json
from typing import Any

import pytest

from service.core.errors import InvalidInput
from service.core.event import (
    MAX_FUTURE_US,
    moment,
)
from service.core.intake import read_json
from tests.intake_cases import BY_TYPE, LABEL_HINT, NOW_US, REQUIRED, event, judge, refused


@pytest.mark.parametrize("type_", sorted(REQUIRED))
def test_a_required_field_is_named_when_it_is_missing(type_: str) -> None:
    name = REQUIRED[type_]
    verdict = refused(event(type_, data={"site": "vilnius-1"}))
    assert (verdict.code, verdict.id) == ("missing_field", "1")
    assert verdict.detail.startswith(f"data.{name}: is missing; it must be ")
    without_data = refused(event(type_, data=...))
    assert without_data.detail.startswith("data: is missing")


@pytest.mark.parametrize("name", ["id", "source", "type", "time", "subject"])
def test_a_missing_attribute_is_named(name: str) -> None:
    verdict = refused(event(**{name: ...}))
    assert verdict.code == "missing_field"
    assert verdict.detail.startswith(f"{name}: is missing; it must ")
    assert verdict.id == (None if name == "id" else "1")


@pytest.mark.parametrize(
    ("data", "type_", "says"),
    [
        ({"site": 5}, "interaction.answered", ["data.site: expected str | null, got int", LABEL_HINT]),
        ({"site": ""}, "interaction.answered", ["data.site: ", LABEL_HINT]),
        ({"site": "a b"}, "interaction.answered", ["data.site: has a character that is not allowed", LABEL_HINT]),
        ({"site": "a\n"}, "interaction.answered", ["data.site: has a character that is not allowed", LABEL_HINT]),
        ({"site": 'a"b'}, "interaction.answered", ["data.site: has a character", LABEL_HINT]),
        ({"site": "x" * 65}, "interaction.answered", ["data.site: expected str of length <= 64", LABEL_HINT]),
        ({"queue": "a/b"}, "interaction.queued", ["data.queue: has a character", LABEL_HINT]),
        ({"queue": None}, "interaction.queued", ["data.queue: expected str, got null", LABEL_HINT]),
        (
            {"channel": "fax"},
            "interaction.answered",
            ["data.channel: ", "'fax'", "pos, phone, chat, email, web, kiosk"],
        ),
        ({"channel": "POS"}, "interaction.answered", ["data.channel: ", "'POS'", "pos, phone"]),
        ({"customer": 8812}, "interaction.answered", ["data.customer: expected str | null, got int"]),
        ({"customer": "x" * 257}, "interaction.answered", ["data.customer: expected str of length <= 256"]),
        ({"topic": ["a"]}, "interaction.answered", ["data.topic: expected str | null, got array"]),
        ({"agent": ""}, "interaction.answered", ["data.agent: expected str of length >= 1"]),
        ({"to": "heaven"}, "interaction.diverted", ["data.to: ", "'heaven'", "voicemail, callback, overflow"]),
        ({"to_queue": "a b"}, "interaction.transferred", ["data.to_queue: ", LABEL_HINT]),
        ({"to_agent": 7}, "interaction.transferred", ["data.to_agent: expected str | null, got int"]),
        ({"resolved": "yes"}, "interaction.completed", ["data.resolved: expected bool | null, got str"]),
        ({"resolved": 1}, "interaction.completed", ["data.resolved: expected bool | null, got int"]),
        ({"wrap_up_seconds": "5"}, "interaction.completed", ["data.wrap_up_seconds: expected float | null, got str"]),
        ({"wrap_up_seconds": True}, "interaction.completed", ["data.wrap_up_seconds: expected float", "got bool"]),
        ({"wrap_up_seconds": -0.1}, "interaction.completed", ["data.wrap_up_seconds: expected float >= 0"]),
        ({"wrap_up_seconds": 1e12}, "interaction.completed", ["data.wrap_up_seconds: expected float <= "]),
        ({"kind": "oops"}, "interaction.corrected", ["data.kind: ", "'oops'", "wrong_item, remake, refund"]),
        ({"outcome": "lost"}, "interaction.recorded", ["data.outcome: ", "answered, abandoned, diverted"]),
        ({"outcome": None}, "interaction.recorded", ["data.outcome: ", "answered, abandoned, diverted"]),
        ({"queued_at": "2026-11-18T09:10:00"}, "interaction.recorded", ["data.queued_at: ", "timezone", "an offset"]),
        ({"answered_at": "noon"}, "interaction.recorded", ["data.answered_at: ", "an RFC 3339 time"]),
        ({"completed_at": 5}, "interaction.recorded", ["data.completed_at: ", "got int", "an RFC 3339 time"]),
        ({"wait_seconds": -1}, "interaction.recorded", ["data.wait_seconds: expected float >= 0"]),
        ({"service_seconds": "1"}, "interaction.recorded", ["data.service_seconds: expected float | null, got str"]),
        ({"hold_seconds": []}, "interaction.recorded", ["data.hold_seconds: expected float | null, got array"]),
        ({"transfers": 1.5}, "interaction.recorded", ["data.transfers: expected int | null, got float"]),
        ({"transfers": -1}, "interaction.recorded", ["data.transfers: expected int >= 0"]),
    ],
)
def test_a_wrong_field_is_named_with_what_was_wrong_and_what_is_right(
    data: dict[str, Any], type_: str, says: list[str]
) -> None:
    verdict = refused(event(type_, data={**BY_TYPE[type_], **data}))
    assert verdict.code == "invalid_field"
    assert verdict.id == "1"
    for words in says:
        assert words in verdict.detail


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"type": "interaction.lost"}, "unknown_type", ["type: ", "'interaction.lost'", "interaction.queued"]),
        ({"type": "x` - at `$.id"}, "unknown_type", ["type: ", "interaction.queued"]),
        ({"type": None}, "unknown_type", ["type: ", "interaction.queued"]),
        ({"type": 7}, "unknown_type", ["type: ", "interaction.queued"]),
        ({"id": 7}, "invalid_field", ["id: expected str, got int", "1 to 256 characters"]),
        ({"id": ""}, "invalid_field", ["id: ", "1 to 256 characters"]),
        ({"id": "x" * 257}, "invalid_field", ["id: ", "<= 256", "1 to 256 characters"]),
        ({"source": None}, "invalid_field", ["source: expected str, got null"]),
        ({"subject": ""}, "invalid_field", ["subject: ", "1 to 256 characters"]),
        ({"subject": {}}, "invalid_field", ["subject: expected str, got object"]),
        ({"time": "2026-11-18T09:15:02"}, "invalid_field", ["time: ", "timezone", "an offset"]),
        ({"time": "18.11.2026"}, "invalid_field", ["time: ", "an RFC 3339 time with an offset"]),
        ({"time": 1795000000}, "invalid_field", ["time: expected datetime, got int", "an offset"]),
        ({"time": None}, "invalid_field", ["time: expected datetime, got null", "an offset"]),
        ({"time": "0001-01-01T00:00:00Z"}, "invalid_field", ["time: is before the year 2"]),
        ({"time": "0001-01-01T00:00:00+14:00"}, "invalid_field", ["time: is before the year 2"]),
        ({"data": None}, "invalid_field", ["data: expected object, got null", "it must be a JSON object"]),
        ({"data": []}, "invalid_field", ["data: expected object, got array"]),
        ({"data": '{"site":"a"}'}, "invalid_field", ["data: expected object, got str"]),
        ({"specversion": "0.3"}, "invalid_field", ["specversion: ", "'0.3'", "it must be 1.0"]),
        ({"specversion": 1.0}, "invalid_field", ["specversion: ", "it must be 1.0"]),
        ({"data_base64": "e30="}, "invalid_field", ["data_base64: is not read", "JSON object in data"]),
        ({"data_base64": None}, "invalid_field", ["data_base64: is not read"]),
        ({"data": {"site": "foreign"}}, "site_forbidden", ["data.site: this key may not post for site foreign"]),
    ],
)
def test_a_wrong_attribute_is_named(changes: dict[str, Any], code: str, says: list[str]) -> None:
    verdict = refused(event(**changes))
    assert verdict.code == code
    for words in says:
        assert words in verdict.detail


@pytest.mark.parametrize("character", ["\x00", "\n", "\t", "\x1f", "\x7f"])
@pytest.mark.parametrize(
    ("field", "type_"),
    [
        ("id", "interaction.answered"),
        ("source", "interaction.answered"),
        ("subject", "interaction.answered"),
        ("data.topic", "interaction.answered"),
        ("data.agent", "interaction.completed"),
        ("data.to_agent", "interaction.transferred"),
    ],
)
def test_control_characters_are_refused_wherever_text_is_stored(field: str, type_: str, character: str) -> None:
    bad = event(type_)
    place = bad["data"] if field.startswith("data.") else bad
    place[field.removeprefix("data.")] = f"a{character}b"
    verdict = refused(bad)
    assert verdict.detail == f"{field}: has a control character; only printable text is taken"


@pytest.mark.parametrize("name", ["id", "subject", "x-unknown"])
def test_half_a_surrogate_pair_fails_its_own_event_only(name: str) -> None:
    body = json.dumps(event(**{name: "SURROGATE"})).replace("SURROGATE", "a\\ud800b").encode()
    good = json.dumps(event(id="good")).encode()
    accepted, rejected = judge(b"[" + good + b"," + body + b"," + good + b"]")
    assert [one.index for one in accepted] == [0, 2]
    assert [(one.index, one.code) for one in rejected] == [(1, "invalid_json")]
    assert rejected[0].id == (None if name == "id" else "1")
    assert [one.code for one in judge(body + b"\n" + good, lines=True)[1]] == ["invalid_json"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-" + "9" * 400])
def test_numbers_that_are_none_fail_their_own_event_only(number: str) -> None:
    body = json.dumps(event("interaction.completed", data={"wrap_up_seconds": "N"})).replace('"N"', number).encode()
    good = json.dumps(event(id="good")).encode()
    accepted, rejected = judge(b"[" + good + b"," + body + b"]")
    assert [one.index for one in accepted] == [0]
    assert [one.index for one in rejected] == [1]
    accepted, rejected = judge(good + b"\n" + body + b"\n" + good, lines=True)
    assert [one.index for one in accepted] == [0, 2]
    assert [one.index for one in rejected] == [1]


def test_invalid_utf8_fails_its_own_event_only() -> None:
    bad = json.dumps(event(id="B")).encode().replace(b'"B"', b'"\xff"')
    good = json.dumps(event(id="good")).encode()
    accepted, rejected = judge(b"[" + good + b"," + bad + b"]")
    assert ([one.index for one in accepted], [one.index for one in rejected]) == ([0], [1])
    accepted, rejected = judge(bad + b"\n" + good, lines=True)
    assert ([one.index for one in accepted], [one.index for one in rejected]) == ([1], [0])
    with pytest.raises(InvalidInput, match="the body is not JSON"):
        judge(bad)


@pytest.mark.parametrize("body", [b"", b"{", b"[", b'{"id": 1,}', b"[1,]", b"{} {}", b"nope", b"\xff", b"[\xff]"])
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="the body is not JSON") as caught:
        read_json(body)
    assert caught.value.code == "invalid_json"


@pytest.mark.parametrize("body", [b"5", b"null", b'"text"', b"true"])
def test_json_that_is_no_event_gets_a_verdict(body: bytes) -> None:
    _, rejected = judge(body)
    assert rejected[0].detail.startswith("event: expected object, got ")
    _, rejected = judge(b"[" + body + b"]")
    assert (rejected[0].index, rejected[0].id) == (0, None)


@pytest.mark.parametrize("opening", [b"[", b'{"data":', b'[{"data":', b'{"id":['])
def test_deep_nesting_is_refused(opening: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_json(opening * 200_000)
    assert [one.index for one in judge(opening * 200_000, lines=True)[1]] == [0]


def test_deep_nesting_in_an_unknown_field_leaves_the_neighbours_alone() -> None:
    deep = json.dumps(event(extra="D")).encode().replace(b'"D"', b"[" * 50_000 + b"]" * 50_000)
    good = json.dumps(event(id="good")).encode()
    accepted, rejected = judge(good + b"\n" + deep, lines=True)
    assert ([one.index for one in accepted], [one.index for one in rejected]) == ([0], [1])


@pytest.mark.parametrize(
    "late",
    [
        moment(NOW_US + 2 * MAX_FUTURE_US).isoformat(),
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_the_future_is_refused_naming_both_clocks(late: str) -> None:
    verdict = refused(event(time=late))
    assert verdict.code == "future_time"
    assert verdict.detail.startswith("time: ")
    assert moment(NOW_US).isoformat() in verdict.detail
    assert late[:4] in verdict.detail.removesuffix(moment(NOW_US).isoformat())
    recorded = refused(event("interaction.recorded", data={"completed_at": late}))
    assert recorded.code == "future_time"
    assert moment(NOW_US).isoformat() in recorded.detail


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"answered_at": "2026-11-18T10:00:00Z"}, "data.answered_at: is after the end"),
        ({"queued_at": "2026-11-18T10:00:00Z"}, "data.queued_at: is after the answer"),
        ({"queued_at": "2026-11-18T10:00:00Z", "outcome": "abandoned"}, "data.queued_at: is after the end"),
        ({"answered_at": "2026-11-18T09:15:00Z", "hold_seconds": 60}, "data.hold_seconds: is longer"),
        ({"answered_at": "2026-11-18T09:15:00Z", "outcome": "diverted"}, "data.answered_at: was sent with"),
        ({"queued_at": "0001-01-01T00:00:00+10:00"}, "data: goes back before the year 2"),
    ],
)
def test_a_recorded_event_that_contradicts_itself_is_refused(data: dict[str, Any], says: str) -> None:
    verdict = refused(event("interaction.recorded", data=data))
    assert verdict.code == "contradiction"
    assert verdict.detail.startswith(says)


def test_an_answer_does_not_repeat_megabytes() -> None:
    verdict = refused(event("x" * 1_000_000, data={}))
    assert len(verdict.detail) < 1000
    verdict = refused(event(id="y" * 1_000_000))
    assert verdict.id is not None
    assert len(verdict.id) == 256
