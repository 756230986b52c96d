"""The KPIs of good service on a real PostgreSQL, over any interval, place, dimension and standard: the reference's."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.event import moment
from service.core.interval import Interval, Step
from service.core.kpi import evaluate, needs
from service.core.question import ask
from service.store.cohorts import Group, Selection
from service.store.rollups import Gathered, Rollups
from service.store.verdicts import Post
from tests.books import accept
from tests.reference.histories import CHANNELS, NOW, QUEUES, SITES
from tests.reference.kpis import rows
from tests.reference.postings import histories
from tests.reference.quality import QUALITY_KPIS, quality_kpi
from tests.reference.rollups import Place, expected_rollups
from tests.reference.stories import homes, stories
from tests.reference.voices import DIMENSIONS, STANDARDS
from tests.reference.walk import MINUTE, Event, gather, micros
from tests.store.arena import writers_at

NOW_US = micros(NOW)
LABELS = {
    "site": SITES,
    "queue": ("", *QUEUES),
    "channel": CHANNELS,
    "dimension": DIMENSIONS,
    "standard": STANDARDS,
}
QUESTIONS = ask(QUALITY_KPIS)


class Stage:
    """A database that is emptied before each generated example."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.url = url

    async def gather(
        self, history: Sequence[Event], interval: Interval, selection: Selection, group_by: Sequence[str]
    ) -> Gathered:
        """Commit a history and gather what the questions need."""
        async with writers_at(self.url) as (database, *_, (ledger,)):
            await ledger.commit([Post(1, accept(history, NOW_US))], NOW_US)
            return await Rollups(database).gather(interval, Step.TOTAL, selection, group_by, needs(QUESTIONS))


@pytest.fixture(scope="module")
def stage(module_database_url: str) -> Iterator[Stage]:
    made = Stage(module_database_url)
    yield made
    made.runner.close()


def labelled(place: Place) -> dict[str, str]:
    """The labels of a place."""
    site, queue, channel, facet, _ = place
    name, _, value = facet.partition(":")
    return {"site": site, "queue": queue, "channel": channel, "dimension": "", "standard": ""} | (
        {name: value} if name else {}
    )


def summed(
    found: Mapping[Place, Mapping[str, int]], interval: Interval, selection: Selection, group_by: Sequence[str]
) -> dict[Group, Counter[str]]:
    """What is in an interval and a selection, by group."""
    sums: dict[Group, Counter[str]] = {}
    for place, amounts in found.items():
        labels = labelled(place)
        chosen = {name: getattr(selection, name) for name in LABELS}
        if place[-1] in interval.minutes and all(not some or labels[name] in some for name, some in chosen.items()):
            sums.setdefault(tuple(labels[name] for name in group_by), Counter()).update(amounts)
    return sums


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_every_kpi_of_good_service_is_what_the_reference_says(stage: Stage, data: st.DataObject) -> None:
    history = data.draw(histories())
    laid = rows(gather(history), NOW, {})
    found = expected_rollups(laid, NOW_US, stories(history, homes(laid), NOW_US))
    minutes = sorted({place[-1] for place in found}) or [0]
    start, end = sorted(data.draw(st.tuples(st.sampled_from(minutes), st.sampled_from(minutes))))
    interval = Interval(moment(start * MINUTE), moment((end + 1) * MINUTE))
    narrowed = data.draw(st.sampled_from((*LABELS, None, None)))
    selection = Selection(**({narrowed: LABELS[narrowed][:2]} if narrowed else {}))
    group_by = data.draw(st.lists(st.sampled_from(tuple(LABELS)), unique=True, max_size=2))

    gathered = stage.runner.run(stage.gather(history, interval, selection, group_by))

    wanted = summed(found, interval, selection, group_by)
    assert wanted.keys() <= gathered.groups.keys()
    for group, sums in gathered.groups.items():
        for question in QUESTIONS:
            (point,) = zip(*evaluate(question, sums), strict=True)
            expected = quality_kpi(question.kpi.name, wanted.get(group, {}))
            assert len(point) == len(expected)
            assert all(
                one is other if other is None else one == pytest.approx(float(other), rel=1e-12)
                for one, other in zip(point, expected, strict=True)
            ), (group, question.kpi.name, point, expected)
