"""promtool, and objectives of which rules and their cases are put into a folder."""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from service.core.objective import Promise
from service.core.promises import read_promises
from service.generate.rules.cases.files import cases_files
from service.generate.rules.groups import rules_file
from service.generate.rules.options import Options

ROOT = Path(__file__).parent.parent.parent
SHIPPED = read_promises((ROOT / "objectives.yaml").read_text())
BESIDE = "../rules/frontline.yml"
USUAL = Options()

DOCUMENT = """
apiVersion: frontline/v1
kind: SLO
metadata: {{name: {name}{title}}}
spec:
  indicator: {{kpi: {kpi}{indicator}}}
  objectives: [{{target: {target}}}]
  {further}
---
"""


def document(name: str, kpi: str, target: float, indicator: str = "", further: str = "", title: str = "") -> str:
    return DOCUMENT.format(name=name, kpi=kpi, target=target, indicator=indicator, further=further, title=title)


ODD = read_promises(
    document(
        "a.b:c-d_é",
        "service_level",
        0.8,
        ", threshold: 20s, filter: {sites: [vil.nius-1, 'x:y', ž], queues: [a.b], channels: [phone, chat]}",
        "owner: ops.nl\n"
        "  overrides: [{sites: [vil.nius-1], target: 0.95, threshold: 30s}, {sites: [ž], threshold: 1m}]",
        title=", displayName: 'In {{ time }}, \"soon\"'",
    )
    + document(
        "own-burn-rates",
        "wait_p90",
        0.9,
        ", threshold: 90s",
        "alerting: {burnRates: [{factor: 3, long: 1h, short: 5m, severity: page},"
        " {factor: 1.5, long: 5400s, short: 10m, severity: ticket}]}\n  runbook: https://wiki.example.com/{{x}}",
    )
    + document(
        "strict", "accuracy", 0.999, further="timeWindow: [{duration: 1Q, isRolling: false}]\n  minimumEvents: 1"
    )
    + document("of-a-day", "transfer_rate", 0.2, further="timeWindow: [{duration: 1d, isRolling: false}]")
    + document("told-nobody", "resolution_rate", 0.7, further="severity: none")
    + document("polite", "csat", 0.85, ", filter: {dimensions: [courtesy, understanding]}", "severity: ticket")
    + document("safe", "standards_compliance", 0.95, ", filter: {standards: [safety, fire.drill], sites: [a]}")
    + document("few", "escalation_rate", 0.3, further="minimumEvents: 2\n  overrides: [{sites: [a, b], target: 0.1}]")
)


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    binary = shutil.which("promtool")
    assert binary, "promtool is not installed; `apt-get install prometheus` brings it"
    return subprocess.run([binary, *arguments], capture_output=True, text=True, check=False)


def checked(rules: Path) -> None:
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", rules)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "duplicate" not in done.stdout


def put(folder: Path, promises: Sequence[Promise], options: Options = USUAL) -> list[Path]:
    """Rules and their cases in a folder, as they are laid out in the repository; the paths of the cases."""
    rules, cases = folder / "rules" / "frontline.yml", folder / "tests"
    for path in (rules.parent, cases):
        path.mkdir(exist_ok=True)
    rules.write_text(rules_file(promises, options))
    for name, text in cases_files(promises, options, BESIDE).items():
        (cases / name).write_text(text)
    return sorted(cases.iterdir())


def groups_of(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)["groups"]
    return found


def rules_of(text: str, kind: str) -> Iterator[dict[str, Any]]:
    return (rule for group in groups_of(text) for rule in group["rules"] if kind in rule)


def alerts(promises: Sequence[Promise], options: Options = USUAL) -> list[dict[str, Any]]:
    return list(rules_of(rules_file(promises, options), "alert"))
