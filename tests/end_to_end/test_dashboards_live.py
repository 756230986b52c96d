"""Dashboards on a real Prometheus that watched a real simulation: every expression runs, and none comes back empty."""

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.client import FrontlineClient, Retry
from service.core.quality import STANDARDS, Dimension
from service.replay import MAX_SPEED
from service.simulator.profile import call_centre, sites
from service.simulator.run import Plan, Run, register_sites
from tests.end_to_end.conftest import ServiceProcess
from tests.end_to_end.prometheus import Prometheus

ROOT = Path(__file__).parent.parent.parent
BOARDS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "dashboards").glob("frontline-*.json"))
    if path.stem not in ("frontline-reports", "frontline-changes")
]
Labels = dict[str, str]
PAST = timedelta(minutes=50)
SPEED = 200.0
HISTORY = timedelta(days=9)
# There is no last week yet, nor a span before this one, so what is held against it is held against a moment ago.
BEFORE = "10s"
# An hour of the rules in a minute, so that what they record every two minutes is there.
SPEEDUP = "60"
# Of some dimensions nothing is promised but satisfaction, of which an hour has too few scores to tell.
PROMISED = ("decided_rate", "informed_rate", "known_customer_rate")
OF_DIMENSION = """
---
apiVersion: frontline/v1
kind: SLO
metadata: {{name: {0}}}
spec:
  severity: none
  indicator: {{kpi: {0}}}
  minimumEvents: 1
  objectives: [{{target: 0.5}}]
"""
EMPTY = {"Alerts": "nothing has to be wrong for a dashboard to be right"}


@dataclass(frozen=True)
class Watched:
    """A Prometheus that has seen all there is, and from when on it did."""

    prometheus: Prometheus
    since: float
    until: float

    def get(self, path: str, **params: Any) -> Any:
        answer = httpx.get(f"{self.prometheus.url}/api/v1/{path}", params=params, timeout=30).json()
        assert answer["status"] == "success", (params, answer)
        return answer["data"]

    def series(self, expression: str, is_instant: bool) -> list[Labels]:
        """The labels of the series that an expression gives numbers of."""
        if is_instant:
            found = [(one["metric"], [one["value"]]) for one in self._result("query", expression, time=self.until)]
        else:
            span = {"start": self.since, "end": self.until, "step": 1}
            found = [(one["metric"], one["values"]) for one in self._result("query_range", expression, **span)]
        return [labels for labels, points in found if any(not math.isnan(float(value)) for _, value in points)]

    def _result(self, path: str, expression: str, **times: float) -> list[Any]:
        result: list[Any] = self.get(path, query=expression, **times)["result"]
        return result

    def options(self, query: str, regex: str) -> list[str]:
        """What a variable offers."""
        if asked := re.fullmatch(r"label_values\((.+), (\w+)\)", query):
            found: list[str] = self.get(
                f"label/{asked[2]}/values", **{"match[]": asked[1], "start": self.since, "end": self.until}
            )
            return found
        asked = re.fullmatch(r"query_result\((.+)\)", query)
        assert asked, query
        texts = [
            ",".join(f'{name}="{value}"' for name, value in one["metric"].items())
            for one in self._result("query", asked[1], time=self.until)
        ]
        return [found[1] for text in texts if (found := re.search(regex.strip("/"), text))]


@pytest.fixture
def watched(serve: Callable[..., ServiceProcess], tmp_path: Path) -> Iterator[Watched]:
    shipped = (ROOT / "objectives.yaml").read_text(encoding="utf-8")
    # A window that does not begin with the month has settled cases on its first days too.
    rolling = "timeWindow: [{duration: 28d, isRolling: true}]\n  objectives: [{target: 0.75}]"
    promises = shipped.replace("objectives: [{target: 0.75}]", rolling)
    assert promises != shipped
    file = tmp_path / "objectives.yaml"
    file.write_text(promises + "".join(map(OF_DIMENSION.format, PROMISED)), encoding="utf-8")
    began = time.time()
    service = serve(FRONTLINE_OBJECTIVES=str(file))
    rules = service.run("rules", "--objectives", str(file), "--speedup", SPEEDUP).stdout
    key = service.new_source("simulated")
    profiles = sites(6)

    async def simulate(profiles: Any, plan: Plan, label: str) -> None:
        async with FrontlineClient(service.url, service.admin_key) as admin:
            await register_sites(admin, profiles)
        async with FrontlineClient(service.url, key, retry=Retry(budget=120)) as client:
            summary = await Run(client, profiles, plan, seed=3, label=label).run()
            assert not summary.rejected

    (centre,) = (site for site in profiles if site.name == "care-riga-1")
    history = call_centre(centre.name, centre.time_zone).times(0.1)
    asyncio.run(simulate([history], Plan(HISTORY, MAX_SPEED, timedelta(0)), "history"))
    with Prometheus(tmp_path, service.url, rules=rules) as prometheus:
        prometheus.wait_for_scrapes(4)
        lasting = timedelta(seconds=PAST.total_seconds() / SPEED + 3)
        asyncio.run(simulate(profiles, Plan(PAST, SPEED, lasting, slip=0.3), "live"))
        say_the_rare(service, key)
        prometheus.wait_for_scrapes(6)
        # A process tells its start in seconds of the machine's, which may be rounded.
        yield Watched(prometheus, began - 2, time.time())


def say_the_rare(service: ServiceProcess, key: str) -> None:
    """What a simulation of an hour may leave out: a matter that went wrong in every way, and what was said of it."""
    start = datetime.now(UTC) - timedelta(minutes=10)
    place = {"site": "care-riga-1", "queue": "support", "channel": "phone", "customer": "c-1", "topic": "rare"}
    story: list[tuple[str, dict[str, object]]] = [
        ("interaction.queued", place),
        ("interaction.answered", {}),
        ("interaction.escalated", {}),
        ("interaction.completed", {"resolved": True}),
        ("interaction.reopened", {}),
        ("interaction.corrected", {"kind": "billing"}),
        ("interaction.recovered", {}),
        ("interaction.abandoned", {}),  # a conflict
        ("interaction.completed", {"resolved": False}),  # a correction of what was resolved
        ("feedback.received", {"kind": "review", "metric": "stars", "score": 2}),
        ("feedback.received", {"kind": "complaint"}),
        ("feedback.answered", {"feedback": "rare-10"}),
        ("feedback.received", {"kind": "complaint"}),
    ]
    post(service, key, "rare", start, story)
    due = (start + timedelta(minutes=9)).isoformat()
    again: list[tuple[str, dict[str, object]]] = [
        ("interaction.queued", {**place, "quoted_wait_seconds": 5, "initiated_by": "us", "known_customer": True}),
        ("interaction.answered", {"agent": "anna"}),
        ("interaction.verified", {}),
        ("interaction.transferred", {}),
        ("interaction.completed", {"resolved": True}),
        ("promise.made", {"promise": "rare-kept", "due": due, "kind": "callback"}),
        ("promise.kept", {"promise": "rare-kept"}),
        ("promise.made", {"promise": "rare-lost", "due": due, "kind": "fix"}),
        ("promise.made", {"promise": "rare-open", "due": (start + timedelta(days=2)).isoformat(), "kind": "visit"}),
        *(("feedback.received", {"kind": "survey", "metric": metric, "score": 4}) for metric in ("nps", "ces")),
        *(
            ("feedback.received", {"kind": "survey", "metric": "csat", "score": 4, "dimension": dimension.value})
            for dimension in Dimension
        ),
        *(
            ("assessment.recorded", {"site": "care-riga-1", "standard": standard, "passed": 3, "of": 4})
            for standard in STANDARDS
        ),
    ]
    post(service, key, "rare-again", start, again)


def post(
    service: ServiceProcess, key: str, subject: str, start: datetime, story: Sequence[tuple[str, Mapping[str, object]]]
) -> None:
    """Tell what happened from a moment on, with some time for a scrape between any two events."""
    for number, (type_, data) in enumerate(story):
        event = {
            "id": f"{subject}-{number}",
            "source": "test",
            "subject": subject,
            "type": type_,
            "time": (start + timedelta(seconds=20 * number)).isoformat(),
            "data": data,
        }
        answer = httpx.post(
            f"{service.url}/v1/events", json=event, headers={"Authorization": f"Bearer {key}"}, timeout=30
        )
        assert answer.status_code == 202, answer.text
        time.sleep(0.4)


def substituted(text: str, variables: Mapping[str, str], watched: Watched) -> str:
    """The text as Grafana would send it."""
    builtin = {
        "__rate_interval": "4s",
        "__interval": "1s",
        "__range": f"{watched.until - watched.since:.0f}s",
        "__from": f"{watched.since * 1000:.0f}",
    }
    known = {**variables, **builtin}
    text = re.sub(r"offset (1w|\$__range)", f"offset {BEFORE}", text)
    return re.sub(r"\$(\w+)", lambda found: known[found[1]], text)


def chosen(board: Mapping[str, Any], watched: Watched) -> dict[str, str]:
    """The variables with All chosen in each, as Grafana puts them into an expression."""
    found: dict[str, str] = {}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query" and variable["datasource"]["type"] == "prometheus":
            query = substituted(variable["query"]["query"], found, watched)
            offered = watched.options(query, variable["regex"])
            assert offered, (board["uid"], variable["name"], query)
            found[variable["name"]] = variable.get("allValue") or f"({'|'.join(map(re.escape, offered))})"
            found[variable["name"]] = found[variable["name"]].replace("\\", "\\\\")
    return found


def of_prometheus(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The panels that ask Prometheus; what others ask is tested with the views for reports."""
    return [one for one in board["panels"] if one.get("datasource", {}).get("type") == "prometheus"]


def of_a_panel(panel: Mapping[str, Any], variables: Mapping[str, str], watched: Watched) -> Iterator[str]:
    """What comes back empty, or without the labels that are shown."""
    given: dict[str, list[Labels]] = {}
    for target in panel["targets"]:
        expression = substituted(target["expr"], variables, watched)
        found = watched.series(expression, target["instant"])
        given[target["refId"]] = found
        if panel["type"] == "table":
            keys = columns(panel)
            # Prometheus has no label that is empty, as that of a queue that is not known.
            if found and (any(not set(labels) <= keys for labels in found) or keys != set[str]().union(*found)):
                yield f"{panel['title']}: {expression}: its rows are not told apart by {keys}, as those of others are"
            if len(found) != len({tuple(sorted(labels.items())) for labels in found}):
                yield f"{panel['title']}: {expression}: two rows of one place"
        named = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
        if found and not named <= set[str]().union(*found):
            yield f"{panel['title']}: {expression}: a legend of {named}, which its series do not have"
    if is_by_state(panel):
        # A value is in one of the colours, so that one of the expressions is enough.
        given = {"any colour": [labels for found in given.values() for labels in found]}
        named_twice = len(given["any colour"]) != len({str(labels) for labels in given["any colour"]})
        if named_twice:
            yield f"{panel['title']}: in two colours at once"
    for letter, found in given.items():
        if not found:
            yield f"{panel['title']}, {letter}: empty"


def columns(panel: Mapping[str, Any]) -> set[str]:
    """The labels among the columns of a table."""
    (organized,) = [one["options"] for one in panel["transformations"] if one["id"] == "organize"]
    return {name for name in organized["indexByName"] if not name.startswith(("Value", "Trend"))}


def is_by_state(panel: Mapping[str, Any]) -> bool:
    return any(
        item["id"] == "color" and item["value"]["fixedColor"] == "red"
        for override in panel["fieldConfig"]["overrides"]
        for item in override["properties"]
    )


def of_annotations(board: Mapping[str, Any], variables: Mapping[str, str], watched: Watched) -> Iterator[str]:
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation and annotation["name"] not in EMPTY:
            expression = substituted(annotation["expr"], variables, watched)
            if not watched.series(expression, False):
                yield f"{annotation['name']}: empty"


def faults(board: Mapping[str, Any], watched: Watched) -> list[str]:
    variables = chosen(board, watched)
    found = [fault for panel in of_prometheus(board) for fault in of_a_panel(panel, variables, watched)]
    return [f"{board['uid']}: {fault}" for fault in (*found, *of_annotations(board, variables, watched))]


def test_no_expression_comes_back_empty(watched: Watched) -> None:
    assert len(BOARDS) == 8
    found = [fault for board in BOARDS for fault in faults(board, watched)]
    assert not found, "\n".join(found)
    # One without data is found, and one whose rows do not belong to those of the others.
    board = deepcopy(next(board for board in BOARDS if board["uid"] == "frontline-fleet"))
    board["panels"][0]["targets"][0]["expr"] = "frontline:sites > 1000"
    (table,) = (panel for panel in board["panels"] if panel["type"] == "table")
    table["targets"][0]["expr"] = "frontline:queue_waiting"
    assert len([fault for fault in faults(board, watched) if "empty" in fault or "told apart" in fault]) == 2
    # Choices narrow those that come after them.
    (queue,) = (one for one in board["templating"]["list"] if one["name"] == "queue")
    asked = queue["query"]["query"].replace("$site", "care-riga-1")
    assert watched.options(asked, queue["regex"]) == ["billing", "sales", "support"]
