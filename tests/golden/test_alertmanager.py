"""The configuration of Alertmanager: what is checked in, where alerts go, and which settings are refused."""

from pathlib import Path

import pytest
import yaml

from service.core.errors import ConfigurationError
from service.generate.alertmanager import Delivery, alertmanager_config
from tests.golden.delivery import (
    AT_RISK,
    BURNING,
    CLOSED,
    DOWN,
    ENVIRONMENTS,
    HOOKS,
    LOGIN,
    MAIL,
    ROOT,
    SILENT,
    SLACK,
    WATCHDOG,
    amtool,
    made,
    run,
)


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
