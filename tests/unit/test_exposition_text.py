"""The text format: whatever the families hold, the page is the one that prometheus_client would make."""

from math import inf, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from service.core.catalogue.metrics import MetricKind
from service.exposition import Family, HistogramFamily, write
from tests.by_library import by_library

NUMBERS = st.one_of(
    st.integers(-(10**18), 10**18),
    st.floats(),
    st.sampled_from([0, -0.0, True, 999_999, 1_000_000, 999_999.9, 1_000_000.5, 123_456_789.25, 1e15, 1e16, 1.5e16]),
    st.sampled_from([0.1, 1e-4, 1e-5, -1_000_000, -1e16, inf, -inf, nan]),
)
# Some sorted before `le`, some after it; several families have the same ones.
NAMES = st.sampled_from([(), ("site",), ("site", "queue", "channel"), ("a", "lag", "lf", "z"), ("lf", "channel")])
NASTY = st.text(st.sampled_from('\\"\n\r\t{},=# é漢\x00x'), max_size=6)
VALUES = NASTY | st.text(max_size=6) | st.sampled_from(["", "bank", "\\n", '\\"', "\\\\n", "+Inf"])
DOCUMENTATION = NASTY | st.text(max_size=20)


@st.composite
def plain(draw: st.DrawFn) -> Family:
    """A counter or a gauge; the last labels of a sample may have no value."""
    kind = draw(st.sampled_from([MetricKind.COUNTER, MetricKind.GAUGE]))
    name = draw(st.sampled_from(["frontline_a", "frontline_seconds", "frontline_created_a"]))
    names = draw(NAMES)
    values = st.lists(VALUES, max_size=len(names)).map(tuple)
    samples = draw(st.lists(st.tuples(values, NUMBERS), max_size=5))
    return Family(f"{name}_total" if kind is MetricKind.COUNTER else name, kind, draw(DOCUMENTATION), names, samples)


@st.composite
def histograms(draw: st.DrawFn) -> HistogramFamily:
    """A histogram of some bounds."""
    names = draw(NAMES)
    bounds = draw(st.sampled_from([("+Inf",), ("1.0", "2.5", "+Inf"), ("0.005", "2592000.0", "+Inf")]))
    counts = st.lists(NUMBERS, min_size=len(bounds), max_size=len(bounds))
    values = st.tuples(*[VALUES] * len(names))
    samples = draw(st.lists(st.tuples(values, counts, NUMBERS), max_size=3))
    return HistogramFamily("frontline_wait_seconds", draw(DOCUMENTATION), names, bounds, samples)


@given(st.lists(plain() | histograms(), max_size=6))
@example([])
def test_the_page_is_the_library_s(families: list[Family | HistogramFamily]) -> None:
    assert write(families) == by_library(families)


@given(NUMBERS)
@example(2_147_483_648)
def test_a_number_is_written_like_the_library_s_and_read_again(number: float) -> None:
    families = [Family("frontline_a", MetricKind.GAUGE, "a", (), [((), number)])]
    page = write(families)
    assert page == by_library(families)
    (family,) = text_string_to_metric_families(page.decode())
    assert family.samples[0].value == pytest.approx(float(number), rel=0, abs=0, nan_ok=True)


def test_labels_that_several_families_have_are_not_mixed_up() -> None:
    # The same values under other names, and a value that differs by its case only.
    families = [
        Family("frontline_a", MetricKind.GAUGE, "a", ("site", "queue"), [(("x", "y"), 1), (("X", "y"), 2)]),
        Family("frontline_b", MetricKind.GAUGE, "b", ("queue", "site"), [(("x", "y"), 3), (("x",), 4)]),
        Family("frontline_c", MetricKind.GAUGE, "c", ("site", "queue"), [(("x", "y"), 5), ((), 6)]),
    ]
    assert write(families).decode().splitlines() == [
        *("# HELP frontline_a a", "# TYPE frontline_a gauge"),
        *('frontline_a{queue="y",site="x"} 1.0', 'frontline_a{queue="y",site="X"} 2.0'),
        *("# HELP frontline_b b", "# TYPE frontline_b gauge"),
        *('frontline_b{queue="x",site="y"} 3.0', 'frontline_b{queue="x"} 4.0'),
        *("# HELP frontline_c c", "# TYPE frontline_c gauge"),
        *('frontline_c{queue="y",site="x"} 5.0', "frontline_c 6.0"),
    ]


def test_samples_may_come_as_they_are_made() -> None:
    made = (((site,), place) for place, site in enumerate(("bank", "shop")))
    page = write([Family("frontline_a_total", MetricKind.COUNTER, "a", ("site",), made)])
    assert page.endswith(b'frontline_a_total{site="bank"} 0.0\nfrontline_a_total{site="shop"} 1.0\n')


def test_a_histogram_has_a_count_for_each_bound() -> None:
    with pytest.raises(ValueError, match="shorter"):
        write([HistogramFamily("frontline_wait_seconds", "a", (), ("1.0", "+Inf"), [((), [1], 1.0)])])
