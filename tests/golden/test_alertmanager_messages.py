"""What Alertmanager writes to people, by its own templates."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.golden.delivery import BURNING, DOWN, MAIL, SERIES, SLACK, amtool, made


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
