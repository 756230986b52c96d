"""The alerts on what is open and becomes late: a promise about to fall due, a complaint that nobody answers."""

from collections.abc import Iterator

from service.core.catalogue.quality_measures import COMPLAINTS_WITHIN_HOURS
from service.core.objective import Severity
from service.generate.rules import words
from service.generate.rules.model import Alert
from service.generate.rules.options import HOUR, MINUTE, Options, duration
from service.generate.rules.promql import number

PROMISE, COMPLAINT = "FrontlinePromiseDue", "FrontlineComplaintsUnanswered"
DUE_WITHIN_SECONDS = 15 * MINUTE
UNANSWERED_SECONDS = (COMPLAINTS_WITHIN_HOURS - 4) * HOUR
LABELS = {"severity": Severity.TICKET.value, "category": "matters"}
_SITE, _PARAMETER = "{{ $labels.site }}", "{{ $labels.site | urlquery }}"
_VALUE = "{{ $value | humanizeDuration }}"


def matter_alerts(options: Options) -> Iterator[Alert]:
    """While there is time to keep the promise, and to answer within the day."""
    within = DUE_WITHIN_SECONDS / options.speedup
    yield Alert(
        PROMISE,
        f"frontline:promise_next_due_timestamp_seconds - time() < {number(within)}",
        LABELS,
        words.promise_due(options, _SITE, _PARAMETER, _VALUE, options.span(DUE_WITHIN_SECONDS)),
    )
    after = UNANSWERED_SECONDS / options.speedup
    yield Alert(
        COMPLAINT,
        f"time() - frontline:complaint_oldest_timestamp_seconds > {number(after)}",
        LABELS,
        words.complaint_unanswered(
            options,
            _SITE,
            _PARAMETER,
            _VALUE,
            options.span(UNANSWERED_SECONDS),
            duration(COMPLAINTS_WITHIN_HOURS * HOUR),
        ),
    )
