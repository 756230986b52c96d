"""KPIs over numbers worked out elsewhere: the published service-level vector, quantiles, and what no data gives."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.catalogue.integrals import INTEGRAL_BY_NAME
from service.core.catalogue.kpi import Kpi, Shape
from service.core.catalogue.kpis import ABANDONMENT_FORMULAS, KPIS, SERVICE_LEVEL_FORMULAS
from service.core.catalogue.measures import HISTOGRAM_BY_NAME, MEASURE_BY_NAME
from service.core.kpi import Needs, Sums, Values, evaluate, needs, quantile
from service.core.objective import Objective
from service.core.question import Choices, Question, ask
from tests.terms import answered_within

WAIT = HISTOGRAM_BY_NAME["wait"]
PHONES = Objective(7, "phones", (answered_within(20_000_000, formula="abandons_help"),))


def sums(**terms: int) -> Sums:
    """Sums of one point."""
    return Sums(1, {name: [amount] for name, amount in terms.items()})


VECTOR = sums(
    offered=1100,
    answered=1000,
    abandoned=60,
    abandoned_waits=60,
    short_abandoned=10,
    diverted=40,
    answered_within=860,
    abandoned_within=20,
)


def one(name: str, formula: str | None = None, threshold: float | None = None, **chosen: str) -> Question:
    (question,) = ask([name], Choices(formula, threshold, **chosen), [PHONES])
    return question


def value(of: float | None, numerator: float | None = None, denominator: float | None = None) -> Values:
    """Values of one point."""
    return Values([of], [numerator], [denominator])


@pytest.mark.parametrize(
    ("formula", "numerator", "denominator", "percent"),
    [
        ("abandons_help", 880, 1060, 83.02),
        ("abandons_ignored", 860, 1000, 86.00),
        ("abandons_hurt", 860, 1060, 81.13),
        ("late_abandons_hurt", 860, 1040, 82.69),
        ("short_abandons_help", 870, 1060, 82.08),
        ("short_abandons_excluded", 860, 1050, 81.90),
        ("diversions_hurt", 860, 1100, 78.18),
    ],
)
def test_published_service_levels(formula: str, numerator: int, denominator: int, percent: float) -> None:
    found = evaluate(one("service_level", formula), VECTOR)
    assert found == value(numerator / denominator, numerator, denominator)
    assert round(100 * numerator / denominator, 2) == percent


def test_every_formula_of_the_catalogue_has_a_vector() -> None:
    assert len(SERVICE_LEVEL_FORMULAS) == 7
    assert one("service_level").formula_name == "abandons_hurt"


@pytest.mark.parametrize(
    ("formula", "numerator", "denominator"),
    [("of_answered_and_abandoned", 60, 1060), ("excluding_short", 50, 1050), ("of_offered", 60, 1100)],
)
def test_abandonment_rates(formula: str, numerator: int, denominator: int) -> None:
    assert formula in ABANDONMENT_FORMULAS
    expected = value(numerator / denominator, numerator, denominator)
    assert evaluate(one("abandonment_rate", formula), VECTOR) == expected


def test_every_point_has_its_own_value() -> None:
    of_three = Sums(3, {"answered": [4, 0, 3], "abandoned": [0, 0, 1], "answered_within": [1, 0, 2]})
    assert evaluate(one("service_level"), of_three) == Values([0.25, None, 0.5], [1, 0, 2], [4, 0, 4])
    assert evaluate(one("residual"), of_three) == Values([-4, 0, -4], [None] * 3, [None] * 3)


def test_unknown_waits_abandoned_neither_in_time_nor_later() -> None:
    found = evaluate(
        one("service_level", "late_abandons_hurt"),
        sums(answered=1, abandoned=3, abandoned_waits=2, answered_within=1, abandoned_within=1),
    )
    assert found.denominators == [2]


def test_a_mean_shows_its_sum_in_seconds() -> None:
    found = sums(service_us=90_000_000, hold_us=6_500_000, wrap_up_us=1, handled=2)
    assert evaluate(one("average_handle_time"), found) == value(48.2500005, 96.500001, 2)
    assert evaluate(one("average_hold_time"), found) == value(3.25, 6.5, 2)


def test_two_clocks_tell_the_time_to_resolution() -> None:
    found = sums(resolution_us=90_000_000, business_resolution_us=30_000_000, resolutions=2)
    found.buckets = {"resolution": [[0], [2], *([0] for _ in range(10))], "business_resolution": [[2], *([[0]] * 11)]}
    assert evaluate(one("time_to_resolution"), found) == value(45.0, 90.0, 2)
    assert evaluate(one("time_to_resolution", "business"), found) == value(15.0, 30.0, 2)
    assert evaluate(one("time_to_resolution_p50"), found) == value(180.0, None, 2)
    assert evaluate(one("time_to_resolution_p50", "business"), found) == value(30.0, None, 2)


def test_accuracy_is_one_less_the_share_corrected() -> None:
    assert evaluate(one("accuracy"), sums(completed=8, corrected=2)) == value(0.75, 6, 8)


def test_contacts_count_within_the_days_asked_for() -> None:
    found = sums(contacts=10, repeat_contacts_1d=1, repeat_contacts_7d=3, store_contacts=5, repeat_visits_30d=4)
    assert evaluate(one("repeat_contact_rate", within="1d"), found) == value(0.1, 1, 10)
    assert evaluate(one("repeat_contact_rate"), found) == value(0.3, 3, 10)
    assert evaluate(one("repeat_contacts"), found) == value(3)
    assert evaluate(one("repeat_visit_rate", within="30d"), found) == value(0.8, 4, 5)


def test_what_is_settled_and_what_is_provisional_are_never_blended() -> None:
    found = sums(settled_7d=10, settled_resolved_7d=9, provisional_7d=4, provisional_resolved_7d=1, settled_1d=3)
    assert evaluate(one("first_contact_resolution"), found) == value(0.9, 9, 10)
    assert evaluate(one("first_contact_resolution", maturity="provisional"), found) == value(0.25, 1, 4)
    assert evaluate(one("first_contact_resolution", within="1d"), found) == value(0.0, 0, 3)


def test_a_service_level_by_an_objective_is_what_it_kept() -> None:
    found = sums(slo_events=10, slo_breaches=3, answered=1, answered_within=1)
    assert evaluate(one("service_level", objective="phones"), found) == value(0.7, 7, 10)
    assert evaluate(one("slo_breaches", objective="phones"), found) == value(3)


def test_counts_and_extremes_have_their_value_alone() -> None:
    assert evaluate(one("offered"), VECTOR) == value(1100)
    assert evaluate(one("residual"), VECTOR) == value(0)
    assert evaluate(one("max_wait"), Sums(1, longest_us=[1_500_000])) == value(1.5)
    assert evaluate(one("longest_wait"), Sums(1, longest_us=[2_000_000])) == value(2.0)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_no_data_is_no_success(kpi: Kpi) -> None:
    question = one(kpi.name, objective="phones") if kpi.needs_objective else one(kpi.name)
    match kpi.shape:
        case Shape.COUNT | Shape.NOW:
            assert evaluate(question, Sums(1)) == value(0)
        case Shape.MAXIMUM:
            assert evaluate(question, Sums(1)) == value(None)
        case Shape.QUANTILE:
            assert evaluate(question, Sums(1)) == value(None, None, 0)
        case _:
            assert evaluate(question, Sums(1)) == value(None, 0, 0)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_what_is_counted_is_a_measure(kpi: Kpi) -> None:
    """Whatever is chosen, formulas come down to what is added up, and to nothing else."""
    takes = kpi.parameters
    for name, formula in kpi.formulas.items():
        for within in takes["within"].choices if "within" in takes else (None,):
            for maturity in takes["maturity"].choices if "maturity" in takes else (None,):
                question = one(kpi.name, name or None, within=within, maturity=maturity, **of_objective(kpi))
                assert (question.within, question.maturity) == (within, maturity)
                added_up = set(question.formula.terms) - {
                    *("answered_within", "abandoned_within", "abandoned_later", "slo_events", "slo_breaches")
                }
                assert added_up <= MEASURE_BY_NAME.keys() | INTEGRAL_BY_NAME.keys()
                assert question.formula.histogram == formula.histogram


def of_objective(kpi: Kpi) -> dict[str, str]:
    return {"objective": "phones"} if kpi.needs_objective else {}


def buckets(**counts: int) -> list[int]:
    """Counts by the upper bound of their bucket: le20=3, leinf=1."""
    named = {f"le{bound:g}": place for place, bound in enumerate(WAIT.bounds)} | {"leinf": len(WAIT.bounds)}
    found = [0] * (len(WAIT.bounds) + 1)
    for name, count in counts.items():
        found[named[name]] = count
    return found


@pytest.mark.parametrize(
    ("counts", "q", "expected"),
    [
        (buckets(le1=2), 0.5, 0.5),  # the first bucket begins at 0
        (buckets(le20=4), 0.5, 17.5),  # between 15 and 20
        (buckets(le20=1, le30=1), 0.5, 20.0),  # a rank on the edge ends its bucket
        (buckets(le20=1, le120=1), 0.75, 105.0),  # empty buckets between are skipped
        (buckets(le20=9, leinf=1), 0.95, 3600.0),  # above all bounds: the highest bound
        (buckets(leinf=3), 0.01, 3600.0),
        (buckets(), 0.5, None),
    ],
)
def test_quantiles_as_prometheus_interpolates_them(counts: list[int], q: float, expected: float | None) -> None:
    found = quantile(WAIT, counts, q)
    assert found == (None if expected is None else pytest.approx(expected, rel=1e-12))


@given(st.lists(st.integers(0, 5), min_size=17, max_size=17), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_of_its_rank(counts: list[int], q: float) -> None:
    found = quantile(WAIT, counts, q)
    if not any(counts):
        assert found is None
        return
    assert found is not None
    place = next(index for index, upto in enumerate(accumulate(counts)) if upto >= q * sum(counts))
    edges = (0.0, *WAIT.bounds, WAIT.bounds[-1])
    assert edges[place] <= found <= edges[place + 1] + 1e-9


def test_only_what_is_asked_for_is_needed() -> None:
    assert needs(ask(["wait_p90"])) == Needs(histograms=frozenset({"wait"}))
    assert needs(ask(["max_wait"])) == Needs(longest=True)
    assert needs(ask(["longest_wait"])) == Needs()
    assert needs(ask(["service_level", "offered"], Choices("late_abandons_hurt", 30.25))) == Needs(
        frozenset({"offered", "answered", "abandoned_waits"}),
        {"wait": "answered_within", "abandoned_wait": "abandoned_within"},
        30_250_000,
    )
    assert needs(ask(["service_level"])).within == {"wait": "answered_within"}
    assert needs(ask(["offered"], Choices(threshold=30))) == Needs(frozenset({"offered"}))
    assert needs(ask(["service_level", "offered"], Choices(objective="phones"), [PHONES])) == Needs(
        frozenset({"offered"}), objective=7
    )
    assert needs(ask(["first_contact_resolution"], Choices(within="30d", maturity="provisional"))) == Needs(
        frozenset({"provisional_30d", "provisional_resolved_30d"})
    )
