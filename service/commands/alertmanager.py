"""`frontline alertmanager`: a configuration of Alertmanager, from the environment."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NoReturn
from urllib.parse import urlsplit

import click

from service.core.errors import ConfigurationError
from service.generate.alertmanager import Delivery, Kind, Smtp, Way, alertmanager_config

_EXAMPLES = """\b
Examples:
  frontline alertmanager > alertmanager.yml
  frontline alertmanager --webhook-url https://pager.example.com/in
  FRONTLINE_ALERT_EMAIL_TO=ops@example.com FRONTLINE_ALERT_EMAIL_FROM=frontline@example.com \\
    FRONTLINE_ALERT_SMARTHOST=mail.example.com:587 frontline alertmanager
  FRONTLINE_ALERT_ROUTES='vilnius-.*=webhook:https://lt.example.com/in,riga-1=email:riga@example.com' …
"""
_KINDS = tuple(kind.value for kind in Kind)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`|~-]+"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_SMARTHOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_CHANNEL = re.compile(r"[#@]?[\w.-]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_NOT_IN_URLS = re.compile(r"[^!-~]|[\"<>\\^`{|}]|%(?![0-9A-Fa-f]{2})")
# Of regular expressions, what Python and Alertmanager read alike: no groups with a ?, no braces.
_SITES = re.compile(r"(?:[A-Za-z0-9_.:|()*+?-]|\\[.-]|\[[A-Za-z0-9_.:-]+\])+")
_NOT_ALIKE = re.compile(r"\(\?|[*+?]\+")

_A_PATH = "the absolute path of a file that Alertmanager can read"
_A_PAIR = f"SITES=RECEIVER, such as vilnius-.*=email:ops@example.com; receivers begin with {': or '.join(_KINDS)}:"
_A_URL = "a URL such as https://pager.example.com/in"
_A_SMARTHOST = "HOST:PORT, such as mail.example.com:587"
_AN_ADDRESS = "an address such as ops@example.com"
_A_CHANNEL = "a channel such as #operations"


def _variable(name: str) -> str:
    return f"FRONTLINE_ALERT_{name.upper()}"


def _option(name: str, help_: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    flag = f"--{name.replace('_', '-')}"
    return click.option(flag, name, envvar=_variable(name), default="", show_envvar=True, help=help_)


@click.command("alertmanager", epilog=_EXAMPLES)
@_option("email_to", "Addresses that get pages and tickets, separated by commas.")
@_option("email_from", "The sender of e-mails.")
@_option("smarthost", "The mail server, HOST:PORT; it must offer TLS.")
@_option("smtp_user", "The user there, if it wants one.")
@_option("smtp_password_file", "The file of that user's password, at Alertmanager's place.")
@_option("slack_url_file", "The file of a Slack webhook's URL, at Alertmanager's place.")
@_option("slack_channel", "The channel for pages and tickets, if not that of the webhook.")
@_option("webhook_url", "A URL that pages and tickets are posted to.")
@_option("ticket_webhook_url", "A URL for tickets, if they go elsewhere.")
@_option("watchdog_url", "A dead man's switch, which is posted to every minute while all works.")
@_option("routes", "SITES=RECEIVER, comma separated; a site's alerts go to its own people too.")
@click.option(
    "--speedup",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Divides the times of grouping and repetition, for rehearsals.",
)
def command(speedup: float, **given: str) -> None:
    """Print a configuration of Alertmanager (0.25 or newer): routing, grouping, inhibition and receivers.

    In --routes, SITES is a site or a regular expression of sites, and RECEIVER one of email:ADDRESS, slack:CHANNEL and
    webhook:URL. Of secrets only their files are named; URLs of webhooks are printed.
    """
    delivery = delivery_of({name: value.strip() for name, value in given.items()})
    if not delivery.pages:
        click.echo("nobody gets pages; --help says how to name somebody", err=True)
    click.echo(alertmanager_config(delivery, speedup), nl=False)


def delivery_of(given: Mapping[str, str]) -> Delivery:
    """What the options ask for, by their names; empty ones count as not set.

    Raises ConfigurationError naming the variable, what is wrong with it and what would be right; it quotes no secret.
    """
    everyone: list[Way] = []
    if given["email_to"]:
        addresses = [part.strip() for part in given["email_to"].split(",")]
        for address in addresses:
            _check(_ADDRESS, address, "email_to", f"{_AN_ADDRESS}, or several with commas between them")
        everyone.append(Way(Kind.EMAIL, ", ".join(addresses)))
    if given["slack_url_file"]:
        if given["slack_channel"]:
            _check(_CHANNEL, given["slack_channel"], "slack_channel", _A_CHANNEL)
        everyone.append(Way(Kind.SLACK, given["slack_channel"]))
    for name in ("webhook_url", "ticket_webhook_url", "watchdog_url"):
        _check_url(given[name], name)
    page_url, ticket_url = given["webhook_url"], given["ticket_webhook_url"] or given["webhook_url"]
    sites = _routes(given["routes"])
    kinds = {way.kind for ways in (everyone, *sites.values()) for way in ways}
    return Delivery(
        pages=[*everyone, *_webhook(page_url)],
        tickets=[*everyone, *_webhook(ticket_url)],
        sites=sites,
        watchdog_url=given["watchdog_url"],
        smtp=_smtp(given, is_used=Kind.EMAIL in kinds),
        slack_url_file=_slack(given, is_used=Kind.SLACK in kinds),
    )


def _webhook(url: str) -> list[Way]:
    return [Way(Kind.WEBHOOK, url)] if url else []


def _smtp(given: Mapping[str, str], *, is_used: bool) -> Smtp | None:
    if not is_used:
        # A set-up that is nearly there must not pass for one that works.
        _refuse_if_set(given, ("email_from", "smarthost", "smtp_user", "smtp_password_file"), "e-mail", "email_to")
        return None
    _require(given, "email_from", "e-mail is to be sent", _AN_ADDRESS)
    _require(given, "smarthost", "e-mail is to be sent", _A_SMARTHOST)
    _check(_ADDRESS, given["email_from"], "email_from", _AN_ADDRESS)
    port = _check(_SMARTHOST, given["smarthost"], "smarthost", _A_SMARTHOST).group(1)
    if not 1 <= int(port) <= 65535:
        _refuse("smarthost", f"has the port {port}", f"{_A_SMARTHOST}, with a port from 1 to 65535")
    if given["smtp_user"]:
        _require(given, "smtp_password_file", f"{_variable('smtp_user')} is", _A_PATH)
    if given["smtp_password_file"]:
        _require(given, "smtp_user", f"{_variable('smtp_password_file')} is", "the user whose password that is")
        _check_path(given, "smtp_password_file")
    return Smtp(given["smarthost"], given["email_from"], given["smtp_user"], given["smtp_password_file"])


def _slack(given: Mapping[str, str], *, is_used: bool) -> str:
    if is_used:
        _require(given, "slack_url_file", "messages are to go to Slack", f"{_A_PATH}, which holds the webhook's URL")
        _check_path(given, "slack_url_file")
    else:
        _refuse_if_set(given, ("slack_channel",), "messages in Slack", "slack_url_file")
    return given["slack_url_file"]


def _routes(text: str) -> dict[str, list[Way]]:
    """The ways to the people of sites, by the regular expression of the sites."""
    found: dict[str, list[Way]] = {}
    for pair in text.split(",") if text else ():
        sites, is_pair, receiver = (part.strip() for part in pair.partition("="))
        if not is_pair or not sites or not receiver:
            # Not quoted, as it may hold a part of a URL.
            _refuse("routes", "has a part that is no pair (a comma within a URL is written %2C)", f"pairs of {_A_PAIR}")
        if not _are_sites(sites):
            right = "a site's name or a simple regular expression of names, such as vilnius-.* or riga-[1-3]|tartu"
            _refuse("routes", f"has the sites {sites!r}", right)
        ways = found.setdefault(sites, [])
        way = _way(receiver, sites)
        if way in ways:
            _refuse("routes", f"has the same receiver twice for {sites}", "each pair once")
        ways.append(way)
    return found


def _are_sites(sites: str) -> bool:
    if not _SITES.fullmatch(sites) or _NOT_ALIKE.search(sites):
        return False
    try:
        re.compile(sites)
    except re.error:
        return False
    return True


def _way(receiver: str, sites: str) -> Way:
    kind, _, address = receiver.partition(":")
    if kind not in _KINDS or not address:
        _refuse("routes", f"has no receiver for {sites}", f"pairs of {_A_PAIR}")
    if kind == Kind.EMAIL:
        _check(_ADDRESS, address, "routes", f"{_AN_ADDRESS} for {sites}")
    elif kind == Kind.SLACK:
        _check(_CHANNEL, address, "routes", f"{_A_CHANNEL} for {sites}")
    else:
        _check_url(address, "routes", f" for {sites}")
    return Way(Kind(kind), address)


def _check(pattern: re.Pattern[str], value: str, name: str, right: str) -> re.Match[str]:
    found = pattern.fullmatch(value)
    if found is None:
        _refuse(name, f"has {value!r}" if name == "routes" else f"is {value!r}", right)
    return found


def _check_url(url: str, name: str, where: str = "") -> None:
    """A URL is never quoted, since much of what comes in URLs is a secret."""
    if not url:
        return
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        _refuse(name, f"has a host or a port that can't be read{where}", _A_URL)
    if parts.scheme not in ("http", "https"):
        _refuse(name, f"does not begin with http:// or https://{where}", _A_URL)
    if "@" in parts.netloc:
        _refuse(name, f"has a user or a password in it{where}, which would be printed", f"{_A_URL}, without them")
    if not _HOST.fullmatch(host):
        _refuse(name, f"has no host that can be read{where}", _A_URL)
    if _NOT_IN_URLS.search(url):
        _refuse(name, f"has a character that must be written as %XX{where}", _A_URL)


def _check_path(given: Mapping[str, str], name: str) -> None:
    # Not quoted: it may be the secret itself, put into the wrong place.
    if not PurePosixPath(given[name]).is_absolute() or "\n" in given[name]:
        _refuse(name, "is not an absolute path", _A_PATH)


def _require(given: Mapping[str, str], name: str, because: str, right: str) -> None:
    if not given[name]:
        _refuse(name, f"is not set, but {because}", right)


def _refuse_if_set(given: Mapping[str, str], names: Iterable[str], what: str, wanted: str) -> None:
    for name in names:
        if given[name]:
            right = f"left out, or {_variable(wanted)} or a route in {_variable('routes')} set"
            _refuse(name, f"is set, but nobody gets {what}", right)


def _refuse(name: str, wrong: str, right: str) -> NoReturn:
    raise ConfigurationError(f"{_variable(name)} {wrong}; it must be {right}")
