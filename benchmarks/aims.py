"""What the service should reach, and why it does not where it doesn't. A figure is known by the key of its row."""

from typing import NamedTuple

from benchmarks.figures import Row, figure


class Aim(NamedTuple):
    """A bound of a figure: what is to be at least that, or `at_most`; `cause` is told where it is missed."""

    key: str
    what: str
    bound: float
    at_most: bool = False
    unit: str = ""
    cause: str = ""

    def met_by(self, row: Row) -> bool:
        """Whether a figure reaches it."""
        return row.median <= self.bound if self.at_most else row.median >= self.bound

    @property
    def told(self) -> str:
        """The bound in words."""
        return f"at {'most' if self.at_most else 'least'} {figure(self.bound)}{self.unit}"


AIMS = (
    Aim("singles-by-afternoon", "single posts, against the afternoon service", 5),
    Aim("batches-by-afternoon", "posts of 500, against the afternoon service", 20),
    Aim("webhooks-by-singles", "deliveries of a webhook, against native posts of one event", 0.5),
    Aim(
        "batches-by-inserts",
        "posts of 500, against plain inserts of the same rows",
        0.5,
        cause="an event is checked, measured, and written with its interaction, its customer's contacts and a dozen "
        "sums, so it takes several times the processor time of a plain row, as the table below shows, and two cores "
        "have no more of it. No part stands out: py-spy gives a fifth of the service's own to contacts, a fifth to "
        "sums, and an eighth to reading and checking the body.",
    ),
    Aim("scrape-at-10M", "a scrape of 1,000 sites, 10 million events stored", 1, at_most=True, unit=" s"),
    Aim("scrape-by-sql-at-10M", "the same, against the SQL exporter", 20),
    Aim(
        "throughput-at-10M",
        "posts of 500 with 10 million events stored, against 100 thousand",
        0.9,
        cause="the rounds differ by as much, as the brackets show; and the indexes of 10 million events are larger "
        "than the 256 MB that the embedded PostgreSQL keeps in memory.",
    ),
    Aim(
        "two-writers",
        "two writers of a process, against one",
        1.2,
        cause="one writer and its PostgreSQL together leave little of two cores, and writers wait for each other "
        "where they have a customer in common, from the customer's contacts to the commit.",
    ),
    Aim("memory", "memory in the last quarter of an hour under load, against the first", 1.05, at_most=True),
)
