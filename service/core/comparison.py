"""Who is compared with whom, over which days, and what may honestly be said of it.

Left out are: the days of the change itself; days on which a site was closed, or nothing at all was posted of it, with
their counterparts in the other span; sites of which little is known in one of the spans; and of the unchanged all to
which something else was done meanwhile. Where too little is left, that is the answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from service.core.change import Change, meets
from service.core.effect import Amount, Daily, Effect, Side, days_in, effect, side
from service.core.spans import MAX_WEEKS, Spans, spans, weeks_known
from service.core.uncertainty import FEWEST_FREE, free_days

Place = tuple[str, str]
"""A queue of a site."""

FEWEST_DAYS = 5
FEWEST_CASES = 30
FEWEST_OF_EACH = 10


@dataclass(frozen=True, slots=True)
class Material:
    """What is known of a KPI around a change.

    `amounts` by place and day; a count has its number for a numerator, and nothing else. `known` are the days of which
    anything may be known, `there` those on which anything at all was posted of a site; `closed` tells whether a site
    was closed on a day.
    """

    amounts: Mapping[Place, Daily]
    there: Mapping[str, frozenset[int]]
    known: range
    closed: Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class Reading:
    """How a KPI is to be read: whether it is a count, a share of cases, and which way is better."""

    is_count: bool
    is_share: bool
    better: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """A minimum that is not reached."""

    what: str
    needed: int
    there: int


@dataclass(slots=True)
class Group:
    """Sites that are compared as one, and what they amount to by day."""

    sites: tuple[str, ...]
    queues: tuple[str, ...]
    daily: Daily
    figures: Side


@dataclass(slots=True)
class Comparison:
    """What came of it. Without an effect `lacking` says why."""

    spans: Spans | None = None
    changed: Group | None = None
    unchanged: Group | None = None
    effect: Effect | None = None
    left_out: dict[int, list[str]] = field(default_factory=dict)
    without_data: list[str] = field(default_factory=list)
    also_changed: list[Change] = field(default_factory=list)
    not_held_against: list[str] = field(default_factory=list)
    lacking: list[Lacking] = field(default_factory=list)

    def verdict(self, reading: Reading) -> str:
        """What may be said: too_little_data, no_effect_shown, better or worse, higher or lower where neither is."""
        if self.effect is None:
            return "too_little_data"
        if self.effect.low <= 0 <= self.effect.high:
            return "no_effect_shown"
        direction = "higher" if self.effect.value > 0 else "lower"
        if reading.better == "neutral":
            return direction
        return "better" if direction == reading.better else "worse"


def compare(
    change: Change,
    change_days: range,
    others: Sequence[tuple[Change, int]],
    material: Material,
    reading: Reading,
    weeks: int | None = None,
) -> Comparison:
    """Compare the time before a change with the time after it.

    `change_days` are the local dates that it was at somewhere, `others` the other changes with the day of each.
    `weeks` is the length of the spans; without it they are as long as is known, up to MAX_WEEKS.
    """
    found = Comparison()
    changed = sorted(place for place in material.amounts if change.touches(*place))
    sites = {site for site, _ in changed}
    first = min((min(material.there[site]) for site in sites if material.there.get(site)), default=None)
    if first is None:
        found.lacking.append(Lacking("sites or queues that the change is about, with data", 1, 0))
        return found
    known = range(max(first, material.known.start), material.known.stop)
    before, after = weeks_known(change_days, known)
    long_enough = min(before, after, MAX_WEEKS) if weeks is None else weeks
    for what, there in (("whole weeks with data before it", before), ("whole weeks that are over since", after)):
        if there < max(1, long_enough):
            found.lacking.append(Lacking(what, max(1, long_enough), there))
    if found.lacking:
        return found
    span = spans(change_days, known, long_enough)
    undisturbed = max((day + 1 for _, day in others if day < span.before.start), default=span.earlier.start)
    found.spans = span = span.learning_from(undisturbed)
    meanwhile = [other for other, day in others if span.before.start <= day < span.after.stop]
    found.also_changed = [other for other in meanwhile if meets(other, changed)]
    found.changed = _group(changed, material, span, reading, found)
    found.unchanged = _unchanged(change, meanwhile, material, span, reading, found)
    _check(found, reading)
    if not found.lacking and found.changed is not None:
        against = None if found.unchanged is None else found.unchanged.daily
        estimate = effect(found.changed.daily, against, span, by_factor=reading.is_count)
        if estimate.low == estimate.high:
            found.lacking.append(Lacking("days that differ from each other", 2, 0))
        else:
            found.effect = estimate
    return found


def _unchanged(
    change: Change,
    meanwhile: Sequence[Change],
    material: Material,
    span: Spans,
    reading: Reading,
    found: Comparison,
) -> Group | None:
    """The same queues at unchanged sites; where there are no such sites, the other queues at the changed ones."""
    elsewhere = [place for place in material.amounts if not change.is_at(place[0])]
    if change.queues is not None:
        elsewhere = [place for place in elsewhere if place[1] in change.queues]
    beside = [place for place in material.amounts if change.is_at(place[0]) and not change.touches(*place)]
    for places in (elsewhere, beside):
        touched = [place for place in places if any(other.touches(*place) for other in meanwhile)]
        found.not_held_against += sorted({site for site, _ in touched} - set(found.not_held_against))
        group = _group(sorted(set(places) - set(touched)), material, span, reading, found)
        if group is not None and _is_enough(group, reading):
            return group
    return None


def _group(
    places: Sequence[Place], material: Material, span: Spans, reading: Reading, found: Comparison
) -> Group | None:
    daily: dict[int, Amount] = {}
    sites: list[str] = []
    queues: set[str] = set()
    for site in sorted({site for site, _ in places}):
        of_site = [place for place in places if place[0] == site]
        if not all(_is_known(site, days, material) for days in (span.before, span.after)):
            found.without_data += [site] if site not in found.without_data else []
            continue
        closed = _left_out(site, material, span)
        for day in sorted(closed.intersection(span.compared)):
            found.left_out.setdefault(day, []).append(site)
        sites.append(site)
        queues.update(queue for _, queue in of_site)
        for day in span.days:
            if day not in closed:
                of_day = [material.amounts[place].get(day, Amount()) for place in of_site]
                one_more = [Amount(denominator=1)] if reading.is_count else []
                daily[day] = _sum([daily.get(day, Amount()), *of_day, *one_more])
    return Group(tuple(sites), tuple(sorted(queues)), daily, side(daily, span)) if sites else None


def _is_known(site: str, days: range, material: Material) -> bool:
    """Whether anything was posted of a site on half of the days or more on which it was open."""
    opened = [day for day in days if not material.closed(site, day)]
    return bool(opened) and 2 * len(material.there.get(site, frozenset()).intersection(opened)) >= len(opened)


def _left_out(site: str, material: Material, span: Spans) -> frozenset[int]:
    """The days of a site that are left out, in the spans with their counterparts."""
    without = {day for day in span.days if day not in material.there[site] or material.closed(site, day)}
    return frozenset(without | {span.counterpart(day) for day in without if day not in span.earlier})


def _sum(amounts: Sequence[Amount]) -> Amount:
    return Amount(sum(one.numerator for one in amounts), sum(one.denominator for one in amounts))


def _check(found: Comparison, reading: Reading) -> None:
    """Say which minimum is not reached by those changed."""
    if found.changed is None or found.spans is None:
        found.lacking.append(Lacking("changed sites with data on half of their open days before and after it", 1, 0))
        return
    found.lacking += _lacking(found.changed, reading)
    against = None if found.unchanged is None else found.unchanged.daily
    free = free_days(days_in(found.changed.daily, against, found.spans))
    if free < FEWEST_FREE and not found.lacking:
        found.lacking.append(Lacking("days more than weekdays to tell how days differ", FEWEST_FREE, max(free, 0)))


def _is_enough(group: Group, reading: Reading) -> bool:
    return not _lacking(group, reading)


def _lacking(group: Group, reading: Reading) -> list[Lacking]:
    before, after = group.figures.before, group.figures.after
    found = []
    for when, figure in (("before", before), ("after", after)):
        found += _least(f"days with data {when} it", FEWEST_DAYS, figure.days)
        cases = figure.numerator if reading.is_count else figure.denominator
        found += _least(f"cases {when} it", FEWEST_CASES, cases)
    numerator, denominator = before.numerator + after.numerator, before.denominator + after.denominator
    if reading.is_share and 0 <= numerator <= denominator:
        fewer = min(numerator, denominator - numerator)
        found += _least("cases of each kind, those that the numerator counts and the others,", FEWEST_OF_EACH, fewer)
    return found


def _least(what: str, needed: int, there: float) -> list[Lacking]:
    return [Lacking(what, needed, int(there))] if there < needed else []
