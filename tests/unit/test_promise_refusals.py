"""The file of objectives: what is refused, and that the line, the field and the remedy are named."""

import pytest

from service.core.errors import InvalidInput
from service.core.promises import read_promises

GOOD = """\
apiVersion: frontline/v1
kind: SLO
metadata:
  name: phone
spec:
  indicator:
    kpi: service_level
    threshold: 20s
    filter:
      sites: [a, b]
      channels: [phone]
  objectives:
    - target: 0.80
"""
BASE = GOOD + "---\n"  # a further document begins in line 15
LAST = len(GOOD.splitlines()) + 1

INDICATOR = "spec.indicator"
TARGET = "spec.objectives[0].target"
RATE = "spec.alerting.burnRates[0]"


def refusal(text: str) -> str:
    with pytest.raises(InvalidInput) as refused:
        read_promises(text)
    return str(refused.value)


def edited(old: str, new: str) -> str:
    assert GOOD.count(old) == 1
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new", "line", "field", "said"),
    [
        # the document
        ("frontline/v1", "openslo/v1", 1, "apiVersion", ["'openslo/v1'", "must be frontline/v1"]),
        ("kind: SLO", "kind: Service", 2, "kind", ["'Service'", "must be SLO"]),
        ("kind: SLO\n", "", 1, "kind", ["is missing", "kind: SLO"]),
        ("kind: SLO", "kind:", 2, "kind", ["has no value"]),
        ("kind: SLO", "kind: SLO\nkind: SLO", 3, "kind", ["is there twice, first in line 2"]),
        ("kind: SLO", "kind: SLO\n2026: x", 3, "2026", ["is not a field here"]),
        ("kind: SLO", "kind: !!str SLO\nstatus: !!python/none x", 3, "status", ["python/none", "leave it out"]),
        ("  name: phone", "  displayName: Phone", 3, "metadata.name", ["is missing", "name: phone-80-in-20"]),
        ("name: phone", "name: on the phone", 4, "metadata.name", ["'on the phone'", "letters, digits"]),
        ("name: phone", f"name: {'x' * 65}", 4, "metadata.name", ["1 to 64"]),
        ("name: phone", "name: [phone]", 4, "metadata.name", ["is a list", "a single value"]),
        ("metadata:\n  name: phone", "metadata: phone", 3, "metadata", ["'phone'", "fields of its own: name"]),
        # the indicator
        ("indicator:", "indikator:", 6, "spec.indikator", ["is not a field here", "did you mean indicator?"]),
        ("    kpi: service_level\n", "", 6, f"{INDICATOR}.kpi", ["is missing", "kpi: service_level"]),
        ("service_level", "service-level", 7, f"{INDICATOR}.kpi", ["did you mean service_level?", "wait_p90"]),
        ("service_level", "average_wait", 7, f"{INDICATOR}.kpi", ["a mean", "promise wait_p90 with a threshold"]),
        ("service_level", "max_wait", 7, f"{INDICATOR}.kpi", ["a maximum", "promise wait_p90 with a threshold"]),
        ("service_level", "corrected", 7, f"{INDICATOR}.kpi", ["a count", "promise accuracy"]),
        ("service_level", "average_hold_time", 7, f"{INDICATOR}.kpi", ["a mean", "promise one of: service_level, wai"]),
        ("    threshold: 20s\n", "", 6, f"{INDICATOR}.threshold", ["is missing", "service_level", "threshold: 20s"]),
        ("threshold: 20s", "threshold: 20", 8, f"{INDICATOR}.threshold", ["'20'", "such as 20s"]),
        ("threshold: 20s", "threshold: 1:20", 8, f"{INDICATOR}.threshold", ["'1:20'", "us, ms, s, m, h, d"]),
        ("threshold: 20s", "threshold: 0s", 8, f"{INDICATOR}.threshold", ["longer than nothing"]),
        ("threshold: 20s", "threshold: 0.5us", 8, f"{INDICATOR}.threshold", ["finer than a microsecond"]),
        ("threshold: 20s", "threshold: 4000d", 8, f"{INDICATOR}.threshold", ["3650d at most"]),
        ("service_level", "accuracy", 8, f"{INDICATOR}.threshold", ["does not apply", "accuracy", "leave it out"]),
        ("20s", "20s\n    formula: abandon_hurts", 9, f"{INDICATOR}.formula", ["did you mean abandons_hurt?"]),
        ("service_level", "wait_p90\n    formula: wall", 8, f"{INDICATOR}.formula", ["wait_p90 has one formula only"]),
        ("20s", "20s\n    within: 7d", 9, f"{INDICATOR}.within", ["does not apply", "repeat_contact_rate"]),
        ("20s", "20s\n    shortAbandon: 3s", 9, f"{INDICATOR}.shortAbandon", ["abandons_hurt", "short_abandons_help"]),
        ("20s", "20s\n    hours: 9-17", 9, f"{INDICATOR}.hours", ["'9-17'", "always, open"]),
        ("[phone]", "[fax]", 11, f"{INDICATOR}.filter.channels[0]", ["'fax' is no channel", "pos, phone"]),
        ("[phone]", "phone", 11, f"{INDICATOR}.filter.channels", ["must be a list"]),
        ("[a, b]", "\n        - a\n        - b c", 12, f"{INDICATOR}.filter.sites[1]", ["'b c'", "letters"]),
        ("[a, b]", "[a, a]", 10, f"{INDICATOR}.filter.sites[1]", ["'a' is there twice"]),
        ("sites:", "site:", 10, f"{INDICATOR}.filter.site", ["did you mean sites?", "sites, queues, channels"]),
        (
            "sites: [a, b]",
            "standards: [safety]",
            10,
            f"{INDICATOR}.filter.standards",
            ["service_level is not told apart"],
        ),
        ("sites: [a, b]", "dimensions: [access]", 10, f"{INDICATOR}.filter.dimensions", ["it is for csat, ces"]),
        # the target
        ("  objectives:\n    - target: 0.80\n", "", 5, "spec.objectives", ["is missing", "[{target: 0.80}]"]),
        ("0.80", "0.80\n    - target: 0.90", 12, "spec.objectives", ["has 2 items", "exactly one"]),
        ("0.80", "80", 13, TARGET, ["less than 1", "80 % is 0.8"]),
        ("0.80", "80%", 13, TARGET, ["'80%' is not a number", "0.80"]),
        ("0.80", ".nan", 13, TARGET, ["'.nan' is not a number"]),
        ("0.80", "0", 13, TARGET, ["more than 0"]),
        ("0.80", "1.0", 13, TARGET, ["less than 1"]),
        ("target: 0.80", "op: gte", 13, "spec.objectives[0].op", ["is not a field here", "it takes: target"]),
        ("service_level", "wait_p90", 13, TARGET, ["wait_p90", "0.9", "leave it out"]),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old: str, new: str, line: int, field: str, said: list[str]) -> None:
    message = refusal(edited(old, new))
    assert message.startswith(f"objectives.yaml line {line}: {field}: ")
    assert [part for part in said if part not in message] == [], message


@pytest.mark.parametrize(
    ("added", "field", "said"),
    [
        ("severity: loud", "severity", ["'loud' is no severity", "page, ticket, none"]),
        ("owner: Anna B", "owner", ["'Anna B'", "letters, digits"]),
        ("runbook: wiki/phone", "runbook", ["'wiki/phone'", "https://"]),
        ("budgetingMethod: Timeslices", "budgetingMethod", ["must be Occurrences"]),
        ("minimumEvents: 0", "minimumEvents", ["'0'", "from 1"]),
        ("minimumEvents: 2.5", "minimumEvents", ["'2.5'", "whole number"]),
        ("effectiveFrom: 2026-12", "effectiveFrom", ["'2026-12'", "2026-12-01, or always"]),
        ("effectiveFrom: 2026-12-01T00:00:00Z", "effectiveFrom", ["is not a local date"]),
        ("effectiveFrom: 2026-02-30", "effectiveFrom", ["no calendar"]),
        ("effectiveFrom: 0206-12-01", "effectiveFrom", ["1900 to 2199"]),
        ("timeWindow: []", "timeWindow", ["has 0 items", "duration: 1M"]),
        ("timeWindow: [{isRolling: true}]", "timeWindow[0].duration", ["is missing"]),
        ("timeWindow: [{duration: 28d}]", "timeWindow[0].duration", ["1d, 1w, 1M, 1Q", "isRolling be true"]),
        ("timeWindow: [{duration: 1M, isRolling: true}]", "timeWindow[0].duration", ["28d or 4w"]),
        ("timeWindow: [{duration: 53w, isRolling: true}]", "timeWindow[0].duration", ["366d at most"]),
        ("timeWindow: [{duration: 1d, isRolling: no}]", "timeWindow[0].isRolling", ["'no' is neither true nor false"]),
        ("overrides: [{target: 0.9}]", "overrides[0].sites", ["is missing"]),
        ("overrides: [{sites: [], target: 0.9}]", "overrides[0].sites", ["is empty"]),
        ("overrides: [{sites: [a]}]", "overrides[0]", ["changes nothing", "target"]),
        ("overrides: [{sites: [c], target: 0.9}]", "overrides[0].sites", ["'c'", "sites of the filter: a, b"]),
        ("overrides: [{sites: [a], target: 2}]", "overrides[0].target", ["less than 1"]),
        ("overrides: [{sites: [a], threshold: 2}]", "overrides[0].threshold", ["such as 20s"]),
        (
            "overrides: [{sites: [a, b], target: 0.9}, {sites: [b], threshold: 1m}]",
            "overrides[1].sites",
            ["'b'", f"override of line {LAST} too"],
        ),
        ("alerting: {}", "alerting.burnRates", ["is missing"]),
        ("alerting: {burnRates: []}", "alerting.burnRates", ["is empty", "severity: none"]),
    ],
)
def test_what_is_wrong_further_down_is_named_too(added: str, field: str, said: list[str]) -> None:
    message = refusal(f"{GOOD}  {added}\n")
    assert message.startswith(f"objectives.yaml line {LAST}: spec.{field}: ")
    assert [part for part in said if part not in message] == [], message


@pytest.mark.parametrize(
    ("rate", "field", "said"),
    [
        (
            "factor: 5, long: 1h, short: 5m",
            ".factor",
            "can never be reached: were all events breaches, a budget of 0.2",
        ),
        ("factor: 14.4, long: 1h, short: 5m", ".factor", "5 times as fast"),
        ("factor: 0.5, long: 1h, short: 5m", ".factor", "1 at least"),
        ("factor: 3, long: 1h, short: 1h", ".short", "must be shorter than long, which is 1h"),
        ("factor: 3, long: 1500ms, short: 1s", ".long", "whole seconds"),
        ("factor: 1, long: 30d, short: 1d", ".long", "shorter than the window of the objective (month)"),
        ("factor: 3, long: 1h, short: 5m, severity: none", ".severity", "page, ticket"),
        ("factor: 3, long: 1h", ".short", "is missing"),
    ],
)
def test_an_alert_that_could_never_fire_is_refused(rate: str, field: str, said: str) -> None:
    message = refusal(f"{GOOD}  alerting: {{burnRates: [{{{rate}}}]}}\n")
    assert message.startswith(f"objectives.yaml line {LAST}: {RATE}{field}: ")
    assert said in message


def test_an_alert_that_could_never_fire_at_some_site_is_refused() -> None:
    alerting = "  alerting: {burnRates: [{factor: 4.5, long: 1h, short: 5m}]}\n"
    assert read_promises(GOOD + alerting)[0].about.burn_rates[0].factor == 4.5
    message = refusal(f"{GOOD}  overrides: [{{sites: [b], target: 0.75}}]\n{alerting}")
    assert f"line {LAST + 1}: {RATE}.factor: 4.5 can never be reached at b: " in message
    assert "a budget of 0.25 of them would burn 4 times as fast" in message


@pytest.mark.parametrize(
    ("kpi", "said"),
    [
        ("nps", ["a balance of shares", "promise csat"]),
        ("complaint_rate", ["a number set against that of something else", "promise one of: service_level"]),
        ("feedback_response_rate", ["a number set against that of something else"]),
        ("csat_mean", ["a mean", "promise csat"]),
        ("stars", ["a mean", "promise csat"]),
        ("first_response_time", ["a mean", "promise informed_rate"]),
        ("complaint_answer_time", ["a mean", "promise complaints_answered_rate"]),
        ("quote_overrun", ["a mean", "promise quote_kept_rate"]),
        ("promises_due", ["a count"]),
        ("availability", ["measured over time"]),
        ("occupancy", ["measured over time"]),
        ("arrivals_per_staffed", ["measured over time"]),
    ],
)
def test_what_no_single_one_keeps_or_breaks_is_refused_with_the_reason(kpi: str, said: list[str]) -> None:
    message = refusal(edited("service_level\n    threshold: 20s", kpi))
    assert message.startswith(f"objectives.yaml line 7: {INDICATOR}.kpi: {kpi} is ")
    assert [part for part in said if part not in message] == [], message


@pytest.mark.parametrize(
    ("kpi", "filter_", "said"),
    [
        ("csat", "dimensions: [politeness]", ["dimensions[0]: 'politeness' is no dimension", "courtesy"]),
        ("csat", "dimensions: courtesy", ["dimensions: 'courtesy'", "must be a list"]),
        ("csat", "standards: [safety]", ["standards: does not apply: csat is not told apart by standard"]),
        ("standards_compliance", "standards: [fire safety]", ["standards[0]: 'fire safety' is not a name"]),
        ("standards_compliance", "dimensions: [courtesy]", ["it is for csat, ces, complaints_answered_rate"]),
        ("promise_kept_rate", "dimensions: [courtesy]", ["promise_kept_rate is not told apart by dimension"]),
    ],
)
def test_a_filter_that_tells_nothing_apart_is_refused(kpi: str, filter_: str, said: list[str]) -> None:
    text = edited("service_level\n    threshold: 20s", kpi).replace("sites: [a, b]", filter_)
    message = refusal(text)
    assert message.startswith(f"objectives.yaml line 9: {INDICATOR}.filter.")
    assert [part for part in said if part not in message] == [], message


def test_the_most_that_is_allowed_is_not_mistaken_for_the_least() -> None:
    text = edited("service_level\n    threshold: 20s", "abandonment_rate")
    message = refusal(text.replace("0.80", "0.95"))
    assert message.startswith(f"objectives.yaml line 12: {TARGET}: 0.95 ")
    assert "the most that is allowed, such as 0.05" in message


@pytest.mark.parametrize(
    ("second", "line", "field", "said"),
    [
        (GOOD, 18, "metadata.name", "phone is there twice without a date, first in line 4"),
        (f"{GOOD}  effectiveFrom: always\n", 28, "spec.effectiveFrom", "twice without a date, first in line 4"),
        (
            f"{GOOD}  effectiveFrom: 2026-12-01\n---\n{GOOD}  effectiveFrom: 2026-12-01\n",
            43,
            "spec.effectiveFrom",
            "twice from the same date on, first in line 28",
        ),
        (
            edited("service_level\n    threshold: 20s", "accuracy") + "  effectiveFrom: 2026-12-01\n",
            21,
            "spec.indicator.kpi",
            "phone is of service_level in line 7, and an objective keeps its KPI",
        ),
        ("# nothing\n---\n---\nkind: SLO\n", 18, "apiVersion", "is missing"),
    ],
)
def test_documents_must_go_together(second: str, line: int, field: str, said: str) -> None:
    message = refusal(BASE + second)
    assert message.startswith(f"objectives.yaml line {line}: {field}: ")
    assert said in message


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("kind: [SLO\nspec: {}\n", "objectives.yaml line 2", "is not YAML: "),
        ("kind: SLO\n\tspec: x\n", "objectives.yaml line 2", "is not YAML: "),
        ("kind: SLO\nspec: *base\n", "objectives.yaml line 2", "undefined alias 'base'"),
        ("kind: SLO\nspec: a\x07b\n", "objectives.yaml line 2", "special characters are not allowed"),
        ("kind: SLO\n? [a, b]\n: x\n", "objectives.yaml line 2", "a single word"),
        ("\n- kind: SLO\n", "objectives.yaml line 2", "is a list; must have fields of its own: apiVersion"),
        ("objectives:\n  - name: phone\n", "objectives.yaml line 1: objectives", "is not a field here"),
        ("spec: &all [*all]\n", "objectives.yaml", "is nested without end"),
    ],
)
def test_what_is_no_yaml_or_none_of_this_kind_is_refused(text: str, place: str, said: str) -> None:
    message = refusal(text)
    assert message.startswith(f"{place}: ")
    assert said in message


def test_the_file_is_called_by_its_name() -> None:
    with pytest.raises(InvalidInput, match=r"^/etc/slo\.yaml line 1: kind: "):
        read_promises("kind: SLA\napiVersion: frontline/v1\nmetadata: {}\nspec: {}\n", "/etc/slo.yaml")
