"""Cases of windows, of which the service itself tells the budget, and of lines in which people wait for long."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.core.catalogue.measures import MATURITIES
from service.core.objective import Severity
from service.generate.rules import words
from service.generate.rules.alerts import LONG_WAIT_PEOPLE, labels_of, long_wait_seconds
from service.generate.rules.cases.model import Case, Look, Verbatim, lines_of, series
from service.generate.rules.options import Options
from service.generate.rules.promql import quoted
from service.generate.rules.variants import Variant

_SETTLED, _PROVISIONAL = MATURITIES
_RISK, _BROKEN, _WAITS = "FrontlineAtRisk", "FrontlineBudgetExhausted", "FrontlineLongWaits"
_FRESH, _SILENT = "0+60x16", "1x16"
_TWO_HOURS = 7200
_TOLD_AT = 9
_OF_OBJECTIVES = 'category="objective"'


def window_cases(found: Sequence[Variant], options: Options) -> Iterator[Case]:
    """A budget that is spent, one that will be, and windows of which nothing can be said yet."""
    told = [(one, line) for one, line in lines_of(found) if one.about.severity is not Severity.NONE]

    def windows(of: str, **gauges: Any) -> dict[str, str]:
        return {name: text for one, line in told for name, text in _gauges(one, line, of, **gauges).items()}

    def case(name: str, alert: str, samples: Mapping[str, str]) -> Case:
        fires = tuple(_ticket(alert, one, line) for one, line in told) if alert else ()
        return Case(name, samples, (Look(3, (), _OF_OBJECTIVES), Look(_TOLD_AT, fires, _OF_OBJECTIVES)))

    yield case("more breaches than the window allows", _BROKEN, windows(_SETTLED, breaches=1.2, projected=-0.3))
    yield case("there will be too many by the end", _RISK, windows(_SETTLED, breaches=0.5, projected=-0.2))
    yield case("the last that the window allows", "", windows(_SETTLED, breaches=1, projected=0))
    yield case("too few yet to tell", "", windows(_SETTLED, events=-1, breaches=1.2, projected=-2))
    yield case("broken until a source is heard", "", windows(_SETTLED, breaches=1.2, projected=-0.3, lasting=3))
    yield case("provisionally at risk", _RISK, windows(_PROVISIONAL, breaches=0.5, projected=-0.2))
    yield case("provisionally broken", "", windows(_PROVISIONAL, breaches=1.2, projected=-0.2))
    for one, line in told[:1]:
        events, allowed = _window(one, 0)
        place, shares = words.Place.known(**line), _gauges(one, line, _SETTLED, breaches=0.5, projected=-0.2)
        at_risk = words.at_risk(
            one, options, place, "-20%", f"{allowed / 2:.0f}", f"{allowed:.0f}", f"{events:.0f}", _SETTLED
        )
        labels = {"window": one.terms.window.name, "maturity": _SETTLED} | line | labels_of(one, Severity.TICKET)
        yield Case("what is said of a budget at risk", shares, (), (Verbatim(_TOLD_AT, _RISK, ((labels, at_risk),)),))
        spent = _gauges(one, line, _SETTLED, breaches=2, projected=-2)
        broken = words.exhausted(one, options, place, f"{allowed * 2:.0f}", f"{allowed:.0f}", f"{events:.0f}")
        yield Case("what is said of a spent budget", spent, (), (Verbatim(_TOLD_AT, _BROKEN, ((labels, broken),)),))


def waiting_cases(found: Sequence[Variant], options: Options) -> Iterator[Case]:
    """Long lines, and such as only seem to be long since nobody tells who has left them."""
    told = [one for one in found if one.is_of_waits and one.about.severity is not Severity.NONE]
    for one, line in lines_of(told):
        yield from _waits(one, line)
        hours = _waiting(line, LONG_WAIT_PEOPLE, _TWO_HOURS) | _heard(line, _FRESH)
        alerts = tuple(
            (line | labels_of(other, other.about.severity), _said(other, line, options))
            for other in told
            if other.holds_at(**line) and long_wait_seconds(other) < _TWO_HOURS
        )
        yield Case(f"what is said of two hours of waiting, {one.name}", hours, (), (Verbatim(10, _WAITS, alerts),))


def _waits(one: Variant, line: Mapping[str, str]) -> Iterator[Case]:
    who = {"alertname": _WAITS, "objective": one.name, "site": line["site"], "severity": one.about.severity.value}
    matching = f'alertname="{_WAITS}",objective={quoted(one.name)}'
    limit = long_wait_seconds(one)

    def case(name: str, people: int, longest: float, *sources: str, fires: bool = False) -> Case:
        looks = (Look(7, (), matching), Look(10, (who,) if fires else (), matching))
        return Case(f"{name}, {one.name}", _waiting(line, people, longest) | _heard(line, *sources), looks)

    yield case("long waits", LONG_WAIT_PEOPLE, limit + 1, _FRESH, fires=True)
    yield case("long waits, one of two sources silent", LONG_WAIT_PEOPLE, limit + 1, _SILENT, _FRESH, fires=True)
    yield case("long waits, as far as a silent source has told", LONG_WAIT_PEOPLE, limit + 1, _SILENT)
    yield case("few wait for long", LONG_WAIT_PEOPLE - 1, limit + 1, _FRESH)
    yield case("many wait for no longer than that", LONG_WAIT_PEOPLE, limit, _FRESH)


def _waiting(line: Mapping[str, str], people: int, longest: float) -> dict[str, str]:
    """So many wait from the sixth minute on."""
    return {
        series("frontline_queue_waiting", line): f"0x5 {people}x10",
        series("frontline_queue_longest_wait_seconds", line): f"0x5 {longest:.10g}x10",
    }


def _heard(line: Mapping[str, str], *sources: str) -> dict[str, str]:
    labels = ({"source": f"acd-{number}", "site": line["site"]} for number in range(len(sources)))
    names = (series("frontline_source_last_event_timestamp_seconds", each) for each in labels)
    return dict(zip(names, sources, strict=True))


def _said(one: Variant, line: Mapping[str, str], options: Options) -> dict[str, str]:
    place, people = words.Place.known(**line), LONG_WAIT_PEOPLE
    return words.waiting(one, long_wait_seconds(one), people, options, place, "2h 0m 0s", str(people))


def _window(one: Variant, fewer: float) -> tuple[float, float]:
    """Events of a window, and the breaches that it allows."""
    events = max(1000, one.terms.minimum_events) if not fewer else one.terms.minimum_events + fewer
    return events, events * (1 - one.terms.target)


def _gauges(
    one: Variant,
    line: Mapping[str, str],
    maturity: str,
    *,
    breaches: float,
    projected: float,
    events: float = 0,
    lasting: int = 12,
) -> dict[str, str]:
    """The gauges of a window for so many minutes; `breaches` is a share of those allowed, `events` what is missing."""
    judged, allowed = _window(one, events)
    labels = {"objective": one.name, "window": one.terms.window.name, "maturity": maturity} | dict(line)
    values = {
        "frontline_window_events": judged,
        "frontline_window_breaches": allowed * breaches,
        "frontline_window_allowed_breaches": allowed,
        "frontline_window_projected_budget_ratio": projected,
    }
    return {
        series(name, labels): f"{value!r}x{lasting}" + (" stale" if lasting < _TOLD_AT else "")
        for name, value in values.items()
    }


def _ticket(alert: str, one: Variant, line: Mapping[str, str]) -> dict[str, str]:
    severity = Severity.TICKET.value
    return {"alertname": alert, "objective": one.name, "site": line["site"], "severity": severity}
