"""What customers say of how they were served: surveys, reviews, comments and complaints, and how those are answered.

A score begins at the best that people give, and every trouble takes something from it. Who had more of it also
complains more often.
"""

from collections.abc import Mapping
from functools import partial
from random import Random

from service.core.quality import Dimension
from service.simulator.durations import LogNormal
from service.simulator.lines import Place, Visit
from service.simulator.stage import Stage

_ANSWERED = LogNormal(900, 0.8)  # seconds until a survey is answered
_WRITTEN = LogNormal(2700, 1.0)
_COMPLAINED = LogNormal(900, 1.0)
_DEALT_WITH = LogNormal(2400, 1.1)  # until a complaint is answered, when there are no others
_NEVER_DEALT_WITH = 0.05
_AT_BEST, _SPREAD = 4.95, 0.65  # of five
_WORST_WAIT = 4.0  # steps of trouble
_CSAT, _NPS = 0.6, 0.8  # shares of surveys, one upon the other; the rest asks for the effort
_BY_DIMENSION = 0.6  # the share of csat surveys that asks about one dimension

# What weighs most with those who are asked about a dimension; where nothing does, all weighs the same.
_CAUSE_OF = {
    Dimension.RELIABILITY: "unresolved",
    Dimension.RESPONSIVENESS: "wait",
    Dimension.COMPETENCE: "handed_on",
    Dimension.ACCESS: "wait",
    Dimension.COURTESY: "untrained",
    Dimension.COMMUNICATION: "uninformed",
    Dimension.CREDIBILITY: "wrong",
    Dimension.UNDERSTANDING: "handed_on",
    Dimension.TANGIBLES: "broken",
}
_DIMENSIONS = tuple(Dimension)
_COMPLAINT_ABOUT = {
    "wait": Dimension.RESPONSIVENESS,
    "unresolved": Dimension.RELIABILITY,
    "handed_on": Dimension.COMPETENCE,
    "wrong": Dimension.RELIABILITY,
    "uninformed": Dimension.COMMUNICATION,
    "untrained": Dimension.COURTESY,
    "broken": Dimension.TANGIBLES,
}

# How much each point of trouble adds to the chance of a complaint; that a wait adds grows with its square.
_ANGER = {
    "wait": 0.0,
    "unresolved": 2.0,
    "handed_on": 1.0,
    "wrong": 3.0,
    "uninformed": 0.0,
    "untrained": 0.5,
    "broken": 1.0,
}

_Trouble = Mapping[str, float]
"""What an encounter was like: how many points of five each cause takes away."""


class Voice:
    """Lets customers speak after an encounter, and the site answer."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def served(self, visit: Visit, *, resolved: bool, wrong: bool) -> None:
        """One was served: perhaps a survey, a review, a comment, a complaint."""
        care, beside = visit.line.profile.care, visit.encounter.beside
        if care is None:
            return
        trouble = _trouble(visit, care.tolerance, resolved=resolved, wrong=wrong)
        if beside.random() < care.surveyed:
            self._survey(visit, trouble)
        if beside.random() < care.reviewing:
            stars = _on_scale(_felt(trouble, beside), 1, 5)
            self._stage.plan(_WRITTEN.sample(beside), partial(self._review, visit, stars))
        if beside.random() < care.commenting:
            self._receive(visit, "comment", _WRITTEN.sample(beside))
        anger = sum(_ANGER[cause] * points for cause, points in trouble.items()) + trouble["wait"] ** 2
        if beside.random() < care.complaining * (0.5 + anger):
            self._complain(visit, _COMPLAINT_ABOUT[max(trouble, key=trouble.__getitem__)])

    def left(self, visit: Visit) -> None:
        """One gave up waiting: who has waited long may complain of it."""
        care, beside = visit.line.profile.care, visit.encounter.beside
        if care is None:
            return
        wait = _wait(visit, care.tolerance)
        if beside.random() < care.complaining * (1 + wait**2):
            self._complain(visit, Dimension.ACCESS)

    def _survey(self, visit: Visit, trouble: _Trouble) -> None:
        beside = visit.encounter.beside
        after, drawn = _ANSWERED.sample(beside), beside.random()
        if drawn < _CSAT:
            dimension = beside.choice(_DIMENSIONS) if beside.random() < _BY_DIMENSION else None
            score = _on_scale(_felt(trouble, beside, dimension), 1, 5)
            self._receive(visit, "survey", after, metric="csat", score=score, dimension=dimension)
        elif drawn < _NPS:
            self._receive(visit, "survey", after, metric="nps", score=_on_scale(_felt(trouble, beside), 0, 10))
        else:
            self._receive(visit, "survey", after, metric="ces", score=_on_scale(_felt(trouble, beside), 1, 7))

    def _receive(self, visit: Visit, kind: str, after: float, **data: str | int | None) -> None:
        subject = visit.encounter.subject
        say = partial(self._stage.say, "feedback.received", f"{subject}:{kind}", "voice", subject, kind=kind, **data)
        self._stage.plan(after, say)

    def _review(self, visit: Visit, stars: int) -> None:
        """A review is of a place, by a link that hangs there: nobody knows which encounter it is about."""
        name, queue = visit.line.place.name, visit.line.profile
        self._stage.say(
            "feedback.received",
            f"{visit.encounter.subject}:review",
            "reviews",
            site=name,
            queue=queue.name,
            channel=queue.channel,
            kind="review",
            metric="stars",
            score=stars,
            scale=5,
        )

    def _complain(self, visit: Visit, dimension: Dimension) -> None:
        self._stage.plan(_COMPLAINED.sample(visit.encounter.beside), partial(self._complaint, visit, dimension))

    def _complaint(self, visit: Visit, dimension: Dimension) -> None:
        subject, place, beside = visit.encounter.subject, visit.line.place, visit.encounter.beside
        name = f"{subject}:complaint"
        self._stage.say("feedback.received", name, "voice", subject, kind="complaint", dimension=dimension)
        load = 1 + 2 * visit.line.strain + place.complaints / 3
        place.complaints += 1
        if beside.random() >= _NEVER_DEALT_WITH:
            self._stage.plan(_DEALT_WITH.sample(beside) * load, partial(self._answer, place, subject, name))

    def _answer(self, place: Place, subject: str, name: str) -> None:
        place.complaints -= 1
        self._stage.say("feedback.answered", f"{name}:answered", "voice", subject, feedback=name)


def _trouble(visit: Visit, tolerance: float, *, resolved: bool, wrong: bool) -> _Trouble:
    encounter, place = visit.encounter, visit.line.place
    wait = _wait(visit, tolerance)
    return {
        "wait": 0.5 * wait,
        "unresolved": 0.0 if resolved else 1.3,
        "handed_on": 0.4 * (encounter.visits - 1),
        "wrong": 0.8 if wrong else 0.0,
        "uninformed": 0.0 if encounter.informed else 0.3 * min(1.0, wait),
        "untrained": 0.0 if place.trained else 0.3,
        "broken": 0.3 if place.broken else 0.0,
    }


def _points(trouble: _Trouble, dimension: Dimension | None) -> float:
    """What is lost in the eyes of one who is asked about a dimension, or about all together."""
    lost = sum(trouble.values())
    if dimension is None or dimension not in _CAUSE_OF:
        return lost
    return lost * 0.5 + trouble[_CAUSE_OF[dimension]] * 1.5


def _wait(visit: Visit, tolerance: float) -> float:
    """The wait in steps of trouble."""
    return min(_WORST_WAIT, visit.encounter.waited / tolerance)


def _felt(trouble: _Trouble, chance: Random, dimension: Dimension | None = None) -> float:
    """A score from 1 to 5."""
    return max(1.0, min(5.0, _AT_BEST - _points(trouble, dimension) + chance.gauss(0.0, _SPREAD)))


def _on_scale(score: float, worst: int, best: int) -> int:
    return round(worst + (score - 1) / 4 * (best - worst))
