"""The configuration of Alertmanager: what is checked in, what amtool and Alertmanager itself make of it."""

import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from service.commands.alertmanager import command
from service.core.errors import ConfigurationError
from service.generate.alertmanager import Delivery, alertmanager_config
from tests.end_to_end.alertmanager import Alertmanager, Webhook

_numbers = itertools.count(1)
ROOT = Path(__file__).parent.parent.parent
MAIL = {
    "EMAIL_TO": "ops@example.com, night@example.com",
    "EMAIL_FROM": "frontline@example.com",
    "SMARTHOST": "mail.example.com:587",
}
LOGIN = {"SMTP_USER": "frontline", "SMTP_PASSWORD_FILE": "/etc/alertmanager/password"}
SLACK = {"SLACK_URL_FILE": "/etc/alertmanager/slack-url", "SLACK_CHANNEL": "#operations"}
HOOKS = {
    "WEBHOOK_URL": "https://pager.example.com/in?team=a",
    "TICKET_WEBHOOK_URL": "http://[::1]:9000/tickets",
    "WATCHDOG_URL": "https://switch.example.com/beat",
}
ROUTES = {
    "ROUTES": r"vilnius-.*=webhook:https://lt.example.com/in?a=b,riga-[1-3]|tartu=email:riga@example.com, "
    r"riga-[1-3]|tartu=slack:#baltics,shop\.7=email:shop@example.com"
}
ENVIRONMENTS = {
    "nothing": {},
    "mail": MAIL,
    "mail with a login": MAIL | LOGIN,
    "slack": SLACK,
    "slack, the webhook's channel": {"SLACK_URL_FILE": "/etc/alertmanager/slack-url"},
    "webhooks": HOOKS,
    "all": MAIL | LOGIN | SLACK | HOOKS | ROUTES,
    "routes only": {**ROUTES, **MAIL, "EMAIL_TO": "", "SLACK_URL_FILE": "/etc/alertmanager/slack-url"},
}
BURNING = {"alertname": "FrontlineBudgetBurning", "severity": "page", "category": "objective"}
AT_RISK = {"alertname": "FrontlineAtRisk", "severity": "ticket", "category": "objective"}
EXHAUSTED = {"alertname": "FrontlineBudgetExhausted", "severity": "ticket", "category": "objective"}
SILENT = {"alertname": "FrontlineSourceSilent", "severity": "ticket", "category": "pipeline", "source": "pos-vendor"}
CLOSED = {"alertname": "FrontlineSiteClosed", "severity": "none", "category": "calendar"}
DOWN = {"alertname": "FrontlineDown", "severity": "page", "category": "pipeline", "job": "frontline"}
MISSING = {"alertname": "FrontlineKpisMissing", "severity": "page", "category": "pipeline"}
WATCHDOG = {"alertname": "FrontlineWatchdog", "severity": "none", "category": "watchdog"}
SERIES = {"objective": "till-90-in-180", "queue": "tills", "channel": "pos"}


def run(variables: dict[str, str], *arguments: str) -> Result:
    environment = {f"FRONTLINE_ALERT_{name}": value for name, value in variables.items()}
    return CliRunner().invoke(command, arguments, env=environment)


def made(variables: dict[str, str], *arguments: str) -> str:
    """The configuration of an environment."""
    result = run(variables, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def amtool(*arguments: str | Path) -> str:
    binary = shutil.which("amtool")
    assert binary, "amtool is not installed; `apt-get install prometheus-alertmanager` brings it"
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_file_is_the_one_that_is_checked_in() -> None:
    text = (ROOT / "prometheus" / "alertmanager.yml").read_text(encoding="utf-8")
    assert text == alertmanager_config(Delivery()), "`make generate` writes it again"
    assert text == made({})


@pytest.mark.parametrize("variables", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
@pytest.mark.parametrize("arguments", [(), ("--speedup", "120")], ids=["", "sped up"])
def test_amtool_accepts_it(variables: dict[str, str], arguments: tuple[str, ...], tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(made(variables, *arguments))
    assert "SUCCESS" in amtool("check-config", config)


ROUTED = [
    ({**BURNING, "site": "oslo"}, "pages"),
    ({**AT_RISK, "site": "oslo"}, "tickets"),
    (DOWN, "pages"),
    ({"alertname": "SomebodyElses", "severity": "critical"}, "tickets"),
    (WATCHDOG, "watchdog"),
    ({**CLOSED, "site": "vilnius-1"}, "nobody"),
    ({**CLOSED, "severity": "page", "site": "vilnius-1"}, "nobody"),
    ({**BURNING, "severity": "none", "site": "vilnius-1"}, "nobody"),
    ({**BURNING, "site": "vilnius-1"}, "sites:vilnius-.*,pages"),
    ({**AT_RISK, "site": "vilnius-1"}, "sites:vilnius-.*,tickets"),
    ({**SILENT, "site": "vilnius-1"}, "sites:vilnius-.*,tickets"),
    ({**BURNING, "site": "riga-3"}, "sites:riga-[1-3]|tartu,pages"),
    ({**BURNING, "site": "tartu"}, "sites:riga-[1-3]|tartu,pages"),
    ({**BURNING, "site": "riga-33"}, "pages"),
    ({**AT_RISK, "site": "shop.7"}, r"sites:shop\.7,tickets"),
    ({**AT_RISK, "site": "shop-7"}, "tickets"),
]


@pytest.mark.parametrize(("labels", "receivers"), ROUTED)
def test_labels_reach_their_receivers(labels: dict[str, str], receivers: str, tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(made(ENVIRONMENTS["all"]))
    pairs = [f"{name}={value}" for name, value in labels.items()]
    assert amtool("config", "routes", "test", f"--config.file={config}", *pairs).strip() == receivers


def test_without_a_switch_the_watchdog_reaches_nobody(tmp_path: Path) -> None:
    config = tmp_path / "alertmanager.yml"
    config.write_text(made({}))
    pairs = [f"{name}={value}" for name, value in WATCHDOG.items()]
    assert amtool("config", "routes", "test", f"--config.file={config}", *pairs).strip() == "nobody"


def test_everybody_is_reached_in_every_way_that_is_set() -> None:
    config = yaml.safe_load(made(ENVIRONMENTS["all"]))
    reached = {
        receiver["name"]: sorted(
            (kind, one.get("to") or one.get("url") or one["channel"])
            for kind, ways in receiver.items()
            if kind != "name"
            for one in ways
        )
        for receiver in config["receivers"]
    }
    everybody = [("email_configs", MAIL["EMAIL_TO"]), ("slack_configs", "#operations")]
    assert reached == {
        "nobody": [],
        "pages": [*everybody, ("webhook_configs", HOOKS["WEBHOOK_URL"])],
        "tickets": [*everybody, ("webhook_configs", HOOKS["TICKET_WEBHOOK_URL"])],
        "sites:vilnius-.*": [("webhook_configs", "https://lt.example.com/in?a=b")],
        "sites:riga-[1-3]|tartu": [("email_configs", "riga@example.com"), ("slack_configs", "#baltics")],
        r"sites:shop\.7": [("email_configs", "shop@example.com")],
        "watchdog": [("webhook_configs", HOOKS["WATCHDOG_URL"])],
    }
    assert config["global"] == {
        "smtp_smarthost": MAIL["SMARTHOST"],
        "smtp_from": MAIL["EMAIL_FROM"],
        "smtp_auth_username": LOGIN["SMTP_USER"],
        "smtp_auth_password_file": LOGIN["SMTP_PASSWORD_FILE"],
        "slack_api_url_file": SLACK["SLACK_URL_FILE"],
    }


def test_tickets_go_where_pages_go_unless_told() -> None:
    receivers = {one["name"]: one for one in yaml.safe_load(made({"WEBHOOK_URL": "http://hook/in"}))["receivers"]}
    assert receivers["tickets"]["webhook_configs"] == receivers["pages"]["webhook_configs"]
    assert receivers["pages"]["webhook_configs"][0]["url"] == "http://hook/in"


def test_a_speedup_divides_all_times() -> None:
    def times(*arguments: str) -> list[str]:
        config = yaml.safe_load(made({**HOOKS, "ROUTES": "riga=webhook:http://hook/in"}, *arguments))
        found = []
        routes = [config["route"]]
        while routes:
            route = routes.pop(0)
            found += [route[name] for name in ("group_wait", "group_interval", "repeat_interval") if name in route]
            routes += route.get("routes", [])
        return found

    page, ticket, watchdog = ["10s", "1m", "1h"], ["1m", "10m", "12h"], ["0s", "1m", "45s"]
    assert times() == [*ticket, *watchdog, *page, *page]
    page, ticket, watchdog = ["83ms", "500ms", "30s"], ["500ms", "5s", "6m"], ["0s", "500ms", "375ms"]
    assert times("--speedup", "120") == [*ticket, *watchdog, *page, *page]


def test_it_is_said_when_nobody_is_told() -> None:
    assert "nobody gets pages" in run({}).stderr
    assert run(MAIL).stderr == ""


REFUSED = [
    ({**MAIL, "EMAIL_TO": "ops@example.com, nonsense"}, "EMAIL_TO", "'nonsense'", "ops@example.com"),
    ({**MAIL, "EMAIL_TO": "{{ .x }}@example.com"}, "EMAIL_TO", "{{ .x }}", "ops@example.com"),
    ({**MAIL, "EMAIL_FROM": ""}, "EMAIL_FROM", "not set", "ops@example.com"),
    ({**MAIL, "EMAIL_FROM": "frontline"}, "EMAIL_FROM", "'frontline'", "ops@example.com"),
    ({**MAIL, "SMARTHOST": ""}, "SMARTHOST", "not set", "HOST:PORT"),
    ({**MAIL, "SMARTHOST": "mail.example.com"}, "SMARTHOST", "'mail.example.com'", "HOST:PORT"),
    ({**MAIL, "SMARTHOST": "mail.example.com:70000"}, "SMARTHOST", "70000", "1 to 65535"),
    ({**MAIL, "SMTP_USER": "frontline"}, "SMTP_PASSWORD_FILE", "not set", "absolute path"),
    ({**MAIL, "SMTP_PASSWORD_FILE": "/etc/p"}, "SMTP_USER", "not set", "the user"),
    ({**MAIL, **LOGIN, "SMTP_PASSWORD_FILE": "hunter2"}, "SMTP_PASSWORD_FILE", "not an absolute", "absolute path"),
    ({"SMARTHOST": "mail.example.com:587"}, "SMARTHOST", "nobody gets e-mail", "FRONTLINE_ALERT_EMAIL_TO"),
    ({"SLACK_CHANNEL": "#operations"}, "SLACK_CHANNEL", "nobody", "FRONTLINE_ALERT_SLACK_URL_FILE"),
    ({**SLACK, "SLACK_CHANNEL": "# operations"}, "SLACK_CHANNEL", "'# operations'", "#operations"),
    ({"SLACK_URL_FILE": "https://hooks.example.com/hunter2"}, "SLACK_URL_FILE", "not an absolute", "absolute path"),
    ({"WEBHOOK_URL": "pager.example.com/hunter2"}, "WEBHOOK_URL", "http://", "https://pager.example.com/in"),
    ({"WEBHOOK_URL": "https://"}, "WEBHOOK_URL", "no host", "https://pager.example.com/in"),
    ({"WEBHOOK_URL": "https://pager.example.com:x/"}, "WEBHOOK_URL", "port", "https://pager.example.com/in"),
    ({"WEBHOOK_URL": "https://me:hunter2@pager.example.com/"}, "WEBHOOK_URL", "a password", "without them"),
    ({"WEBHOOK_URL": "https://pager.example.com/%hunter2"}, "WEBHOOK_URL", "%XX", "https://pager.example.com/in"),
    ({"TICKET_WEBHOOK_URL": "ftp://hunter2"}, "TICKET_WEBHOOK_URL", "http://", "https://pager.example.com/in"),
    ({"WATCHDOG_URL": "https://switch.example.com/a b"}, "WATCHDOG_URL", "%XX", "https://pager.example.com/in"),
    ({"ROUTES": "riga-1"}, "ROUTES", "no pair", "SITES=RECEIVER"),
    ({"ROUTES": "riga-1=webhook:http://hook/a,hunter2"}, "ROUTES", "no pair", "SITES=RECEIVER"),
    ({"ROUTES": "riga-1=sms:5550100"}, "ROUTES", "no receiver for riga-1", "email: or slack: or webhook:"),
    ({"ROUTES": "riga-1=webhook:hook/hunter2"}, "ROUTES", "http://", "https://pager.example.com/in"),
    ({"ROUTES": "riga-1=slack:#a b", **SLACK}, "ROUTES", "'#a b'", "#operations"),
    ({"ROUTES": "riga-1=slack:#a"}, "SLACK_URL_FILE", "not set", "absolute path"),
    ({"ROUTES": "riga-1=email:riga", **MAIL}, "ROUTES", "'riga'", "ops@example.com"),
    ({"ROUTES": "riga-1=email:riga@example.com"}, "EMAIL_FROM", "not set", "ops@example.com"),
    ({"ROUTES": "riga-1=webhook:http://a/,riga-1=webhook:http://a/"}, "ROUTES", "twice for riga-1", "once"),
    *(
        ({"ROUTES": f"{sites}=webhook:http://hook/in"}, "ROUTES", repr(sites), "regular expression")
        for sites in ("riga 1", "riga-(1", "*", "riga-*+", "(?!riga).*", "[z-a]", 'riga"', "riga-{2}", r"\d")
    ),
]


@pytest.mark.parametrize(("variables", "name", "wrong", "right"), REFUSED)
def test_a_bad_variable_is_refused_by_name(variables: dict[str, str], name: str, wrong: str, right: str) -> None:
    error = run(variables).exception
    assert isinstance(error, ConfigurationError)
    problem, _, remedy = str(error).partition("; it must be ")
    assert problem.startswith(f"FRONTLINE_ALERT_{name} ")
    assert wrong in problem
    assert right in remedy
    assert "hunter2" not in str(error)


def alert(status: str = "firing", site: str = "vilnius-1", number: int = 1) -> dict[str, Any]:
    """An alert as templates see it."""
    links = {name: f"http://f/{name}?a={site}&b={number}" for name in ("dashboard_url", "runbook_url", "breaches_url")}
    return {
        "status": status,
        "labels": {**BURNING, **SERIES, "site": site, "owner": "operations"},
        "annotations": {"summary": f"{site}: burning {number}", "description": "12 of 40 waited too long.", **links},
        "startsAt": "2026-11-21T09:15:00+02:00",
        "endsAt": "2026-11-21T10:15:00+02:00",
    }


def rendered(template: str, folder: Path, *alerts: dict[str, Any]) -> str:
    """What amtool makes of a template for a message of some alerts."""

    def common(part: str) -> dict[str, str]:
        return dict(set.intersection(*(set(one[part].items()) for one in alerts)))

    data = {
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "alerts": alerts,
        "groupLabels": {
            name: alerts[0]["labels"][name] for name in ("alertname", "site") if "site" in alerts[0]["labels"]
        },
        "commonLabels": common("labels"),
        "commonAnnotations": common("annotations"),
    }
    (folder / "data.json").write_text(json.dumps(data))
    empty = folder / "empty.tmpl"
    empty.write_text("")
    arguments = (f"--template.glob={empty}", f"--template.text={template}", f"--template.data={folder / 'data.json'}")
    return amtool("template", "render", *arguments)


@pytest.fixture(scope="module")
def pages() -> dict[str, Any]:
    """The receiver of pages, with mail and Slack."""
    receivers = yaml.safe_load(made(MAIL | SLACK))["receivers"]
    found: dict[str, Any] = next(one for one in receivers if one["name"] == "pages")
    return found


def test_a_subject_says_what_it_is_about(pages: dict[str, Any], tmp_path: Path) -> None:
    (mail,), (slack,) = pages["email_configs"], pages["slack_configs"]
    subject = mail["headers"]["Subject"]
    assert slack["title"] == subject
    assert rendered(subject, tmp_path, alert()).strip() == "[PAGE] vilnius-1: burning 1"
    assert rendered(subject, tmp_path, alert("resolved")).strip() == "[RESOLVED] vilnius-1: burning 1"
    several = rendered(subject, tmp_path, alert(number=1), alert(number=2))
    assert several.strip() == "[PAGE] FrontlineBudgetBurning at vilnius-1, 2 alerts"


def test_a_mail_tells_of_each_alert_with_its_links(pages: dict[str, Any], tmp_path: Path) -> None:
    text = rendered(pages["email_configs"][0]["text"], tmp_path, alert(number=1), alert("resolved", number=2))
    first, second = text.split("vilnius-1: burning ")[1:]
    for number, part in ((1, first), (2, second)):
        lines = [line.strip() for line in part.splitlines()]
        assert "12 of 40 waited too long." in lines
        assert "Site:       vilnius-1" in lines
        assert "Queue:      tills" in lines
        assert "Channel:    pos" in lines
        assert "Objective:  till-90-in-180" in lines
        assert "Owner:      operations" in lines
        assert "Since:      2026-11-21 07:15:00 UTC" in lines
        assert ("Resolved:   2026-11-21 08:15:00 UTC" in lines) == (number == 2)
        assert f"What to do: http://f/runbook_url?a=vilnius-1&b={number}" in lines
        assert f"Breaches:   http://f/breaches_url?a=vilnius-1&b={number}" in lines
        assert f"Dashboard:  http://f/dashboard_url?a=vilnius-1&b={number}" in lines


def test_a_message_in_slack_has_the_links(pages: dict[str, Any], tmp_path: Path) -> None:
    (slack,) = pages["slack_configs"]
    text = rendered(slack["text"], tmp_path, alert(), alert("resolved", number=2))
    assert "*vilnius-1: burning 1*\n12 of 40 waited too long.\nSite vilnius-1, queue tills, channel pos\n" in text
    assert "*vilnius-1: burning 2* (resolved)\n" in text
    for name, title in (("runbook", "What to do"), ("breaches", "Breaches"), ("dashboard", "Dashboard")):
        assert f"<http://f/{name}_url?a=vilnius-1&b=2|{title}>" in text
    link = rendered(slack["title_link"], tmp_path, alert())
    assert link.strip() == "http://f/dashboard_url?a=vilnius-1&b=1"


def test_what_has_no_site_leaves_no_gap(pages: dict[str, Any], tmp_path: Path) -> None:
    down = {**alert(), "labels": DOWN, "annotations": {"summary": "No target answers", "description": "For 1 m."}}
    (mail,), (slack,) = pages["email_configs"], pages["slack_configs"]
    assert rendered(mail["headers"]["Subject"], tmp_path, down).strip() == "[PAGE] No target answers"
    text = rendered(mail["text"], tmp_path, down)
    assert [line for line in text.splitlines() if line] == [
        "No target answers",
        "For 1 m.",
        "Since:      2026-11-21 07:15:00 UTC",
    ]
    assert "Site" not in rendered(slack["text"], tmp_path, down)


def hooked(webhook: Webhook, speedup: float) -> str:
    variables = {name: f"{webhook.url}/{name.lower()}" for name in HOOKS}
    return made({**variables, "ROUTES": f"vilnius-.*=webhook:{webhook.url}/vilnius"}, "--speedup", str(speedup))


def sites(alerts: list[dict[str, Any]], name: str) -> set[str]:
    return {one["labels"].get("site", "") for one in alerts if one["labels"]["alertname"] == name}


@pytest.mark.parametrize("source", [SILENT, CLOSED], ids=lambda source: source["alertname"])
def test_a_page_of_a_site_is_held_back_and_comes_when_the_reason_ends(source: dict[str, str], tmp_path: Path) -> None:
    with Webhook() as webhook, Alertmanager(tmp_path, hooked(webhook, 40)) as alertmanager:
        reason = {**source, "site": "vilnius-1"}
        held = {**BURNING, **SERIES, "site": "vilnius-1", "tier": "fast"}
        free = {**held, "site": "vilnius-2"}
        alertmanager.fire(reason, held, free, summary="Burning", runbook_url="http://f/runbooks/x")
        # Both wait for the same time, so the one would be here when the other is; and once more after an interval.
        webhook.wait(lambda: sites(webhook.alerts(path="/webhook_url"), "FrontlineBudgetBurning"))
        alertmanager.fire({**free, "tier": "slow"})
        webhook.wait(lambda: {one["labels"]["tier"] for one in webhook.alerts(path="/webhook_url")} >= {"slow"})
        for path in ("/webhook_url", "/vilnius"):
            assert sites(webhook.alerts(path=path), "FrontlineBudgetBurning") == {"vilnius-2"}
        (page, *_) = webhook.alerts(path="/webhook_url")
        assert page["labels"] == free
        assert page["annotations"] == {"summary": "Burning", "runbook_url": "http://f/runbooks/x"}
        alertmanager.resolve(reason)
        webhook.wait(lambda: "vilnius-1" in sites(webhook.alerts(path="/webhook_url"), "FrontlineBudgetBurning"))
        webhook.wait(lambda: "vilnius-1" in sites(webhook.alerts(path="/vilnius"), "FrontlineBudgetBurning"))
        alertmanager.resolve(held)
        for path in ("/webhook_url", "/vilnius"):
            webhook.wait(partial(webhook.alerts, "resolved", path))
            assert webhook.alerts("resolved", path)[0]["labels"] == held
        assert not sites(webhook.alerts(), "FrontlineSiteClosed")


INHIBITED = [
    (SILENT, AT_RISK | SERIES, "site"),
    (SILENT, EXHAUSTED | SERIES, "site"),
    (CLOSED, AT_RISK | SERIES, "site"),
    (DOWN, BURNING | SERIES, ""),
    (DOWN, SILENT, ""),
    (MISSING, AT_RISK | SERIES, ""),
    (MISSING, SILENT, ""),
    (BURNING | SERIES, BURNING | SERIES | {"severity": "ticket"}, "site queue channel objective"),
    (BURNING | SERIES, AT_RISK | SERIES, "site queue channel objective"),
    (EXHAUSTED | SERIES, AT_RISK | SERIES, "site queue channel objective"),
]
NOT_INHIBITED = [
    (BURNING | SERIES | {"severity": "ticket"}, AT_RISK | SERIES),
    (BURNING | SERIES, EXHAUSTED | SERIES),
    (AT_RISK | SERIES, BURNING | SERIES),
    (SILENT, DOWN),
    (SILENT, MISSING),
    (WATCHDOG, BURNING | SERIES),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """An Alertmanager with the file that is checked in."""
    text = (ROOT / "prometheus" / "alertmanager.yml").read_text(encoding="utf-8")
    with Alertmanager(tmp_path_factory.mktemp("alertmanager"), text) as alertmanager:
        yield alertmanager


def inhibited(running: Alertmanager, source: dict[str, str], target: dict[str, str]) -> bool:
    """Whether Alertmanager holds one alert back because of another, with nothing else there; sites get a new name."""
    number = next(_numbers)
    source, target = ({**one, "site": f"{one['site']}-{number}"} if "site" in one else one for one in (source, target))
    # Alertmanager takes note of alerts one by one: once the last has its effect, so have all before it.
    last = {**SILENT, "site": f"last-{number}"}, {**BURNING, **SERIES, "site": f"last-{number}"}
    running.fire(source, target, *last)
    try:
        deadline = time.monotonic() + 30
        while not _held_back(running, last[1]):
            assert time.monotonic() < deadline
        return _held_back(running, target)
    finally:
        running.resolve(source, target, *last)


def _held_back(running: Alertmanager, labels: dict[str, str]) -> bool:
    (found,) = (one for one in running.alerts() if one["labels"] == labels)
    return bool(found["status"]["inhibitedBy"])


@pytest.mark.parametrize(("source", "target", "equal"), INHIBITED)
def test_an_alert_makes_another_needless(
    running: Alertmanager, source: dict[str, str], target: dict[str, str], equal: str
) -> None:
    source, target = {**source, "site": "oslo"}, {**target, "site": "oslo"}
    assert inhibited(running, source, target)
    for label in equal.split():
        assert not inhibited(running, source, {**target, label: "another"}), label


@pytest.mark.parametrize(("source", "target"), NOT_INHIBITED)
def test_an_alert_leaves_others_alone(running: Alertmanager, source: dict[str, str], target: dict[str, str]) -> None:
    assert not inhibited(running, {**source, "site": "oslo"}, {**target, "site": "oslo"})


def test_down_takes_no_site(running: Alertmanager) -> None:
    assert inhibited(running, DOWN, {**BURNING, **SERIES, "site": "oslo"})
    assert inhibited(running, MISSING, {**SILENT, "site": "oslo"})


def test_the_switch_is_posted_to_at_every_interval_and_never_told_of_an_end(tmp_path: Path) -> None:
    def beats() -> list[float]:
        return [payload["received_at"] for payload in webhook.payloads if payload["path"] == "/watchdog_url"]

    with Webhook() as webhook, Alertmanager(tmp_path, hooked(webhook, 40)) as alertmanager:
        alertmanager.fire(WATCHDOG)
        webhook.wait(lambda: len(beats()) >= 4)
        gaps = [later - earlier for earlier, later in zip(beats(), beats()[1:], strict=False)]
        assert max(gaps) < 2.5, "an interval takes 1.5 s"
        assert min(gaps) > 0.7
        alertmanager.resolve(WATCHDOG)
        control = {**BURNING, **SERIES, "site": "oslo"}
        alertmanager.fire(control)
        webhook.wait(lambda: webhook.alerts(path="/webhook_url"))
        alertmanager.resolve(control)
        webhook.wait(lambda: webhook.alerts("resolved", "/webhook_url"))
        assert not webhook.alerts("resolved", "/watchdog_url")
