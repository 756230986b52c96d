"""docker-compose.yml: that Docker Compose takes it, needs its secrets, and lets no service have more than it needs.

What the files beside it say is tested in test_compose_files.py.
"""

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from service import __version__
from service.cli import main
from service.settings import Settings
from tests.golden.composed import NEEDS_SECRETS, ROOT, SECRETS, TEXT, VARIABLES, compose, config, secrets
from tests.golden.dockerfile import stages

CONFIG = config()
SERVICES: dict[str, dict[str, Any]] = CONFIG["services"]
EXAMPLE = (ROOT / ".env.example").read_text()
OURS = {"migrate", "frontline", "simulator"}
ONCE = {"migrate", "configuration"}
FINAL = stages((ROOT / "Dockerfile").read_text())[-1]
each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def test_it_brings_everything() -> None:
    named = {"postgres", "migrate", "frontline", "configuration", "prometheus", "alertmanager", "grafana"}
    assert SERVICES.keys() == named | {"simulator"}
    usual = compose("config", "--services", **secrets())
    assert set(usual.stdout.split()) == named, "the simulator is there in its profile only"


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_without_a_secret_it_does_not_start_and_says_what_to_do(missing: str) -> None:
    refused = compose("config", **{name: value for name, value in secrets().items() if name != missing})
    assert refused.returncode != 0
    assert f"{missing} is missing a value: {NEEDS_SECRETS}" in refused.stderr


def test_there_is_no_secret_in_the_file() -> None:
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if re.search("PASSWORD|_KEY|DATABASE_URL", variable) and value:
                assert any(secret in value for secret in secrets().values()), f"{name}: {variable}"
    for variable, defaults in VARIABLES.items():
        if re.search("PASSWORD|KEY|SECRET|SLACK_URL", variable):
            assert defaults in ({f":?{NEEDS_SECRETS}"}, {""}), variable


def test_the_example_names_every_variable_with_its_default_and_no_other() -> None:
    told = dict(re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert told.keys() == VARIABLES.keys()
    for name, defaults in VARIABLES.items():
        (default,) = defaults
        if name in SECRETS:
            assert re.search(rf"^{name}=$", EXAMPLE, re.MULTILINE), f"{name} is to be filled in"
        elif default:
            assert told[name] == default, name
        else:
            assert re.search(rf"^#{name}=", EXAMPLE, re.MULTILINE), f"{name} is optional"


def make_environment(folder: Path) -> dict[str, str]:
    """Run compose/environment in a folder; what is in .env then."""
    subprocess.run(["/bin/sh", folder / "compose" / "environment"], check=True, capture_output=True)
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", (folder / ".env").read_text(), re.MULTILINE))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "compose").mkdir()
    shutil.copy(ROOT / "compose" / "environment", tmp_path / "compose")
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


def test_secrets_are_made_once_and_for_their_owner_only(checkout: Path) -> None:
    made = make_environment(checkout)
    assert made.keys() == SECRETS
    assert len(set(made.values())) == len(SECRETS)
    assert all(re.fullmatch("[0-9a-f]{48}", secret) for secret in made.values()), "they stand in URLs as they are"
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600
    assert make_environment(checkout) == made
    assert {path.name for path in checkout.iterdir()} == {"compose", ".env", ".env.example"}


def test_what_is_in_the_environment_file_already_stays(checkout: Path) -> None:
    (checkout / ".env").write_text("# mine\nGRAFANA_ADMIN_PASSWORD=a b$$c=d\nPOSTGRES_PASSWORD=\nSIMULATOR_SITES=9\n")
    (checkout / ".env").chmod(0o644)
    made = make_environment(checkout)
    assert made["GRAFANA_ADMIN_PASSWORD"] == "a b$$c=d"
    assert made["SIMULATOR_SITES"] == "9"
    assert all(made[name] for name in SECRETS)
    assert (checkout / ".env").read_text().startswith("# mine\nGRAFANA_ADMIN_PASSWORD=a b$$c=d\nPOSTGRES_PASSWORD=")
    assert stat.S_IMODE((checkout / ".env").stat().st_mode) == 0o600


def test_the_environment_file_is_read_as_the_example_says(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    made = "".join(f"{name}={secret}\n" for name, secret in secrets().items())
    file.write_text(f"{made}FRONTLINE_ALERT_SMTP_PASSWORD='a$b #c'\n")
    done = compose("--env-file", str(file), "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    environment = json.loads(done.stdout)["services"]["configuration"]["environment"]
    assert environment["FRONTLINE_ALERT_SMTP_PASSWORD"] == "a$$b #c", "as printed, a $ stands twice"
    assert "single quotes" in EXAMPLE


@each_service
def test_it_may_do_nothing_that_it_does_not_need(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged", False)
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), "not root, by number"
    assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    for mount in service.get("volumes", []):
        assert "docker.sock" not in mount["source"]
        assert mount["type"] == "volume" or mount["read_only"], mount


@each_service
def test_its_image_is_one_version(name: str) -> None:
    repository, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"v?\d+\.\d+", tag), repository
    if "build" in SERVICES[name]:
        assert SERVICES[name]["image"] == f"ghcr.io/frontline-service/frontline:{__version__}"
        assert SERVICES[name]["user"] == FINAL.last("USER").text
        assert SERVICES[name]["init"], "as process 1 only what handles a signal gets it"


@each_service
def test_it_is_started_again_and_watched_unless_it_runs_once(name: str) -> None:
    service = SERVICES[name]
    check = service.get("healthcheck", {})
    if name in ONCE:
        assert service["restart"] == "no"
        assert check["disable"]
    elif name == "simulator":
        assert service["profiles"] == ["demo"]
        assert check["disable"]
    else:
        assert service["restart"] == "unless-stopped"
        watched = check.get("test") if name != "frontline" else FINAL.last("HEALTHCHECK").text
        assert watched
        assert not check.get("disable", False)


@each_service
def test_it_starts_after_what_it_needs(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if needed in ONCE else "service_healthy"
        assert how["condition"] == wanted, needed


def test_the_order_is_that_of_the_data() -> None:
    needs = {name: set(service.get("depends_on", {})) for name, service in SERVICES.items()}
    assert needs["migrate"] == {"postgres"}
    assert needs["frontline"] == {"postgres", "migrate"}
    assert needs["simulator"] == {"frontline"}
    assert "migrate" in needs["grafana"]
    assert "configuration" in needs["prometheus"] & needs["alertmanager"]


@each_service
def test_its_ports_are_open_to_this_machine_only_unless_told(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port["host_ip"] == "127.0.0.1"
        assert str(port["target"]) == port["published"]
    opened = config(BIND_ADDRESS="0.0.0.0")["services"][name].get("ports", [])
    assert {port["host_ip"] for port in opened} <= {"0.0.0.0"}


def test_the_database_is_reached_by_those_who_need_it_only() -> None:
    assert CONFIG["networks"]["store"]["internal"]
    assert "ports" not in SERVICES["postgres"]
    in_the_store = {name for name, service in SERVICES.items() if "store" in (service.get("networks") or {})}
    assert in_the_store == {"postgres", "migrate", "frontline", "grafana"}
    assert SERVICES["postgres"]["networks"].keys() == {"store"}
    assert SERVICES["configuration"]["network_mode"] == "none"


@pytest.mark.parametrize("name", sorted(OURS))
def test_its_command_is_one_of_frontline(name: str) -> None:
    assert "entrypoint" not in SERVICES[name] or SERVICES[name]["entrypoint"] is None
    command, *arguments = SERVICES[name]["command"]
    assert main.commands[command].make_context(command, list(arguments)).params


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_that_it_gets_is_read(name: str) -> None:
    command = main.commands[SERVICES[name]["command"][0]]
    read = {option.envvar for option in command.params if isinstance(option.envvar, str)}
    if name != "simulator":
        settings = Settings.read(SERVICES[name]["environment"])
        assert settings.database_url
        read |= {field.metadata["variable"] for field in Settings.__dataclass_fields__.values()}
    assert SERVICES[name]["environment"].keys() <= read


def test_a_stop_leaves_time_to_drain() -> None:
    settings = Settings.read(SERVICES["frontline"]["environment"])
    seconds = int(SERVICES["frontline"]["stop_grace_period"].removesuffix("s"))
    assert seconds > settings.drain_seconds + settings.shutdown_delay_seconds + 10


def test_every_volume_is_used_and_no_data_lies_in_a_container() -> None:
    used = {
        mount["source"]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if mount["type"] == "volume"
    }
    assert used == CONFIG["volumes"].keys()
    kept = {
        (name, mount["target"])
        for name, service in SERVICES.items()
        for mount in service.get("volumes", [])
        if mount["type"] == "volume" and not mount.get("read_only")
    }
    assert kept == {
        ("postgres", "/var/lib/postgresql/data"),
        ("configuration", "/etc/frontline"),
        ("prometheus", "/prometheus"),
        ("alertmanager", "/alertmanager"),
        ("grafana", "/var/lib/grafana"),
    }


def test_what_its_head_says_is_so() -> None:
    head = TEXT.partition("\nname:")[0]
    assert SERVICES["grafana"]["ports"][0]["published"] in head
    assert f"localhost:{SERVICES['frontline']['ports'][0]['published']}/docs" in head
