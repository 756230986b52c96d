"""The commands as a user types them, on a server's database of his own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.conftest import ServiceProcess, free_port

COMMANDS = ("serve", "demo", "replay", "simulate", "report", "rules", "alertmanager", "migrate", "keys")


def frontline(*arguments: str, timeout: float = 120, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRONTLINE_")}
    command = [sys.executable, "-m", "service", *arguments]
    return subprocess.run(
        command, env=environment | settings, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_explains_itself_with_examples(command: str) -> None:
    done = frontline(command, "--help")
    assert done.returncode == 0
    assert "Examples:" in done.stdout
    assert f"frontline {command}" in done.stdout


def test_serving_a_server_that_is_away_says_so_in_a_line() -> None:
    done = frontline("serve", FRONTLINE_DATABASE_URL=f"postgresql://nobody@127.0.0.1:{free_port()}/none")
    assert done.returncode != 0
    assert "Error: the database does not answer" in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_old_schema_is_refused_and_migrated_when_asked(postgres_url: str) -> None:
    refused = frontline("serve", FRONTLINE_DATABASE_URL=postgres_url)
    assert refused.returncode != 0
    assert "run `frontline migrate`" in refused.stderr


def test_keys_are_made_listed_and_revoked(database_url: str) -> None:
    settings = {"FRONTLINE_DATABASE_URL": database_url}
    made = frontline("keys", "create", "--source", "till", "--site", "vilnius-1", **settings)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("fl_ingest_")
    listed = frontline("keys", "list", **settings)
    assert "till" in listed.stdout
    assert made.stdout.strip() not in listed.stdout
    assert frontline("keys", "revoke", "1", **settings).returncode == 0
    assert frontline("keys", "revoke", "1", **settings).returncode != 0


def test_the_pseudonym_key_is_rotated_when_asked_and_refused_where_not(database_url: str) -> None:
    settings = {"FRONTLINE_DATABASE_URL": database_url}
    rotate = ("keys", "rotate-pseudonym")
    assert "customers of before become strangers" in " ".join(frontline(*rotate, "--help").stdout.split())
    first = settings | {"FRONTLINE_PSEUDONYM_KEY": "the first of two long keys"}
    assert "from now on" in frontline(*rotate, "--yes", **first).stdout
    assert "already" in frontline(*rotate, "--yes", **first).stdout
    second = settings | {"FRONTLINE_PSEUDONYM_KEY": "the second of two long keys"}
    assert frontline(*rotate, **second).returncode != 0, "nobody has confirmed it"
    refused = frontline("serve", "--port", str(free_port()), **second)
    assert refused.returncode != 0
    assert "frontline keys rotate-pseudonym" in refused.stderr
    assert "the second of two long keys" not in refused.stderr
    made = frontline(*rotate, "--yes", **settings)
    assert "a new pseudonym key is made" in made.stdout, made.stderr


def test_a_replay_and_a_simulation_reach_the_service(serve: Callable[..., ServiceProcess], tmp_path: Path) -> None:
    service = serve()
    key = service.new_source("file")
    event = {
        "id": "1",
        "source": "till-3",
        "type": "interaction.recorded",
        "time": "2020-01-01T10:00:00Z",
        "subject": "order-1",
        "data": {"site": "shop", "queue": "tills", "channel": "pos", "wait_seconds": 7, "service_seconds": 60},
    }
    file = tmp_path / "events.ndjson"
    file.write_text(f"{json.dumps(event)}\n{json.dumps({**event, 'id': '2', 'time': 'never'})}\n")
    replayed = frontline("replay", str(file), "--url", service.url, "--key", key)
    assert replayed.returncode == 1
    assert "never" in replayed.stderr + replayed.stdout or "time" in replayed.stderr + replayed.stdout
    answer = httpx.get(f"{service.url}/v1/interactions/file/order-1")
    assert answer.status_code == 200

    arguments = ("simulate", "--url", service.url, "--admin-key", service.admin_key, "--sites", "4")
    simulated = frontline(*arguments, "--duration", "2", "--seed", "1", "--backfill", "1")
    assert simulated.returncode == 0, simulated.stderr
    sites = {line["site"] for line in httpx.get(f"{service.url}/v1/live").json()["results"]}
    assert len(sites - {"shop"}) == 4


def test_the_demo_runs_for_as_long_as_it_is_told() -> None:
    done = frontline("demo", "--port", "0", "--seconds", "15", timeout=180)
    assert done.returncode == 0, done.stderr
    assert "/metrics/kpi" in done.stdout
    assert "bank" in done.stdout
