"""The alerts on resources: tills, lines and doors that do not work while somebody could come."""

from collections.abc import Iterator, Mapping

from service.core.levels import DOWN, KINDS, STATES
from service.generate.rules import words
from service.generate.rules.model import Alert
from service.generate.rules.options import MINUTE, Options
from service.generate.rules.promql import any_of

NAME = "FrontlineResourceDown"
SEVERITIES: Mapping[str, str] = {kind: "ticket" if kind == "equipment" else "page" for kind in KINDS}
"""Who is told, by kind: one till of many can wait, a line that nobody can call cannot."""
HELD_SECONDS = 2 * MINUTE


def resource_alerts(options: Options) -> Iterator[Alert]:
    """One for each severity. A resource that sends heartbeats is down as soon as they are missing."""
    for severity in dict.fromkeys(SEVERITIES.values()):
        kinds = any_of(kind for kind, told in SEVERITIES.items() if told == severity)
        yield Alert(
            NAME,
            f'frontline:resources{{state="{STATES[DOWN]}",kind=~{kinds}}} > 0\n'
            "and on (site) frontline:site_open == 1\n",
            labels_of(severity),
            words.resource_down(
                options, "{{ $labels.site }}", "{{ $labels.site | urlquery }}", "{{ $labels.kind }}", "{{ $value }}"
            ),
            options.span(HELD_SECONDS),
        )


def labels_of(severity: str) -> dict[str, str]:
    """The labels that it adds to those of its series."""
    return {"severity": severity, "category": "resources"}
