"""The codes under which a booking counts: measures by the catalogue's numbers, durations above, objectives below 0."""

from typing import NamedTuple

CELL_BASE = 1024
_HISTOGRAM_BITS = 4
_HISTOGRAM_MASK = (1 << _HISTOGRAM_BITS) - 1


class ObjectiveCodes(NamedTuple):
    """What is counted of an objective. What is settled comes and goes, as cases get old enough to be."""

    events: int
    breaches: int
    settled_events: int
    settled_breaches: int


OBJECTIVE_COUNTS = ObjectiveCodes._fields
"""What is counted of an objective, by name, in the order of its codes."""


def cell(histogram: int, duration_us: int) -> int:
    """The code under which one exact duration of a histogram is counted."""
    return CELL_BASE + (duration_us << _HISTOGRAM_BITS) + histogram


def cell_parts(code: int) -> tuple[int, int]:
    """The histogram and the duration in microseconds of a cell's code."""
    code -= CELL_BASE
    return code & _HISTOGRAM_MASK, code >> _HISTOGRAM_BITS


def objective_codes(number: int) -> ObjectiveCodes:
    """The codes of an objective, all below 0."""
    return ObjectiveCodes(*(-4 * number - place for place in range(4)))


def objective_parts(code: int) -> tuple[int, int]:
    """The number of the objective of a code below 0, and the place of the code in `ObjectiveCodes`."""
    return -code // 4, -code & 3


def is_settled(code: int) -> bool:
    """Whether a code counts what is settled of an objective."""
    return code < 0 and -code & 3 > 1
