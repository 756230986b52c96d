"""Simulated sites that tell of nothing but what happens in their lines."""

from dataclasses import replace

from service.simulator.profile import SiteProfile


def lines_only(site: SiteProfile) -> SiteProfile:
    """The same site, without what its customers say, what they are promised, and how it is kept."""
    return replace(site, queues=tuple(replace(queue, care=None) for queue in site.queues), upkeep=None)
