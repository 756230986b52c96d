"""What rules are made of, and what alerts say."""

import re
from collections.abc import Sequence

import pytest
import yaml

from service.core.catalogue.metrics import METRICS
from service.core.objective import Promise
from service.core.promises import read_promises
from service.core.window import number_of
from service.generate.rules.groups import rules_file
from service.generate.rules.options import Links, Options
from service.generate.rules.promql import any_of
from service.telemetry import Telemetry
from tests.golden.promtool import ODD, ROOT, SHIPPED, USUAL, alerts, document, rules_of

TELEMETRY = set(re.findall(r"^# TYPE (frontline_\w+)", Telemetry().render().decode(), re.MULTILINE))
KPIS = {metric.name for metric in METRICS}


@pytest.mark.parametrize("promises", [SHIPPED, ODD], ids=["shipped", "odd"])
def test_every_metric_that_is_named_is_there(promises: Sequence[Promise]) -> None:
    text = rules_file(promises, USUAL)
    recorded = [rule["record"] for rule in rules_of(text, "record")]
    assert len(recorded) == len(set(recorded))
    known = KPIS | TELEMETRY | set(recorded)
    for rule in (*rules_of(text, "record"), *rules_of(text, "alert")):
        written = "\n".join((rule["expr"], *rule.get("annotations", {}).values()))
        named = set(re.findall(r"\bfrontline[_:]\w[\w:]*(?=[\[{)\s]|$)", re.sub(r'"[^"]*"', '""', written)))
        assert named <= known, named - known
        assert named or rule.get("alert") in {"FrontlineDown", "FrontlineWatchdog"}


@pytest.mark.parametrize("promises", [SHIPPED, ODD], ids=["shipped", "odd"])
def test_replicas_are_taken_together_before_anything_is_made_of_their_kpis(promises: Sequence[Promise]) -> None:
    text = rules_file(promises, USUAL)
    for rule in rules_of(text, "alert"):
        assert not KPIS & set(re.findall(r"\w+", rule["expr"])), rule["alert"]
    raw = [rule["expr"] for rule in rules_of(text, "record") if KPIS & set(re.findall(r"\w+", rule["expr"]))]
    assert len(raw) == 16
    for expression in raw:
        assert re.search(r"max without \(instance, pod\) \(((max_over_time|rate)\()?frontline_\w+[)\[]", expression)


@pytest.mark.parametrize("promises", [SHIPPED, ODD], ids=["shipped", "odd"])
def test_every_alert_says_what_it_is_and_where_to_look(promises: Sequence[Promise]) -> None:
    links = Links("https://frontline.example.com/", "https://grafana.example.com/g/")
    for alert in alerts(promises, Options(links)):
        of_objective = alert["labels"]["category"] == "objective"
        said = alert["annotations"]
        assert {"summary", "description", "dashboard_url", "runbook_url"} == said.keys() - {"breaches_url"}
        assert all(said.values())
        uid = {
            "objective": "frontline-objectives?",
            "matters": "frontline-site?",
            "resources": "frontline-site?",
        }.get(alert["labels"]["category"], "frontline-pipeline")
        assert said["dashboard_url"].startswith(f"https://grafana.example.com/g/d/{uid}")
        if alert["labels"].get("objective") == "own-burn-rates":
            assert said["runbook_url"] == 'https://wiki.example.com/{{ "{{" }}x}}'
        else:
            assert said["runbook_url"] == f"https://frontline.example.com/runbooks/{alert['alert']}"
        assert ("breaches_url" in said) == ("objective" in alert["labels"]) == of_objective
        assert {"severity", "category"} <= alert["labels"].keys()


def test_what_a_page_says_to_the_letter() -> None:
    cases = yaml.safe_load((ROOT / "prometheus" / "tests" / "burning.yml").read_text())["tests"]
    (case,) = (case for case in cases if case["name"] == "what is said of an outage, phone-80-in-20")
    page = case["alert_rule_test"][0]["exp_alerts"][0]
    line = {"site": "shop-1", "queue": "line", "channel": "phone"}
    assert page["exp_labels"] == line | {
        "severity": "page",
        "category": "objective",
        "objective": "phone-80-in-20",
        "tier": "outage",
    }
    assert page["exp_annotations"] == {
        "summary": "phone-80-in-20 burns its budget at shop-1, queue line (phone), tier outage",
        "description": "100% of 300 events in the last 15m were breaches, where 20% may be. Fires above 80% over the "
        "last 15m and 5m. Promised: service_level within 20s at least 80% (abandons_hurt) over the month (Calls "
        "answered within 20 s).",
        "dashboard_url": "http://localhost:3000/d/frontline-objectives?var-site=shop-1&var-queue=line"
        "&var-channel=phone&var-objective=phone-80-in-20",
        "runbook_url": "http://localhost:8000/runbooks/FrontlineBudgetBurning",
        "breaches_url": "http://localhost:8000/v1/objectives/phone-80-in-20/breaches"
        "?site=shop-1&queue=line&channel=phone",
    }


def promised(promises: Sequence[Promise], name: str, **labels: str) -> set[str]:
    """What alerts with some labels say that an objective promises."""
    described = (
        alert["annotations"]["description"]
        for alert in alerts(promises)
        if ({"objective": name} | labels).items() <= alert["labels"].items()
    )
    return {text.partition("Promised: ")[2] for text in described}


def test_what_is_promised_is_said_in_words() -> None:
    assert promised(SHIPPED, "phone-abandonment-5") == {
        "abandonment_rate at most 5% (excluding_short) over the month (Callers who give up)."
    }
    assert promised(SHIPPED, "phone-resolved-90-in-1d") == {
        "time_to_resolution_p90 at most 1d (wall) over the last 28 days (Matters resolved within a day)."
    }
    assert promised(SHIPPED, "phone-fcr-75-in-7d") == {
        "first_contact_resolution at least 75% (within 7d) over the month (Calls that settle the matter)."
    }
    assert promised(SHIPPED, "complaints-90-answered-in-1d") == {
        "complaints_answered_rate at least 90% (of_due) over the month (Complaints answered within a day)."
    }
    assert promised(ODD, "polite") == {"csat at least 85% (courtesy, understanding) over the month."}
    assert promised(ODD, "safe") == {"standards_compliance at least 95% (fire.drill, safety) over the month."}
    title = '(In {{ "{{" }} time }}, "soon").'
    for override, said in (("1", "within 30s at least 95%"), ("2", "within 1m at least 80%")):
        expected = {f"service_level {said} (abandons_hurt) over the month {title}"}
        assert promised(ODD, "a.b:c-d_é", override=override) == expected


def test_a_site_has_either_what_is_promised_everywhere_or_its_own() -> None:
    burning = [alert for alert in alerts(ODD) if alert["labels"].get("objective") == "a.b:c-d_é"]
    sites = {
        (alert["labels"].get("override"), *re.findall(r"site(=~|!~)(\"[^\"]*\")", alert["expr"].splitlines()[0]))
        for alert in burning
        if alert["alert"] == "FrontlineBudgetBurning"
    }
    everywhere = (("=~", r'"vil\\.nius-1|x:y|ž"'), ("!~", r'"vil\\.nius-1|ž"'))
    assert sites == {(None, *everywhere), ("1", ("=~", r'"vil\\.nius-1"')), ("2", ("=~", '"ž"'))}
    assert any_of(["a.b", "c"]) == r'"a\\.b|c"'
    assert {alert["labels"]["owner"] for alert in burning} == {"ops.nl"}


def test_an_objective_that_tells_nobody_has_no_alerts_and_still_counts() -> None:
    nobody = [promise for promise in ODD if promise.name == "told-nobody"]
    assert "objective" not in {alert["labels"]["category"] for alert in alerts(nobody)}
    recorded = {rule["record"] for rule in rules_of(rules_file(nobody, USUAL), "record")}
    assert {"frontline:slo_breach_ratio:5m", "frontline:slo_breach_ratio:3d"} <= recorded


def test_rules_are_of_what_holds_on_the_day() -> None:
    text = document("calls", "service_level", 0.8, ", threshold: 20s", "effectiveFrom: always")
    text += document("calls", "service_level", 0.9, ", threshold: 30s", "effectiveFrom: 2026-12-01")
    text += document("later", "accuracy", 0.9, further="effectiveFrom: 2026-12-01")
    promises = read_promises(text)
    first = number_of(yaml.safe_load("2026-12-01"))
    now, then, some_day = (alerts(promises, Options(today=day)) for day in (first - 1, first, None))
    assert "Promised: service_level within 20s at least 80%" in str(now)
    assert "Promised: service_level within 30s at least 90%" in str(then)
    assert "later" not in {alert["labels"].get("objective") for alert in now}
    assert then == some_day
