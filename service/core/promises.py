"""The file of objectives: what it promises, and what then holds beside what was published before.

What was promised to those who arrived is never changed silently. What has begun to hold stays, whether the file says
it still or not, unless the file gives a date of the past, or says `always`; what is yet to come is as the file says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.core.errors import InvalidInput
from service.core.objective import Objective, Promise, Terms
from service.core.placed_yaml import read_documents
from service.core.promise_document import Document, read_document
from service.core.window import Window, date_of

_EVER = -(1 << 40)
_INDICATOR, _FILTER = "spec.indicator", "spec.indicator.filter"
_FIELDS: Mapping[str, str] = {
    "kpi": f"{_INDICATOR}.kpi",
    "target": "spec.objectives[0].target",
    "threshold_us": f"{_INDICATOR}.threshold",
    "formula": f"{_INDICATOR}.formula",
    "within": f"{_INDICATOR}.within",
    "short_us": f"{_INDICATOR}.shortAbandon",
    "sites": f"{_FILTER}.sites",
    "queues": f"{_FILTER}.queues",
    "channels": f"{_FILTER}.channels",
    "facets": f"{_FILTER}.{{facet}}s",
    "open_only": f"{_INDICATOR}.hours",
    "window": "spec.timeWindow",
    "minimum_events": "spec.minimumEvents",
    "overrides": "spec.overrides",
}
"""The fields of the file by those of the terms that they make; `{facet}` is the KPI's own."""


def read_promises(text: str, name: str = "objectives.yaml") -> tuple[Promise, ...]:
    """What a file promises, in the order in which its objectives appear; `name` is that of the file.

    Raises InvalidInput naming the file, the line and the field, what is wrong with it and what would be right.
    """
    found: dict[str, list[Document]] = {}
    for root in read_documents(text, name):
        document = read_document(root)
        others = found.setdefault(document.name, [])
        for other in others:
            _check_beside(document, other)
        others.append(document)
    return tuple(_promise(documents) for documents in found.values())


def succeed(stored: Sequence[Terms], promise: Promise, today: int) -> tuple[Terms, ...]:
    """The terms that hold once a promise is published on the day `today`, where others are stored.

    Raises InvalidInput where a document promises something else than what is stored for days that have begun, and
    neither a new date nor `always` says that it should.
    """
    if promise.rewrites or not any(_begins(terms) <= today for terms in stored):
        return promise.terms
    # Up to the turn holds what is stored, with which the file must agree; from there on what the file says.
    anew = (_begins(terms) for terms in promise.terms if terms.start_day is not None and terms not in stored)
    turn = min([today + 1, *anew])
    kept = [terms for terms in stored if _begins(terms) < turn]
    if any(terms.kpi != promise.terms[0].kpi for terms in kept):
        raise InvalidInput(
            f"{_FIELDS['kpi']} was {kept[0].kpi}, and an objective keeps its KPI; give this one another name",
            field=promise.name,
        )
    begun = [terms for terms in promise.terms if _begins(terms) < turn]
    for terms, end in zip(begun, [*map(_begins, begun[1:]), turn], strict=False):
        held = Objective(0, "", tuple(kept)).at(end - 1)
        if held is None or not held.ended:
            _check_same(promise.name, terms, held, end, today)
        elif end > today:  # it had ended, and is promised again
            kept = [*(one for one in kept if one.start_day != today), replace(terms, start_day=today)]
    return (*kept, *promise.terms[len(begun) :])


def ends(stored: Sequence[Terms], today: int) -> tuple[Terms, ...]:
    """The terms of an objective that the file names no more: they hold for all who arrive up to the day `today`."""
    if not stored or stored[-1].ended:
        return tuple(stored)
    kept = [terms for terms in stored if _begins(terms) <= today]
    if kept and kept[-1].ended:
        return tuple(kept)
    return (*kept, replace((kept or stored)[-1], start_day=today + 1, ended=True))


def changes_past(old: Sequence[Terms], new: Sequence[Terms], today: int) -> bool:
    """Whether anyone who arrived on the day `today` or before is judged otherwise by new terms than by old ones."""
    before, after = Objective(0, "", tuple(old)), Objective(0, "", tuple(new))
    days = {day for day in map(_begins, (*old, *new)) if day <= today}
    return any(_judging(before.at(day)) != _judging(after.at(day)) for day in days)


def _check_beside(document: Document, other: Document) -> None:
    """Raises InvalidInput where two documents of one name don't go together."""
    if document.terms.kpi != other.terms.kpi:
        raise document.kpi_place.fault(
            f"{document.name} is of {other.terms.kpi} in line {other.kpi_place.line}, and an objective keeps its KPI; "
            "give this one another name"
        )
    if document.terms.start_day == other.terms.start_day:
        when = "without a date" if document.terms.start_day is None else "from the same date on"
        raise document.date_place.fault(
            f"{document.name} is there twice {when}, first in line {other.date_place.line}; give one of them another "
            "effectiveFrom, or another name"
        )


def _promise(documents: Sequence[Document]) -> Promise:
    dated = sorted(documents, key=lambda document: _begins(document.terms))
    terms = tuple(document.terms for document in dated)
    return Promise(dated[-1].name, dated[-1].about, terms, any(document.rewrites for document in documents))


def _begins(terms: Terms) -> int:
    return _EVER if terms.start_day is None else terms.start_day


def _check_same(name: str, terms: Terms, held: Terms | None, end: int, today: int) -> None:
    """Raises InvalidInput unless terms of the file are those that held on the day before `end`."""
    if held is None:
        raise InvalidInput(
            f"nothing was promised before {date_of(end)}; leave out what promises it, or write effectiveFrom: always "
            "to judge the past by it, and then run `frontline rebuild`",
            field=name,
        )
    facet = terms.of_kpi.facet
    others = [
        field.format(facet=facet) for part, field in _FIELDS.items() if getattr(terms, part) != getattr(held, part)
    ]
    if not others:
        return
    since = "ever" if held.start_day is None else f"{date_of(held.start_day)}"
    instead = (
        f"write effectiveFrom: {date_of(today + 1)}, or another date, from which the new promise holds (what held "
        "before then need not be in the file)"
        if end > today
        else f"put back what held until {date_of(end - 1)}, or leave it out"
    )
    raise InvalidInput(
        f"{' and '.join(others)} must be as published since {since}, or the past would silently change; {instead}; or "
        "write effectiveFrom: always to judge the past anew, and then run `frontline rebuild`",
        field=name,
    )


def _judging(terms: Terms | None) -> tuple[Terms, frozenset[tuple[str, int]]] | None:
    """What decides how someone is judged, with the thresholds of sites that have their own; None where nothing does."""
    if terms is None or terms.ended:
        return None
    limits = frozenset(
        (site, override.threshold_us)
        for override in terms.overrides
        if override.threshold_us is not None and override.threshold_us != terms.threshold_us
        for site in override.sites
    )
    return replace(terms, start_day=None, target=0.0, window=Window(), minimum_events=0, overrides=()), limits
