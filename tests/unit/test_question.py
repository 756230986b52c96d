"""What may be asked for, what KPIs make of it, and what is told to those who ask for what there is not."""

import pytest

from service.core.errors import InvalidInput
from service.core.objective import Objective
from service.core.question import Choices, ask
from tests.terms import answered_within

PHONES = Objective(
    7,
    "phones",
    (
        answered_within(20_000_000, formula="abandons_help"),
        answered_within(30_500_000, start_day=1000),
        answered_within(30_500_000, start_day=2000, ended=True),
    ),
)
TILLS = Objective(8, "tills", (answered_within(180_000_000, start_day=1000),))
DAY_US = 86_400_000_000
BOTH = (TILLS, PHONES)


def test_a_formula_goes_to_the_kpis_that_have_it() -> None:
    level, rate, offered, time = ask(
        ["service_level", "abandonment_rate", "offered", "time_to_resolution"], Choices("of_offered")
    )
    assert level.formula_name == "abandons_hurt"
    assert rate.formula_name == "of_offered"
    assert offered.formula_name is None
    assert time.formula_name == "wall"
    assert ask(["offered", "offered"], Choices("of_offered")) == [offered]


def test_what_was_not_chosen_is_the_default() -> None:
    level, resolved, offered = ask(["service_level", "first_contact_resolution", "offered"])
    assert (level.threshold, level.within, level.maturity, level.objective) == (20.0, None, None, None)
    assert (resolved.threshold, resolved.within, resolved.maturity) == (None, "7d", "settled")
    assert (offered.threshold, offered.within, offered.maturity, offered.formula_name) == (None,) * 4


def test_choices_go_to_the_kpis_that_leave_them() -> None:
    repeats, resolved, contacts = ask(
        ["repeat_contact_rate", "first_contact_resolution", "contacts"],
        Choices(within="30d", maturity="provisional"),
    )
    assert (repeats.within, repeats.maturity) == ("30d", None)
    assert (resolved.within, resolved.maturity) == ("30d", "provisional")
    assert (contacts.within, contacts.maturity) == (None, None)


@pytest.mark.parametrize(
    ("until_us", "formula", "threshold"),
    [
        (1, "abandons_help", 20.0),
        (1000 * DAY_US, "abandons_help", 20.0),
        (1000 * DAY_US + 1, "abandons_hurt", 30.5),
    ],
)
def test_an_objective_tells_its_terms_at_the_end(until_us: int, formula: str, threshold: float) -> None:
    level, events, rate = ask(
        ["service_level", "slo_events", "abandonment_rate"], Choices(objective="phones"), BOTH, until_us
    )
    for question in (level, events):
        assert (question.objective, question.objective_number) == ("phones", 7)
        assert (question.formula_name, question.threshold) == (formula, threshold)
    assert (level.method, events.method, rate.method) == ("exact", None, None)
    assert (rate.objective, rate.threshold, rate.formula_name) == (None, None, "of_answered_and_abandoned")


def test_before_its_first_terms_an_objective_has_none_and_after_the_last_it_tells_those() -> None:
    (early,) = ask(["service_level"], Choices(objective="tills"), BOTH, 1000 * DAY_US)
    assert (early.objective, early.formula_name, early.threshold) == ("tills", None, None)
    (ended,) = ask(["service_level"], Choices(objective="phones"), BOTH, 9000 * DAY_US)
    assert (ended.formula_name, ended.threshold) == ("abandons_hurt", 30.5)


@pytest.mark.parametrize(
    ("names", "choices", "field", "hint"),
    [
        (["servicelevel"], Choices(), "kpi", "service_level"),
        ([], Choices(), "kpi", "service_level"),
        (["service_level"], Choices("of_offered"), "formula", "late_abandons_hurt"),
        (["offered"], Choices("hurt"), "formula", "abandons_hurt"),
        (["time_to_resolution_p90"], Choices("wal"), "formula", "wall, business"),
        (["service_level"], Choices(threshold=-1.0), "threshold", "seconds"),
        (["service_level"], Choices(threshold=float("nan")), "threshold", "seconds"),
        (["service_level"], Choices(threshold=float("inf")), "threshold", "seconds"),
        (["repeat_contact_rate"], Choices(within="2d"), "within", "1d, 7d, 30d"),
        (["offered"], Choices(within="7d"), "within", "repeat_visit_rate"),
        (["first_contact_resolution"], Choices(maturity="ripe"), "maturity", "settled, provisional"),
        (["repeat_contact_rate"], Choices(maturity="settled"), "maturity", "first_contact_resolution"),
        (["service_level"], Choices(objective="chats"), "objective", "phones, tills"),
        (["offered"], Choices(objective="phones"), "objective", "slo_breaches, service_level"),
        (["accuracy"], Choices(objective="phones"), "objective", "promises service_level"),
        (["offered", "slo_events"], Choices(), "objective", "phones, tills"),
        (["service_level"], Choices(objective="phones", threshold=20.0), "threshold", "objective"),
        (["service_level"], Choices(objective="phones", formula="abandons_hurt"), "formula", "objective"),
    ],
)
def test_what_is_not_right_is_named(names: list[str], choices: Choices, field: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        ask(names, choices, BOTH)
    assert raised.value.field == field
    assert hint in str(raised.value)


def test_without_any_objective_none_is_told() -> None:
    with pytest.raises(InvalidInput, match=r"^objective: there is no objective 'phones'; none is defined$"):
        ask(["service_level"], Choices(objective="phones"))
    with pytest.raises(InvalidInput, match=r"^objective: slo_events is counted of an objective; name one: none is"):
        ask(["slo_events"])
