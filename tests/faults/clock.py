"""A clock that can be set while processes go by it; that of the machine stays as it is, and so does monotonic time."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


class Clock:
    """The time of day of the processes that are started in its environment."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.step(0)

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, ahead_seconds: int) -> None:
        """From now on, be so far ahead of the machine's clock."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_seconds:+d}\n")
        new.chmod(0o644)
        new.replace(self._file)


def _library() -> Path:
    """Debian's libfaketime, which lies beside the program `faketime`, wherever that was unpacked."""
    program = shutil.which("faketime")
    assert program, "the tests need faketime on the PATH; on Debian or Ubuntu: sudo apt-get install faketime"
    (library,) = Path(os.path.realpath(program)).parent.parent.glob("lib*/*/faketime/libfaketimeMT.so.1")
    return library
