"""Ways to be told of alerts, alerts to be told of, and the configuration of Alertmanager made of them."""

import shutil
import subprocess
from pathlib import Path

from click.testing import CliRunner, Result

from service.commands.alertmanager import command

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
