"""The runbooks: there is one for every alert, the service serves them, and what they tell to do can be done."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import click
import httpx
import pytest
import yaml

from service.app import create_app
from service.cli import main
from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.catalogue.metrics import METRICS
from service.settings import Settings
from service.store import ledger
from service.telemetry import Telemetry
from tests.api.conftest import is_problem

ROOT = Path(__file__).parent.parent.parent
PATHS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in PATHS}
ALERTS = sorted(PAGES.keys() - {"README"})
RULES = [
    rule
    for group in yaml.safe_load((ROOT / "prometheus" / "rules" / "frontline.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
APP = create_app(Settings(), "postgresql://nowhere/nothing")
OPENAPI = APP.openapi()["paths"]
OF_PROMETHEUS = {"up", "ALERTS", "scrape_duration_seconds"}
FUNCTIONS = {"sum", "time", "by", "sort_desc", "increase", "rate", "count", "histogram_quantile"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that needs no database: one reads runbooks when it is away."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(APP), base_url="http://test") as opened:
        yield opened


def test_there_is_one_for_every_alert_and_no_other() -> None:
    assert {rule["alert"] for rule in RULES if "alert" in rule} == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_a_page_says_what_it_means_whom_it_hurts_what_to_look_at_and_what_helps(alert: str) -> None:
    assert PAGES[alert].startswith(f"# {alert}\n\n## ")
    parts = re.split(r"^## (.+)\n", PAGES[alert], flags=re.MULTILINE)[1:]
    assert parts[::2] == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert all(len(text.strip()) > 5 for text in parts[1::2])


async def test_the_index_leads_to_every_page_and_pages_lead_somewhere(client: httpx.AsyncClient) -> None:
    seen, open_ = set(), {"http://test/runbooks"}
    while open_:
        address = open_.pop()
        answer = await client.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        seen.add(address)
        open_ |= {urljoin(address, link) for link in re.findall(r'href="([^"]+)"', answer.text)} - seen
    assert seen == {"http://test/runbooks"} | {f"http://test/runbooks/{alert}" for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS)
async def test_a_page_is_readable_html_that_loads_nothing(client: httpx.AsyncClient, alert: str) -> None:
    answer = await client.get(f"/runbooks/{alert}")
    assert f"<title>{alert}</title>" in answer.text
    assert f"<h1>{alert}</h1>" in answer.text
    assert "<h2>Mitigation</h2>" in answer.text
    assert not re.findall(r"<(?:script|link|img|iframe)|\bsrc=|@import|url\(", answer.text)
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "**" not in re.sub(r"<pre>.*?</pre>", "", answer.text, flags=re.DOTALL)


@pytest.mark.parametrize(
    "name",
    [
        *("FrontlineNothing", "frontlinedown", "README", "FrontlineDown.md", "*", "%00", "%2e%2e", "..%2FREADME"),
        *("..%2F..%2Fpyproject.toml", "..%5C..%5Cpyproject.toml", "%2Fetc%2Fpasswd", "..%2Frunbooks%2FFrontlineDown"),
    ],
)
async def test_nothing_else_is_served(client: httpx.AsyncClient, name: str) -> None:
    is_problem(await client.get(f"/runbooks/{name}"), 404)


def blocks(page: str, language: str) -> Iterator[str]:
    """The fenced blocks of a language, without the indentation that a list gives them."""
    for indentation, told, text in re.findall(r"^( *)```(\w*)\n(.*?)^ *```$", PAGES[page], re.MULTILINE | re.DOTALL):
        if told == language:
            yield re.sub(f"^{indentation}", "", text, flags=re.MULTILINE)


def calls() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for text in blocks(page, ""):
            for address in re.findall(r'"\$F(/[^"]*)"', text):
                yield page, re.sub(r"\$\(.*?\)", "TIME", address)


@pytest.mark.parametrize(("page", "address"), sorted(set(calls())))
def test_calls_are_those_of_this_api(page: str, address: str) -> None:
    parts = urlsplit(address)
    patterns = {path: re.sub(r"{subject}", ".+", re.sub(r"{(?!subject)\w+}", "[^/]+", path)) for path in OPENAPI}
    (path,) = (path for path, pattern in patterns.items() if re.fullmatch(pattern, parts.path))
    known = {one["name"] for one in OPENAPI[path]["get"].get("parameters", []) if one["in"] == "query"}
    asked = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    assert asked.keys() <= known
    assert set(asked.get("kpi", "offered").split(",")) <= KPI_BY_NAME.keys()


@pytest.mark.parametrize("page", PAGES)
def test_operations_that_are_named_are_there(page: str) -> None:
    for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/[^`?]*)`", PAGES[page]):
        assert method.lower() in OPENAPI[path]
    for path in re.findall(r"`(/(?:v1|metrics|readyz|healthz|runbooks)[^`]*)`", PAGES[page]):
        assert path == "/v1" or path in OPENAPI


@pytest.mark.parametrize("page", PAGES)
def test_metrics_that_are_named_are_there(page: str) -> None:
    process = re.findall(r"^# TYPE (\w+)", Telemetry().render().decode(), re.MULTILINE)
    known = {metric.name for metric in METRICS} | set(process) | {rule["record"] for rule in RULES if "record" in rule}
    for name in re.findall(r"\bfrontline[_:][a-z0-9_:]*[a-z0-9]", PAGES[page]):
        assert name.removesuffix("_bucket") in known, name


def expressions(page: str) -> list[str]:
    """One a line; what is indented goes on with the line before."""
    return [one for text in blocks(page, "promql") for one in re.split(r"\n(?! |\Z)", text.strip())]


def test_expressions_are_of_prometheus(tmp_path: Path) -> None:
    found = [one for page in PAGES for one in expressions(page)]
    assert len(found) > 20
    rules = [{"record": f"tried:{number}", "expr": text} for number, text in enumerate(found)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "tried", "rules": rules}]}))
    binary = shutil.which("promtool")
    assert binary, "promtool is not installed; `apt-get install prometheus` brings it"
    done = subprocess.run([binary, "check", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in found:
        bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^]]*\]|\((?:le|job|status|result|instance|[a-z, ]+)\)', "", text)
        names = set(re.findall(r"\b[A-Za-z_][\w:]*", bare)) - FUNCTIONS - OF_PROMETHEUS
        assert all(name.startswith("frontline") for name in names), text


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_variables_are_there(page: str) -> None:
    for name, rest in re.findall(r"(?:`|^ *)frontline ([a-z]+)((?: --?[a-z-]+| [a-z]+)*)", PAGES[page], re.MULTILINE):
        command = main.commands[name]
        words = rest.split()
        if isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-")} <= options
    known = {field.metadata["variable"] for field in Settings.__dataclass_fields__.values()}
    known |= {str(option.envvar) for command in main.commands.values() for option in command.params if option.envvar}
    assert set(re.findall(r"FRONTLINE_[A-Z_]+", PAGES[page])) <= known


def test_the_lock_of_the_timer_is_the_one_that_the_ledger_takes() -> None:
    assert f"l.objid = {ledger._TIMER_LOCK} " in PAGES["FrontlineTimerStalled"]
