"""Feedback: what a customer thinks, and whether we answered."""

from collections.abc import Iterator
from fractions import Fraction

from service.core.catalogue.measures import MEASURE_BY_NAME, Scope
from service.core.catalogue.quality_measures import COMPLAINTS_OPEN_DAYS, COMPLAINTS_WITHIN_HOURS
from service.core.event import DAY_US, HOUR_US, AsideData, Fact, Kind
from service.core.measure import SeriesKey
from service.core.quality import DIMENSION, NO_FACET, facet
from service.core.stories.aside import Aside, Open, Part, said

STATE_COMPLAINT = 3

_WITHIN_US = COMPLAINTS_WITHIN_HOURS * HOUR_US
_OPEN_US = COMPLAINTS_OPEN_DAYS * DAY_US
_POINT = 1_000_000


def _code(name: str) -> int:
    return MEASURE_BY_NAME[name].code


_KINDS = {kind: _code(f"{kind}s") for kind in ("survey", "review", "comment", "complaint")}
_OPEN, _DUE, _ANSWERED = _code("complaints_open"), _code("complaints_due"), _code("complaints_answered")
_ANSWER_US, _IN_TIME = _code("complaint_answer_us"), _code("complaints_answered_1d")
_CSAT, _CSAT_TOP, _CSAT_POINTS = _code("csat_scores"), _code("csat_top"), _code("csat_points")
_NPS, _PROMOTERS, _DETRACTORS = _code("nps_scores"), _code("nps_promoters"), _code("nps_detractors")
_CES, _EASY = _code("ces_scores"), _code("ces_easy")
_STARS, _STAR_POINTS = _code("star_ratings"), _code("star_points")


class Feedback(Aside):
    """Feedback as its events tell it, booked to the minute in which it was received.

    Two senders of a registered source may give the same id to different things: each is counted, and an answer is of
    both.
    """

    scope = Scope.FEEDBACK

    def parts(self, home: SeriesKey, as_of_us: int) -> Iterator[Part]:
        """What it counts for, one part for each that was received."""
        answered_us = self._answered_us()
        for fact in self._received():
            data = said(fact)
            amounts = {_KINDS[data.kind]: 1} if data.kind is not None else {}
            amounts |= _scored(data)
            made_at = dict.fromkeys(amounts, fact.at)
            if data.kind == "complaint":
                _complain(fact.at, answered_us, as_of_us, amounts, made_at)
            key = home if data.dimension is None else (*home[:3], facet(DIMENSION, data.dimension))
            yield Part(key, fact.at, amounts, made_at)

    def open(self, home: SeriesKey, as_of_us: int) -> Iterator[Open]:
        """A complaint that was not answered yet."""
        complaints = [fact.at for fact in self._received() if fact.data.kind == "complaint"]
        if not complaints or self._answered_us() is not None:
            return
        moments = [at_us + after_us for at_us in complaints for after_us in (_WITHIN_US + 1, _OPEN_US)]
        ahead = [at_us for at_us in moments if as_of_us < at_us]
        if ahead:
            since_us = min(complaints)
            yield Open((*home[:3], NO_FACET), STATE_COMPLAINT, since_us, max(complaints) + _OPEN_US, min(ahead))

    def _received(self) -> list[Fact]:
        return [fact for fact in self.facts if fact.kind == Kind.FEEDBACK_RECEIVED]

    def _answered_us(self) -> int | None:
        return next((fact.at for fact in self.facts if fact.kind == Kind.FEEDBACK_ANSWERED), None)


def _complain(
    at_us: int, answered_us: int | None, as_of_us: int, amounts: dict[int, int], made_at: dict[int, int]
) -> None:
    """Add what a complaint counts for; an answer that is told to be earlier took no time."""
    if answered_us is None:
        if as_of_us < at_us + _OPEN_US:
            amounts[_OPEN] = 1
            made_at[_OPEN] = at_us
        if as_of_us > at_us + _WITHIN_US:
            amounts[_DUE] = 1
            made_at[_DUE] = at_us + _WITHIN_US
        return
    took_us = max(0, answered_us - at_us)
    amounts[_DUE] = amounts[_ANSWERED] = 1
    amounts[_ANSWER_US] = took_us
    if took_us <= _WITHIN_US:
        amounts[_IN_TIME] = 1
    made_at[_ANSWERED] = max(at_us, answered_us)
    made_at[_DUE] = min(made_at[_ANSWERED], at_us + _WITHIN_US)


def _scored(data: AsideData) -> dict[int, int]:
    """What a score counts for; the shares of a scale are those of the usual one, and points are of five.

    Scores are read as the decimals that they were written as, so that 0.42 of 0.7 is three fifths and no more.
    """
    if data.metric is None or data.score is None or data.scale is None:
        return {}
    score, scale = Fraction(str(data.score)), Fraction(str(data.scale))
    points = round(5 * score / scale * _POINT)
    if data.metric == "csat":
        return {_CSAT: 1, _CSAT_TOP: int(5 * score > 3 * scale), _CSAT_POINTS: points}
    if data.metric == "ces":
        return {_CES: 1, _EASY: int(7 * score > 4 * scale)}
    if data.metric == "nps":
        return {_NPS: 1, _PROMOTERS: int(score >= 9), _DETRACTORS: int(score <= 6)}
    return {_STARS: 1, _STAR_POINTS: points}
