"""Promises, feedback and assessments, by brute force: each the set of its events, and what that comes to.

A promise is a registered source and what its events call `promise`; feedback is a registered source and the id of its
`feedback.received`; an assessment is one event. Readings adopted where the definitions are silent:

- Of several `promise.made` of one promise the earliest decides when it is due; ties are ordered as those of a walk are.
  Of several that keep, withdraw or answer, the earliest counts.
- Several `feedback.received` of one id, which differ in their CloudEvents source, are one story: each counts, and an
  answer is of all of them.
- The interaction that a story is about is the one that the earliest `promise.made` or `feedback.received` names that
  names any. Other events may not.
- Whoever keeps or withdraws a promise before it was made, or answers feedback before it was received, did so all the
  same. Such an answer took no time.
- A promise is due at the very instant that its due time is reached: kept then it is kept in time, and withdrawn then
  it is withdrawn in time, but until then it is neither.
- A story with a site of its own takes nothing over from the interaction that it is about, not even a queue; one
  without takes over all of its place, and what its own events say of queue and channel counts for nothing.
- A complaint is open for less than thirty days; it is due once more than a day has passed, or once it is answered.
- Points are rounded to the nearest whole millionth, and half ones to the even one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.reference.rows import InteractionRow, Row
from tests.reference.walk import DAY, MINUTE, Event, Key, instant, once

Home = tuple[str, str, str]  # site, queue, channel
COMPLAINT = 30 * DAY
"""How long a complaint waits for an answer, before it is given up."""
POINTS = 5 * 1_000_000
SCALES = {"csat": 5, "ces": 7, "nps": 10, "stars": 5}
KIND_COUNTS = {"survey": "surveys", "review": "reviews", "comment": "comments", "complaint": "complaints"}
FOUNDING = ("promise.made", "feedback.received")
ORDER = ("made", "kept", "withdrawn", "received", "answered", "recorded")


@dataclass(frozen=True)
class Story:
    """What a promise, feedback or an assessment counts for, and where, if it counts: by site, queue, channel, facet
    and minute from 1970 in UTC.
    """

    place: tuple[str, str, str, str, int] | None
    amounts: Mapping[str, int]


def homes(rows: Iterable[Row]) -> dict[Key, Home]:
    """Where each interaction is, if that is known."""
    return {
        (row.registration, row.subject): (row.site, row.queue, row.channel)
        for row in rows
        if isinstance(row, InteractionRow) and row.site is not None
    }


def stories(events: Sequence[Event], homes: Mapping[Key, Home], now: int, registration: int = 1) -> list[Story]:
    """All stories in what one registered source posted, in the order posted, as things stand at `now`."""
    gathered: dict[tuple[str, str], list[Event]] = {}
    for event in once(events):
        what, _, kind = event["type"].partition(".")
        data = event["data"]
        if what == "promise":
            gathered.setdefault((what, data["promise"]), []).append(event)
        elif what == "feedback":
            gathered.setdefault((what, event["id"] if kind == "received" else data["feedback"]), []).append(event)
        elif what == "assessment":
            gathered[what, f"{event['source']} {event['id']}"] = [event]
    found = []
    for (what, _), mine in gathered.items():
        told = sorted(mine, key=_order)
        if what == "promise":
            found += promise(told, homes, now, registration)
        elif what == "feedback":
            found += feedback(told, homes, now, registration)
        else:
            found.append(assessment(told[0]))
    return found


def promise(told: Sequence[Event], homes: Mapping[Key, Home], now: int, registration: int = 1) -> list[Story]:
    """A promise from its events in order; nothing before it is made."""
    made = _first(told, "made")
    if made is None:
        return []
    due = instant(made["data"]["due"])
    kept, withdrawn = _time(_first(told, "kept")), _time(_first(told, "withdrawn"))
    kept_in_time = kept is not None and kept <= due
    withdrawn_in_time = withdrawn is not None and withdrawn <= due
    is_past = now >= due
    amounts = {
        "promises_due": int(kept_in_time or (is_past and not withdrawn_in_time)),
        "promises_kept": int(kept_in_time),
        "promises_open": int(kept is None and withdrawn is None and not is_past),
    }
    return [Story(_place(told, homes, registration, "", due), amounts)]


def feedback(told: Sequence[Event], homes: Mapping[Key, Home], now: int, registration: int = 1) -> list[Story]:
    """Feedback from its events in order; nothing before it is received."""
    found = []
    answered = _time(_first(told, "answered"))
    for event in told:
        if event["type"] == "feedback.received":
            data, received = event["data"], instant(event["time"])
            amounts = {KIND_COUNTS[data["kind"]]: 1, **_scored(data)}
            if data["kind"] == "complaint":
                amounts |= _complained(received, answered, now)
            facet = f"dimension:{data['dimension']}" if "dimension" in data else ""
            found.append(Story(_place(told, homes, registration, facet, received), amounts))
    return found


def _complained(received: int, answered: int | None, now: int) -> dict[str, int]:
    if answered is None:
        return {"complaints_open": int(now - received < COMPLAINT), "complaints_due": int(now - received > DAY)}
    took = max(0, answered - received)
    counts = {"complaints_answered": 1, "complaints_due": 1, "complaints_answered_1d": int(took <= DAY)}
    return counts | {"complaint_answer_us": took}


def assessment(event: Event) -> Story:
    """An assessment from its only event."""
    data = event["data"]
    place = _place([event], {}, 0, f"standard:{data['standard']}", instant(event["time"]))
    return Story(place, {"assessments": 1, "items_checked": data["of"], "items_passed": data["passed"]})


def _scored(data: Mapping[str, Any]) -> dict[str, int]:
    if data.get("score") is None:
        return {}
    metric = data.get("metric") or "stars"
    score = Fraction(str(data["score"]))
    scale = Fraction(str(data.get("scale") or SCALES[metric]))
    points = round(score * POINTS / scale)
    return {
        "csat": {"csat_scores": 1, "csat_top": int(score * 5 > 3 * scale), "csat_points": points},
        "nps": {"nps_scores": 1, "nps_promoters": int(score >= 9), "nps_detractors": int(score <= 6)},
        "ces": {"ces_scores": 1, "ces_easy": int(score * 7 > 4 * scale)},
        "stars": {"star_ratings": 1, "star_points": points},
    }[metric]


def _place(
    told: Sequence[Event], homes: Mapping[Key, Home], registration: int, facet: str, time: int
) -> tuple[str, str, str, str, int] | None:
    site, queue, channel = (
        next((event["data"][name] for event in told if event["data"].get(name) is not None), None)
        for name in ("site", "queue", "channel")
    )
    if site is not None:
        return site, queue or "", channel or "", facet, time // MINUTE
    about = [event["subject"] for event in told if "subject" in event and event["type"] in FOUNDING]
    home = homes.get((registration, about[0])) if about else None
    return None if home is None else (*home, facet, time // MINUTE)


def _order(event: Event) -> tuple[int, int, str, str]:
    return instant(event["time"]), ORDER.index(event["type"].partition(".")[2]), event["id"], event["source"]


def _first(told: Sequence[Event], kind: str) -> Event | None:
    return next((event for event in told if event["type"].endswith(f".{kind}")), None)


def _time(event: Event | None) -> int | None:
    return None if event is None else instant(event["time"])
