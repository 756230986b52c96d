"""The declared mapping: what its rules find, how it verifies, and what it says of mistakes."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput, NotAuthenticated
from service.vendors.generic import ADAPTER
from service.vendors.reading.delivery import Delivery, Reading
from tests.vendors.days import booked, books, call_day, orders, totals

URL = "https://frontline.example.com/v1/webhooks/desk"
NOW_US = 1_763_712_000_000_000
MAPPING: dict[str, Any] = {
    "rules": [
        {
            "type": "queued",
            "when": "event == 'ticket_taken'",
            "id": "number",
            "time": {"of": "at", "format": "epoch_milliseconds"},
            "subject": "number",
            "data": {"site": "branch", "queue": "desk", "channel": {"value": "pos"}, "customer": "card"},
        },
        {
            "type": "interaction.recorded",
            "when": "event == 'visits'",
            "each": "visits",
            "id": "item.id",
            "time": {"of": "item.left", "format": "%d.%m.%Y %H:%M:%S", "zone": "Europe/Vilnius"},
            "subject": {"of": "item.id"},
            "data": {
                "site": "body.branch",
                "queue": {"value": "tills"},
                "wait_seconds": {"of": "item.wait_ms", "times": 0.001},
                "outcome": {"of": "item.outcome", "values": {"SERVED": "answered", "LEFT": "abandoned"}},
                "record": "item.id",
                "revision": {"of": "item.changed", "format": "rfc3339"},
            },
        },
    ],
    "ignore": "event == 'ping'",
    "source": "desk",
    "sites": {"B1": "vilnius-1"},
}
TICKET = {"event": "ticket_taken", "number": 17, "at": 1763711400250, "branch": "B1", "desk": "front", "card": "c1"}
VISIT = {
    "id": "v1",
    "left": "21.11.2025 10:00:00",
    "wait_ms": 1500,
    "outcome": "SERVED",
    "changed": "2025-11-21T09:00:00Z",
}


def read(body: Any, mapping: Any = MAPPING, **headers: str) -> Reading:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return ADAPTER.reader(mapping).read(Delivery(URL, headers, raw))


def test_a_body_becomes_an_event() -> None:
    [part] = read(TICKET).parts
    assert part.events == [
        {
            "id": "17/queued",
            "source": "desk",
            "type": "interaction.queued",
            "time": "2025-11-21T07:50:00.250000+00:00",
            "subject": "17",
            "data": {"site": "vilnius-1", "queue": "front", "channel": "pos", "customer": "c1"},
        }
    ]


def test_each_thing_in_a_body_becomes_one() -> None:
    [part] = read({"event": "visits", "branch": "B1", "visits": [VISIT, VISIT | {"id": "v2", "outcome": "LEFT"}]}).parts
    assert [event["id"] for event in part.events] == ["v1/recorded", "v2/recorded"]
    assert part.events[1]["time"] == "2025-11-21T08:00:00+00:00"
    assert part.events[1]["data"] == {
        "site": "vilnius-1",
        "queue": "tills",
        "wait_seconds": 1.5,
        "outcome": "abandoned",
        "record": "v2",
        "revision": 1_763_715_600_000_000,
    }
    found = totals(part.events)
    assert (found["offered"], found["answered"], found["abandoned"]) == (2, 1, 1)
    assert found["answered_wait_us"] == 1_500_000


def test_a_form_is_read_as_well() -> None:
    raw = b"event=ticket_taken&number=17&at=1763711400250&branch=B1&desk=front"
    [part] = read(raw, **{"content-type": "application/x-www-form-urlencoded; charset=utf-8"}).parts
    assert part.events[0]["subject"] == "17"


def test_what_is_wrong_with_one_thing_keeps_the_delivery_and_costs_no_other() -> None:
    body = {"event": "visits", "branch": "B1", "visits": [VISIT, VISIT | {"id": "v2", "left": "yesterday"}]}
    reading = read(body)
    assert [event["id"] for event in reading.parts[0].events] == ["v1/recorded"]
    [unread] = reading.unread
    assert unread.code == "invalid_field"
    assert unread.detail == "mapping.rules[1].time: 'yesterday' is no time of the format %d.%m.%Y %H:%M:%S"
    assert read(unread.body).parts[0].events == reading.parts[0].events


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        (b"{", "unreadable", "the body is not JSON"),
        ({"event": "new_thing"}, "unknown_type", "no rule holds of this body"),
        ({**TICKET, "number": None}, "missing_field", "mapping.rules[0].id: finds nothing"),
        ({**TICKET, "branch": "B2"}, "unmapped", "mapping.sites: none of B2 is mapped"),
        ({**TICKET, "card": ["c1"]}, "invalid_field", "mapping.rules[0].data.customer: finds list"),
        (
            {"event": "visits", "branch": "B1", "visits": [VISIT | {"outcome": "GONE"}]},
            "unmapped",
            "mapping.rules[1].data.outcome.values: 'GONE' is not among them",
        ),
        (
            {"event": "visits", "branch": "B1", "visits": [VISIT | {"wait_ms": "long"}]},
            "invalid_field",
            "mapping.rules[1].data.wait_seconds: finds 'long'; it must be a number",
        ),
        (
            {"event": "visits", "branch": "B1", "visits": "none"},
            "invalid_field",
            "mapping.rules[1].each: finds no array",
        ),
    ],
)
def test_what_cannot_be_read_is_kept_with_the_reason(body: Any, code: str, detail: str) -> None:
    reading = read(body)
    assert not reading.parts
    [unread] = reading.unread
    assert unread.code == code
    assert unread.detail.startswith(detail)
    assert unread.body == (body if isinstance(body, bytes) else json.dumps(body).encode())


def test_what_was_kept_is_read_when_the_mapping_is_mended() -> None:
    [unread] = read({**TICKET, "branch": "B2"}).unread
    mended = {**MAPPING, "sites": {"*": "vilnius-2"}}
    assert read(unread.body, mended).parts[0].events[0]["data"]["site"] == "vilnius-2"


def test_what_says_nothing_is_ignored() -> None:
    assert read({"event": "ping"}).ignored == 1
    assert read({"event": "visits", "visits": []}).ignored == 1


def changed(**fields: Any) -> dict[str, Any]:
    """The mapping with another first rule."""
    return {**MAPPING, "rules": [{**MAPPING["rules"][0], **fields}]}


@pytest.mark.parametrize(
    ("mapping", "place"),
    [
        ({}, "mapping: "),
        ({"rules": []}, "mapping.rules: "),
        (changed(type="arrived"), "mapping.rules[0].type: 'arrived' is not known"),
        (changed(when="a ="), "mapping.rules[0].when: is no JMESPath expression"),
        (changed(each="nothing(@)"), "mapping.rules[0].each: is no JMESPath expression"),
        (changed(time={"of": "at", "format": "stardate"}), "mapping.rules[0].time.format: 'stardate' is not known"),
        (changed(time={"of": "at", "format": "%H", "zone": "Mars"}), "mapping.rules[0].time.zone: 'Mars' is no time"),
        (changed(id={}), "mapping.rules[0].id: needs either of"),
        (changed(id={"of": "a", "value": 1}), "mapping.rules[0].id: needs either of"),
        (changed(data={"wait_seconds": "a"}), "mapping.rules[0].data.wait_seconds: is no field of queued"),
        (changed(data={"queue": "a b"}), "mapping.rules[0].data.queue: is no JMESPath expression"),
        ({**MAPPING, "ignore": "("}, "mapping.ignore: is no JMESPath expression"),
        ({**MAPPING, "extra": 1}, "mapping: "),
        (
            {**MAPPING, "signature": {"header": "X-Sig", "message": "{url}"}},
            "mapping.signature.message: must have {body}",
        ),
        (
            {**MAPPING, "signature": {"header": "X-Sig", "message": "{timestamp}{body}"}},
            "mapping.signature.message: {timestamp} must be",
        ),
        ({**MAPPING, "signature": {"header": "X-Sig", "algorithm": "md5"}}, "mapping.signature.algorithm: "),
        ({**MAPPING, "signature": {"header": "X-Sig"}, "key": {}}, "mapping: only one"),
    ],
)
def test_a_wrong_mapping_is_refused_and_says_where(mapping: Any, place: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        ADAPTER.reader(mapping)
    assert str(raised.value).startswith(place)


SIGNED = {
    "header": "X-Desk-Signature",
    "prefix": "v1=",
    "message": "{timestamp}.{url}.{body}",
    "timestamp": "X-Desk-Time",
}
SENT = Delivery(
    URL,
    {
        # printf '1763712000.https://frontline.example.com/v1/webhooks/desk.{"event":"ping"}' |
        #   openssl dgst -sha256 -hmac first-secret
        "x-desk-signature": "v1=ffb7d7893f76617709a2812476c1e9cf8389d56d741250cd004ee926662db9a0",
        "x-desk-time": "1763712000",
    },
    b'{"event":"ping"}',
)


def verify(delivery: Delivery, *secrets: str, now_us: int = NOW_US, signature: Any = SIGNED) -> None:
    ADAPTER.reader({**MAPPING, "signature": signature}).verify(delivery, secrets, now_us)


def test_a_signature_is_that_which_the_mapping_describes() -> None:
    verify(SENT, "first-secret")
    verify(SENT, "second-secret", "first-secret")
    verify(SENT, "first-secret", now_us=NOW_US + 299_000_000)


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(URL, SENT.headers, b'{"event":"pinG"}'),
        Delivery(URL + "/", SENT.headers, SENT.body),
        Delivery(URL, {**SENT.headers, "x-desk-time": "1763712001"}, SENT.body),
        Delivery(URL, {**SENT.headers, "x-desk-time": "soon"}, SENT.body),
        Delivery(URL, {**SENT.headers, "x-desk-signature": SENT.headers["x-desk-signature"][:-1] + "x"}, SENT.body),
        Delivery(
            URL, {**SENT.headers, "x-desk-signature": SENT.headers["x-desk-signature"].removeprefix("v1=")}, SENT.body
        ),
        Delivery(URL, {}, SENT.body),
    ],
)
def test_one_byte_that_differs_is_refused(delivery: Delivery) -> None:
    with pytest.raises(NotAuthenticated):
        verify(delivery, "first-secret", "second-secret")


def test_another_secret_and_another_time_are_refused() -> None:
    with pytest.raises(NotAuthenticated):
        verify(SENT, "first-secreT")
    for now_us in (NOW_US + 301_000_000, NOW_US - 301_000_000):
        with pytest.raises(NotAuthenticated, match="more than 300 seconds"):
            verify(SENT, "first-secret", now_us=now_us)


@pytest.mark.parametrize(
    ("algorithm", "encoding", "sent"),
    [
        # printf '{"event":"ping"}' | openssl dgst -ALGORITHM -hmac first-secret, and with -binary | base64
        ("sha1", "hex", "617484caeafaf5034e79251b1526c97d834bf64b"),
        ("sha256", "base64", "WgG9clkY6BCJ8wXpeEkli9kCzxj5Imoxbxuk6f/GJL4="),
        (
            "sha512",
            "base64",
            "eSYRmBFdCHPbw2QuOKv0zY2VVX4Q3/0dmVHCkdSJBmAhTby2JXyMvzvJ3mEXo/I1dreHqZ3b/Yp1VFVlJd8UBg==",
        ),
    ],
)
def test_every_algorithm_is_as_openssl_has_it(algorithm: str, encoding: str, sent: str) -> None:
    signature = {"header": "X-Sig", "algorithm": algorithm, "encoding": encoding}
    verify(Delivery(URL, {"x-sig": sent}, SENT.body), "first-secret", signature=signature)
    with pytest.raises(NotAuthenticated):
        verify(Delivery(URL, {"x-sig": sent}, SENT.body + b" "), "first-secret", signature=signature)


def test_a_key_in_a_header_is_enough_where_nothing_else_is_declared() -> None:
    here = ADAPTER.reader(MAPPING)
    here.verify(Delivery(URL, {"authorization": "Bearer first-secret"}, b""), ["other", "first-secret"], NOW_US)
    ADAPTER.verify(Delivery(URL, {"authorization": "Bearer first-secret"}, b""), ["first-secret"], NOW_US)
    for headers in ({}, {"authorization": "Bearer first-secreT"}, {"authorization": "first-secret"}):
        with pytest.raises(NotAuthenticated):
            here.verify(Delivery(URL, headers, b""), ["first-secret"], NOW_US)
    named = ADAPTER.reader({**MAPPING, "key": {"header": "X-Key", "prefix": ""}})
    named.verify(Delivery(URL, {"x-key": "first-secret"}, b""), ["first-secret"], NOW_US)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*TICKET, *VISIT, "visits"]), inner),
    max_leaves=12,
)


KNOWN = {"event": st.sampled_from(["ticket_taken", "visits", "ping"])}
OTHERS = {name: ANYTHING for name in [*TICKET, "visits"] if name not in KNOWN}


@given(st.fixed_dictionaries(KNOWN, optional=OTHERS) | ANYTHING)
def test_no_body_makes_it_fail_or_is_lost(body: Any) -> None:
    reading = read(json.dumps(body).encode())
    assert reading.parts or reading.unread or reading.ignored
    for unread in reading.unread:
        assert read(unread.body) is not None


@given(st.integers(0, 200), st.binary(max_size=3))
def test_no_damaged_body_makes_it_fail_or_is_lost(cut: int, put: bytes) -> None:
    reading = read(json.dumps(TICKET).encode()[:cut] + put)
    assert reading.parts or reading.unread or reading.ignored


NATIVE = {
    "rules": [
        {
            "type": kind,
            "when": f"what == '{kind}'",
            "id": "n",
            "time": "at",
            "subject": "call",
            "data": {name: f"more.{name}" for name in ("site", "channel", *fields)},
        }
        for kind, fields in {
            "queued": ("queue",),
            "answered": ("queue", "wait_seconds"),
            "abandoned": ("queue", "wait_seconds"),
            "diverted": ("queue", "to", "wait_seconds"),
            "transferred": ("queue",),
            "completed": ("queue", "service_seconds"),
        }.items()
    ]
}


def in_its_form(event: dict[str, Any]) -> bytes:
    """A native event as some other system would send it."""
    return msgspec.json.encode(
        {
            "what": event["type"].removeprefix("interaction."),
            "n": event["id"],
            "at": event["time"],
            "call": event["subject"],
            "more": event["data"],
        }
    )


def test_a_day_through_a_mapping_comes_to_the_same_as_the_day_itself() -> None:
    native = call_day()
    read_back = [event for one in native for part in read(in_its_form(one), NATIVE).parts for event in part.events]
    assert books(read_back).rollups() == books(native).rollups()


def test_deliveries_may_come_in_any_order_and_twice() -> None:
    bodies = [in_its_form(event) for event in call_day() if event["subject"] in ("call-0", "call-1")]

    def batches(order: list[bytes]) -> list[list[dict[str, Any]]]:
        return [part.events for body in order for part in read(body, NATIVE).parts]

    wanted = books(*batches(bodies))
    for order in orders(bodies):
        found = books(*batches([*order, *order]))
        assert found.rollups() == wanted.rollups()
        assert booked(found) == booked(wanted)


def test_a_survey_and_its_answer_are_read_as_feedback() -> None:
    score = {"kind": {"value": "survey"}, "metric": {"value": "csat"}, "score": "stars", "site": "branch"}
    mapping = {
        "rules": [
            {"type": "feedback.received", "when": "stars", "id": "id", "time": "at", "subject": "call", "data": score},
            {
                "type": "feedback.answered",
                "when": "reply_to",
                "id": "id",
                "time": "at",
                "data": {"feedback": "reply_to"},
            },
        ]
    }
    survey = {"id": "s-1", "at": "2025-11-21T09:00:00Z", "call": "c-9", "stars": 4, "branch": "vilnius-1"}
    reply = {"id": "r-1", "at": "2025-11-21T10:00:00Z", "reply_to": "s-1"}
    (received,) = read(survey, mapping).parts[0].events
    assert (received["id"], received["type"], received["subject"]) == ("s-1", "feedback.received", "c-9")
    assert received["data"] == {"kind": "survey", "metric": "csat", "score": 4, "site": "vilnius-1"}
    (answered,) = read(reply, mapping).parts[0].events
    assert answered["data"]["feedback"] == received["id"]
    assert "subject" not in answered


def test_an_event_of_an_interaction_needs_a_subject() -> None:
    rule = {name: value for name, value in MAPPING["rules"][0].items() if name != "subject"}
    with pytest.raises(InvalidInput, match=r"rules\[0\].subject: is missing"):
        ADAPTER.reader({"rules": [rule]})
