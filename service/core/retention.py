"""Retention: from when on events are kept, and what of customers is needed of the time before.

What was before is *forgotten*: its events, its interactions and in the end its customers are deleted, and its sums
stay as they are. The moment is the beginning of a month in UTC, as the log has a partition a month.
"""

from datetime import UTC, datetime

from service.core.catalogue.measures import WITHIN_DAYS
from service.core.event import DAY_US, MIN_US, microseconds, moment

_LONGEST_DAYS = max(WITHIN_DAYS.values())

LEAST_DAYS = _LONGEST_DAYS + 1
WHY_LEAST = f"a case is settled after {_LONGEST_DAYS} days"
NEIGHBOUR_US = _LONGEST_DAYS * DAY_US
"""How long before it a contact may have a neighbour that decides what it counts for, in microseconds."""


def kept_from(now_us: int, days: int) -> int:
    """The first moment of the month in UTC that holds the moment so many days ago, in microseconds since 1970."""
    at = moment(max(now_us - days * DAY_US, MIN_US))
    return microseconds(datetime(at.year, at.month, 1, tzinfo=UTC))


def bare_subject(subject: str, kept_from_us: int) -> str:
    """The subject of a contact whose interaction is forgotten, so that an interaction of the same subject may begin.

    No event has such a one, for it has a control character. It sorts among all others as it did before, and another
    interaction of the same subject is forgotten at a later moment.
    """
    return f"{subject}\x01{moment(kept_from_us):%Y-%m}"
