"""Sources as a user brings them: a mapping that is tried, a webhook, what it could not read, and tables of history."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.end_to_end.conftest import ServiceProcess

MAPPING = {
    "rules": [
        {
            "type": "queued",
            "when": "event == 'ticket_taken'",
            "id": "number",
            "time": {"of": "at", "format": "epoch_seconds"},
            "subject": "number",
            "data": {"site": "branch", "queue": "desk", "channel": {"value": "pos"}},
        }
    ],
    "sites": {"B1": "vilnius-1"},
    "key": {"header": "X-Desk-Key", "prefix": ""},
}
TICKET = {"event": "ticket_taken", "number": 17, "at": 1763711400, "branch": "B2", "desk": "front"}


def frontline(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FRONTLINE_")}
    command = [sys.executable, "-m", "service", *arguments]
    environment |= settings | {"COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_mapping_is_tried_before_it_is_used(tmp_path: Path) -> None:
    mapping, sample = tmp_path / "desk.json", tmp_path / "ticket.json"
    sample.write_text(json.dumps(TICKET))
    attempt = ("sources", "try", "--vendor", "generic", "--mapping", str(mapping))
    mapping.write_text(json.dumps(MAPPING))
    unmapped = frontline(*attempt, str(sample))
    assert unmapped.returncode == 1
    assert "unmapped" in unmapped.stdout
    assert "mapping.sites: none of B2 is mapped" in unmapped.stdout
    mapping.write_text(json.dumps(MAPPING | {"sites": {"*": "vilnius-2"}}))
    read = frontline(*attempt, str(sample), "--format", "ndjson")
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout)["data"]["site"] == "vilnius-2"
    mapping.write_text(json.dumps(MAPPING | {"sites": {"*": "no site"}}))
    wrong = frontline(*attempt, str(sample))
    assert wrong.returncode == 1
    assert "mapping.sites" in wrong.stderr
    mapping.write_text(json.dumps(MAPPING | {"sites": {}}))
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(TICKET | {"branch": "not a label"}))
    refused = frontline(*attempt, str(sample), str(bad), "--format", "ndjson")
    assert refused.returncode == 1
    assert [json.loads(line).get("code") for line in refused.stdout.splitlines()] == [None, "invalid_field"]


def test_what_a_webhook_could_not_read_is_listed_and_read_once_the_mapping_is_mended(
    serve: Callable[..., ServiceProcess],
) -> None:
    service = serve(FRONTLINE_ENCRYPTION_KEY="key-of-a-test-and-nothing-else")
    service.new_source("desk")
    webhook = {"vendor": "generic", "public_url": f"{service.url}/v1/webhooks/desk", "mapping": MAPPING}
    put = service.admin("PUT", "/sources/desk/webhook", webhook | {"secrets": ["secret-of-the-desk"]})
    assert put.status_code == 200, put.text
    refused = httpx.post(webhook["public_url"], json=TICKET, headers={"X-Desk-Key": "secret-of-the-desK"})
    assert refused.status_code == 401
    assert httpx.post(webhook["public_url"], json=TICKET, headers={"X-Desk-Key": "secret-of-the-desk"}).json() == {
        "accepted": 0,
        "duplicates": 0,
        "unread": 1,
        "ignored": 0,
    }
    here = ("--url", service.url, "--key", service.admin_key)
    listed = frontline("sources", "unread", "--source", "desk", *here)
    assert "none of B2 is mapped" in listed.stdout, listed.stderr
    still = frontline("sources", "replay", "desk", *here)
    assert (still.returncode, still.stdout.split()[-1]) == (1, "1")
    mended = webhook | {"mapping": MAPPING | {"sites": {"*": "vilnius-1"}}}
    assert service.admin("PUT", "/sources/desk/webhook", mended).status_code == 200
    done = frontline("sources", "replay", "desk", *here)
    assert (done.returncode, done.stdout.split()[1]) == (0, "1"), done.stderr
    assert "none of B2" not in frontline("sources", "unread", *here).stdout
    assert frontline("sources", "replay", "nobody", *here).returncode == 1


def test_a_table_is_imported_once_and_says_which_rows_it_could_not_take(
    serve: Callable[..., ServiceProcess], tmp_path: Path
) -> None:
    service = serve()
    key = service.new_source("history")
    table, mapping = tmp_path / "calls.csv", tmp_path / "calls.map.json"
    mapping.write_text(json.dumps({"columns": {"id": "no", "queued_at": "in", "answered_at": "up"}}))
    table.write_text(
        "no;in;up;out\n"
        "1;2025-11-21 10:00:00;2025-11-21 10:00:09;2025-11-21 10:05:00\n"
        "2;2025-11-21 10:01:00;soon;2025-11-21 10:05:00\n"
        "3;2025-11-21 10:02:00;2025-11-21 10:09:00;2025-11-21 10:05:00\n"
        "4;2025-11-21 10:03:00;2025-11-21 10:03:30;2025-11-21 10:05:00\n"
    )
    command = ("import", "csv", str(table), "--map", str(mapping), "--map", "completed_at=out", "--site", "centre")
    command += ("--queue", "sales", "--channel", "phone", "--time-zone", "Europe/Vilnius")
    trial = frontline(*command, "--dry-run")
    assert trial.returncode == 1
    assert "line 3: invalid_field: answered_at: 'soon' is no time" in trial.stderr
    assert "line 4: contradiction: data.answered_at" in trial.stderr
    assert json.loads(trial.stdout.splitlines()[0])["subject"] == "1"
    here = ("--url", service.url, "--key", key)
    first = frontline(*command, *here)
    assert first.returncode == 1
    assert "line 4: contradiction: data.answered_at" in first.stderr
    assert first.stdout.split()[first.stdout.split().index("accepted") + 1] == "2"
    table.write_text(table.read_text().replace("soon", "2025-11-21 10:01:02").replace("10:09:00", "10:04:00"))
    second = frontline(*command, *here)
    assert second.returncode == 0, second.stderr
    assert second.stdout.split()[second.stdout.split().index("accepted") + 1] == "2"
    third = frontline(*command, *here)
    assert third.stdout.split()[1] == "0", "it goes on after the last row"
    asked = {"kpi": "answered,average_speed_of_answer", "from": "2025-11-21T08:00:00Z", "to": "2025-11-21T09:00:00Z"}
    found = {each["kpi"]: each["points"][0]["value"] for each in service.get("/v1/kpis", **asked).json()["results"]}
    assert found == {"answered": 4, "average_speed_of_answer": (9 + 2 + 120 + 30) / 4}
