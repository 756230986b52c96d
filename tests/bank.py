"""A story of 50 minutes at a bank in which each component of good service has its part."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SITE = "bank"
FROM, TO = -60, 2900
"""The interval in which it happens, in seconds after it began."""


@dataclass(frozen=True, slots=True)
class Story:
    """The story, by the minute in which it began."""

    began: datetime

    @classmethod
    def of_now(cls) -> "Story":
        """Of the last 50 minutes: counters of a live scrape count what is not yet an hour old when it comes."""
        return cls(datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=50))

    def at(self, seconds: float) -> datetime:
        """A moment of it, in seconds after it began."""
        return self.began + timedelta(seconds=seconds)

    @property
    def span(self) -> dict[str, str]:
        """The site and the interval, as a query."""
        return {"site": SITE, "from": self.at(FROM).isoformat(), "to": self.at(TO).isoformat()}

    def events(self) -> list[dict[str, Any]]:
        """What was posted, in the order of the causes."""
        events = list(_story())
        for event in events:
            event["time"] = self.at(event["time"]).isoformat()
            if "due" in event["data"]:
                event["data"]["due"] = self.at(event["data"]["due"]).isoformat()
        return events


def _told(type_: str, seconds: float, subject: str | None = None, id_: str = "", **data: Any) -> dict[str, Any]:
    """An event whose time, like the `due` of a promise, is in seconds after the story began."""
    event = {
        "id": id_ or f"{type_}-{subject}-{seconds:g}",
        "source": "acd",
        "type": type_,
        "time": seconds,
        "data": {"site": SITE, "channel": "phone"} | data,
    }
    return event if subject is None else event | {"subject": subject}


def _call(subject: str, seconds: float, customer: str, agent: str, **data: Any) -> Iterator[dict[str, Any]]:
    """A call that waits for 10 s, is served for 60 s and verified, and resolved."""
    about = {"customer": customer, "topic": "invoice"} | data
    yield _told("interaction.queued", seconds, subject, queue="sales", **about)
    yield _told("interaction.answered", seconds + 10, subject, agent=agent)
    yield _told("interaction.verified", seconds + 20, subject)
    yield _told("interaction.completed", seconds + 70, subject, resolved=True, agent=agent)


def _story() -> Iterator[dict[str, Any]]:
    """What happens within 50 minutes at a bank."""
    # Waits for longer than quoted and than people are patient, is told so; we had called.
    about = {"customer": "ada", "topic": "loan", "initiated_by": "us", "known_customer": True}
    yield _told("interaction.queued", 0, "c1", queue="sales", quoted_wait_seconds=60, **about)
    yield _told("interaction.informed", 100, "c1")
    yield _told("interaction.answered", 150, "c1", agent="anna")
    yield _told("interaction.completed", 200, "c1", resolved=True, agent="anna")
    # Comes to the wrong line.
    about = {"customer": "bob", "topic": "card", "initiated_by": "customer", "known_customer": False}
    yield _told("interaction.queued", 300, "c2", queue="sales", quoted_wait_seconds=60, **about)
    yield _told("interaction.answered", 330, "c2", agent="anna")
    yield _told("interaction.transferred", 350, "c2")
    yield _told("interaction.queued", 352, "c2", queue="billing")
    yield _told("interaction.answered", 360, "c2", agent="boris")
    yield _told("interaction.completed", 500, "c2", resolved=True, agent="boris")
    # Two calls of one customer about one matter, answered by the same agent; the second was wrong, and put right.
    yield from _call("c3", 600, "cleo", "carl", initiated_by="us", known_customer=True)
    yield from _call("c4", 900, "cleo", "carl", initiated_by="customer", known_customer=True)
    yield _told("interaction.corrected", 1000, "c4", kind="billing")
    yield _told("interaction.recovered", 1060, "c4")
    yield _told("interaction.reopened", 1100, "c3")
    # Gives up.
    yield _told("interaction.queued", 1200, "c5", queue="sales")
    yield _told("interaction.abandoned", 1230, "c5")
    # Comes to the shop twice.
    for number, seconds in enumerate((700, 1400)):
        subject = f"visit-{number}"
        shop = {"channel": "pos", "queue": "tills", "customer": "dora"}
        yield _told("interaction.queued", seconds, subject, **shop)
        yield _told("interaction.answered", seconds + 5, subject, channel="pos")
        yield _told("interaction.completed", seconds + 30, subject, channel="pos")
    # One promise is kept, one is not, one was withdrawn.
    for name in ("p1", "p2", "p3"):
        yield _told("promise.made", 100, promise=name, due=1500, kind="callback", id_=f"{name}-made")
    yield _told("promise.kept", 1400, promise="p1", id_="p1-kept")
    yield _told("promise.kept", 1600, promise="p2", id_="p2-kept")
    yield _told("promise.withdrawn", 1200, promise="p3", id_="p3-withdrawn")
    scores = {"communication": (4, 5), "understanding": (5, 3), "courtesy": (5, 5), "competence": (2, 4)}
    for dimension, both in scores.items():
        for number, score in enumerate(both):
            survey = {"kind": "survey", "metric": "csat", "score": score, "scale": 5, "dimension": dimension}
            yield _told("feedback.received", 1700, "c1", id_=f"{dimension}-{number}", **survey)
    for number, score in enumerate((10, 9, 3, 8)):
        yield _told("feedback.received", 1710, id_=f"nps-{number}", kind="survey", metric="nps", score=score)
    for number, score in enumerate((7, 4)):
        yield _told("feedback.received", 1720, id_=f"ces-{number}", kind="survey", metric="ces", score=score)
    for number, score in enumerate((5, 4)):
        yield _told("feedback.received", 1730, id_=f"review-{number}", kind="review", score=score)
    # Complaints about calls, of which one is answered; where they belong the calls tell.
    for number, subject in enumerate(("c1", "c2")):
        event = _told("feedback.received", 1740, subject, id_=f"complaint-{number}")
        yield event | {"data": {"kind": "complaint"}}
    yield _told("feedback.answered", 2340, feedback="complaint-0") | {"data": {"feedback": "complaint-0"}}
    for standard, passed, of in (("safety", 9, 10), ("appearance", 3, 4), ("phrases", 7, 8), ("lobby-plants", 1, 2)):
        yield _told("assessment.recorded", 1800, id_=standard, standard=standard, passed=passed, of=of)
    yield from _levels()


def _levels() -> Iterator[dict[str, Any]]:
    """What works at the bank all the time, and who serves."""
    # Of two lines and of two tills one works, and the door does. Two serve.
    for kind in ("channel", "equipment"):
        for state in ("up", "down"):
            what = {"resource": f"{kind}-{state}", "kind": kind, "state": state}
            yield _told("availability.changed", -600, id_=f"{kind}-{state}", **what)
    yield _told("heartbeat", -600, resource="door", kind="site", interval_seconds=86_400)
    yield _told("staffing.changed", -600, queue="sales", staffed=2, available=1)
