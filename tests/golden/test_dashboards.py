"""The dashboards that are checked in: what the code makes, and without the faults that a dashboard can have."""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

import pytest

from service.core.catalogue.kpi import Shape
from service.core.catalogue.kpis import KPIS
from service.core.catalogue.metrics import METRICS
from service.core.quality import RESOURCE_KINDS, STANDARDS, Dimension
from service.generate.dashboards.board import UID
from service.generate.dashboards.files import dashboards
from service.generate.dashboards.formulas import is_live
from tests.golden.dashboard_faults import BOARDS, FOLDER, RULES, Board, expressions, faults, names_in, shown
from tests.golden.promtool import ROOT


def test_what_is_checked_in_is_what_the_code_makes() -> None:
    made = dashboards()
    assert {name: (FOLDER / name).read_text(encoding="utf-8") for name in made} == made, (
        "`make generate` writes it again"
    )
    assert dict(dashboards()) == dict(made)


def test_every_dashboard_is_there_once() -> None:
    assert {board["uid"] for board in BOARDS.values()} == set(BOARDS) == set(UID.values())
    assert len({board["title"] for board in BOARDS.values()}) == len(BOARDS)


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS.keys())
def test_a_dashboard_has_no_fault(board: Board) -> None:
    assert faults(board) == []


def test_alerts_lead_to_dashboards_that_take_what_they_bring() -> None:
    urls = {
        re.sub(r"\{\{[^}]*\}\}", "x", rule["annotations"]["dashboard_url"])
        for group in RULES["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    assert len(urls) > 2
    for url in urls:
        parts = urlsplit(url)
        there = BOARDS[parts.path.removeprefix("/d/")]
        assert {name for name, _ in parse_qsl(parts.query)} <= {
            f"var-{variable['name']}" for variable in there["templating"]["list"]
        }


def test_variables_chain_and_alerts_changes_and_restarts_are_marked() -> None:
    for uid, board in BOARDS.items():
        asked = {one["name"]: one["definition"] for one in board["templating"]["list"] if "definition" in one}
        if uid not in (UID["reports"], UID["pipeline"]):
            places = [name for name in ("site", "queue", "channel") if name in asked]
            assert places[0] == "site"
            assert all(f"${before}" in asked[name] for before, name in pairwise(places))
            assert "objective" not in asked or all(f"${name}" in asked["objective"] for name in places)
        marks = {one["name"]: one.get("expr", "") for one in board["annotations"]["list"]}
        asked_anew = {one["name"]: one["target"]["expr"] for one in board["annotations"]["list"] if "expr" in one}
        assert asked_anew.items() <= marks.items()
        (changed,) = (one for one in board["annotations"]["list"] if one["name"] == "Changes")
        assert changed["datasource"] == changed["target"]["datasource"]
        assert "FROM report.changes" in changed["target"]["rawSql"]
        assert marks["Alerts"].startswith('ALERTS{alertstate="firing",alertname=~"Frontline.*"')
        assert 'process_start_time_seconds{job="frontline"}' in marks["Restarts"]


def test_every_metric_is_on_a_dashboard_itself_or_by_a_rule() -> None:
    recorded = {
        rule["record"]: names_in(rule["expr"])
        for group in RULES["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    named = set[str]()
    following = {
        name
        for board in BOARDS.values()
        for panel in shown(board)
        for expr, _ in expressions(panel)
        for name in names_in(expr)
    }
    while following:
        named |= following
        following = {name for one in following for name in recorded.get(one, ())} - named
    bare = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named} | named
    assert {metric.name for metric in METRICS} - bare == set()


def test_each_dimension_of_service_has_a_row_with_its_index_its_kpis_and_its_objectives() -> None:
    board = BOARDS[UID["quality"]]
    rows: dict[str, list[Board]] = {}
    for panel in sorted(board["panels"], key=lambda one: (one["gridPos"]["y"], one["gridPos"]["x"])):
        if panel["type"] == "row":
            rows[panel["title"]] = []
        elif rows:
            list(rows.values())[-1].append(panel)
    assert list(rows) == [dimension.capitalize() for dimension in Dimension]
    for dimension, (name, panels) in zip(Dimension, rows.items(), strict=True):
        index, kpis, objectives = panels
        assert [one["title"] for one in panels] == [f"{name}: index", f"{name}: KPIs", f"{name}: objectives"]
        assert f'dimension="{dimension}"' in index["targets"][0]["expr"]
        shown_kpis = set(re.findall(r'"kpi", "([a-z_]+)', " ".join(expr for expr, _ in expressions(kpis))))
        assert shown_kpis >= {
            kpi.name
            for kpi in KPIS
            if kpi.dimension is dimension and kpi.shape is not Shape.COUNT and is_live(kpi.name) and not kpi.facet
        }
        assert "csat" in shown_kpis
        assert "report.objective_days" in objectives["targets"][0]["rawSql"]
    told = json.dumps(board)
    assert all(f'standard=\\"{standard}\\"' in told for standard in STANDARDS)
    assert all(f'kind=\\"{kind}\\"' in told for kind in RESOURCE_KINDS)


def test_what_makes_dashboards_is_no_part_of_what_runs() -> None:
    makers = ROOT / "service" / "generate"
    for path in (ROOT / "service").rglob("*.py"):
        if path.parent != makers / "dashboards" and path != makers / "__main__.py":
            assert not re.search(r"grafana_foundation_sdk|generate\.dashboards", path.read_text(encoding="utf-8")), path


def first(board: Board, kind: str) -> Board:
    found: Board = next(panel for panel in shown(board) if panel["type"] == kind)
    return found


def first_heading(board: Board) -> Board:
    found: Board = next(panel for panel in board["panels"] if panel["type"] == "row")
    return found


def rewritten(old: str, new: str) -> Callable[[Board], None]:
    """A change of each expression that has something in it."""

    def change(board: Board) -> None:
        targets = [one for panel in board["panels"] for one in panel["targets"] if old in one["expr"]]
        assert targets, old
        for target in targets:
            target["expr"] = target["expr"].replace(old, new)

    return change


WRONG: Mapping[str, Callable[[Board], object]] = {
    "schema 42": lambda board: board.update(schemaVersion=41),
    "uneditable": lambda board: board.update(editable=True),
    "no description": lambda board: board["panels"][0].update(description=""),
    "no formula": lambda board: board["panels"][0].update(description="What it is that one sees here"),
    "no unit": lambda board: board["panels"][0]["fieldConfig"]["defaults"].pop("unit"),
    "not known: {'secs'}": lambda board: board["panels"][0]["fieldConfig"]["defaults"].update(unit="secs"),
    "title Sites is there twice": lambda board: board["panels"][1].update(title="Sites"),
    "id 1 is there twice": lambda board: board["panels"][1].update(id=1),
    "covers": lambda board: board["panels"][1]["gridPos"].update(x=2),
    "not within the grid": lambda board: board["panels"][5]["gridPos"].update(w=5),
    "is empty": lambda board: board["panels"][-1]["gridPos"].update(y=60),
    "datasource of its own": lambda board: board["panels"][0]["datasource"].update(uid="other"),
    "for its datasource": lambda board: board["templating"]["list"].pop(0),
    "variables that are not there: {'queue'}": lambda board: board["templating"]["list"].pop(2),
    "metrics that are not there: {'frontline_queue_offer_total'}": rewritten("queue_offered", "queue_offer"),
    "metrics that are not there: {'frontline:queue_wait'}": rewritten("queue_waiting", "queue_wait"),
    "has no {'shop'}": rewritten("_total{site", "_total{shop"),
    "once for each replica": rewritten("max without (instance, pod)", ""),
    "rate over 5m": rewritten("$__rate_interval", "5m"),
    "another span": rewritten("$__range", "1h"),
    "may be 0": rewritten(" > 0)", " + 0)"),
    "leads nowhere": lambda board: first(board, "bargauge")["fieldConfig"]["defaults"]["links"][0].update(
        url="/d/gone"
    ),
    "are not there: {'shop'}": lambda board: first(board, "bargauge")["fieldConfig"]["defaults"]["links"][0].update(
        url="/d/frontline-site?var-shop=x"
    ),
    "a label that series": lambda board: first(board, "bargauge")["targets"][0].update(legendFormat="all"),
    "out of order": lambda board: first(board, "bargauge")["fieldConfig"]["defaults"]["thresholds"]["steps"].reverse(),
    "is there twice": lambda board: board["panels"].append(deepcopy(board["panels"][-1])),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_is_found(fault: str) -> None:
    board = deepcopy(BOARDS[UID["fleet"]])
    WRONG[fault](board)
    assert any(fault in found for found in faults(board)), faults(board)


def test_a_row_that_hides_its_panels_is_found() -> None:
    board = deepcopy(BOARDS[UID["quality"]])
    row = first_heading(board)
    row["gridPos"]["w"] = 12
    assert faults(board) == ["Reliability is no heading of a row that is open"]


def test_a_colour_that_no_objective_gives_is_found() -> None:
    board = deepcopy(BOARDS[UID["now"]])
    rewritten("frontline_objective_target_ratio", "frontline_objective_aim")(board)
    assert any("by no objective" in found for found in faults(board))
