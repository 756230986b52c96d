"""The configuration of Alertmanager: who is told of an alert, when, and which alerts make others needless.

Alertmanager does not expand the environment, so the text is made from it. Only fields that Alertmanager 0.25 knows.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from service.generate.plain_yaml import plain_yaml
from service.generate.rules.options import HOUR, MINUTE, duration

_GROUP_BY = ["alertname", "site", "objective"]
_SAME_SERIES = ["objective", "site", "queue", "channel"]

_HEAD = """\
# How the alerts of Frontline reach people. `frontline alertmanager` makes this file from FRONTLINE_ALERT_… variables,
# which its --help explains; a change by hand does not last. Secrets stand in files that Alertmanager reads itself.
"""
_ON_ROUTES = """\
# An alert goes to the people of its site, where they have a route, and to those of its severity. What has neither
# severity is treated as a ticket, so that no alert is lost.
"""
_ON_INHIBITION = """\
# What is known to be wrong for another reason is told by the alert of that reason alone. No hours or holidays are kept
# here: the service knows those of each site exactly, and FrontlineSiteClosed fires while it is closed.
"""

_SUBJECT = (
    '[{{ if eq .Status "resolved" }}RESOLVED{{ else }}{{ .CommonLabels.severity | toUpper }}{{ end }}] '
    "{{ with .CommonAnnotations.summary }}{{ . }}{{ else }}{{ .GroupLabels.alertname }}"
    "{{ with .GroupLabels.site }} at {{ . }}{{ end }}, {{ len .Alerts }} alerts{{ end }}"
)
_MAIL = """\
{{ range .Alerts }}{{ .Annotations.summary }}

{{ .Annotations.description }}

{{ with .Labels.site }}Site:       {{ . }}
{{ end }}{{ with .Labels.queue }}Queue:      {{ . }}
{{ end }}{{ with .Labels.channel }}Channel:    {{ . }}
{{ end }}{{ with .Labels.objective }}Objective:  {{ . }}
{{ end }}{{ with .Labels.owner }}Owner:      {{ . }}
{{ end }}Since:      {{ .StartsAt.UTC.Format "2006-01-02 15:04:05" }} UTC
{{ if eq .Status "resolved" }}Resolved:   {{ .EndsAt.UTC.Format "2006-01-02 15:04:05" }} UTC
{{ end }}{{ with .Annotations.runbook_url }}What to do: {{ . }}
{{ end }}{{ with .Annotations.breaches_url }}Breaches:   {{ . }}
{{ end }}{{ with .Annotations.dashboard_url }}Dashboard:  {{ . }}
{{ end }}
{{ end }}"""
_SLACK = """\
{{ range .Alerts }}*{{ .Annotations.summary }}*{{ if eq .Status "resolved" }} (resolved){{ end }}
{{ .Annotations.description }}
{{ with .Labels.site }}Site {{ . }}{{ end }}{{ with .Labels.queue }}, queue {{ . }}{{ end }}\
{{ with .Labels.channel }}, channel {{ . }}{{ end }}
{{ with .Annotations.runbook_url }}<{{ . }}|What to do>{{ end }}\
{{ with .Annotations.breaches_url }} · <{{ . }}|Breaches>{{ end }}\
{{ with .Annotations.dashboard_url }} · <{{ . }}|Dashboard>{{ end }}
{{ end }}"""


class Kind(StrEnum):
    """How somebody is reached."""

    EMAIL = "email"
    SLACK = "slack"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to reach somebody: e-mail addresses, a Slack channel (empty: that of the webhook), or a URL."""

    kind: Kind
    address: str


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server, as HOST:PORT, the sender, and how to log in there, if one has to."""

    smarthost: str
    sender: str
    user: str = ""
    password_file: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Who is told of what. `sites` are by a regular expression of site names; nobody is told where there is no way."""

    pages: Sequence[Way] = ()
    tickets: Sequence[Way] = ()
    sites: Mapping[str, Sequence[Way]] = field(default_factory=dict)
    watchdog_url: str = ""
    smtp: Smtp | None = None
    slack_url_file: str = ""


def alertmanager_config(delivery: Delivery, speedup: float = 1) -> str:
    """The configuration, as YAML. `speedup` divides the times of grouping and repetition, for rehearsals."""
    sections = [_HEAD, _global(delivery)]
    sections += [_ON_ROUTES + plain_yaml({"route": _root(delivery, speedup)})]
    sections += [_ON_INHIBITION + "inhibit_rules:\n" + "".join(_inhibitions())]
    sections += [plain_yaml({"receivers": list(_receivers(delivery))})]
    return "\n".join(section for section in sections if section)


def _global(delivery: Delivery) -> str:
    found: dict[str, str] = {}
    if delivery.smtp is not None:
        found |= {"smtp_smarthost": delivery.smtp.smarthost, "smtp_from": delivery.smtp.sender}
        if delivery.smtp.user:
            found["smtp_auth_username"] = delivery.smtp.user
            found["smtp_auth_password_file"] = delivery.smtp.password_file
    if delivery.slack_url_file:
        found["slack_api_url_file"] = delivery.slack_url_file
    return plain_yaml({"global": found}) if found else ""


def _root(delivery: Delivery, speedup: float) -> dict[str, Any]:
    def times(wait: float, interval: float, repeat: float) -> dict[str, str]:
        found = {"group_wait": wait, "group_interval": interval, "repeat_interval": repeat}
        return {name: duration(seconds / speedup) if seconds else "0s" for name, seconds in found.items()}

    page = {"matchers": [_is("severity", "page")], **times(10, MINUTE, HOUR)}
    routes: list[dict[str, Any]] = []
    if delivery.watchdog_url:
        # Alertmanager repeats at the first interval at which `repeat_interval` has passed since the last message left,
        # which was a moment after the interval began. A full minute would so become two.
        routes.append(
            {"matchers": [_is("category", "watchdog")], "receiver": "watchdog", **times(0, MINUTE, MINUTE * 3 / 4)}
        )
    routes.append({"matchers": [_is("severity", "none")], "receiver": "nobody"})
    routes.append({"matchers": [_is("category", "calendar")], "receiver": "nobody"})
    routes += [
        {"matchers": [_is("site", sites, "=~")], "receiver": _of_sites(sites), "continue": True, "routes": [page]}
        for sites in delivery.sites
    ]
    routes.append({**page, "receiver": "pages"})
    routes.append({"receiver": "tickets"})
    usual = times(MINUTE, 10 * MINUTE, 12 * HOUR)
    return {"receiver": "tickets", "group_by": _GROUP_BY, **usual, "routes": routes}


def _inhibitions() -> Iterator[str]:
    objective = [_is("category", "objective")]
    at_risk = [_is("alertname", "FrontlineAtRisk")]
    burning = _is("alertname", "FrontlineBudgetBurning")
    page = [burning, _is("severity", "page")]
    no_kpis = [_is("alertname", "FrontlineDown|FrontlineKpisMissing", "=~")]
    rules: tuple[tuple[str, list[str], list[str], list[str]], ...] = (
        (
            "A site whose source is silent looks better or worse than it is.",
            [_is("alertname", "FrontlineSourceSilent")],
            objective,
            ["site"],
        ),
        ("A closed site keeps nobody waiting.", [_is("alertname", "FrontlineSiteClosed")], objective, ["site"]),
        ("Without KPIs nothing is known of objectives …", no_kpis, objective, []),
        ("… nor of sources.", no_kpis, [_is("alertname", "FrontlineSourceSilent")], []),
        ("A budget that burns fast burns slowly too …", page, [burning, _is("severity", "ticket")], _SAME_SERIES),
        ("… and is at risk.", page, at_risk, _SAME_SERIES),
        (
            "What is exhausted is at risk no more.",
            [_is("alertname", "FrontlineBudgetExhausted")],
            at_risk,
            _SAME_SERIES,
        ),
    )
    for why, source, target, equal in rules:
        rule: dict[str, list[str]] = {"source_matchers": source, "target_matchers": target}
        if equal:
            rule["equal"] = equal
        yield f"# {why}\n{plain_yaml([rule])}"


def _receivers(delivery: Delivery) -> Iterator[dict[str, Any]]:
    yield {"name": "nobody"}
    yield _receiver("pages", delivery.pages)
    yield _receiver("tickets", delivery.tickets)
    for sites, ways in delivery.sites.items():
        yield _receiver(_of_sites(sites), ways)
    if delivery.watchdog_url:
        # Its silence is what tells, so its end must not be told as one more message.
        yield {"name": "watchdog", "webhook_configs": [{"url": delivery.watchdog_url, "send_resolved": False}]}


def _receiver(name: str, ways: Iterable[Way]) -> dict[str, Any]:
    receiver: dict[str, Any] = {"name": name}
    for way in ways:
        receiver.setdefault(f"{way.kind.value}_configs", []).append(_config(way))
    return receiver


def _config(way: Way) -> dict[str, Any]:
    if way.kind is Kind.WEBHOOK:
        return {"url": way.address, "send_resolved": True}
    if way.kind is Kind.EMAIL:
        # Without `html: ""` Alertmanager adds its own page, which knows nothing of the links.
        headers = {"Subject": _SUBJECT}
        return {"to": way.address, "send_resolved": True, "headers": headers, "html": "", "text": _MAIL}
    channel = {"channel": way.address} if way.address else {}
    link = "{{ (index .Alerts 0).Annotations.dashboard_url }}"
    return {**channel, "send_resolved": True, "title": _SUBJECT, "title_link": link, "text": _SLACK}


def _of_sites(sites: str) -> str:
    return f"sites:{sites}"


def _is(label: str, value: str, operator: str = "=") -> str:
    return f"{label}{operator}{json.dumps(value)}"
