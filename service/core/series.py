"""Series: the places in which everything is counted."""

from dataclasses import dataclass

from service.core.quality import DIMENSION, NO_FACET, STANDARD, facet_value

OTHER = "other"
"""The site, queue or resource that takes what goes over a limit."""


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """A series: where it is counted, and of which facet. `id` is the number by which bookings know it."""

    site: str
    queue: str
    channel: str
    id: int
    facet: str = NO_FACET

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Its site, queue, channel and facet, by which it is known to the core."""
        return self.site, self.queue, self.channel, self.facet

    @property
    def dimension(self) -> str:
        """The dimension of service of which customers spoke, "" where it is not of one."""
        return facet_value(self.facet, DIMENSION)

    @property
    def standard(self) -> str:
        """The standard of conduct that was checked, "" where it is not of one."""
        return facet_value(self.facet, STANDARD)

    @property
    def is_placeholder(self) -> bool:
        """Whether it stands for a site of which no queue and channel may be known yet."""
        return not self.queue and not self.channel
