"""The quality index: which objectives are of which dimension, what is judged of them, and what is met."""

from typing import NamedTuple

import pytest

from service.core.budget import Spend, Status, allowed_parts
from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.objective import Objective, Terms
from service.core.quality import Dimension, facet
from service.core.quality_index import Index, dimensions_of, quality_index
from service.core.series import Series
from service.core.standing import Standing

TODAY = 20_000
ACCESS, COURTESY, CREDIBILITY = Dimension.ACCESS, Dimension.COURTESY, Dimension.CREDIBILITY


class Told(NamedTuple):
    """What an objective came to in a series."""

    objective: Objective
    facet: str
    events: int
    breaches: int


def objective(number: int, name: str, kpi: str, target: float = 0.9, **more: object) -> Objective:
    return Objective(number, name, (Terms(None, kpi, target, **more),))  # type: ignore[arg-type]


def standing(number: int, told: Told) -> Standing:
    terms = told.objective.terms[0]
    spend = Spend(told.events, told.breaches, allowed_parts(terms.target) * told.events)
    series = Series("bank", "", "phone", number, told.facet)
    return Standing(told.objective, terms, series, range(TODAY, TODAY + 1), 1.0, spend, None)


def index(*told: Told, objectives: tuple[Objective, ...] = ()) -> dict[Dimension, Index]:
    every = {one.objective.number: one.objective for one in told} | {one.number: one for one in objectives}
    found = quality_index(every.values(), [standing(*one) for one in enumerate(told)], TODAY)
    return {one.dimension: one for one in found}


def parts(one: Index) -> dict[str, tuple[int, Status]]:
    return {part.objective.name: (part.spend.events, part.status) for part in one.parts}


PROMISES = objective(1, "promises", "promise_kept_rate", 0.95)
QUOTES = objective(2, "quotes", "quote_kept_rate")
COMPLAINTS = objective(3, "complaints", "complaints_answered_rate", formula="of_due")
CSAT = objective(4, "csat", "csat", 0.8)
STANDARDS = objective(5, "standards", "standards_compliance")
ABANDONED = objective(6, "abandoned", "abandonment_rate", 0.95)


def test_it_is_the_share_of_the_objectives_of_a_dimension_that_are_met() -> None:
    found = index(Told(PROMISES, "", 100, 5), Told(QUOTES, "", 100, 11))[CREDIBILITY]
    assert parts(found) == {"promises": (100, Status.MET), "quotes": (100, Status.BREACHED)}
    assert (found.value, found.met, found.judged) == (0.5, 1, 2)


def test_an_objective_with_too_few_events_is_a_part_that_is_not_judged() -> None:
    found = index(Told(PROMISES, "", 19, 19), Told(QUOTES, "", 20, 0))[CREDIBILITY]
    assert parts(found) == {"promises": (19, Status.NO_DATA), "quotes": (20, Status.MET)}
    assert (found.value, found.judged) == (1.0, 1)


def test_no_data_is_no_index_and_never_a_good_one() -> None:
    found = index(objectives=(PROMISES,))
    assert parts(found[CREDIBILITY]) == {"promises": (0, Status.NO_DATA)}
    assert {one.value for one in found.values()} == {None}
    assert list(found) == list(Dimension)
    assert not found[ACCESS].parts


def test_satisfaction_is_a_part_of_the_dimension_that_customers_spoke_of() -> None:
    found = index(
        Told(CSAT, facet("dimension", "courtesy"), 30, 1),
        Told(CSAT, facet("dimension", "access"), 30, 20),
        Told(CSAT, "", 500, 500),
    )
    assert parts(found[COURTESY]) == {"csat": (30, Status.MET)}
    assert parts(found[ACCESS]) == {"csat": (30, Status.BREACHED)}
    assert parts(found[CREDIBILITY]) == {"csat": (0, Status.NO_DATA)}


def test_a_filter_says_of_which_dimensions_an_objective_may_be() -> None:
    polite = objective(7, "polite", "csat", facets=("dimension:courtesy",))
    found = index(objectives=(polite,))
    assert [dimension for dimension, one in found.items() if one.parts] == [COURTESY]


def test_standards_are_parts_of_their_own_dimensions_and_those_of_a_site_of_none() -> None:
    found = index(
        *(
            Told(STANDARDS, facet("standard", name), 20, breaches)
            for name, breaches in (("phrases", 0), ("distance", 3))
        ),
        Told(STANDARDS, facet("standard", "safety"), 20, 3),
        Told(STANDARDS, facet("standard", "lobby-plants"), 900, 900),
    )
    assert parts(found[COURTESY]) == {"standards": (40, Status.MET)}
    assert parts(found[Dimension.SECURITY]) == {"standards": (20, Status.BREACHED)}
    assert {dimension for dimension, one in found.items() if one.parts} == {
        *(COURTESY, Dimension.SECURITY, Dimension.TANGIBLES, Dimension.RESPONSIVENESS)
    }


def test_a_complaint_about_anything_is_heard_or_not() -> None:
    found = index(Told(COMPLAINTS, facet("dimension", "courtesy"), 20, 0), Told(COMPLAINTS, "", 20, 10))
    assert parts(found[ACCESS]) == {"complaints": (40, Status.BREACHED)}
    assert not found[COURTESY].parts


def test_several_sites_are_judged_by_their_sums() -> None:
    found = index(Told(ABANDONED, "", 100, 0), Told(ABANDONED, "", 100, 10))[ACCESS]
    assert parts(found) == {"abandoned": (200, Status.MET)}


def test_what_has_ended_and_was_not_judged_is_no_part() -> None:
    ended = Objective(8, "ended", (PROMISES.terms[0], Terms(TODAY - 3, "promise_kept_rate", 0.95, ended=True)))
    begins = Objective(9, "begins", (Terms(TODAY + 1, "promise_kept_rate", 0.95),))
    assert not index(objectives=(ended, begins))[CREDIBILITY].parts


def test_the_kpis_without_an_objective_are_named() -> None:
    found = index(objectives=(PROMISES, CSAT))
    assert [kpi.name for kpi in found[CREDIBILITY].without_objective] == ["quote_kept_rate", "quote_overrun", "ces"]
    assert "standards_compliance" in [kpi.name for kpi in found[Dimension.SECURITY].without_objective]
    assert all(kpi.name != "csat" for one in found.values() for kpi in one.without_objective)


@pytest.mark.parametrize(
    ("kpi", "dimensions"),
    [
        ("accuracy", ["reliability"]),
        ("csat", list(Dimension)),
        ("nps", []),
        ("complaints_answered_rate", ["access"]),
        ("standards_compliance", ["courtesy", "tangibles", "security", "responsiveness"]),
        ("offered", []),
        ("surveys", []),
        ("items_checked", []),
    ],
)
def test_the_dimensions_of_a_kpi(kpi: str, dimensions: list[str]) -> None:
    assert list(dimensions_of(KPI_BY_NAME[kpi])) == dimensions
