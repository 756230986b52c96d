"""The README is in step with the code: settings, commands, the HTTP surface and the targets of make."""

import re
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click
import pytest

from service.app import create_app
from service.cli import main
from service.settings import Settings

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SETTINGS = fields(Settings)
OPENAPI = create_app(Settings(), "postgresql://nowhere/nothing").openapi()["paths"]


def table_row(first_cell: str) -> list[str]:
    """The cells of the one table row that begins with a cell."""
    rows = [line for line in README.splitlines() if line.startswith(f"| {first_cell} |")]
    assert len(rows) == 1, f"the README has {len(rows)} rows for {first_cell}"
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_tells_of_every_setting_and_its_default(setting: Field[Any]) -> None:
    default = "" if setting.default is None else f"`{setting.default}`"
    assert table_row(f"`{setting.metadata['variable']}`")[1] == default


def test_tells_of_no_other_variable() -> None:
    known = {setting.metadata["variable"] for setting in SETTINGS}
    for command in main.commands.values():
        for option in command.params:
            if isinstance(option.envvar, str):
                known.add(option.envvar)
    assert set(re.findall(r"FRONTLINE_[A-Z_]+", README)) <= known


@pytest.mark.parametrize("name", sorted(main.commands))
def test_tells_of_every_command(name: str) -> None:
    assert table_row(f"`frontline {name}`")[1]


def test_tells_of_no_other_command() -> None:
    told = re.findall(r"(?:`|bin/)frontline ([a-z]+)((?: --?[a-z-]+| [a-z][a-z-]*)*)", README)
    assert told
    for name, rest in told:
        command = main.commands[name]
        words = rest.split()
        if isinstance(command, click.Group) and words:
            command = command.commands[words.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert {word for word in words if word.startswith("-")} <= options


@pytest.mark.parametrize(
    "operation", sorted(f"{method.upper()} {path}" for path, methods in OPENAPI.items() for method in methods)
)
def test_tells_of_every_operation(operation: str) -> None:
    assert f"`{operation}`" in README


def test_tells_of_no_other_operation() -> None:
    told = set(re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)`", README))
    there = {(method.upper(), path) for path, methods in OPENAPI.items() for method in methods}
    assert told <= there | {("GET", "/docs")}


def test_tells_of_no_other_target_of_make() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    told = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`", README, re.MULTILINE))
    assert told
    assert {first or second for first, second in told} <= targets


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()
