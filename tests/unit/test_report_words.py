"""Numbers, spans and formulas as a report writes them."""

from dataclasses import replace

import pytest

from service.core.objective import Terms
from service.generate.report.words import amount, duration, percent, promise, share, symbols
from tests.unit.reports import FIRST_CONTACT, IN_20, SECOND


@pytest.mark.parametrize(
    ("value", "target", "said"),
    [
        (None, 0.8, "-"),
        (0.8123456, None, "81.23 %"),
        (0.8, 0.8, "80.00 %"),
        (0.79998, 0.8, "79.998 %"),
        (0.7999951, 0.8, "79.9995 %"),
        (0.9, 0.8, "90.00 %"),
    ],
)
def test_rounding_does_not_hide_on_which_side_of_its_target_a_value_is(
    value: float | None, target: float | None, said: str
) -> None:
    assert percent(value, target) == said


@pytest.mark.parametrize(
    ("us", "said"),
    [
        (20 * SECOND, "20 s"),
        (180 * SECOND, "3 min"),
        (90 * SECOND, "90 s"),
        (250_000, "250 ms"),
        (86_400 * SECOND, "1 d"),
    ],
)
def test_spans_in_words(us: int, said: str) -> None:
    assert duration(us) == said


def test_numbers_in_words() -> None:
    assert [amount(1234), amount(868.55), amount(0.5), amount(100)] == ["1,234", "868.55", "0.5", "100"]
    assert [share(0.8), share(0.9995), share(0.07)] == ["80 %", "99.95 %", "7 %"]


def test_the_signs_of_a_formula_are_explained() -> None:
    short = replace(IN_20, formula="short_abandons_excluded", short_us=3 * SECOND)
    assert symbols("A<=T / (A + B - B<=s)", short) == [
        "A≤T answered within T",
        "A answered",
        "B gave up",
        "B≤s gave up within s",
        "T = 20 s",
        "s = 3 s",
    ]
    p90 = Terms(None, "wait_p90", 0.9, 30 * SECOND)
    assert promise(p90) == "at least 90 % within 30 s"
    assert symbols("those of at most T / all", p90) == [
        "T = 30 s",
        "so wait_p90 is at most T where this is at least 90 %",
    ]
    assert symbols("resolved / completed whose resolved is known", FIRST_CONTACT) == []
