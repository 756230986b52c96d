"""KPIs over numbers worked out elsewhere: the published service-level vector, quantiles, and what no data gives."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.catalogue.kpis import ABANDONMENT_FORMULAS, KPIS, SERVICE_LEVEL_FORMULAS, Kpi, Shape
from service.core.catalogue.measures import HISTOGRAM_BY_NAME
from service.core.errors import InvalidInput
from service.core.kpi import Needs, Question, Sums, Value, ask, evaluate, needs, quantile

WAIT = HISTOGRAM_BY_NAME["wait"]
T20 = 20_000_000
VECTOR = Sums(
    measures={
        "offered": 1100,
        "answered": 1000,
        "abandoned": 60,
        "abandoned_waits": 60,
        "short_abandoned": 10,
        "diverted": 40,
    },
    answered_within={T20: 860},
    abandoned_within={T20: 20},
)


def one(name: str, formula: str | None = None, threshold: float | None = None) -> Question:
    (question,) = ask([name], formula, threshold)
    return question


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
    value = evaluate(one("service_level", formula), VECTOR)
    assert value == Value(numerator / denominator, numerator, denominator)
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
    expected = Value(numerator / denominator, numerator, denominator)
    assert evaluate(one("abandonment_rate", formula), VECTOR) == expected


def test_a_threshold_counts_by_itself() -> None:
    sums = Sums(measures={"answered": 4}, answered_within={T20: 1, 20_500_000: 3})
    assert evaluate(one("service_level", threshold=20.5), sums).value == 0.75
    assert evaluate(one("service_level", threshold=20), sums).value == 0.25


def test_unknown_waits_abandoned_neither_in_time_nor_later() -> None:
    sums = Sums(
        measures={"answered": 1, "abandoned": 3, "abandoned_waits": 2},
        answered_within={T20: 1},
        abandoned_within={T20: 1},
    )
    assert evaluate(one("service_level", "late_abandons_hurt"), sums).denominator == 2


def test_a_mean_shows_its_sum_in_seconds() -> None:
    sums = Sums(measures={"service_us": 90_000_000, "hold_us": 6_500_000, "wrap_up_us": 1, "handled": 2})
    assert evaluate(one("average_handle_time"), sums) == Value(48.2500005, 96.500001, 2)
    assert evaluate(one("average_hold_time"), sums) == Value(3.25, 6.5, 2)


def test_accuracy_is_one_less_the_share_corrected() -> None:
    assert evaluate(one("accuracy"), Sums(measures={"completed": 8, "corrected": 2})) == Value(0.75, 6, 8)


def test_counts_and_extremes_have_their_value_alone() -> None:
    assert evaluate(one("offered"), VECTOR) == Value(1100)
    assert evaluate(one("residual"), VECTOR) == Value(0)
    assert evaluate(one("max_wait"), Sums(longest_us=1_500_000)) == Value(1.5)
    assert evaluate(one("longest_wait"), Sums(longest_us=2_000_000)) == Value(2.0)


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_no_data_is_no_success(kpi: Kpi) -> None:
    question = one(kpi.name)
    match kpi.shape:
        case Shape.COUNT | Shape.NOW:
            assert evaluate(question, Sums()) == Value(0)
        case Shape.MAXIMUM:
            assert evaluate(question, Sums()) == Value(None)
        case Shape.QUANTILE:
            assert evaluate(question, Sums()) == Value(None, None, 0)
        case _:
            assert evaluate(question, Sums()) == Value(None, 0, 0)


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
    assert needs(ask(["service_level", "offered"], "late_abandons_hurt", 30.25)) == Needs(
        frozenset({"offered", "answered", "abandoned_waits"}), frozenset({30_250_000})
    )


def test_a_formula_goes_to_the_kpis_that_have_it() -> None:
    level, rate, offered = ask(["service_level", "abandonment_rate", "offered"], "of_offered")
    assert level.formula_name == "abandons_hurt"
    assert rate.formula_name == "of_offered"
    assert offered.formula_name is None
    assert ask(["offered", "offered"], "of_offered") == [offered]


@pytest.mark.parametrize(
    ("names", "formula", "threshold", "field", "hint"),
    [
        (["servicelevel"], None, None, "kpi", "service_level"),
        ([], None, None, "kpi", "service_level"),
        (["service_level"], "of_offered", None, "formula", "late_abandons_hurt"),
        (["offered"], "hurt", None, "formula", "abandons_hurt"),
        (["service_level"], None, -1.0, "threshold", "seconds"),
        (["service_level"], None, float("nan"), "threshold", "seconds"),
        (["service_level"], None, float("inf"), "threshold", "seconds"),
    ],
)
def test_what_is_not_right_is_named(
    names: list[str], formula: str | None, threshold: float | None, field: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        ask(names, formula, threshold)
    assert raised.value.field == field
    assert hint in str(raised.value)
