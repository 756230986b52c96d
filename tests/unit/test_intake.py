"""Bytes in, one verdict an event out: every type and field, times, lines, limits, and whatever else may come."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.errors import FrontlineError, InvalidInput, TooLarge
from service.core.event import MAX_EVENTS_PER_POST, MAX_FUTURE_US, Rejected, WireEvent, microseconds, moment
from service.core.intake import read_json, read_lines
from service.core.vocabulary import EVENT_CLASSES, TYPE_OF_KIND
from tests.intake_cases import ASIDE, BY_TYPE, COMMON, NOW_US, REQUIRED, TIME, event, judge


def test_every_type_of_the_contract_is_here() -> None:
    assert set(BY_TYPE) | set(ASIDE) == set(TYPE_OF_KIND.values())
    assert len(EVENT_CLASSES) == 25


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


def test_letters_of_any_language_are_taken() -> None:
    accepted, rejected = judge(event(id="ž", subject="užsakymas 4711", data={"site": "šiauliai-1", "topic": "grąža"}))
    assert rejected == []
    assert accepted[0].fact.data.site == "šiauliai-1"


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
