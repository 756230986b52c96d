"""Where the reading of a file was, kept beside it: it saves time, and nothing is lost or doubled without it."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from service.core.errors import ConfigurationError

_REMEMBERED_BYTES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file: which file, how many bytes and lines are before it, and the last of these in hexadecimal."""

    inode: int
    offset: int
    lines: int
    before: str

    @classmethod
    def of(cls, file: BinaryIO, offset: int, lines: int) -> "Place":
        """The place at an offset of an open file."""
        return cls(os.fstat(file.fileno()).st_ino, offset, lines, _before(file, offset))

    def is_in(self, file: BinaryIO) -> bool:
        """Whether an open file is the one that this place is in, and has not become another since."""
        status = os.fstat(file.fileno())
        is_same = status.st_ino == self.inode and status.st_size >= self.offset
        return is_same and _before(file, self.offset) == self.before


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Keeps a place in a file of its own. `purpose` is what is read for whom; a place of another purpose is none."""

    path: Path
    purpose: str

    def load(self) -> Place | None:
        """The place that is kept; None where there is none that can be used."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            return Place(**kept["place"]) if kept["purpose"] == self.purpose else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def save(self, place: Place) -> None:
        """Keep a place, at once or not at all. Raises ConfigurationError where nothing can be written."""
        text = json.dumps({"purpose": self.purpose, "place": asdict(place)})
        whole = self.path.with_name(f"{self.path.name}.new")
        try:
            whole.write_text(text, encoding="utf-8")
            whole.replace(self.path)
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be written ({error.strerror}); give --state a file that can, or /dev/null"
            ) from error


def _before(file: BinaryIO, offset: int) -> str:
    length = min(_REMEMBERED_BYTES, offset)
    return os.pread(file.fileno(), length, offset - length).hex()
