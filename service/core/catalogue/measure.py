"""What a measure is."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a number counts. Sums of time are kept in whole microseconds, and sums of points in whole millionths.

    So no order of adding rounds.
    """

    COUNT = "count"
    MICROSECONDS = "microseconds"
    POINTS = "points"


class Scope(StrEnum):
    """What a measure is counted of, and to whose arrival it is booked.

    A contact is an interaction of a known customer; what it counts for depends on the customer's other contacts. A
    promise is booked to the minute in which it is due, feedback and assessments to the one in which they came.
    """

    VISIT = "visit"
    INTERACTION = "interaction"
    CONTACT = "contact"
    PROMISE = "promise"
    FEEDBACK = "feedback"
    ASSESSMENT = "assessment"

    @property
    def is_beside(self) -> bool:
        """Whether it is beside interactions: few places have any of it."""
        return self in (Scope.PROMISE, Scope.FEEDBACK, Scope.ASSESSMENT)


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that stories contribute to rollups; `formula` says what exactly is counted or added up.

    `code` identifies the measure in stored bookings and is never reused. `lead` names the count with which this
    measure is contributed to the live totals: a wait becomes live when a known wait is counted for the first time.
    A `state` measure comes and goes in the normal course of events, so that its decrease is no correction.
    """

    code: int
    name: str
    scope: Scope
    help: str
    unit: Unit = Unit.COUNT
    lead: str = ""
    state: bool = False
    formula: str = ""
