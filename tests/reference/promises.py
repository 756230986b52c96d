"""Strategies for objectives: of every KPI that can be promised, changed on days on which something happens."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

from tests.reference.customers import WITHIN
from tests.reference.histories import CHANNELS, QUEUES, SITES
from tests.reference.judging import OF_CONTACTS, OF_INTERACTIONS, PERCENTS
from tests.reference.kpis import SERVICE_LEVEL_FORMULAS
from tests.reference.objectives import Objective, Override, Version

THRESHOLDS = (5, 20, 60, 1800, 18_000)
NAMES = ("answer-fast", "answer", "back-soon")
FORMULAS = {
    "service_level": SERVICE_LEVEL_FORMULAS,
    "abandonment_rate": ("of_answered_and_abandoned", "excluding_short", "of_offered"),
    **{f"time_to_resolution_p{percent}": ("wall", "business", "business", "business") for percent in PERCENTS},
}
RATES = tuple(name for name in OF_INTERACTIONS if "_p" not in name)
TIMES = tuple(
    tuple(f"{what}_p{percent}" for percent in PERCENTS) for what in ("wait", "time_to_resolution", "recovery_time")
)
KPIS = (
    *(5 * [("service_level",)]),
    ("abandonment_rate",),
    *(2 * TIMES),
    *(2 * [RATES]),
    *(2 * [tuple(OF_CONTACTS)]),
    ("first_contact_resolution",),
)
# The last day of every world, the days on which clocks changed, those before and after, and one to come.
DAYS = (
    *(date(2025, 3, day) for day in (31, 31, 31, 30, 30, 29, 28, 27, 11, 10, 9, 8)),
    *(date(2024, *day) for day in ((11, 3), (10, 27), (3, 1), (2, 29))),
    date(2000, 1, 1),
)
STARTS = (*DAYS, date(2025, 4, 1))
SOME_SITES = ((), (), (), SITES[:1], SITES[1:], SITES[:2])


@st.composite
def objectives(draw: st.DrawFn) -> list[Objective]:
    """One to three objectives, each changed up to twice."""
    return [draw(_objective(name)) for name in NAMES[: draw(st.integers(1, 3))]]


@st.composite
def _objective(draw: st.DrawFn, name: str) -> Objective:
    kpi = draw(st.sampled_from(KPIS).flatmap(st.sampled_from))
    dated = draw(st.lists(st.sampled_from(STARTS), max_size=2, unique=True))
    starts: list[date | None] = [*dated]
    if not dated or draw(st.sampled_from((True, True, True, False))):
        starts.insert(draw(st.integers(0, len(dated))), None)
    return Objective(name, kpi, tuple(draw(_version(kpi, start)) for start in starts))


@st.composite
def _version(draw: st.DrawFn, kpi: str, start: date | None) -> Version:
    has_threshold = kpi == "service_level" or "_p" in kpi
    threshold = draw(st.sampled_from((*THRESHOLDS, THRESHOLDS[-1]))) if has_threshold else None
    short = draw(st.sampled_from((5, 5, 1, 20)))
    sites, queues, channels = (
        draw(st.sampled_from((*6 * [()], some[:1], some[1:3]))) for some in (SITES, QUEUES, CHANNELS)
    )
    apart = draw(st.sampled_from(SOME_SITES))
    others = tuple(site for site in SITES if site not in apart)
    return Version(
        threshold=threshold,
        formula=draw(st.sampled_from(FORMULAS.get(kpi, ("",)))),
        start=start,
        short=min(threshold or short, short),
        within=draw(st.sampled_from(WITHIN)) if kpi in OF_CONTACTS else None,
        sites=sites,
        queues=queues,
        channels=channels,
        open_only=draw(st.booleans()),
        overrides=tuple(
            Override(some, draw(st.sampled_from((*THRESHOLDS, None))) if has_threshold else None)
            for some in draw(st.sampled_from(((), (apart,), (apart, others))))
            if some
        ),
        ended=draw(st.sampled_from((*9 * [False], True))),
    )
