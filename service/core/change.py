"""Changes made on purpose: a training, another process, more people, another system, at some sites or at all."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """A change, in force from a moment on; without `sites` it is at all sites, without `queues` in all of theirs."""

    name: str
    kind: str
    at_us: int
    sites: tuple[str, ...] | None = None
    queues: tuple[str, ...] | None = None

    def is_at(self, site: str) -> bool:
        """Whether it touches anything of a site."""
        return self.sites is None or site in self.sites

    def touches(self, site: str, queue: str) -> bool:
        """Whether it touches a queue of a site."""
        return self.is_at(site) and (self.queues is None or queue in self.queues)


def meets(one: Change, places: Iterable[tuple[str, str]]) -> bool:
    """Whether a change touches any of some places, which are queues of sites."""
    return any(one.touches(site, queue) for site, queue in places)
