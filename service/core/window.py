"""Windows: the local days over which a promise is kept or broken.

Days are numbers of local dates since 1970-01-01, as `Calendar.day_of` tells them, so a month is the site's own month.
A window that rolls over n days ends with today, which it counts whole: the numbers of the last n local days.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from service.core.event import EPOCH

_EPOCH_DATE = EPOCH.date()
_FIRST_DAY = EPOCH.toordinal()
MAX_ROLLING_DAYS = 366


class Span(StrEnum):
    """What a window covers; ROLLING windows have a number of days, the others are of the calendar."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    ROLLING = "rolling"


@dataclass(frozen=True, slots=True)
class Window:
    """A window over local days; `days` counts those of a rolling one, and is 0 for one of the calendar."""

    span: Span = Span.MONTH
    days: int = 0

    @property
    def name(self) -> str:
        """Its name in labels and answers: `month`, or `28d`."""
        return f"{self.days}d" if self.span is Span.ROLLING else self.span.value

    @property
    def usual_days(self) -> int:
        """How many days it has, about."""
        return {Span.DAY: 1, Span.WEEK: 7, Span.MONTH: 30, Span.QUARTER: 91, Span.ROLLING: self.days}[self.span]

    def around(self, today: int) -> range:
        """The days of the window that is current on a day; a rolling one ends with it."""
        if self.span is Span.ROLLING:
            return range(today - self.days + 1, today + 1)
        if self.span is Span.DAY:
            return range(today, today + 1)
        day = date_of(today)
        if self.span is Span.WEEK:
            first = today - day.weekday()
            return range(first, first + 7)
        months = 3 if self.span is Span.QUARTER else 1
        begin = day.replace(month=(day.month - 1) // months * months + 1, day=1)
        return range(number_of(begin), number_of(_months_later(begin, months)))


def month_of(text: str) -> range:
    """The days of a month that is written such as 2026-11. Raises ValueError where it is none."""
    if not re.fullmatch(r"\d{4}-\d\d", text, re.ASCII):
        raise ValueError(text)
    begin = date.fromisoformat(f"{text}-01")
    return range(number_of(begin), number_of(_months_later(begin, 1)))


def date_of(day: int) -> date:
    """The date that so many days after 1970-01-01 is."""
    return _EPOCH_DATE + timedelta(days=day)


def number_of(day: date) -> int:
    """The number of a date since 1970-01-01."""
    return day.toordinal() - _FIRST_DAY


def _months_later(begin: date, months: int) -> date:
    years, month = divmod(begin.month - 1 + months, 12)
    return begin.replace(year=begin.year + years, month=month + 1)
