"""What can be wrong with a dashboard, and what there is that it may lead to and ask for."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from fastapi.routing import APIRoute
from prometheus_client.parser import text_string_to_metric_families

from service.api import changes, objectives, quality, runbooks
from service.core.catalogue.metrics import METRICS, MetricKind
from service.telemetry import Telemetry
from tests.golden.promtool import ROOT

Board = dict[str, Any]
FOLDER = ROOT / "dashboards"
BOARDS: dict[str, Board] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("frontline-*.json"))
}
RULES = yaml.safe_load((ROOT / "prometheus" / "rules" / "frontline.yml").read_text(encoding="utf-8"))
RUNBOOKS = {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")}
CATALOGUE = {
    f"{metric.name}{suffix}": {*metric.labels, *metric.optional, "le"}
    for metric in METRICS
    for suffix in (("_bucket", "_sum", "_count") if metric.kind is MetricKind.HISTOGRAM else ("",))
}
RECORDED = {rule["record"] for group in RULES["groups"] for rule in group["rules"] if "record" in rule}
FAMILIES = list(text_string_to_metric_families(Telemetry().render().decode()))
TOLD = {sample.name for family in FAMILIES for sample in family.samples} | {
    f"{family.name}_total" for family in FAMILIES if family.type == "counter"
}
# Names that Grafana knows, and x, which it puts behind the number.
UNITS = {
    *("none", "short", "locale", "string", "percentunit", "bool_yes_no"),
    *("s", "bytes", "eps", "cps", "reqps", "x"),
}
OF_PROMETHEUS = {"up", "ALERTS", "scrape_duration_seconds"}
BUILT_IN = re.compile(r"__(rate_interval|interval|range|from|to|data|field|url_time_range)\b")
ROUTES = [
    route
    for router in (changes.router, objectives.router, quality.router, runbooks.router)
    for route in router.routes
    if isinstance(route, APIRoute)
]


def shown(board: Board) -> list[Board]:
    """The panels that show something; headings of rows do not."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(panel: Board) -> Iterator[tuple[str, bool]]:
    """Each expression, and whether it is of one moment."""
    for target in panel["targets"]:
        if "expr" in target:
            yield target["expr"], target["instant"]


def data_links(panel: Board) -> Iterator[str]:
    found = list(panel["fieldConfig"]["defaults"].get("links", ()))
    for override in panel["fieldConfig"]["overrides"]:
        found += (link for one in override["properties"] if one["id"] == "links" for link in one["value"])
    return (link["url"] for link in found)


def properties(panel: Board, name: str) -> dict[str, Any]:
    """A property by the column that has it of its own."""
    overrides = panel["fieldConfig"]["overrides"]
    return {
        one["matcher"]["options"]: item["value"]
        for one in overrides
        for item in one["properties"]
        if item["id"] == name
    }


def names_in(expression: str) -> set[str]:
    """The metrics that an expression names."""
    bare = re.sub(r'"(\\.|[^"\\])*"|\{[^}]*\}|\[[^\]]*\]|\$\w+', " ", expression.replace("{", " {"))
    bare = re.sub(r"\{[^}]*\}", " ", bare)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right) \([^)]*\)", " ", bare)
    words = re.findall(r"[A-Za-z_:][\w:]*\b(?!\s*\()", bare)
    return set(words) - {"and", "or", "unless", "offset", "w"}


def operand(text: str) -> str:
    """What stands at the beginning of a text: a parenthesis with all that is in it, or a word."""
    if not text.startswith("("):
        return text.split(" ", maxsplit=1)[0]
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if not depth:
            return text[: place + 1]
    raise AssertionError(text)


def of_the_whole(board: Board) -> Iterator[str]:
    if (board["schemaVersion"], board["editable"], board.get("id")) != (42, False, None):
        yield "is not schema 42, uneditable, without a number of its own"
    if not board["description"] or "frontline" not in board["tags"]:
        yield "has no description, or is not found by its tag"
    first = board["templating"]["list"][0]
    if (first["type"], first["query"], first["current"]["value"]) != (
        "datasource",
        "prometheus",
        "frontline-prometheus",
    ):
        yield "has no variable for its datasource"
    for name in ("id", "title"):
        for value, count in Counter(panel[name] for panel in board["panels"]).items():
            if count > 1:
                yield f"{name} {value} is there twice"
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(board)))
    known = {variable["name"] for variable in board["templating"]["list"]}
    unknown = {name for name in used - known if not BUILT_IN.fullmatch(name) and not name.startswith("__")}
    if unknown:
        yield f"variables that are not there: {unknown}"
    if unused := known - used - {"datasource"}:
        yield f"variables that nothing uses: {unused}"


def of_the_grid(board: Board) -> Iterator[str]:
    taken: dict[tuple[int, int], str] = {}
    for panel in board["panels"]:
        x, y, w, h = (panel["gridPos"][name] for name in "xywh")
        is_heading = panel["type"] == "row"
        if is_heading and (x, w, h, panel["panels"]) != (0, 24, 1, []):
            yield f"{panel['title']} is no heading of a row that is open"
        if x < 0 or w < 3 or x + w > 24 or (h < 3 and not is_heading):
            yield f"{panel['title']} is not within the grid, or too small"
        for place in ((column, row) for column in range(x, x + w) for row in range(y, y + h)):
            if place in taken:
                yield f"{panel['title']} covers {taken[place]}"
                break
            taken[place] = panel["title"]
    bottom = max(row for _, row in taken) + 1
    for row in range(bottom):
        if not any((column, row) in taken for column in range(24)):
            yield f"row {row} is empty"


def of_a_panel(panel: Board) -> Iterator[str]:
    if len(panel.get("description", "")) < 20:
        yield "no description"
    units = [panel["fieldConfig"]["defaults"].get("unit"), *properties(panel, "unit").values()]
    if unknown := set(units) - UNITS:
        yield f"no unit, or one that is not known: {unknown}"
    # A table of dates and words has nothing that is computed.
    is_computed = any(expressions(panel)) or not {"s", "percentunit"}.isdisjoint(units)
    if is_computed and not re.search(r": | / | - | = ", panel.get("description", "")):
        yield "no formula in its description"
    if panel["datasource"]["uid"] not in ("${datasource}", "frontline-postgresql"):
        yield "asks a datasource of its own"
    if not panel["targets"]:
        yield "asks nothing"
    if any(target["datasource"] != panel["datasource"] for target in panel["targets"]):
        yield "asks two datasources"
    if len({target["refId"] for target in panel["targets"]}) < len(panel["targets"]):
        yield "two queries of one letter"
    if panel["type"] == "table" and len(units) != 1 + len(panel["fieldConfig"]["overrides"]):
        yield "columns without a unit"


def of_metrics(panel: Board) -> Iterator[str]:
    for expression, _ in expressions(panel):
        names = names_in(expression)
        if unknown := names - CATALOGUE.keys() - RECORDED - TOLD - OF_PROMETHEUS:
            yield f"metrics that are not there: {unknown}"
        for name, matchers in re.findall(r"([\w:]+)\{([^}]*)\}", expression):
            labels = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', matchers))
            if name in CATALOGUE and not labels <= CATALOGUE[name]:
                yield f"{name} has no {labels - CATALOGUE[name]}"
        for name in names & CATALOGUE.keys():
            once = rf"max (?:without \(instance, pod\)|by \([^)]*\)) \((?:rate\(|increase\()?{name}\b"
            if len(re.findall(rf"\b{name}\b", expression)) != len(re.findall(once, expression)):
                yield f"{name} is counted once for each replica"


def of_spans(panel: Board) -> Iterator[str]:
    for expression, is_instant in expressions(panel):
        for function, span in re.findall(r"\b(rate|increase|changes|delta)\([^\[]*\[([^\]]+)\]", expression):
            of_lines = {"$__rate_interval"} if function == "rate" else {"$__rate_interval", "1h", "1d"}
            if is_instant and span != "$__range":
                yield f"a number of another span than the one that is looked at: {span}"
            if not is_instant and span not in of_lines:
                yield f"{function} over {span}"


def of_divisions(panel: Board) -> Iterator[str]:
    for expression, _ in expressions(panel):
        for divisor in (operand(rest) for rest in expression.split(" / ")[1:]):
            # A target is below 1, and a promised wait above 0.
            if not divisor.endswith(" > 0)") and not divisor.startswith("(1 - ") and divisor != "min":
                yield f"divides by what may be 0: {divisor}"


def of_colours(panel: Board) -> Iterator[str]:
    """What is red in one place and green in another is so by an objective, never by a number written here."""
    colours = properties(panel, "color")
    if "red" in {colour["fixedColor"] for colour in colours.values()}:
        for expression, _ in expressions(panel):
            if not re.search(r"frontline_objective_(target_ratio|threshold_seconds)", expression):
                yield "coloured, and by no objective"
        if [colour["fixedColor"] for colour in colours.values()][:3] != ["red", "orange", "green"]:
            yield "breached, at risk and kept are red, amber and green"
    thresholds = [panel["fieldConfig"]["defaults"]["thresholds"], *properties(panel, "thresholds").values()]
    for steps in (one["steps"] for one in thresholds):
        values = [step["value"] for step in steps]
        if values[0] is not None or values[1:] != sorted(values[1:]):
            yield "thresholds out of order"


def of_links(board: Board, panel: Board | None, urls: Iterator[str]) -> Iterator[str]:
    here = {variable["name"] for variable in board["templating"]["list"]}
    for url in urls:
        parts = urlsplit(url)
        carried = set(re.findall(r"\$\{(\w+):queryparam\}", url))
        named = {name.removeprefix("var-") for name, _ in parse_qsl(parts.query) if name.startswith("var-")}
        if panel is not None:
            legends = {
                label for one in panel["targets"] for label in re.findall(r"\{\{(\w+)\}\}", one.get("legendFormat", ""))
            }
            columns = set(properties(panel, "unit"))
            if set(re.findall(r"__field\.labels\.(\w+)", url)) - legends:
                yield f"a label that series do not have: {url}"
            if set(re.findall(r"__data\.fields\.(\w+)", url)) - columns:
                yield f"a field that there is not: {url}"
        if carried - here:
            yield f"variables that are not here: {carried - here}"
        if parts.path.startswith("/d/"):
            there = BOARDS.get(parts.path.removeprefix("/d/"))
            if there is None:
                yield f"leads nowhere: {url}"
            elif missing := (carried | named) - {variable["name"] for variable in there["templating"]["list"]}:
                yield f"variables that are not there: {missing}"
        elif not url.startswith("${frontline_url}/") or not is_served(url.removeprefix("${frontline_url}")):
            yield f"leads nowhere: {url}"


def is_served(url: str) -> bool:
    """Whether Frontline has such a page, that takes these parameters."""
    plain = re.sub(r"\$\{[^}]*\}", "x", url)
    parts = urlsplit(plain)
    given = {name for name, _ in parse_qsl(parts.query)}
    return any(
        route.path_regex.fullmatch(parts.path) and given <= {one.alias for one in route.dependant.query_params}
        for route in ROUTES
    ) and (not parts.path.startswith("/runbooks/") or parts.path.removeprefix("/runbooks/") in RUNBOOKS)


def faults(board: Board) -> list[str]:
    found = [*of_the_whole(board), *of_the_grid(board)]
    found += of_links(board, None, (link["url"] for link in board["links"] if link["type"] == "link"))
    for panel in shown(board):
        about = (
            of_a_panel(panel),
            of_metrics(panel),
            of_spans(panel),
            of_divisions(panel),
            of_colours(panel),
            of_links(board, panel, data_links(panel)),
        )
        found += (f"{panel['title']}: {fault}" for faults in about for fault in faults)
    return found
