"""What tests of the report share, and those of values worked out by hand."""

from dataclasses import replace

import pytest

from service.core.objective import Override
from service.generate.report.figures import Report
from service.store.standings import Day
from tests.measured import Measured, by_reference, by_service
from tests.unit.reports import BANK, DAYS, IN_20, LOANS, PLACEHOLDER, SECOND, SHOP, objective, report, spent, standing


@pytest.fixture
def two_sites() -> Report:
    """One objective at two sites, one of which was promised something else."""
    phone = objective(replace(IN_20, overrides=(Override(("shop",), 0.9, 30 * SECOND),)), title="Calls")
    return report(
        [phone],
        [
            standing(phone, BANK, spent(300, 45)),
            standing(phone, LOANS, spent(30, 9)),
            standing(phone, SHOP, spent(70, 7, (0.9, 70))),
            standing(phone, PLACEHOLDER, spent(0, 0)),
        ],
        [
            Day(phone, DAYS[1], spent(100, 21), None),
            Day(phone, DAYS[2], spent(300, 40, (0.8, 230), (0.9, 70)), None),
        ],
    )


@pytest.fixture(params=[by_reference, by_service], ids=["the reference", "the service"])
def measured(request: pytest.FixtureRequest) -> Measured:
    """What events come to, by each of the two."""
    return Measured(request.param)
