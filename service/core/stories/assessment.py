"""An assessment: a mystery shopper or a supervisor checked a standard of conduct."""

from collections.abc import Iterator

from service.core.catalogue.measures import MEASURE_BY_NAME, Scope
from service.core.measure import SeriesKey
from service.core.quality import STANDARD, facet
from service.core.stories.aside import Aside, Part, said

_ASSESSMENTS = MEASURE_BY_NAME["assessments"].code
_CHECKED = MEASURE_BY_NAME["items_checked"].code
_PASSED = MEASURE_BY_NAME["items_passed"].code


class Assessment(Aside):
    """An assessment, booked to its minute, in the series of its standard."""

    scope = Scope.ASSESSMENT

    def parts(self, home: SeriesKey, _as_of_us: int) -> Iterator[Part]:
        """What was checked, and what of it was as it must be."""
        for fact in self.facts:
            data = said(fact)
            amounts = {_ASSESSMENTS: 1, _CHECKED: data.of or 0, _PASSED: data.passed or 0}
            key = (*home[:3], facet(STANDARD, data.standard or ""))
            yield Part(key, fact.at, amounts, {_ASSESSMENTS: fact.at})
