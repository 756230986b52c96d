"""The reference's worlds in the service's terms: its objectives as promises, its calendars as a policy."""

from datetime import date

from service.core.calendar import Calendar
from service.core.catalogue.kpis import KPI_BY_NAME
from service.core.judge import Objectives
from service.core.objective import About, Objective, Override, Promise, Terms
from service.core.policy import Policy
from service.core.window import number_of
from tests.reference import objectives as reference
from tests.reference.walk import span
from tests.reference.worlds import World


def promised(objectives: list[reference.Objective]) -> tuple[Promise, ...]:
    """The objectives as a file would tell them."""
    return tuple(
        Promise(
            objective.name,
            About(),
            tuple(
                _terms(objective.kpi, version)
                for version in sorted(objective.versions, key=lambda one: one.start or date.min)
            ),
        )
        for objective in objectives
    )


def policy_of(world: World) -> Policy:
    """What a world's numbers depend on beside its events."""
    calendars = {
        site: Calendar.of(zone, [(None, world["hours"][site], world["holidays"][site])])
        for site, zone in world["zones"].items()
    }
    patiences = {
        (site, queue): span(seconds) for site, queues in world["patience"].items() for queue, seconds in queues.items()
    }
    promises = promised(world["objectives"])
    numbered = [Objective(number, one.name, one.terms, one.about) for number, one in enumerate(promises, 1)]
    return Policy(1, Objectives(numbered), calendars, patiences=patiences)


def _terms(kpi: str, version: reference.Version) -> Terms:
    return Terms(
        start_day=None if version.start is None else number_of(version.start),
        kpi=kpi,
        target=0.8,
        threshold_us=_us(version.threshold),
        formula=version.formula or KPI_BY_NAME[kpi].default_formula,
        within="" if version.within is None else f"{version.within}d",
        short_us=span(version.short),
        sites=version.sites,
        queues=version.queues,
        channels=version.channels,
        open_only=version.open_only,
        overrides=tuple(Override(one.sites, 0.9, _us(one.threshold)) for one in version.overrides),
        ended=version.ended,
    )


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else span(seconds)
