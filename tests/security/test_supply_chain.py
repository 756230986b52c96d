"""What Frontline is made of: the bill of materials is that of the pins, and every licence goes with its own."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from service.generate.__main__ import generated
from service.generate.bill import bill, licence_of, pins

ROOT = Path(__file__).parent.parent.parent
FILES = ("build", "dev", "runtime", "server")
PERMISSIVE = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "MIT",
    "MIT-0",
    "PSF-2.0",
    "PostgreSQL",
    "CC0-1.0",
    "ISC",
    "Zlib",
    "Unlicense",
}
WITH_ITS_SOURCE = {"certifi": "MPL-2.0"}
"""A weak copyleft that reaches no other file; the package is installed as it is published."""


def requirements(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text() -> str:
    return (ROOT / "docs/sbom.cdx.json").read_text(encoding="utf-8")


def components(text: str) -> Iterator[dict[str, Any]]:
    yield from json.loads(text)["components"]


def test_the_bill_is_the_one_that_is_checked_in(text: str) -> None:
    (made,) = (made for path, made in generated() if path.name == "sbom.cdx.json")
    assert made == text, "`make generate` writes it again"


def test_the_bill_has_what_is_installed_and_nothing_else(text: str) -> None:
    listed = {(one["name"], one["version"]): {entry["content"] for entry in one["hashes"]} for one in components(text)}
    pinned = re.findall(
        r"^([\w.-]+)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)", requirements("runtime"), re.MULTILINE
    )
    assert listed == {(name, version): set(re.findall(r"sha256:(\w+)", hashes)) for name, version, hashes in pinned}
    in_image = set(re.findall(r"^([\w.-]+)==", requirements("server"), re.MULTILINE))
    assert {one["name"] for one in components(text) if one["scope"] == "required"} == in_image
    assert 0 < len(in_image) < len(listed)


def test_the_bill_is_valid_and_holds_nothing_of_where_it_was_made(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert set(re.findall(r"https?://([^/\"]+)", text)) == {"cyclonedx.org"}
    assert not re.search(r"timestamp|serialNumber|/home/|/root/|/tmp/", text)


def test_the_bill_tells_what_needs_what(text: str) -> None:
    needs = {one["ref"].partition("@")[0]: one["dependsOn"] for one in json.loads(text)["dependencies"]}
    own = {one.partition("@")[0].removeprefix("pkg:pypi/") for one in needs["pkg:pypi/frontline-service"]}
    assert {"fastapi", "asyncpg", "sqlalchemy", "psutil"} <= own
    assert "pydantic-core" not in own
    assert [one.partition("@")[0] for one in needs["pkg:pypi/mako"]] == ["pkg:pypi/markupsafe"]
    reached = {one for ones in needs.values() for one in ones}
    assert reached == {one["purl"] for one in components(text)}


def test_every_licence_goes_with_that_of_frontline(text: str) -> None:
    for one in components(text):
        (licence,) = (entry["expression"] for entry in one["licenses"])
        if WITH_ITS_SOURCE.get(one["name"]) == licence:
            continue
        choices = [set(part.split(" AND ")) for part in licence.split(" OR ")]
        assert any(choice <= PERMISSIVE for choice in choices), f"{one['name']} is under {licence}"


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ({"license_expression": "MIT AND PSF-2.0", "license": "other"}, "MIT AND PSF-2.0"),
        ({"license": "MIT License"}, "MIT"),
        (
            {"license": "The whole text\nof it", "classifier": ["License :: OSI Approved :: BSD License"]},
            "BSD-3-Clause",
        ),
        ({"license": "GPL-3.0-only"}, "GPL-3.0-only"),
        ({"classifier": ["Typing :: Typed"]}, ""),
    ],
)
def test_a_licence_is_read_wherever_a_package_tells_it(metadata: dict[str, Any], licence: str) -> None:
    assert licence_of(metadata) == licence


def test_a_package_of_which_no_licence_is_known_makes_no_bill() -> None:
    pinned = "some-package==1.0 \\\n    --hash=sha256:" + "a" * 64 + "\n"
    assert '"some-package"' in bill(pinned, pinned, {"some-package": "MIT"})
    with pytest.raises(KeyError):
        bill(pinned, pinned, {})


@pytest.mark.parametrize("name", FILES)
def test_every_pin_has_a_version_and_hashes(name: str) -> None:
    """So nothing is installed that another has put in its place since."""
    found = pins(requirements(name))
    assert len(found) > 5
    assert all(pin.hashes for pin in found)
    lines = [line for line in requirements(name).splitlines() if line and not line.startswith((" ", "#"))]
    assert len(lines) == len(found)
    assert not re.search(r"https?://|--index-url|--extra-index-url|--trusted-host", requirements(name))
