"""The simulated quality of service: causes hold together, so that what is asked of the numbers has an answer."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any

import msgspec
import pytest

from service.core.event import KINDS_OF_INTERACTIONS, Kind, microseconds
from service.core.intake import admit, read_json
from service.core.quality import STANDARDS
from service.core.vocabulary import TYPE_OF_KIND
from service.simulator.changes import programme
from service.simulator.model import Simulation
from service.simulator.profile import SiteProfile, call_centre, sites
from service.simulator.stage import Event
from tests.lines import lines_only

MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
LASTING = timedelta(days=4)
TRAINED = {"care-riga-1", "vilnius-1", "singapore-1"}
UNTRAINED = {"care-manila-1", "chicago-1", "vilnius-2"}
OF_LINES = {TYPE_OF_KIND[kind] for kind in KINDS_OF_INTERACTIONS} - {
    TYPE_OF_KIND[Kind.INFORMED],
    TYPE_OF_KIND[Kind.VERIFIED],
}

Number = Callable[[Sequence[Event]], float]


def run(
    profiles: Sequence[SiteProfile],
    lasting: timedelta = LASTING,
    slip: float = 0.0,
    changed: bool = False,
) -> list[Event]:
    changes = programme(profiles, MONDAY, lasting) if changed else ()
    simulation = Simulation(profiles, seed=5, start=MONDAY, label="t", slip=slip, changes=changes)
    return list(simulation.until(MONDAY + lasting))


@dataclass(frozen=True)
class Story:
    """Everything that was told, and of what is about an interaction the site of that."""

    events: list[Event]

    @property
    def sites(self) -> dict[str, str]:
        return {event["subject"]: event["data"]["site"] for event in self.events if is_queued(event)}

    def at(self, names: Iterable[str], since: datetime = MONDAY, until: datetime = MONDAY + LASTING) -> list[Event]:
        """What was told of some sites in a span of time."""
        known, wanted = self.sites, set(names)
        return [
            event
            for event in self.events
            if since <= moment(event) < until
            and (event["data"].get("site") or known.get(event.get("subject", ""))) in wanted
        ]


@pytest.fixture(scope="module")
def as_ever() -> Story:
    return Story(run(sites(6)))


@pytest.fixture(scope="module")
def changed() -> Story:
    return Story(run(sites(6), changed=True))


@pytest.fixture(scope="module")
def slipping() -> Story:
    return Story(run(sites(6), slip=0.45))


def moment(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def is_queued(event: Event) -> bool:
    return bool(event["type"] in ("interaction.queued", "interaction.recorded"))


def of(events: Iterable[Event], type_: str, **data: Any) -> list[Event]:
    return [event for event in events if event["type"] == type_ and data.items() <= event["data"].items()]


def scores(events: Iterable[Event], metric: str = "csat") -> list[float]:
    return [event["data"]["score"] for event in of(events, "feedback.received", metric=metric)]


def compliance(events: Sequence[Event]) -> float:
    checked = [event["data"] for event in of(events, "assessment.recorded")]
    return sum(one["passed"] for one in checked) / sum(one["of"] for one in checked)


def resolution(events: Sequence[Event]) -> float:
    return mean(event["data"]["resolved"] for event in of(events, "interaction.completed"))


def satisfaction(events: Sequence[Event]) -> float:
    return mean(scores(events))


def verification(events: Sequence[Event]) -> float:
    answered = [event for event in of(events, "interaction.answered") if event["subject"].startswith("t-5-care")]
    return len(of(events, "interaction.verified")) / len(answered)


def complaints(events: Sequence[Event]) -> float:
    return len(of(events, "feedback.received", kind="complaint")) / len(of(events, "interaction.completed"))


def test_every_event_would_be_admitted(changed: Story, slipping: Story) -> None:
    for told in (changed.events, slipping.events):
        now = microseconds(MONDAY + LASTING)
        for begin in range(0, len(told), 5000):
            events = read_json(msgspec.json.encode(told[begin : begin + 5000]))
            accepted, rejected = admit(events, now_us=now, pseudonym=str, may_post=lambda _site: True)
            assert not rejected, rejected[0]
            assert len(accepted) == len(told[begin : begin + 5000])


def test_a_line_is_the_same_whatever_is_said_of_it(as_ever: Story) -> None:
    bare = run([lines_only(site) for site in sites(6)])
    assert {event["type"] for event in bare} <= OF_LINES

    def seen(events: Iterable[Event]) -> list[tuple[str, str, str]]:
        return [(event["time"], event["type"], event["subject"]) for event in events if event["type"] in OF_LINES]

    assert seen(as_ever.events) == seen(bare)


def test_after_a_training_all_that_it_is_for_is_better_where_it_was(as_ever: Story, changed: Story) -> None:
    (training,) = of(changed.events, "change.made", kind="training")
    assert set(training["data"]["sites"]) == TRAINED
    for number in (compliance, resolution, satisfaction, verification):
        before, after = changed.at(TRAINED, until=moment(training)), changed.at(TRAINED, moment(training))
        untouched = as_ever.at(TRAINED, moment(training))
        assert number(after) > number(before) + 0.03
        assert number(after) > number(untouched) + 0.03
    assert complaints(changed.at(TRAINED, moment(training))) < complaints(as_ever.at(TRAINED, moment(training)))


def test_a_training_changes_nothing_before_it_and_nothing_elsewhere(as_ever: Story, changed: Story) -> None:
    (training,) = of(changed.events, "change.made", kind="training")
    assert changed.at(TRAINED, until=moment(training)) == as_ever.at(TRAINED, until=moment(training))
    (quotes,) = of(changed.events, "change.made", kind="process")
    assert set(quotes["data"]["sites"]) == UNTRAINED

    def without_quotes(events: Iterable[Event]) -> list[Event]:
        return [
            {**event, "data": {name: value for name, value in event["data"].items() if "quoted" not in name}}
            for event in events
        ]

    assert without_quotes(changed.at(UNTRAINED)) == without_quotes(as_ever.at(UNTRAINED))


def quotes_kept(events: Sequence[Event]) -> float:
    """The share of those who were told how long they would wait, and had not to wait for longer."""
    quoted: dict[str, tuple[datetime, float]] = {}
    kept = []
    for event in events:
        if event["type"] == "interaction.queued" and "quoted_wait_seconds" in event["data"]:
            quoted[event["subject"]] = moment(event), event["data"]["quoted_wait_seconds"]
        elif event["type"] == "interaction.answered" and event["subject"] in quoted:
            since, seconds = quoted.pop(event["subject"])
            kept.append((moment(event) - since).total_seconds() <= seconds)
    return mean(kept)


def test_quotes_are_too_low_when_service_slips_and_kept_when_they_are_longer(
    as_ever: Story, slipping: Story, changed: Story
) -> None:
    assert 0.75 < quotes_kept(as_ever.events) < 0.95
    assert quotes_kept(slipping.events) < quotes_kept(as_ever.events) - 0.2
    (change,) = of(changed.events, "change.made", kind="process")
    assert (
        quotes_kept(changed.at(UNTRAINED, moment(change))) > quotes_kept(as_ever.at(UNTRAINED, moment(change))) + 0.05
    )


def wait_of(events: Iterable[Event]) -> dict[str, float]:
    """The seconds that each customer waited, in all lines together."""
    since: dict[str, datetime] = {}
    waited: dict[str, float] = defaultdict(float)
    for event in events:
        if event["type"] == "interaction.queued":
            since[event["subject"]] = moment(event)
        elif event["type"] in ("interaction.answered", "interaction.abandoned", "interaction.diverted"):
            waited[event["subject"]] += (moment(event) - since[event["subject"]]).total_seconds()
    return waited


def test_who_waited_long_is_less_satisfied_and_complains_more(slipping: Story) -> None:
    waited = wait_of(slipping.events)
    given = [event for event in of(slipping.events, "feedback.received", metric="csat") if event["subject"] in waited]
    short = [event["data"]["score"] for event in given if waited[event["subject"]] < 60]
    long = [event["data"]["score"] for event in given if waited[event["subject"]] > 240]
    assert min(len(short), len(long)) > 100
    assert mean(short) > mean(long) + 0.4
    complained = [waited[event["subject"]] for event in of(slipping.events, "feedback.received", kind="complaint")
                  if event["subject"] in waited]  # fmt: skip
    assert mean(complained) > 1.3 * mean(waited.values())


def test_what_is_asked_about_decides_what_weighs(slipping: Story) -> None:
    asked: dict[str, list[float]] = defaultdict(list)
    for event in of(slipping.events, "feedback.received", metric="csat"):
        asked[event["data"].get("dimension", "")].append(event["data"]["score"])
    assert len(asked) == 11
    assert mean(asked["responsiveness"]) < mean(asked["tangibles"]) - 0.3


@pytest.mark.parametrize("trouble", ["unresolved", "corrected", "transferred"])
def test_what_went_wrong_lowers_satisfaction(as_ever: Story, trouble: str) -> None:
    events = as_ever.events
    had = {
        "unresolved": {event["subject"] for event in of(events, "interaction.completed", resolved=False)},
        "corrected": {event["subject"] for event in of(events, "interaction.corrected")},
        "transferred": {event["subject"] for event in of(events, "interaction.transferred")},
    }
    given = [(event["subject"], event["data"]["score"]) for event in of(events, "feedback.received", metric="csat")]
    usual = [score for subject, score in given if not any(subject in subjects for subjects in had.values())]
    hurt = [score for subject, score in given if subject in had[trouble]]
    assert len(hurt) > 20
    assert mean(hurt) < mean(usual) - 0.3


def test_a_slip_is_felt_in_all_that_customers_say(as_ever: Story, slipping: Story) -> None:
    for metric in ("csat", "nps", "ces", "stars"):
        assert mean(scores(slipping.events, metric)) < mean(scores(as_ever.events, metric))
    assert complaints(slipping.events) > 1.5 * complaints(as_ever.events)


def answer_times(events: Iterable[Event]) -> list[float]:
    received = {event["id"]: moment(event) for event in of(events, "feedback.received", kind="complaint")}
    answers = of(events, "feedback.answered")
    return [(moment(event) - received[event["data"]["feedback"]]).total_seconds() for event in answers]


def test_complaints_are_answered_once_and_later_when_there_are_many(as_ever: Story, slipping: Story) -> None:
    for story in (as_ever, slipping):
        assert min(answer_times(story.events)) > 0
        answers = Counter(event["data"]["feedback"] for event in of(story.events, "feedback.answered"))
        assert set(answers.values()) == {1}
        assert len(answers) < len(of(story.events, "feedback.received", kind="complaint"))
    assert mean(answer_times(slipping.events)) > 1.3 * mean(answer_times(as_ever.events))


def fates(events: Iterable[Event]) -> Counter[str]:
    """What became of promises that were due before the end: kept, late, never, withdrawn."""
    events = list(events)
    ended = {
        event["data"]["promise"]: event for event in (*of(events, "promise.kept"), *of(events, "promise.withdrawn"))
    }
    found: Counter[str] = Counter()
    for made in of(events, "promise.made"):
        due, end = datetime.fromisoformat(made["data"]["due"]), ended.get(made["data"]["promise"])
        assert due > moment(made)
        if end is not None:
            assert end["subject"] == made["subject"]
            assert moment(end) > moment(made)
        if end is not None and end["type"] == "promise.withdrawn":
            found["withdrawn"] += 1
        elif due + timedelta(hours=24) < MONDAY + LASTING:
            found["never" if end is None else "kept" if moment(end) <= due else "late"] += 1
    return found


def test_promises_are_mostly_kept_and_less_when_people_are_hard_pressed(as_ever: Story, slipping: Story) -> None:
    usual, pressed = fates(as_ever.events), fates(slipping.events)
    assert set(usual) == set(pressed) == {"kept", "late", "never", "withdrawn"}
    assert usual["kept"] / usual.total() > 0.85
    assert pressed["kept"] / pressed.total() < usual["kept"] / usual.total() - 0.1
    kinds = {event["data"]["kind"] for event in of(as_ever.events, "promise.made")}
    assert kinds == {"callback", "delivery", "fix", "visit"}
    for events in (as_ever.events, slipping.events):
        ids = [event["data"]["promise"] for event in of(events, "promise.made")]
        assert len(set(ids)) == len(ids)


def test_a_contact_that_we_began_is_a_call_that_was_promised(as_ever: Story) -> None:
    kept = {(event["subject"], event["time"]) for event in of(as_ever.events, "promise.kept")}
    ours = of(as_ever.events, "interaction.queued", initiated_by="us")
    assert len(ours) > 100
    for event in ours:
        matter, _, number = event["subject"].rpartition(".")
        before = matter if number == "2" else f"{matter}.{int(number) - 1}"
        assert (before, event["time"]) in kept


def test_customers_who_wait_long_are_informed_and_less_when_many_wait(as_ever: Story, slipping: Story) -> None:
    def share(events: list[Event]) -> float:
        """Of those who waited in a line of a call centre for more than two minutes."""
        long = {subject for subject, seconds in wait_of(events).items() if seconds > 120 and "care" in subject}
        informed = {event["subject"] for event in of(events, "interaction.informed")}
        assert len(long) > 100
        return len(long & informed) / len(long)

    assert share(as_ever.events) > share(slipping.events) + 0.05


def test_standards_are_those_of_all_and_one_of_the_site(as_ever: Story) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for event in of(as_ever.events, "assessment.recorded"):
        found[event["data"]["site"]].add(event["data"]["standard"])
        assert 0 <= event["data"]["passed"] <= event["data"]["of"]
    assert {site: own - STANDARDS.keys() for site, own in found.items()} == {
        site: {"call-notes"} if site.startswith("care") else {"clean-tables"} for site in TRAINED | UNTRAINED
    }


def test_what_breaks_is_mended(as_ever: Story) -> None:
    states: dict[tuple[str, str], list[str]] = defaultdict(list)
    for event in of(as_ever.events, "availability.changed"):
        states[event["data"]["site"], event["data"]["resource"]].append(event["data"]["state"])
    assert {state for told in states.values() for state in told} == {"up", "degraded", "down"}
    for told in states.values():
        assert told[0] == "up"
        assert all((one == "up") != (other == "up") for one, other in pairwise(told))


def test_what_beats_is_silent_for_longer_than_allowed_only_when_it_is_broken(as_ever: Story) -> None:
    beats: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for event in of(as_ever.events, "heartbeat"):
        assert event["data"]["interval_seconds"] == 1000
        beats[event["data"]["site"], event["data"].get("resource", "")].append(moment(event))
    assert len(beats) == 12
    gaps = [(other - one).total_seconds() for told in beats.values() for one, other in pairwise(told)]
    assert min(gaps) == 900
    assert 0 < sum(gap > 1000 for gap in gaps) < 0.02 * len(gaps)


def test_staff_follows_opening_and_slips() -> None:
    simulation = Simulation(sites(1), seed=1, start=MONDAY)
    told: list[tuple[datetime, str, int]] = []
    slipped, recovered = MONDAY + timedelta(hours=12, minutes=4), MONDAY + timedelta(hours=15, minutes=4)
    for end, simulation.slip in ((slipped, 0.0), (recovered, 1.0), (MONDAY + timedelta(days=1), 0.0)):
        for event in of(simulation.until(end), "staffing.changed"):
            told.append((moment(event), event["data"]["queue"], event["data"]["staffed"]))
            assert event["data"]["available"] <= event["data"]["staffed"]
    assert [staffed for _, queue, staffed in told if queue == "tills"] == [0, 4, 2, 4, 0]
    drive = [(at, staffed) for at, queue, staffed in told if queue == "drive-thru"]
    assert drive == [(MONDAY, 2), (slipped, 1), (recovered, 2)]


def test_a_programme_leaves_sites_to_compare_with() -> None:
    start = MONDAY
    training, quotes = programme(sites(6), start, timedelta(days=8))
    assert (set(training.sites), set(quotes.sites)) == (TRAINED, UNTRAINED)
    assert start < training.at < quotes.at < start + timedelta(days=8)
    alone = programme([call_centre("c", "UTC")], start, timedelta(hours=2))
    assert [change.sites for change in alone] == [("c",), ("c",)]
    assert not programme(sites(3), start, timedelta(0))


def test_chances_are_those_of_the_profile() -> None:
    site = lines_only(call_centre("c", "UTC"))
    usual = call_centre("c", "UTC").queues
    always = [replace(each, care=replace(each.care, surveyed=1.0, verified=1.0)) for each in usual if each.care]
    events = run([replace(site, queues=tuple(always))], timedelta(days=1))
    contacts = {event["subject"] for event in of(events, "interaction.answered")}
    assert {event["subject"] for event in of(events, "interaction.verified")} >= contacts - open_at_end(events)
    surveyed = {event["subject"] for event in of(events, "feedback.received", kind="survey")}
    assert len(surveyed) > 0.95 * len(contacts)


def open_at_end(events: Iterable[Event]) -> set[str]:
    """Who was answered in the last moments, before being asked anything."""
    last = MONDAY + timedelta(days=1) - timedelta(seconds=26)
    return {event["subject"] for event in of(events, "interaction.answered") if moment(event) >= last}
