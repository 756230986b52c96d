"""The KPIs of what good service is beside speed and reliability."""

from dataclasses import replace

from service.core.catalogue.kpi import Kpi, Shape, mean, one_formula, plus, ratio
from service.core.catalogue.measure import Scope
from service.core.catalogue.quality_measures import (
    COMPLAINTS_WITHIN_HOURS,
    MISROUTED_WITHIN_SECONDS,
    QUALITY_MEASURES,
    SAME_AGENT_WITHIN,
)
from service.core.quality import DIMENSION, STANDARD, Dimension

_QUALITY, _SATISFACTION = "quality", "satisfaction"


def _share(
    name: str,
    help_: str,
    dimension: Dimension,
    text: str,
    over: str,
    under: str,
    *,
    better: str = "higher",
    group: str = _QUALITY,
) -> Kpi:
    return ratio(name, help_, better, group, text, over, under, dimension)


_OF_FEEDBACK = frozenset(measure.name for measure in QUALITY_MEASURES if measure.scope is Scope.FEEDBACK)


def _told_apart(kpi: Kpi) -> Kpi:
    """A KPI of feedback alone is told apart by the dimension that customers spoke of."""
    terms = frozenset[str]().union(*(formula.terms for formula in kpi.formulas.values()))
    return replace(kpi, facet=DIMENSION) if terms <= _OF_FEEDBACK else kpi


_KPIS: tuple[Kpi, ...] = (
    _share(
        "promise_kept_rate",
        "share of promises that were kept by the time they were due; one that is not counts when it is due, unless it "
        "was withdrawn by then",
        Dimension.CREDIBILITY,
        "promises kept in time / promises due",
        "promises_kept",
        "promises_due",
    ),
    _share(
        "quote_kept_rate",
        "share of answered visits that waited no longer than they were told",
        Dimension.CREDIBILITY,
        "answered with wait <= quoted wait / answered with a known wait and a quote",
        "quotes_kept",
        "quoted_waits",
    ),
    Kpi(
        "quote_overrun",
        "how much longer than quoted those waited for whom the quote was not kept, in the mean",
        Shape.MEAN,
        "seconds",
        "lower",
        _QUALITY,
        one_formula(
            "sum of (wait - quoted wait) / answered with wait > quoted wait",
            plus("quote_overrun_us"),
            {"quoted_waits": 1, "quotes_kept": -1},
        ),
        dimension=Dimension.CREDIBILITY,
    ),
    _share(
        "informed_rate",
        "share of interactions, whose wait or resolution took longer than the patience of their queue, in which the "
        "customer was told in between how things stand",
        Dimension.COMMUNICATION,
        "long matters informed in between / long matters",
        "informed_matters",
        "long_matters",
    ),
    mean(
        "first_response_time",
        "mean time from arrival to the first answer, of a person or of how things stand",
        _QUALITY,
        "sum of (first of answered or informed - arrival) / interactions with one",
        ("response_us",),
        ("responses",),
        dimension=Dimension.COMMUNICATION,
    ),
    _share(
        "proactive_rate",
        "share of interactions that we began, of those of which it is known who did",
        Dimension.RESPONSIVENESS,
        "begun by us / interactions whose beginner is known",
        "proactive",
        "initiations_known",
    ),
    _share(
        "known_customer_rate",
        "share of interactions whose customer was recognised, of those of which it is known",
        Dimension.UNDERSTANDING,
        "recognised / interactions of which that is known",
        "recognised",
        "recognitions_known",
    ),
    _share(
        "misroute_rate",
        f"share of answered visits that were transferred after {MISROUTED_WITHIN_SECONDS} s of service at most",
        Dimension.UNDERSTANDING,
        f"visits with service until transferred <= {MISROUTED_WITHIN_SECONDS} s / answered visits",
        "misrouted",
        "answered",
        better="lower",
    ),
    _share(
        "decided_rate",
        "share of resolved interactions that were neither escalated nor transferred",
        Dimension.COMPETENCE,
        "resolved without escalation or transfer / resolved",
        "decided",
        "resolved",
    ),
    _share(
        "one_window_rate",
        "share of completed interactions that took one visit and one agent",
        Dimension.COMPETENCE,
        "completed with one visit and one agent / completed",
        "one_window",
        "completed",
    ),
    _share(
        "same_agent_rate",
        "share of repeat contacts within 30 days that the agent of the previous contact answered",
        Dimension.UNDERSTANDING,
        "answered by the agent of the previous contact / repeat contacts within 30 d",
        "same_agent",
        f"repeat_contacts_{SAME_AGENT_WITHIN}",
    ),
    _share(
        "identity_verified_rate",
        "share of interactions answered by phone or chat in which it was verified who the customer is, before their "
        "completion",
        Dimension.SECURITY,
        "verified before completion / answered by phone or chat",
        "verified",
        "verifiable",
    ),
    Kpi(
        "standards_compliance",
        "share of what was checked of the standards of conduct that was as it must be",
        Shape.RATIO,
        "ratio",
        "higher",
        _QUALITY,
        one_formula("items passed / items checked", plus("items_passed"), plus("items_checked")),
        dimension=Dimension.COURTESY,
        facet=STANDARD,
    ),
    Kpi(
        "csat",
        "share of the scores of satisfaction that are the top two of five, or the same share of another scale",
        Shape.RATIO,
        "ratio",
        "higher",
        _SATISFACTION,
        one_formula("scores with score / scale > 3 / 5 / scores", plus("csat_top"), plus("csat_scores")),
    ),
    Kpi(
        "csat_mean",
        "mean score of satisfaction, of five",
        Shape.MEAN,
        "points",
        "higher",
        _SATISFACTION,
        one_formula("sum of 5 * score / scale / scores", plus("csat_points"), plus("csat_scores")),
    ),
    Kpi(
        "nps",
        "net promoter score: share of those who recommend us (9 and 10) less the share of those who do not (0 to 6)",
        Shape.RATIO,
        "ratio",
        "higher",
        _SATISFACTION,
        one_formula(
            "(scores >= 9 - scores <= 6) / scores",
            {"nps_promoters": 1, "nps_detractors": -1},
            plus("nps_scores"),
        ),
        is_promisable=False,
    ),
    ratio(
        "ces",
        "customer effort score: share of those for whom it was easy, the top three of seven",
        "higher",
        _SATISFACTION,
        "scores with score / scale > 4 / 7 / scores",
        "ces_easy",
        "ces_scores",
    ),
    Kpi(
        "stars",
        "mean of the ratings by stars, of five",
        Shape.MEAN,
        "points",
        "higher",
        _SATISFACTION,
        one_formula("sum of 5 * score / scale / ratings", plus("star_points"), plus("star_ratings")),
    ),
    ratio(
        "feedback_response_rate",
        "surveys that came back, of the interactions completed",
        "higher",
        _SATISFACTION,
        "surveys / completed",
        "surveys",
        "completed",
    ),
    Kpi(
        "complaint_rate",
        "complaints per 1,000 completed interactions",
        Shape.RATIO,
        "per_1000",
        "lower",
        _SATISFACTION,
        one_formula("1000 * complaints / completed", plus("complaints"), plus("completed")),
        dimension=Dimension.ACCESS,
        per=1000,
    ),
    mean(
        "complaint_answer_time",
        "mean time from a complaint to our answer",
        _SATISFACTION,
        "sum of (first answered - received) / complaints answered",
        ("complaint_answer_us",),
        ("complaints_answered",),
        dimension=Dimension.ACCESS,
    ),
    Kpi(
        "complaints_answered_rate",
        f"share of complaints that were answered within {COMPLAINTS_WITHIN_HOURS} h; of_due leaves out those that are "
        "younger and not answered yet",
        Shape.RATIO,
        "ratio",
        "higher",
        _SATISFACTION,
        {
            "of_received": one_formula(
                f"answered within {COMPLAINTS_WITHIN_HOURS} h / complaints",
                plus("complaints_answered_1d"),
                plus("complaints"),
            )[""],
            "of_due": one_formula(
                f"answered within {COMPLAINTS_WITHIN_HOURS} h / complaints answered or older than that",
                plus("complaints_answered_1d"),
                plus("complaints_due"),
            )[""],
        },
        default_formula="of_received",
        dimension=Dimension.ACCESS,
    ),
)

QUALITY_KPIS: tuple[Kpi, ...] = tuple(map(_told_apart, _KPIS))
