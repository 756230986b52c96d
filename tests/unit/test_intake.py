"""Bytes in, one verdict an event out: every type, every field, and every way to get it wrong."""

import contextlib
import gc
import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.errors import FrontlineError, InvalidInput, TooLarge
from service.core.event import (
    EVENT_CLASSES,
    MAX_EVENTS_PER_POST,
    MAX_FUTURE_US,
    TYPE_OF_KIND,
    Accepted,
    Rejected,
    WireEvent,
    microseconds,
    moment,
)
from service.core.intake import admit, read_json, read_lines

NOW_US = 1_795_000_000_000_000
TIME = "2026-11-18T09:15:02.120Z"
LABEL_HINT = "1 to 64 letters, digits or any of - _ . :"

COMMON = {
    "site": "vilnius-1",
    "queue": "tills",
    "channel": "pos",
    "customer": "loyalty-8812",
    "topic": "purchase",
    "agent": "anna",
}
BY_TYPE: dict[str, dict[str, Any]] = {
    "interaction.queued": {"queue": "tills"},
    "interaction.answered": {},
    "interaction.abandoned": {},
    "interaction.diverted": {"to": "voicemail"},
    "interaction.held": {},
    "interaction.resumed": {},
    "interaction.transferred": {"to_queue": "billing", "to_agent": "Bob B."},
    "interaction.escalated": {},
    "interaction.completed": {"resolved": True, "wrap_up_seconds": 12.5},
    "interaction.reopened": {},
    "interaction.corrected": {"kind": "remake"},
    "interaction.recovered": {},
    "interaction.recorded": {
        "queued_at": "2026-11-18T09:10:00Z",
        "answered_at": "2026-11-18T09:11:00+00:00",
        "completed_at": "2026-11-18T11:13:00+02:00",
        "wait_seconds": 60,
        "service_seconds": 120.0,
        "hold_seconds": 5,
        "wrap_up_seconds": 0,
        "outcome": "answered",
        "resolved": False,
        "transfers": 2,
    },
}
REQUIRED = {
    "interaction.queued": "queue",
    "interaction.diverted": "to",
    "interaction.corrected": "kind",
}


def event(type_: str = "interaction.answered", **changes: Any) -> dict[str, Any]:
    """A valid event of a type, with some attributes changed, or left out where they are given as ..."""
    made = {
        "id": "1",
        "source": "till-3",
        "type": type_,
        "time": TIME,
        "subject": "order-4711",
        "data": dict(BY_TYPE.get(type_, {})),
    }
    made.update(changes)
    return {name: value for name, value in made.items() if value is not ...}


def judge(body: bytes | list[Any] | dict[str, Any], *, lines: bool = False) -> tuple[list[Accepted], list[Rejected]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    read = read_lines if lines else read_json
    return admit(
        read(raw),
        now_us=NOW_US,
        pseudonym=lambda customer: f"hash-of-{len(customer)}",
        may_post=lambda site: site != "foreign",
    )


def refused(body: bytes | dict[str, Any]) -> Rejected:
    """The verdict on a single event that must be refused, also when it stands between two good ones."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    accepted, rejected = judge(raw)
    assert accepted == []
    good = json.dumps(event(id="good")).encode()
    accepted, among = judge(b"[" + good + b"," + raw + b"," + good + b"]")
    assert [one.index for one in accepted] == [0, 2]
    assert [(one.index, one.id, one.code, one.detail) for one in among] == [
        (1, rejected[0].id, rejected[0].code, rejected[0].detail)
    ]
    return rejected[0]


def test_every_type_of_the_contract_is_here() -> None:
    assert set(BY_TYPE) == set(TYPE_OF_KIND.values())
    assert len(EVENT_CLASSES) == 13


@pytest.mark.parametrize("type_", sorted(BY_TYPE))
def test_every_field_of_every_type_is_taken(type_: str) -> None:
    data = {**COMMON, **BY_TYPE[type_]}
    accepted, rejected = judge(event(type_, data=data, specversion="1.0"))
    assert rejected == []
    fact = accepted[0].fact
    assert TYPE_OF_KIND[fact.kind] == type_
    assert (fact.id, fact.source, accepted[0].subject) == ("1", "till-3", "order-4711")
    assert fact.at == microseconds(moment(fact.at)) == 1_794_993_302_120_000
    for name, value in data.items():
        found = getattr(fact.data, name)
        if name == "customer":
            assert found == "hash-of-12"
        elif name.endswith("_at"):
            assert found.utcoffset() is not None
        else:
            assert found == value


@pytest.mark.parametrize("type_", sorted(BY_TYPE))
def test_optional_fields_may_be_null_or_left_out(type_: str) -> None:
    needed = {REQUIRED[type_]: BY_TYPE[type_][REQUIRED[type_]]} if type_ in REQUIRED else {}
    optional = {name: None for name in {**COMMON, **BY_TYPE[type_]} if name not in needed and name != "outcome"}
    assert judge(event(type_, data=needed))[1] == []
    assert judge(event(type_, data=optional | needed))[1] == []
    if not needed:
        assert judge(event(type_, data=...))[1] == []


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


def test_letters_of_any_language_are_taken() -> None:
    accepted, rejected = judge(event(id="ž", subject="užsakymas 4711", data={"site": "šiauliai-1", "topic": "grąža"}))
    assert rejected == []
    assert accepted[0].fact.data.site == "šiauliai-1"


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


def test_duplicate_keys_get_one_verdict() -> None:
    twice = b'{"id":"1","id":"2",' + json.dumps(event(id=...)).encode()[1:]
    accepted, rejected = judge(twice)
    assert rejected == []
    assert accepted[0].fact.id == "2"
    types = json.dumps(event()).encode()[:-1] + b',"type":"interaction.held"}'
    assert len(judge(types)[0]) + len(judge(types)[1]) == 1


def test_unknown_fields_are_neither_an_error_nor_kept() -> None:
    accepted, rejected = judge(
        event(data={"site": "vilnius-1", "card": "4111", "to_queue": "billing"}, traceparent="00-1", dataschema="x")
    )
    assert rejected == []
    kept = accepted[0].fact.data
    assert not hasattr(kept, "card")
    assert not hasattr(kept, "to_queue")
    assert "4111" not in repr(accepted)


def test_the_raw_customer_is_nowhere_after_intake() -> None:
    accepted, rejected = judge([event(data=COMMON), event("interaction.recorded", data=COMMON)])
    assert (len(accepted), rejected) == (2, [])
    assert "8812" not in repr(accepted)


@pytest.mark.parametrize(
    ("ahead_us", "taken"), [(-1, True), (0, True), (MAX_FUTURE_US, True), (MAX_FUTURE_US + 1, False)]
)
def test_five_minutes_ahead_and_no_more(ahead_us: int, taken: bool) -> None:
    accepted, rejected = judge(event(time=moment(NOW_US + ahead_us).isoformat()))
    assert bool(accepted) is taken
    assert [one.code for one in rejected] == ([] if taken else ["future_time"])


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


def test_old_history_is_taken() -> None:
    accepted, rejected = judge([event(time="1999-12-31T23:59:59+02:00"), event(time="1969-07-20T20:17:40Z")])
    assert rejected == []
    assert accepted[1].fact.at < 0


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("2026-11-18T09:15:02Z", 0),
        ("2026-11-18t09:15:02z", 0),
        ("2026-11-18T11:15:02+02:00", 0),
        ("2026-11-18T04:15:02-05:00", 0),
        ("2026-11-18T09:15:02.1Z", 100_000),
        ("2026-11-18T09:15:02.000001Z", 1),
    ],
)
def test_offsets_and_fractions_are_exact(text: str, us: int) -> None:
    accepted, _ = judge(event(time=text))
    assert accepted[0].fact.at == 1_794_993_302_000_000 + us


def test_lines_may_be_blank_and_end_as_they_like() -> None:
    good = json.dumps(event(id="a")).encode()
    for separator in (b"\n", b"\r\n", b"\n\n", b"\r\n \t\r\n"):
        accepted, rejected = judge(separator.join([good] * 3) + separator, lines=True)
        assert ([one.index for one in accepted], rejected) == ([0, 1, 2], [])
    assert judge(b"", lines=True) == ([], [])
    assert judge(b"\n \r\n", lines=True) == ([], [])


def test_a_broken_line_fails_alone_and_blank_lines_do_not_count() -> None:
    good = json.dumps(event(id="a")).encode()
    wrong = json.dumps(event(id="w", time="never")).encode()
    body = b"\r\n".join([good, b"", b"{broken", good, b"  ", wrong, b"[]", good + good, good])
    accepted, rejected = judge(body, lines=True)
    assert [one.index for one in accepted] == [0, 2, 6]
    assert [(one.index, one.id, one.code) for one in rejected] == [
        (1, None, "invalid_json"),
        (3, "w", "invalid_field"),
        (4, None, "invalid_field"),
        (5, None, "invalid_json"),
    ]


def test_a_carriage_return_within_an_event_is_space_whatever_the_neighbours_are() -> None:
    spaced = json.dumps(event()).replace(", ", ",\r").encode()
    assert len(judge(spaced, lines=True)[0]) == 1
    accepted, rejected = judge(spaced + b"\n{broken", lines=True)
    assert ([one.index for one in accepted], [one.index for one in rejected]) == ([0], [1])


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("bad", [False, True])
def test_the_number_of_events_is_bounded(lines: bool, bad: bool) -> None:
    one = b"{}" if bad else json.dumps(event()).encode()

    def body(count: int) -> bytes:
        return b"\n".join([one] * count) if lines else b"[" + b",".join([one] * count) + b"]"

    accepted, rejected = judge(body(MAX_EVENTS_PER_POST), lines=lines)
    assert len(accepted) + len(rejected) == MAX_EVENTS_PER_POST
    with pytest.raises(TooLarge, match=rf"{MAX_EVENTS_PER_POST + 1} events .* split the post"):
        judge(body(MAX_EVENTS_PER_POST + 1), lines=lines)


def test_an_answer_does_not_repeat_megabytes() -> None:
    verdict = refused(event("x" * 1_000_000, data={}))
    assert len(verdict.detail) < 1000
    verdict = refused(event(id="y" * 1_000_000))
    assert verdict.id is not None
    assert len(verdict.id) == 256


def test_intake_is_fast() -> None:
    """Well under 20 µs an event; a tenth of that is usual. It guards against a slow path for good events."""
    body = json.dumps([event("interaction.queued", data={**COMMON})] * 5000).encode()
    gc.collect()
    took = []
    for _ in range(5):
        began = time.perf_counter()
        judge(body)
        took.append(time.perf_counter() - began)
    assert min(took) / 5000 < 20e-6


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_our_own_errors(body: bytes) -> None:
    for read in (read_json, read_lines):
        with contextlib.suppress(FrontlineError):
            assert all(isinstance(one, Rejected | WireEvent) for one in read(body))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([TIME, "9999-12-31T23:00:00-02:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutants(draw: st.DrawFn) -> dict[str, Any]:
    made = event(draw(st.sampled_from(sorted(BY_TYPE))))
    made["data"] |= draw(st.sampled_from([{}, COMMON]))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from([made, made["data"]] if isinstance(made.get("data"), dict) else [made]))
        name = draw(st.sampled_from(sorted(place) or ["x"]) | st.text(max_size=5))
        if draw(st.booleans()):
            place.pop(name, None)
        else:
            place[name] = draw(JSON)
    return made


@given(st.lists(mutants(), max_size=5), st.booleans())
@settings(max_examples=300)
def test_each_event_gets_one_verdict_of_its_own(events: list[dict[str, Any]], lines: bool) -> None:
    texts = [json.dumps(one).encode() for one in events]
    alone = []
    for text in texts:
        try:
            accepted, rejected = judge(text)
        except InvalidInput:  # NaN: no JSON when alone, refused when among others
            alone.append(False)
        else:
            assert len(accepted) + len(rejected) == 1
            alone.append(bool(accepted))
    body = b"\n".join(texts) if lines else b"[" + b",".join(texts) + b"]"
    accepted, rejected = judge(body, lines=lines)
    assert sorted([one.index for one in accepted] + [one.index for one in rejected]) == list(range(len(events)))
    assert {one.index for one in accepted} == {index for index, good in enumerate(alone) if good}
    for verdict in rejected:
        assert verdict.code
        assert verdict.detail
        assert verdict.id is None or verdict.id == events[verdict.index].get("id", "")[:256]
