"""An embedded PostgreSQL in a process of its own, which may live in other circumstances than the tests."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from service.store.embedded import EmbeddedPostgres
from tests.faults.server import Server

_STOP_SECONDS = 60


@contextmanager
def postgres_apart(
    folder: Path, *, under: Sequence[str] = (), size: str = "", environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[Server, Path]]:
    """A server whose data is in `folder`, and the folder as it is seen from here.

    Its process is started by the command `under`, if any. With a `size`, a filesystem of that size is mounted at the
    folder, which that command must allow. `environment` is added to that of the server alone.
    """
    command = [*under, sys.executable, "-m", __name__, str(folder), size, json.dumps(dict(environment))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline(), "the PostgreSQL apart did not start"
        root = Path(f"/proc/{process.pid}/root")
        yield Server.at(folder, root), root / folder.relative_to("/")
        process.stdin.close()
        process.wait(_STOP_SECONDS)


def _main(folder: str, size: str, environment: str) -> None:
    os.environ.update(json.loads(environment))
    if size:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    with EmbeddedPostgres(Path(folder)) as embedded:
        embedded.keep_running()
        sys.stdout.write("it runs\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _main(*sys.argv[1:])
