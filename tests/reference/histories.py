"""Strategies for interactions: small, valid and nasty sets of events, of which histories and worlds are made.

Times are relative to `NOW`, which is fixed, and nothing is later than that.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import strategies as st

from tests.reference.walk import (
    DAY,
    EPOCH,
    EXPIRY,
    EXPIRY_ELSE,
    HOUR,
    KINDS,
    MINUTE,
    SECOND,
    Event,
    instant,
    micros,
    span,
)

NOW = datetime(2025, 3, 31, 12, 0, tzinfo=UTC)

SITES = ("vilnius-1", "kaunas-2", "bank")
QUEUES = ("tills", "billing", "sales")
CHANNELS = ("pos", "phone", "chat", "email", "web", "kiosk")
CUSTOMERS = ("loyalty-1", "loyalty-2")
TOPICS = ("purchase", "bill")
AGENTS = ("ana", "bo")
SOURCES = ("till-3", "acd")
DIVERSIONS = ("voicemail", "callback", "overflow", "timeout", "exit")
ERRORS = ("wrong_item", "remake", "refund", "billing", "other")
OUTCOMES = ("answered", "abandoned", "diverted")
BEGINNERS = ("customer", "us")

# Ties are common, and thresholds are met exactly as well as missed by a microsecond.
GAPS = (
    0,
    0,
    1,
    SECOND,
    5 * SECOND - 1,
    5 * SECOND,
    5 * SECOND + 1,
    20 * SECOND,
    20 * SECOND + 120_000,
    MINUTE - SECOND,
    MINUTE,
    7 * MINUTE + 500_000,
    HOUR,
)
SPANS = (0, 0, 1, 5, 20, 20.5, 60, 61.25, 0.001, 0.000001, 1800)
EDGES = (-MINUTE, -SECOND, -1, 0, 0, 0, 1, SECOND, MINUTE)
LONG_AGO = (
    micros(datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    micros(datetime(2024, 2, 29, 23, 59, 30, tzinfo=UTC)),
    micros(datetime(2025, 3, 30, 1, 0, tzinfo=UTC)),
    micros(NOW) - 20 * DAY,
)
OFFSETS = (0, 0, 0, 120, -330)

REVISIONS: tuple[dict[str, Any], ...] = (
    {},
    {"record": "order"},
    {"record": "order", "revision": 0},
    {"record": "order", "revision": 1},
    {"record": "order", "revision": 1},
    {"record": "bill", "revision": 7},
)

Draft = dict[str, Any]  # an event to be: its kind, the gap since the one before, and its own data


def _attributes() -> st.SearchStrategy[dict[str, Any]]:
    """What any event may carry."""
    return st.fixed_dictionaries(
        {},
        optional={
            "site": st.sampled_from(SITES),
            "channel": st.sampled_from(CHANNELS),
            "customer": st.sampled_from(CUSTOMERS),
            "topic": st.sampled_from(TOPICS),
            "queue": st.sampled_from(QUEUES),
            "agent": st.sampled_from(AGENTS),
            "initiated_by": st.sampled_from(BEGINNERS),
            "known_customer": st.booleans(),
            "basket": st.just("of no interest"),
        },
    )


@st.composite
def _draft(draw: st.DrawFn, kind: str) -> Draft:
    """One event of a kind, with what that kind requires and perhaps what it allows."""
    data: dict[str, Any] = {}
    if kind == "queued":
        data["queue"] = draw(st.sampled_from(QUEUES))
        data |= draw(_told("quoted_wait_seconds"))
    elif kind in ("answered", "abandoned"):
        data |= draw(_told("wait_seconds"))
    elif kind == "diverted":
        data["to"] = draw(st.sampled_from(DIVERSIONS))
        data |= draw(_told("wait_seconds"))
    elif kind == "corrected":
        data["kind"] = draw(st.sampled_from(ERRORS))
    elif kind == "transferred":
        data |= draw(
            st.fixed_dictionaries(
                {}, optional={"to_queue": st.sampled_from(QUEUES), "to_agent": st.sampled_from(AGENTS)}
            )
        )
    elif kind == "completed":
        data |= draw(
            st.fixed_dictionaries({}, optional={"resolved": st.booleans(), "wrap_up_seconds": st.sampled_from(SPANS)})
        )
        data |= draw(_told("service_seconds"))
    elif kind == "verified":
        data |= draw(st.sampled_from(({}, {"method": "passport"})))
    elif kind == "recorded":
        data = draw(_recorded()) | draw(_told("quoted_wait_seconds"))
    return {"kind": kind, "gap": draw(st.sampled_from(GAPS)), "data": data}


def _told(name: str) -> st.SearchStrategy[dict[str, float]]:
    """What the source itself says of a duration, now and then."""
    return st.one_of(st.just({}), st.just({}), st.fixed_dictionaries({name: st.sampled_from(SPANS)}))


@st.composite
def _recorded(draw: st.DrawFn) -> dict[str, Any]:
    """A whole encounter in one event; its times are here spans before its end, until it is written."""
    data: dict[str, Any] = draw(
        st.fixed_dictionaries({}, optional={"outcome": st.sampled_from(OUTCOMES), "transfers": st.integers(0, 2)})
    )
    if draw(st.booleans()):
        data["completed_at"] = draw(st.sampled_from((0, 0, SECOND, MINUTE)))
    turn = 0
    if data.get("outcome", "answered") == "answered":
        data |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "resolved": st.booleans(),
                    "wrap_up_seconds": st.sampled_from(SPANS),
                    "service_seconds": st.sampled_from(SPANS),
                    "hold_seconds": st.sampled_from(SPANS),
                },
            )
        )
        turn = span(data.get("service_seconds", 0)) + span(data.get("hold_seconds", 0))
        if draw(st.booleans()):
            if "service_seconds" not in data:
                turn += draw(st.sampled_from(GAPS))
            data["answered_at"] = turn
    wait = draw(st.sampled_from(SPANS))
    form = draw(st.sampled_from(("queued_at", "wait_seconds", "both", "neither")))
    if form in ("queued_at", "both"):
        data["queued_at"] = turn + span(wait)
    if form in ("wait_seconds", "both"):
        data["wait_seconds"] = wait
    return data


@st.composite
def _soup(draw: st.DrawFn) -> list[Draft]:
    """Any events in any order."""
    kinds = draw(st.lists(st.sampled_from((*KINDS, "recorded")), min_size=1, max_size=9))
    return [draw(_draft(kind)) for kind in kinds]


@st.composite
def _lifecycle(draw: st.DrawFn) -> list[Draft]:
    """An encounter as it should be, more or less: anything may be missing, doubled or out of place."""
    kinds: list[str] = []
    for _ in range(draw(st.integers(1, 2))):
        if kinds:
            kinds += draw(st.sampled_from((["reopened"], ["transferred"], ["completed", "reopened"], [])))
        kinds += draw(st.sampled_from((["queued"], ["queued"], ["queued", "queued"], [])))
        kinds += draw(
            st.sampled_from(
                (
                    ["answered", "completed"],
                    ["answered", "held", "resumed", "completed"],
                    ["answered", "held", "completed"],
                    ["answered", "held", "answered", "held", "resumed", "completed"],
                    ["answered", "transferred", "queued", "answered", "completed"],
                    ["answered", "transferred", "queued", "completed", "completed"],
                    ["answered", "held", "queued", "answered", "completed"],
                    ["answered", "transferred", "answered", "escalated", "completed"],
                    ["answered", "corrected", "corrected", "recovered", "completed"],
                    ["informed", "answered", "verified", "completed"],
                    ["answered", "informed", "completed", "verified", "informed"],
                    ["completed", "corrected", "recovered", "recovered"],
                    ["completed", "completed"],
                    ["abandoned"],
                    ["diverted"],
                    ["abandoned", "answered", "completed"],
                    ["answered"],
                    [],
                )
            )
        )
    return [draw(_draft(kind)) for kind in kinds or ["recorded"]]


@st.composite
def any_interaction(draw: st.DrawFn, subject: str) -> list[Event]:
    """The events of one interaction, in the order in which they happened."""
    drafts = draw(st.one_of(_lifecycle(), _lifecycle(), _soup()))
    channel = draw(st.sampled_from(CHANNELS))
    home = {"site": draw(st.sampled_from(SITES)), "channel": channel, "queue": draw(st.sampled_from(QUEUES))}
    if draw(st.booleans()):
        home["customer"] = draw(st.sampled_from(CUSTOMERS))
    agents = draw(st.sampled_from(((), AGENTS[:1], AGENTS[:1], AGENTS)))
    # 0 and up: the event that says where this is; past the last, none does.
    says_home = draw(st.sampled_from((0, 0, 0, 0, 1, 99)))
    odd = draw(st.integers(0, 2 * len(drafts)))
    # Some systems tell the whole of an encounter again with each change of it.
    revised = draw(st.sampled_from((False, False, False, True)))

    elapsed = 0
    events: list[Event] = []
    for index, draft in enumerate(drafts):
        elapsed += draft["gap"]
        extra = home if index == says_home else {}
        if agents and draw(st.booleans()):
            extra = extra | {"agent": draw(st.sampled_from(agents))}
        if index == odd:
            extra = extra | draw(_attributes())
        if revised:
            extra = extra | draw(st.sampled_from(REVISIONS))
        events.append({"kind": draft["kind"], "time": elapsed, "data": extra | draft["data"]})
    last = draw(_last_moment(channel))
    return [in_contract(event, event["time"] - elapsed + last, subject, draw(offsets)) for event in events]


offsets = st.sampled_from(OFFSETS)


def _last_moment(channel: str) -> st.SearchStrategy[int]:
    """When the last event happens: just now, about when a waiter expires, or long ago."""
    now = micros(NOW)
    expiry = now - EXPIRY.get(channel, EXPIRY_ELSE)
    return st.one_of(
        st.sampled_from(tuple(now - gap for gap in GAPS)),
        st.sampled_from(tuple(expiry + edge for edge in EDGES)),
        st.sampled_from(LONG_AGO),
    )


def in_contract(draft: Draft, time: int, subject: str, offset: int) -> Event:
    """The event in the contract's form, still without its identity."""
    data = dict(draft["data"])
    if draft["kind"] == "recorded":
        end = time - data.get("completed_at", 0)
        if "completed_at" in data:
            data["completed_at"] = written(end)
        for name in ("queued_at", "answered_at"):
            if name in data:
                data[name] = written(end - data[name], offset)
    return {
        "type": f"interaction.{draft['kind']}",
        "time": written(time, offset),
        "subject": subject,
        "data": data,
    }


def written(time: int, offset: int = 0) -> str:
    """A time in RFC 3339, at an offset in minutes, with a fraction only where there is one."""
    moment = (EPOCH + timedelta(microseconds=time)).astimezone(timezone(timedelta(minutes=offset)))
    text = moment.isoformat()
    return text if offset else text.replace("+00:00", "Z")


def valid(event: Event) -> bool:
    """Whether a generated event keeps its own promises: a `recorded` in order, nothing later than `NOW`."""
    data = event["data"]
    time = instant(event["time"])
    end = instant(data.get("completed_at", event["time"]))
    answered = instant(data.get("answered_at", written(end)))
    queued = instant(data.get("queued_at", written(answered)))
    return queued <= answered <= end <= time <= micros(NOW)
