"""Cases of the alerts on what is open and becomes late."""

from collections.abc import Iterator

from service.core.catalogue.quality_measures import COMPLAINTS_WITHIN_HOURS
from service.generate.rules import words
from service.generate.rules.cases.model import Case, Look, Verbatim, series
from service.generate.rules.matters import COMPLAINT, DUE_WITHIN_SECONDS, LABELS, PROMISE, UNANSWERED_SECONDS
from service.generate.rules.options import HOUR, Options, duration

_SITE = {"site": "shop-1"}
_DUE = series("frontline_promise_next_due_timestamp_seconds", _SITE)
_OLDEST = series("frontline_complaint_oldest_timestamp_seconds", _SITE)
_LATE_AT = 20  # minutes after which a case's promise is about to be due, and its complaint is old
_PROMISED = _LATE_AT * 60 + DUE_WITHIN_SECONDS
_CAME = _LATE_AT * 60 - UNANSWERED_SECONDS


def matter_cases(options: Options) -> Iterator[Case]:
    """Promises and complaints that are looked after in time, and those that are not."""
    yield _case("a promise is about to fall due", PROMISE, _DUE, f"{_PROMISED}x40", fires=22)
    yield _case("a promise is kept, and the next has time", PROMISE, _DUE, f"{_PROMISED}x18 {_PROMISED + 3600}x20")
    yield _case("the last promise is kept", PROMISE, _DUE, f"{_PROMISED}x18 stale")
    yield _case("nobody answers a complaint", COMPLAINT, _OLDEST, f"{_CAME}x40", fires=22)
    yield _case("the oldest complaint is answered", COMPLAINT, _OLDEST, f"{_CAME}x18 {_CAME + 3600}x20")
    yield _case("the last complaint is answered", COMPLAINT, _OLDEST, f"{_CAME}x18 stale")
    labels = _SITE | LABELS
    promise = words.promise_due(options, "shop-1", "shop-1", "10m 0s", options.span(DUE_WITHIN_SECONDS))
    answered = duration(COMPLAINTS_WITHIN_HOURS * HOUR)
    complaint = words.complaint_unanswered(
        options, "shop-1", "shop-1", "20h 5m 0s", options.span(UNANSWERED_SECONDS), answered
    )
    both = {_DUE: f"{_PROMISED}x40", _OLDEST: f"{_CAME}x40"}
    told = tuple(
        Verbatim(_LATE_AT + 5, name, ((labels, said),)) for name, said in ((PROMISE, promise), (COMPLAINT, complaint))
    )
    yield Case("what is said of a promise and of a complaint", both, (), told)


def _case(name: str, alert: str, gauge: str, values: str, fires: int | None = None) -> Case:
    matching = f'alertname="{alert}"'
    who = ({"alertname": alert, "severity": LABELS["severity"]} | _SITE,) if fires is not None else ()
    return Case(name, {gauge: values}, (Look(_LATE_AT, (), matching), Look(fires or _LATE_AT + 5, who, matching)))
