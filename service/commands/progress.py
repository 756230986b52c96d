"""How far a command is with a file, on stderr: a bar on a terminal, else a line every few seconds."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

T = TypeVar("T")
_PLAIN_EVERY = 5.0  # seconds between lines where stderr is no terminal


class Measured(Protocol):
    """A file that is being read."""

    @property
    def size(self) -> int:
        """How many bytes it has; 0 where nobody knows."""

    @property
    def position(self) -> int:
        """How many of them are read."""


@dataclass(frozen=True, slots=True)
class Display:
    """Shows a line that tells how far it is, and says further lines beside it."""

    show: Callable[[str], None]
    say: Callable[[str], None]

    def of(self, told: Callable[[T], str]) -> Callable[[T], None]:
        """What shows a state in the words of `told`."""
        return lambda state: self.show(told(state))


@contextmanager
def progress_of(source: Measured) -> Iterator[Display]:
    """Shows how far the reading of a file is, on stderr."""
    if not sys.stderr.isatty():
        yield Display(_plain(), lambda line: click.echo(line, err=True))
        return
    columns = (
        SpinnerColumn(),
        BarColumn(),
        TextColumn("{task.fields[told]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=source.size or None, told="")

        def show(told: str) -> None:
            progress.update(task, total=source.size or None, completed=source.position, told=told)

        yield Display(show, lambda line: console.print(escape(line), highlight=False))


def _plain() -> Callable[[str], None]:
    last = time.monotonic()

    def show(told: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _PLAIN_EVERY:
            last = time.monotonic()
            click.echo(told, err=True)

    return show
