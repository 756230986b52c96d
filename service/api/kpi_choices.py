"""The choices that KPIs leave, as parameters of queries."""

from typing import Annotated

from service.api.parameters import Described, number_in, one_of
from service.core.catalogue.kpis import KPIS
from service.core.catalogue.measures import MATURITIES, WITHIN_DAYS
from service.core.question import MAX_THRESHOLD_SECONDS, Choices

Formula = Annotated[str | None, one_of(dict.fromkeys(name for kpi in KPIS for name in kpi.formulas if name))]
Threshold = Annotated[str | None, Described({"type": "number", "minimum": 0, "maximum": MAX_THRESHOLD_SECONDS})]
Within = Annotated[str | None, one_of(WITHIN_DAYS)]
Maturity = Annotated[str | None, one_of(MATURITIES)]


def choices_of(
    formula: str | None,
    threshold: str | None,
    within: str | None,
    maturity: str | None,
    objective: str | None = None,
) -> Choices:
    """The choices as they are written; what is empty is left to the default. Raises InvalidInput."""
    return Choices(
        formula=formula or None,
        threshold=number_in(threshold, "threshold"),
        within=within or None,
        maturity=maturity or None,
        objective=objective or None,
    )


def takers(parameter: str) -> str:
    """The KPIs that leave a choice, for the description."""
    return ", ".join(f"`{kpi.name}`" for kpi in KPIS if parameter in kpi.parameters)
