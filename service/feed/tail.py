"""A log that grows: its lines, through rotation and truncation."""

import os
from collections.abc import Callable
from pathlib import Path

from service.feed.bookmark import Place

AGAIN_BYTES = 65_536
_LONGEST_LINE = 65_536

Row = tuple[int, str]
"""The number of a line in its file, from 1, and the line without its end."""


class Tail:
    """Reads the lines of a log from a place on, or from its beginning; with `follow`, those too that are written later.

    It begins a little before the place, so that whoever reads knows again what happened just before. What was written
    between the place and a rotation is read from the file that the log was renamed to, as long as that is beside it.
    `tell` hears what a person should know.
    """

    def __init__(self, path: Path, place: Place | None, *, follow: bool, tell: Callable[[str], None]) -> None:
        self._path = path
        self._follow = follow
        self.tell = tell
        self._file = path.open("rb")
        self._offset = self._lines = 0
        self._later: list[Path] = []
        self._is_replaced = self._has_ended = False
        if place is not None:
            self._resume(place)
        self._mark = self.place

    @property
    def size(self) -> int:
        """How many bytes the current file has."""
        return os.fstat(self._file.fileno()).st_size

    @property
    def position(self) -> int:
        """How many of them are read."""
        return self._offset

    @property
    def place(self) -> Place:
        """The place up to which lines were read to their ends."""
        return Place.of(self._file, self._offset, self._lines)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, limit: int) -> list[Row]:
        """The next lines; none where there is no more, or no more yet. A line that has no end yet waits for it.

        Where nothing follows, the last line needs no end; but the place stays before it.
        """
        if not self._mark.is_in(self._file):
            self.tell(f"{self._path} was emptied; it is read from its beginning")
            self._begin_at(0, 0)
        rows: list[Row] = []
        while len(rows) < limit and not self._has_ended:
            raw = self._file.readline(_LONGEST_LINE)
            if raw.endswith(b"\n") or len(raw) == _LONGEST_LINE:
                self._offset += len(raw)
                self._lines += 1
                rows.append((self._lines, _text(raw)))
                continue
            self._file.seek(self._offset)
            if raw and (self._later or not self._follow):
                rows.append((self._lines + 1, _text(raw)))
            if not self._goes_on():
                break
        self._mark = self.place
        return rows

    def _goes_on(self) -> bool:
        """Whether there is more to read after the end of the file as it is now."""
        if self._later:
            self._open(self._later.pop(0))
            return True
        self._has_ended = not self._follow
        if self._has_ended:
            return False
        if self._is_replaced:  # and read to its end since then: nobody writes to it any more
            self._is_replaced = False
            self._later = [self._path]
            return True
        self._is_replaced = self._has_successor()
        return self._is_replaced

    def _has_successor(self) -> bool:
        """Whether the log has been renamed, and its writer has begun with a new file."""
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        return now.st_ino != os.fstat(self._file.fileno()).st_ino and now.st_size > 0

    def _open(self, path: Path) -> None:
        self._file.close()
        self._file = path.open("rb")
        self._offset = self._lines = 0

    def _begin_at(self, offset: int, lines: int) -> None:
        self._file.seek(offset)
        self._offset, self._lines = offset, lines

    def _resume(self, place: Place) -> None:
        """Begin a little before a place, in the file that it is in."""
        if not place.is_in(self._file):
            files = _oldest_first(self._path)
            for number, path in enumerate(files):
                with path.open("rb") as file:
                    if place.is_in(file):
                        self._open(path)
                        self._later = [*files[number + 1 :], self._path]
                        break
            else:
                self.tell(
                    f"{self._path} is another file than the one that was read last, which is not beside it any more; "
                    "import that one by its own name if something was written to it since"
                )
                return
        begin = max(0, place.offset - AGAIN_BYTES)
        self._file.seek(begin)
        if begin:
            begin += len(self._file.readline())
        again = self._file.read(place.offset - begin).count(b"\n")
        self._begin_at(begin, place.lines - again)


def _oldest_first(path: Path) -> list[Path]:
    """The files beside a log that it may have been renamed to."""
    beside = [one for one in path.parent.glob(f"{path.name}[.-]*") if one.is_file()]
    return sorted(beside, key=lambda one: one.stat().st_mtime_ns)


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace").rstrip("\r\n")
