"""What is generated: the page of KPIs is the one that is checked in, and leaves nothing of the catalogue out."""

import re
from pathlib import Path

import pytest

from service.core.catalogue.kpi import Kpi
from service.core.catalogue.kpis import KPIS
from service.core.catalogue.measures import HISTOGRAMS, MEASURES
from service.core.catalogue.metrics import METRICS
from service.generate.kpi_page import kpi_page

ROOT = Path(__file__).parent.parent.parent
PAGE = kpi_page()
ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in PAGE.splitlines() if line.startswith("|")]


def test_the_page_is_the_one_that_is_checked_in() -> None:
    assert (ROOT / "docs" / "kpis.md").read_text(encoding="utf-8") == PAGE, "`make generate` writes it again"


def section(name: str) -> str:
    """What the page has under a KPI's heading; "" where there is none."""
    found = re.search(rf"^### {name}\n(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


@pytest.mark.parametrize("kpi", KPIS, ids=lambda kpi: kpi.name)
def test_every_kpi_is_there_with_every_formula(kpi: Kpi) -> None:
    text = section(kpi.name)
    if not text:
        # A count of one measure: its row says what the measure's does.
        (row,) = (row for row in ROWS if row[0] == f"`{kpi.name}`" and row[1] == kpi.help)
        (measure,) = (measure for measure in MEASURES if measure.name == kpi.name)
        assert row[2:] == [f"`{measure.formula}`", kpi.better]
        return
    assert kpi.help[1:] in text
    assert f"{kpi.unit.capitalize()}; " in text
    for name, formula in kpi.formulas.items():
        default = ", the default" if name == kpi.default_formula else ""
        assert (f"- `{name}`{default}: `{formula.text}`" if name else f"- `{formula.text}`") in text
    if kpi.by_objective is not None:
        assert f"- of an objective: `{kpi.by_objective.text}`" in text
    (takes,) = re.findall(r" Takes (.*)\.$", text, re.MULTILINE) or [""]
    assert set(re.findall(r"`(\w+)`", takes)) == kpi.parameters.keys()
    for name, parameter in kpi.parameters.items():
        assert parameter.default is None or f"{parameter.default} unless told" in takes
        assert name == "formula" or ", ".join(parameter.choices) in takes
        assert parameter.required == (f"`{name}` (must be named)" in takes)


def test_every_measure_histogram_and_metric_is_there() -> None:
    for measure in MEASURES:
        assert [f"`{measure.name}`", measure.scope.value, measure.help, f"`{measure.formula}`"] in ROWS
    for histogram in HISTOGRAMS:
        (row,) = (row for row in ROWS if row[:2] == [f"`{histogram.name}`", histogram.help])
        assert [float(bound) for bound in row[3].split(", ")] == list(histogram.bounds)
    for metric in METRICS:
        labels = ", ".join((*metric.labels, *(f"{label}?" for label in metric.optional)))
        assert [f"`{metric.name}`", metric.kind.value, labels, metric.documentation] in ROWS


def test_tables_have_as_many_cells_as_their_heads() -> None:
    for table in re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE):
        assert len({line.count(" | ") for line in table.splitlines()}) == 1, table


def test_the_symbols_of_the_formulas_are_explained() -> None:
    explained = {row[0] for row in ROWS} | {"Bs"}
    formulas = [formula.text for kpi in KPIS for formula in kpi.formulas.values()]
    formulas += [measure.formula for measure in MEASURES] + [metric.formula for metric in METRICS]
    used = {symbol for text in formulas for symbol in re.findall(r"\b[A-Z][a-z]?\b", text)}
    assert used - explained <= {"T"}
    assert {"O", "A", "B", "Bs", "F", "X", "W"} <= used
