"""The cases of the rules can fail: rules that are a little wrong are found out."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.golden.promtool import SHIPPED, promtool, put

PHONE = SHIPPED[:1]
SERIES = r'\{objective="phone-80-in-20"\}'
WINDOW = r'\{objective="phone-80-in-20",window="month"[^}]*\}'
MUTATIONS: Mapping[str, tuple[str, str, str]] = {
    "one breach in a quiet hour is enough": ("calm", rf"\n *and frontline:slo_events:increase_\w+{SERIES} >= 20", ""),
    "the long span alone": ("burning", rf"and frontline:slo_breach_ratio:(5|30)m{SERIES} > [\d.]+\n", ""),
    "the short span alone": ("burning", rf"frontline:slo_breach_ratio:(15m|1h){SERIES} > [\d.]+\n *and ", ""),
    "an uncapped threshold": ("burning", r"> 0\.8$", "> 1"),
    "a low threshold": ("burning", r"> 0\.6$", "> 0.5"),
    "all are woken": ("burning", "severity: ticket\n( *category: objective)", r"severity: page\n\1"),
    "a day looks back six hours": ("days", r"total\[1d\]", "total[6h]"),
    "the plain counter": ("replicas", r"max_over_time\((frontline_slo_\w+)\[5m\]\)", r"\1"),
    "every replica by itself": ("replicas", r"max without \(instance, pod\)", "max without ()"),
    "two of a few are enough": ("few", r"> 2\.5", "> 1.5"),
    "a moment of failing is enough": ("few", r"\n    for: 10m", ""),
    "two are a long line": ("waits", r"(queue_waiting\S*) >= 3", r"\1 >= 2"),
    "a long wait at its limit": ("waits", r"(longest_wait_seconds\S*) > 60", r"\1 >= 60"),
    "a moment of waiting is enough": ("waits", r"\n    for: 2m", ""),
    "a silent source may tell of lines": ("waits", r"\n *and on \(site\) min by .* < 120", ""),
    "the site's stalest source": ("waits", r"min by \(site\)", "max by (site)"),
    "what is spent is at risk": ("windows", rf"and frontline:window_breaches{WINDOW} <= .*\n", ""),
    "what will just do is at risk": ("windows", "(projected_budget_ratio.*) < 0", r"\1 <= 0"),
    "what is allowed is too much": ("windows", rf"(window_breaches{WINDOW}) > ", r"\1 >= "),
    "too few tell of a window": ("windows", rf"\n *and frontline:window_events{WINDOW} >= 20", ""),
    "what is not settled is spent": ("windows", ',maturity="settled"', ""),
    "no source has to speak": ("pipeline", r"source_silent_seconds > 600", "source_silent_seconds > 1600"),
    "whoever opens should have spoken": ("pipeline", r"min_over_time\((frontline:site_open)\[10m\]\)", r"\1"),
    "sources speak at night": ("pipeline", r"\n *and on \(site\) min_over_time.* == 1", ""),
    "what is retired should speak": ("retired", r"\n *and frontline:source_silent_seconds < 604800", ""),
    "one replica down is all": ("pipeline", r"sum by \(job\) \(up\{", "min by (job) (up{"),
    "one process without the timer": ("pipeline", r"sum by \(job\) \(frontline_timer", "min by (job) (frontline_timer"),
    "any post that fails": ("pipeline", r"> 0\.05", "> 0"),
    "a database that is away for a moment": ("pipeline", r"for: 2m", "for: 1s"),
    "visits that are too many": ("pipeline", r"queue_residual != 0", "queue_residual > 0"),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_rule_that_is_wrong_fails_its_cases(mutation: str, tmp_path: Path) -> None:
    file, right, wrong = MUTATIONS[mutation]
    put(tmp_path, PHONE)
    rules, cases = tmp_path / "rules" / "frontline.yml", tmp_path / "tests" / f"{file}.yml"
    text = rules.read_text()
    changed = re.sub(right, wrong, text, flags=re.MULTILINE)
    assert changed != text
    rules.write_text(changed)
    assert promtool("check", "rules", rules).returncode == 0
    done = promtool("test", "rules", cases)
    assert (done.returncode, "FAILED" in done.stdout + done.stderr) == (1, True)
