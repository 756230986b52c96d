"""The rules that are checked in: made from the shipped objectives, taken by promtool, doing what their cases say."""

import re
from pathlib import Path

import yaml
from click.testing import CliRunner

from service.commands.rules import command
from service.generate.rules.cases.files import cases_file, cases_files
from service.generate.rules.groups import rules_file, rules_manifest
from service.generate.rules.model import HEAD
from service.generate.rules.options import Links, Options
from tests.golden.promtool import (
    BESIDE,
    ODD,
    ROOT,
    SHIPPED,
    USUAL,
    alerts,
    checked,
    document,
    groups_of,
    promtool,
    put,
    rules_of,
)

RULES, CASES = ROOT / "prometheus" / "rules" / "frontline.yml", ROOT / "prometheus" / "tests"


def test_what_is_checked_in_is_what_the_shipped_objectives_make() -> None:
    why = "`make generate` writes it again"
    assert RULES.read_text() == rules_file(SHIPPED, USUAL), why
    assert (ROOT / "k8s" / "base" / "prometheus-rules.yaml").read_text() == rules_manifest(SHIPPED, USUAL), why
    assert {path.name: path.read_text() for path in CASES.iterdir()} == cases_files(SHIPPED, USUAL, BESIDE), why
    assert RULES.read_text().startswith(HEAD)
    assert "by `make generate`; a change by hand does not last" in HEAD


def test_promtool_takes_what_is_checked_in() -> None:
    checked(RULES)
    done = promtool("check", "config", ROOT / "prometheus" / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


def test_the_rules_tell_what_the_cases_say() -> None:
    done = promtool("test", "rules", *CASES.iterdir())
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("SUCCESS") == len(list(CASES.iterdir())) == 11


def test_every_objective_is_in_every_case_of_burn_rates() -> None:
    names = {promise.name for promise in SHIPPED}
    for file in ("burning", "calm", "days", "replicas"):
        for case in yaml.safe_load((CASES / f"{file}.yml").read_text())["tests"]:
            found = set(re.findall(r'objective="([^"]+)"', str(case["input_series"])))
            assert found == names or "what is said" in case["name"] or not case["input_series"], case["name"]


def test_the_manifest_has_the_same_groups() -> None:
    manifest = yaml.safe_load(rules_manifest(ODD, USUAL))
    assert (manifest["apiVersion"], manifest["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert manifest["spec"]["groups"] == groups_of(rules_file(ODD, USUAL))


def test_other_objectives_make_rules_that_do_what_their_cases_say(tmp_path: Path) -> None:
    # Long ones are left to those that are checked in.
    cases = [path for path in put(tmp_path, ODD) if path.stem not in {"days", "replicas"}]
    checked(tmp_path / "rules" / "frontline.yml")
    done = promtool("test", "rules", *cases)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_rules_without_any_objective(tmp_path: Path) -> None:
    cases = put(tmp_path, ())
    checked(tmp_path / "rules" / "frontline.yml")
    assert promtool("test", "rules", *cases).returncode == 0
    assert {path.stem for path in cases} == {"matters", "pipeline", "resources", "retired"}


def test_a_rehearsal_is_the_same_in_less_time(tmp_path: Path) -> None:
    text = rules_file(SHIPPED, Options(speedup=60))
    path = tmp_path / "frontline.yml"
    path.write_text(text)
    checked(path)
    expressions = {rule["record"]: rule["expr"] for rule in rules_of(text, "record")}
    assert expressions["frontline:slo_events:increase_5m"] == "increase(frontline:slo_events:total[5s])"
    assert expressions["frontline:slo_events:increase_3d"] == "increase(frontline:slo_events:total[72m])"
    assert "max_over_time(frontline_slo_events_total[5s])" in expressions["frontline:slo_events:total"]
    assert {group.get("interval") for group in groups_of(text)} == {None, "2s"}
    usual = {str((alert["alert"], alert["labels"])): alert for alert in alerts(SHIPPED)}
    for alert in rules_of(text, "alert"):
        other = usual[str((alert["alert"], alert["labels"]))]
        assert alert.get("for", "").replace("s", "m") == other.get("for", "")
        if alert["alert"] == "FrontlineBudgetBurning":
            assert alert["expr"] == other["expr"]
    silent = next(alert["expr"] for alert in rules_of(text, "alert") if alert["alert"] == "FrontlineSourceSilent")
    assert "frontline:source_silent_seconds > 10\n" in silent
    assert "min_over_time(frontline:site_open[10s])" in silent


def test_silence_is_borne_as_long_as_told(tmp_path: Path) -> None:
    cases = [path for path in put(tmp_path, (), Options(silent_after_seconds=1800)) if path.stem == "pipeline"]
    assert promtool("test", "rules", *cases).returncode == 0
    assert "> 1800\n" in (tmp_path / "rules" / "frontline.yml").read_text()


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command_prints_them() -> None:
    # Of today's promises, which those that are shipped are.
    assert printed() == rules_file(SHIPPED, USUAL)
    path = str(ROOT / "objectives.yaml")
    assert printed("--objectives", path, "--format", "kubernetes") == rules_manifest(SHIPPED, USUAL)
    links = Links("https://f.example.com", "https://g.example.com")
    told = ("--frontline-url", links.frontline_url, "--grafana-url", links.grafana_url, "--silent-after", "90")
    assert printed(*told) == rules_file(SHIPPED, Options(links, 90))
    assert printed(*told, "--speedup", "60") == rules_file(SHIPPED, Options(links, 90, 60))
    assert printed("--format", "tests") == cases_file(SHIPPED, USUAL)


def test_the_command_prints_cases_for_rules_beside_them(tmp_path: Path) -> None:
    objectives = tmp_path / "mine.yaml"
    objectives.write_text(document("calls", "service_level", 0.8, ", threshold: 20s"))
    (tmp_path / "frontline.yml").write_text(printed("--objectives", str(objectives)))
    cases = tmp_path / "cases.yml"
    cases.write_text(printed("--objectives", str(objectives), "--format", "tests"))
    done = promtool("test", "rules", cases)
    assert done.returncode == 0, done.stdout + done.stderr


def test_cases_are_not_for_rehearsals() -> None:
    done = CliRunner().invoke(command, ("--format", "tests", "--speedup", "60"))
    assert done.exit_code == 2
    assert "without --speedup" in done.output
