"""SECURITY.md is in step: what it names is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_every_item_of_the_list_has_a_test_or_a_reason() -> None:
    rows = re.findall(r"^\| (API\d+) [^|]+\| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert [item for item, _ in rows] == [f"API{number}" for number in range(1, 11)]
    told = {item for item, where in rows if "](" in where}
    assert set(dict(rows)) - told == {"API6", "API10"}


def test_every_test_of_security_is_told_of() -> None:
    for path in Path(__file__).parent.glob("test_*.py"):
        assert f"tests/security/{path.name}" in TEXT or path.name in ("test_policy.py", "test_supply_chain.py")
