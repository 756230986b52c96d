"""The reference's worlds in the service's terms: its objectives as terms, its calendars as a policy."""

from service.core.calendar import Calendar
from service.core.objective import Objective, Objectives, Terms
from service.core.policy import Policy
from tests.reference import objectives as reference
from tests.reference.walk import span
from tests.reference.worlds import World


def promised(objectives: list[reference.Objective]) -> dict[str, tuple[Terms, ...]]:
    """The terms of each objective, by its name, the earliest first."""
    return {
        objective.name: tuple(
            sorted(map(_terms, objective.versions), key=lambda one: (one.start_us is not None, one.start_us or 0))
        )
        for objective in objectives
    }


def policy_of(world: World) -> Policy:
    """What a world's numbers depend on beside its events."""
    named = promised(world["objectives"])
    calendars = {
        site: Calendar.of(zone, [(None, world["hours"][site], world["holidays"][site])])
        for site, zone in world["zones"].items()
    }
    numbered = [Objective(number, name, terms) for number, (name, terms) in enumerate(named.items(), 1)]
    return Policy(1, Objectives(numbered), calendars)


def _terms(version: reference.Version) -> Terms:
    return Terms(
        start_us=version.start,
        threshold_us=span(version.threshold),
        target=0.8,
        formula=version.formula,
        short_us=span(version.short),
        sites=tuple(version.sites),
        queues=tuple(version.queues),
        channels=tuple(version.channels),
    )
