"""What a view of the schema `report` is, and the columns that several have."""

from typing import NamedTuple

from service.core.quality import LABELS_OF_FACETS, facet
from service.store.report_columns import Column

SCHEMA = "report"


class View(NamedTuple):
    """A view; `source` is what follows the columns in its statement."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    source: str

    @property
    def statements(self) -> tuple[str, ...]:
        """What makes it, and says what it and its columns are."""
        columns = ",\n    ".join(f"{column.sql} AS {column.name}" for column in self.columns)
        place = f"{SCHEMA}.{self.name}"
        return (
            f"CREATE VIEW {place} AS\nSELECT\n    {columns}\n{self.source}",
            f"COMMENT ON VIEW {place} IS {quoted(self.comment)}",
            *(f"COMMENT ON COLUMN {place}.{column.name} IS {quoted(column.comment)}" for column in self.columns),
        )


def quoted(words: str) -> str:
    """A text as a literal."""
    return "'" + words.replace("'", "''") + "'"


SITE, QUEUE, CHANNEL = (
    Column("site", "sites.name", "the site"),
    Column("queue", "series.queue", "the queue; '' where none is known"),
    Column("channel", "series.channel", "the channel; '' where none is known"),
)
DAY = Column("day", "d.day", "the local date of the site")

FACETS = tuple(
    Column(
        label,
        f"CASE WHEN starts_with(series.facet, {quoted(facet(label, ''))}) "
        f"THEN substr(series.facet, {len(label) + 2}) ELSE '' END",
        f"the {label}; '' where it is not told apart by one",
    )
    for label in LABELS_OF_FACETS
)
