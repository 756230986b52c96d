"""The cases as files of `promtool test rules`."""

from collections.abc import Mapping, Sequence

from service.core.objective import Promise
from service.generate.rules.cases.burning import (
    burning_cases,
    burning_verbatim,
    calm_cases,
    long_cases,
    rare_cases,
    replica_cases,
)
from service.generate.rules.cases.lines import waiting_cases, window_cases
from service.generate.rules.cases.matters import matter_cases
from service.generate.rules.cases.model import Case
from service.generate.rules.cases.pipeline import pipeline_cases, retired_cases
from service.generate.rules.cases.resources import resource_cases
from service.generate.rules.groups import groups
from service.generate.rules.model import written
from service.generate.rules.options import Options
from service.generate.rules.variants import variants


def cases_files(promises: Sequence[Promise], options: Options, rules: str) -> Mapping[str, str]:
    """The text of each file by its name; `rules` is the path from them to the rules."""
    order = _order(promises, options)
    every = _cases(promises, options)
    return {f"{name}.yml": _file(cases, cases[0].step, order, rules) for name, cases in every.items()}


def cases_file(promises: Sequence[Promise], options: Options, rules: str = "frontline.yml") -> str:
    """All cases that look at every minute, in one file."""
    cases = [case for cases in _cases(promises, options).values() for case in cases if case.step == 1]
    return _file(cases, 1, _order(promises, options), rules)


def _file(cases: Sequence[Case], step: int, order: Sequence[str], rules: str) -> str:
    return written(
        {
            "rule_files": [rules],
            "evaluation_interval": f"{step}m",
            "group_eval_order": order,
            "tests": [case.content() for case in cases],
        }
    )


def _cases(promises: Sequence[Promise], options: Options) -> Mapping[str, Sequence[Case]]:
    found = variants(promises, options)
    of_objectives = {
        "burning": [*burning_cases(found), *burning_verbatim(found, options)],
        "calm": [*calm_cases(found)],
        "days": [*long_cases(found)],
        "few": [*rare_cases(found)],
        "replicas": [*replica_cases(found)],
        "waits": [*waiting_cases(found, options)],
        "windows": [*window_cases(found, options)],
    }
    others = {
        "matters": [*matter_cases(options)],
        "pipeline": [*pipeline_cases(options)],
        "resources": [*resource_cases(options)],
        "retired": [*retired_cases()],
    }
    return {name: cases for name, cases in ((of_objectives if found else {}) | others).items() if cases}


def _order(promises: Sequence[Promise], options: Options) -> Sequence[str]:
    """What is recorded comes first, so that alerts see what was recorded at the same moment."""
    return [group.name for group in groups(variants(promises, options), options)]
