"""Histories of resources and of those who serve, drawn, and what they come to by a walk over every second.

A second implementation of the definitions, as plain as can be.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

Event = dict[str, Any]
BEGIN = datetime(2026, 11, 23, 8, 55, tzinfo=UTC)
SECONDS = 1200
"""All events happen in twenty minutes, over the opening at nine o'clock."""
HOURS = {"shop-1": {"mon": ["09:00-09:04", "09:06-18:00"]}, "shop-2": None}

_sites = st.sampled_from(["shop-1", "shop-2"])
_seconds = st.integers(0, SECONDS - 1)
_resources = st.sampled_from(["till-1", "door"])
_kinds = st.sampled_from(["equipment", "channel", "site"])
_changes = st.fixed_dictionaries(
    {"site": _sites, "resource": _resources, "kind": _kinds, "state": st.sampled_from(["up", "degraded", "down"])}
)
_beats = st.fixed_dictionaries(
    {"site": _sites},
    optional={"resource": _resources, "kind": _kinds, "interval_seconds": st.integers(1, 400)},
)
_staffing = st.fixed_dictionaries(
    {"site": _sites, "queue": st.sampled_from(["tills", "desk"]), "staffed": st.integers(0, 4)},
    optional={"available": st.integers(0, 4)},
)


@st.composite
def _events(draw: st.DrawFn) -> Event:
    type_, data = draw(
        st.one_of(
            st.tuples(st.just("availability.changed"), _changes),
            st.tuples(st.just("heartbeat"), _beats),
            st.tuples(st.just("staffing.changed"), _staffing),
        )
    )
    at = BEGIN + timedelta(seconds=draw(_seconds))
    return {"type": type_, "source": draw(st.sampled_from(["scada", "wfm"])), "time": at.isoformat(), "data": data}


histories = st.lists(_events(), min_size=1, max_size=25).map(
    lambda events: [event | {"id": f"e{number}"} for number, event in enumerate(events)]
)
"""Histories in which each event has an id of its own."""


@st.composite
def deliveries(draw: st.DrawFn, history: Sequence[Event], lanes: int) -> list[list[list[Event]]]:
    """The events of a history, some of them twice, in any order, in batches on some lanes."""
    events = [*history, *draw(st.lists(st.sampled_from(history), max_size=5))]
    shuffled = draw(st.permutations(events))
    found: list[list[list[Event]]] = [[] for _ in range(lanes)]
    while shuffled:
        size = draw(st.integers(1, len(shuffled)))
        found[draw(st.integers(0, lanes - 1))].append(list(shuffled[:size]))
        shuffled = shuffled[size:]
    return found


def is_open(site: str, second: int) -> bool:
    """Whether a site is open in a second after BEGIN."""
    return HOURS[site] is None or 300 <= second < 540 or second >= 660


def second_of(event: Event) -> int:
    """When an event happened, in seconds after BEGIN."""
    return int((datetime.fromisoformat(event["time"]) - BEGIN).total_seconds())


def _order(event: Event) -> tuple[Any, ...]:
    return event["time"], event["source"], event["id"]


def states(history: Sequence[Event]) -> Mapping[tuple[str, str, str], list[str | None]]:
    """The state of each resource, by (site, kind, name), in each second and now; None before that is known."""
    told: defaultdict[tuple[str, str, str], list[Event]] = defaultdict(list)
    untold: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in history:
        data = event["data"]
        name = data.get("resource", data["site"])
        kind = data.get("kind") or (None if "resource" in data else "site")
        if event["type"] == "staffing.changed":
            continue
        if kind is None:
            untold[data["site"], name].append(event)
        else:
            told[data["site"], kind, name].append(event)
    for (site, name), events in untold.items():
        known = [key for key in told if (key[0], key[2]) == (site, name)] or [(site, "equipment", name)]
        for key in known:
            told[key] += events
    return {key: [_state(events, second) for second in range(SECONDS + 1)] for key, events in told.items()}


def _state(events: Sequence[Event], second: int) -> str | None:
    beats = [event for event in events if event["type"] == "heartbeat"]
    changes = [event for event in events if event["type"] != "heartbeat" and second_of(event) <= second]
    if second < min(map(second_of, events)):
        return None
    if beats and second >= min(map(second_of, beats)):
        spans = [(second_of(beat), beat["data"].get("interval_seconds", 120)) for beat in beats]
        if not any(start <= second < start + lasts for start, lasts in spans):
            return "down"
    return str(max(changes, key=_order)["data"]["state"]) if changes else "up"


def staffed(history: Sequence[Event]) -> Mapping[tuple[str, str], list[int]]:
    """How many serve each queue, by (site, queue), in each second."""
    told: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in history:
        if event["type"] == "staffing.changed":
            told[event["data"]["site"], event["data"]["queue"]].append(event)
    return {
        key: [
            max((e for e in events if second_of(e) <= second), key=_order)["data"]["staffed"]
            if any(second_of(e) <= second for e in events)
            else 0
            for second in range(SECONDS)
        ]
        for key, events in told.items()
    }
