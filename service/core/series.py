"""Series: the places in which everything is counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """A series: where it is counted. `id` is the number by which bookings know it."""

    site: str
    queue: str
    channel: str
    id: int

    @property
    def is_placeholder(self) -> bool:
        """Whether it stands for a site of which no queue and channel may be known yet."""
        return not self.queue and not self.channel
