"""Assessments, worked out by hand for the service and the reference."""

from __future__ import annotations

from tests.measured import Measured
from tests.reference.walk import MINUTE, micros
from tests.reference_cases import START, said

START_US = micros(START)


def test_an_assessment_is_the_items_that_it_checked(measured: Measured) -> None:
    one = said(61, "assessment.recorded", site="bank", queue="tills", standard="safety", passed=3, of=4)
    amounts = {"assessments": 1, "items_checked": 4, "items_passed": 3}
    assert measured.places(one, one) == {("bank", "tills", "", "standard:safety", START_US // MINUTE + 1): amounts}


def test_assessments_are_added_up_by_their_standard(measured: Measured) -> None:
    events = [
        said(1, "assessment.recorded", site="bank", standard="smile", passed=0, of=1),
        said(2, "assessment.recorded", site="bank", standard="smile", passed=7, of=7, channel="pos"),
        said(3, "assessment.recorded", site="bank", standard="smile", passed=2, of=2, subject="order"),
        said(1, "assessment.recorded", site="bank", standard="smile", passed=5, of=6, source="another"),
    ]
    minute = START_US // MINUTE
    assert measured.places(*events) == {
        ("bank", "", "", "standard:smile", minute): {"assessments": 3, "items_checked": 9, "items_passed": 7},
        ("bank", "", "pos", "standard:smile", minute): {"assessments": 1, "items_checked": 7, "items_passed": 7},
    }
