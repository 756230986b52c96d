"""A table in a file (CSV): its rows by the names of its columns, from a place on or from its beginning."""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path

from service.core.errors import InvalidInput
from service.feed.bookmark import Place

DELIMITERS = ",;\t|"
Row = tuple[int, dict[str, str]]
"""The number of the line where a row begins, and its cells by column."""


class CsvRows:
    """Reads the rows of a CSV file whose first line names the columns.

    The delimiter is the one that the first line has most of, unless it is given. Raises InvalidInput where the file is
    no table in this encoding.
    """

    def __init__(self, path: Path, *, encoding: str, delimiter: str | None) -> None:
        self._path = path
        self._encoding = encoding
        self._file = path.open("rb")
        self.size = path.stat().st_size
        self.position = 0
        self._lines = 0
        self.delimiter = delimiter or ""
        try:
            self.columns = self._header()
        except InvalidInput:
            self.close()
            raise
        self._header_end = self.position

    @property
    def place(self) -> Place:
        """The place after the last row that was read."""
        return Place.of(self._file, self.position, self._lines)

    def go_to(self, place: Place | None) -> None:
        """Go on from a place, where it is one of this file."""
        if place is not None and place.is_in(self._file) and place.offset >= self._header_end:
            self._begin_at(place.offset, place.lines)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, limit: int) -> list[Row]:
        """The next rows; none at the end. Blank lines are passed over."""
        rows: list[Row] = []
        while len(rows) < limit:
            number = self._lines + 1
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                raise InvalidInput(f"is no table: {error}", field=f"{self._path}, line {number}") from error
            if cells is None:
                break
            if cells:
                rows.append((number, dict(zip(self.columns, cells, strict=False))))
        return rows

    def _header(self) -> list[str]:
        first = self._decoded(self._file.readline())
        self.delimiter = self.delimiter or max(DELIMITERS, key=first.count)
        self._begin_at(0, 0)
        columns = next(self._reader, [])
        if not any(columns):
            raise InvalidInput("is empty; its first line must name the columns", field=str(self._path))
        return columns

    def _begin_at(self, offset: int, lines: int) -> None:
        self._file.seek(offset)
        self.position, self._lines = offset, lines
        self._reader = csv.reader(self._texts(), delimiter=self.delimiter)

    def _texts(self) -> Iterator[str]:
        """The lines of the file from here on; the csv reader takes as many as a row has."""
        for raw in self._file:
            self.position += len(raw)
            self._lines += 1
            yield self._decoded(raw)

    def _decoded(self, raw: bytes) -> str:
        if self._lines <= 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"is not {self._encoding} ({error.reason}); give its --encoding, such as latin-1",
                field=f"{self._path}, line {self._lines}",
            ) from error
