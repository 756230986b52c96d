"""The file of objectives: what it promises."""

import re
from datetime import date
from pathlib import Path

import pytest

from service.core.objective import About, BurnRate, Override, Promise, Severity, Terms
from service.core.promises import read_promises
from service.core.window import Span, Window, number_of

ROOT = Path(__file__).parent.parent.parent
SHIPPED, PAGE = ROOT / "objectives.yaml", ROOT / "docs" / "objectives.md"


def document(spec: str, name: str = "phone") -> str:
    """A document with some lines of its spec."""
    return f"---\napiVersion: frontline/v1\nkind: SLO\nmetadata: {{name: {name}}}\nspec:\n" + "".join(
        f"  {line.strip()}\n" for line in spec.strip().splitlines()
    )


def terms_of(spec: str) -> Terms:
    ((terms,),) = (promise.terms for promise in read_promises(document(spec)))
    return terms


def test_the_file_that_is_shipped_is_read() -> None:
    promised = {promise.name: promise for promise in read_promises(SHIPPED.read_text())}
    assert {name: (promise.terms[0].stated_target, promise.about.severity) for name, promise in promised.items()} == {
        "phone-80-in-20": (0.8, "page"),
        "till-90-in-180": (0.9, "page"),
        "phone-abandonment-5": (0.05, "ticket"),
        "phone-fcr-75-in-7d": (0.75, "ticket"),
        "till-accuracy-97": (0.97, "ticket"),
        "phone-resolved-90-in-1d": (0.9, "ticket"),
        "promises-95-kept": (0.95, "ticket"),
        "complaints-90-answered-in-1d": (0.9, "ticket"),
        "csat-80": (0.8, "ticket"),
        "standards-90": (0.9, "ticket"),
    }
    assert promised["phone-80-in-20"].terms == (
        Terms(None, "service_level", 0.8, threshold_us=20_000_000, formula="abandons_hurt", channels=("phone",)),
    )
    assert all(promise.about.title and promise.about.description for promise in promised.values())
    assert [promise.terms[0].start_day for promise in promised.values()] == [None] * 10


def test_the_examples_of_the_page_on_objectives_are_read() -> None:
    examples = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    promised = [promise.name for example in examples for promise in read_promises(example)]
    assert len(promised) == len(examples) > 5


def test_every_field_is_read() -> None:
    (promise,) = read_promises("""
apiVersion: frontline/v1
kind: SLO
metadata:
  name: phone
  displayName: Calls answered
spec:
  description: >
    As the contract
    has it.
  owner: operations
  severity: ticket
  runbook: https://wiki.example.com/phone
  indicator:
    kpi: service_level
    threshold: 0.5m
    formula: short_abandons_excluded
    shortAbandon: 300ms
    filter: {sites: [riga-1, 0117, on, "null"], queues: [ps], channels: [phone, chat]}
    hours: open
  timeWindow: [{duration: 4w, isRolling: true}]
  budgetingMethod: Occurrences
  minimumEvents: 5
  effectiveFrom: 2026-12-01
  objectives: [{target: 0.85}]
  overrides:
    - {sites: [riga-1], threshold: 40s}
    - {sites: [on, 0117], target: 0.9}
  alerting:
    burnRates:
      - {factor: 6, long: 6h, short: 30m, severity: ticket}
      - {factor: 3, long: 1h, short: 5m}
""")
    assert promise == Promise(
        "phone",
        About(
            "Calls answered",
            "As the contract has it.",
            "operations",
            Severity.TICKET,
            "https://wiki.example.com/phone",
            (BurnRate(6.0, 21_600, 1800, Severity.TICKET), BurnRate(3.0, 3600, 300, Severity.PAGE)),
        ),
        (
            Terms(
                number_of(date(2026, 12, 1)),
                "service_level",
                0.85,
                threshold_us=30_000_000,
                formula="short_abandons_excluded",
                short_us=300_000,
                sites=("0117", "null", "on", "riga-1"),
                queues=("ps",),
                channels=("chat", "phone"),
                open_only=True,
                window=Window(Span.ROLLING, 28),
                minimum_events=5,
                overrides=(Override(("0117", "on"), 0.9), Override(("riga-1",), threshold_us=40_000_000)),
            ),
        ),
    )


def test_of_a_kpi_of_which_less_is_better_the_target_is_the_most() -> None:
    terms = terms_of("""
        indicator: {kpi: repeat_contact_rate, within: 30d, filter: {sites: [a]}}
        objectives: [{target: 0.1}]
        overrides: [{sites: [a], target: 0.05}]
    """)
    assert (terms.target, terms.stated_target, terms.within) == (0.9, 0.1, "30d")
    assert terms.of_site("a").target == 0.95


def test_a_quantile_is_its_own_target() -> None:
    assert terms_of("indicator: {kpi: wait_p95, threshold: 2m}").target == 0.95
    same = terms_of("indicator: {kpi: wait_p95, threshold: 2m}\nobjectives: [{target: 0.95}]")
    assert (same.target, same.threshold_us, same.formula) == (0.95, 120_000_000, "")
    assert terms_of("indicator: {kpi: time_to_resolution_p90, threshold: 1d}").formula == "wall"


def test_what_is_left_out_is_as_usual() -> None:
    terms = terms_of("indicator: {kpi: first_contact_resolution}\nobjectives: [{target: 0.75}]")
    assert terms == Terms(None, "first_contact_resolution", 0.75, within="7d", window=Window(Span.MONTH))
    assert (terms.minimum_events, terms.short_us, terms.open_only) == (20, 5_000_000, False)


@pytest.mark.parametrize(
    ("window", "name"),
    [
        ("{duration: 1d}", "day"),
        ("{duration: 1w, isRolling: false}", "week"),
        ("{duration: 1M}", "month"),
        ("{duration: 1Q}", "quarter"),
        ("{duration: 1d, isRolling: true}", "1d"),
        ("{duration: 366d, isRolling: true}", "366d"),
    ],
)
def test_windows(window: str, name: str) -> None:
    spec = f"indicator: {{kpi: accuracy}}\nobjectives: [{{target: 0.9}}]\ntimeWindow: [{window}]"
    assert terms_of(spec).window.name == name


def test_a_name_may_stand_several_times_each_from_another_date_on() -> None:
    spec = "indicator: {{kpi: accuracy}}\nobjectives: [{{target: {}}}]\n{}"
    text = (
        document(spec.format(0.7, "effectiveFrom: 2027-01-01\nowner: late"))
        + document(spec.format(0.5, ""), "till")
        + document(spec.format(0.8, "effectiveFrom: always\nowner: base"))
        + document(spec.format(0.9, "effectiveFrom: 2026-12-01"))
    )
    first, second = read_promises(text)
    assert (first.name, first.rewrites, second.name, second.rewrites) == ("phone", True, "till", False)
    assert [(terms.start_day, terms.target) for terms in first.terms] == [(None, 0.8), (20_788, 0.9), (20_819, 0.7)]
    assert first.about.owner == "late"


def test_a_file_that_promises_nothing_may_do_so() -> None:
    assert read_promises("") == read_promises("# nothing yet\n---\n") == ()
