"""What the tests of intake share: valid events of every type, and the way to have them judged."""

import json
from typing import Any

from service.core.event import (
    Accepted,
    Rejected,
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
    "initiated_by": "us",
    "known_customer": True,
}
ASIDE_COMMON = {"site": "vilnius-1", "queue": "tills", "channel": "pos"}
BY_TYPE: dict[str, dict[str, Any]] = {
    "interaction.queued": {"queue": "tills", "quoted_wait_seconds": 90.0},
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
    "interaction.informed": {},
    "interaction.verified": {},
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
ASIDE: dict[str, dict[str, Any]] = {
    "promise.made": {"promise": "p-17", "due": "2026-11-18T15:00:00Z", "kind": "callback"},
    "promise.kept": {"promise": "p-17"},
    "promise.withdrawn": {"promise": "p-17"},
    "feedback.received": {"kind": "survey", "metric": "csat", "score": 4.0, "scale": 5.0, "dimension": "courtesy"},
    "feedback.answered": {"feedback": "f-9"},
    "assessment.recorded": {"standard": "phrases", "passed": 7, "of": 8},
    "availability.changed": {"resource": "till-3", "kind": "equipment", "state": "down"},
    "heartbeat": {"resource": "till-3", "kind": "equipment", "interval_seconds": 30.0},
    "staffing.changed": {"staffed": 4, "available": 3},
    "change.made": {"name": "phrases-2026", "kind": "training", "sites": ["vilnius-1"], "queues": ["tills"]},
}
ASIDE_REQUIRED = {
    "promise.made": ("promise", "due", "kind"),
    "promise.kept": ("promise",),
    "promise.withdrawn": ("promise",),
    "feedback.received": ("kind",),
    "feedback.answered": ("feedback",),
    "assessment.recorded": ("site", "standard", "passed", "of"),
    "availability.changed": ("site", "resource", "kind", "state"),
    "heartbeat": ("site",),
    "staffing.changed": ("site", "queue", "staffed"),
    "change.made": ("name", "kind"),
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
