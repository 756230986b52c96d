"""Burn rates: the tiers of the usual scheme, capped for low targets; and the arithmetic that cases follow from."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.objective import About, BurnRate, Severity, Terms
from service.core.window import Span, Window
from service.generate.rules.cases import flow as flows
from service.generate.rules.cases.flow import Flow, Phase
from service.generate.rules.options import DAY, Options, duration
from service.generate.rules.promql import number
from service.generate.rules.tiers import Tier, failing_threshold, own_tiers, tiers_of, usual_tiers
from service.generate.rules.variants import Variant

BUDGET_SHARES = {"outage": 0.02, "fast": 0.02, "slow": 0.05, "day": 0.1, "days": 0.1}
TERMS = Terms(None, "service_level", 0.8, 20_000_000, "abandons_hurt")
PAGE, TICKET, NONE = Severity.PAGE, Severity.TICKET, Severity.NONE


def thresholds(target: float, days: int) -> dict[str, float]:
    return {tier.name: round(tier.threshold, 9) for tier in usual_tiers(target, days)}


def test_a_strict_target_has_the_burn_rates_of_the_book() -> None:
    # 2 % of 30 days in an hour is 14.4 times the even pace, 5 % in six hours 6 times, 10 % in a day 3 times.
    expected = {"outage": 0.0576, "fast": 0.0144, "slow": 0.006, "day": 0.003, "days": 0.001}
    assert thresholds(0.999, 30) == expected


def test_a_low_target_is_capped_so_that_every_tier_can_fire() -> None:
    # 14.4 times a budget of 20 % would be 288 % of all events.
    assert thresholds(0.8, 30) == {"outage": 0.8, "fast": 0.6, "slow": 0.4, "day": 0.3, "days": 0.2}
    # At 95 % six times the budget is just above its cap, and three times below it.
    assert thresholds(0.95, 30) == {"outage": 0.7625, "fast": 0.525, "slow": 0.2875, "day": 0.15, "days": 0.05}


def test_the_last_tier_is_the_promise_itself_in_a_long_window_too() -> None:
    assert thresholds(0.999, 91)["days"] == 0.001


@pytest.mark.parametrize(
    ("days", "names"),
    [
        (1, ["outage", "fast", "slow"]),
        (2, ["outage", "fast", "slow", "day"]),
        (3, ["outage", "fast", "slow", "day"]),
        (4, ["outage", "fast", "slow", "day", "days"]),
    ],
)
def test_a_tier_that_looks_back_as_far_as_the_window_is_left_out(days: int, names: list[str]) -> None:
    assert list(thresholds(0.9, days)) == names


@given(st.floats(0.0001, 0.9999), st.integers(1, 366))
def test_every_tier_can_fire_and_the_faster_is_never_the_more_easily_moved(target: float, days: int) -> None:
    tiers = usual_tiers(target, days)
    budget = 1 - target
    for tier in tiers:
        assert budget <= tier.threshold < 1
        assert float(number(tier.threshold)) < 1
        assert tier.short_seconds < tier.long_seconds < days * DAY
    capped = [tier.threshold for tier in tiers]
    # Burn rates below 1 are lifted to it, in windows of a few days; there a faster tier may have the same threshold.
    assert capped == sorted(capped, reverse=True)


@given(st.floats(0.0001, 0.9999), st.integers(1, 366))
def test_an_uncapped_tier_tells_of_its_share_of_the_budget(target: float, days: int) -> None:
    for tier in usual_tiers(target, days):
        factor = tier.threshold / (1 - target)
        spent = factor * tier.long_seconds / (days * DAY)
        # Capped it tells of less, and where the even pace already spends more, of that.
        assert spent <= max(BUDGET_SHARES[tier.name], tier.long_seconds / (days * DAY)) * (1 + 1e-9)


def test_own_burn_rates_are_taken_as_they_are() -> None:
    rates = (BurnRate(3, 3600, 300), BurnRate(1.5, 5400, 90, TICKET))
    assert own_tiers(0.8, rates) == (
        Tier("3x-1h-5m", 3600, 300, pytest.approx(0.6), PAGE),
        Tier("1.5x-90m-90s", 5400, 90, pytest.approx(0.3), TICKET),
    )


def test_no_tier_is_louder_than_its_objective() -> None:
    usual = [PAGE, PAGE, PAGE, TICKET, TICKET]
    for severity, expected in ((PAGE, usual), (TICKET, [TICKET] * 5), (NONE, [NONE] * 5)):
        assert [tier.severity for tier in tiers_of(TERMS, About(severity=severity))] == expected
    own = About(severity=TICKET, burn_rates=(BurnRate(2, 3600, 300, PAGE), BurnRate(2, 7200, 300, NONE)))
    assert [tier.severity for tier in tiers_of(TERMS, own)] == [TICKET, NONE]


def test_few_customers_are_failed_from_where_the_fast_tier_would_page() -> None:
    assert failing_threshold(TERMS) == pytest.approx(0.6)
    assert failing_threshold(replace(TERMS, target=0.999)) == pytest.approx(0.0144)
    assert failing_threshold(replace(TERMS, window=Window(Span.DAY))) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(300, "5m"), (5400, "90m"), (7200, "2h"), (259_200, "3d"), (90, "90s"), (2.5, "2500ms"), (0.0001, "1ms")],
)
def test_durations_are_written_as_prometheus_reads_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_rehearsal_divides_durations() -> None:
    assert [Options(speedup=60).span(seconds) for seconds in (300, 120, 259_200)] == ["5s", "2s", "72m"]
    assert Options(speedup=40).span(60) == "1500ms"


VARIANT = Variant("calls", About(), TERMS)


def regimes_of(flow: Flow, variant: Variant = VARIANT) -> list[tuple[list[str], int, int]]:
    """What fires, with the first and the last minute at which that is beyond doubt."""
    found: list[tuple[list[str], int, int]] = []
    for minute, tiers in flow.regimes(variant, variant.tiers):
        names = [tier.name for tier in tiers]
        if found and found[-1][0] == names:
            found[-1] = (names, found[-1][1], minute)
        else:
            found.append((names, minute, minute))
    return found


def test_the_faster_tiers_of_an_outage_come_first() -> None:
    # Two good hours, then nothing but breaches: four fifths of 15 minutes are 12; three fifths of an hour are 36. A
    # fifth of all so far are breaches after 30 minutes, three tenths after 51, two fifths after 80. Nothing is said
    # of the minutes around these.
    found = regimes_of(flows.outage(VARIANT))
    assert [names for names, _, _ in found] == [
        [],
        ["outage"],
        ["outage", "days"],
        ["outage", "fast", "days"],
        ["outage", "fast", "day", "days"],
        ["outage", "fast", "slow", "day", "days"],
    ]
    for moment, (_, _, last), (_, first, _) in zip((12, 30, 36, 51, 80), found, found[1:], strict=False):
        assert 120 + moment - 5 <= last < 120 + moment < first <= 120 + moment + 5


def test_a_slow_burn_wakes_nobody() -> None:
    assert [names for names, _, _ in regimes_of(flows.slow_burn(VARIANT))] == [["day", "days"]]
    ticket = replace(VARIANT, about=About(severity=TICKET))
    assert [names for names, _, _ in regimes_of(flows.slow_burn(ticket), ticket)] == [["days"]]


def test_after_an_outage_the_tiers_with_a_short_memory_end() -> None:
    # It lasts from minute 30 to 120. Then five minutes decide, and half an hour, and two.
    ends = {
        name: max(last for names, _, last in regimes_of(flows.recovery(VARIANT)) if name in names)
        for name in ("outage", "fast", "slow", "day")
    }
    assert ends["outage"] == ends["fast"]
    assert 117 <= ends["outage"] <= 121
    assert 133 <= ends["slow"] <= 138
    assert ends["day"] == 178


def test_few_are_no_matter_for_burn_rates() -> None:
    assert [names for names, _, _ in regimes_of(flows.QUIET_HOUR)] == [[]]
    assert [names for names, _, _ in regimes_of(flows.RARE)] == [[]]
    one_is_enough = replace(VARIANT, terms=replace(TERMS, minimum_events=1))
    assert any(names for names, _, _ in regimes_of(flows.RARE, one_is_enough))


def test_samples_are_what_was_counted() -> None:
    flow = Flow((Phase(3, 10, 0), Phase(2, 10, 2.5)), 100, 7)
    assert flow.values() == ("100 110+10x2 140+10x1", "7 7+0x2 9.5+2.5x1")
    assert flow.counted(2, 4) == (20, 2.5)
    assert flow.counted(-5, 99) == (50, 5)
    assert flows.anew(flow).values()[0] == "0 10+10x2 40+10x1"
    assert flows.taking_over(flow, 3, 1).values()[0] == "120 130+10x2 160+10x1"
