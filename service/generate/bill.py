"""The bill of materials: every package that Frontline runs with, as CycloneDX 1.6, from the pins.

Nothing in it is of the moment at which it is made, so the same pins make the same text. Where a package is pinned for
Frontline with a PostgreSQL of its own only, and is not in the image, its scope is `optional`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service import __version__

PROJECT = "frontline-service"
LICENCE = "Apache-2.0"

_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[\w.+!-]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_USER = re.compile(r"^ +#(?: via|  ) ([\w.-]+)")
_BY_OTHER_NAMES = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "MIT License": "MIT",
}


@dataclass(frozen=True, slots=True)
class Pin:
    """A package that is pinned: SHA-256 of the files that it may be installed from, and which packages ask for it."""

    name: str
    version: str
    hashes: tuple[str, ...]
    users: frozenset[str]

    @property
    def url(self) -> str:
        """Its package URL, by which tools know it."""
        return f"pkg:pypi/{self.name}@{self.version}"


def pins(text: str) -> list[Pin]:
    """What a file of requirements pins, in its order."""
    found: list[Pin] = []
    for block in re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]:
        match = _PIN.match(block)
        if match is None:
            raise ValueError(f"{block.splitlines()[0]!r} is no pin")
        users = frozenset(user[1] for line in block.splitlines() if (user := _USER.match(line)))
        found.append(Pin(match["name"], match["version"], tuple(_HASH.findall(block)), users))
    return found


def licence_of(metadata: Mapping[str, Any]) -> str:
    """The licence of a package as an SPDX expression, from the metadata with which it is installed (PEP 566)."""
    told = metadata.get("license_expression") or metadata.get("license") or ""
    if not told or len(told.splitlines()) > 1:
        classifiers = [one for one in metadata.get("classifier", ()) if one.startswith("License")]
        told = " OR ".join(one.rpartition(" :: ")[2] for one in classifiers)
    return _BY_OTHER_NAMES.get(told, told)


def bill(everything: str, in_image: str, licences: Mapping[str, str]) -> str:
    """The bill of a file of requirements, of which another holds what is in the image, and of licences by name."""
    packages = pins(everything)
    required = {pin.name for pin in pins(in_image)}
    references = {pin.name: pin.url for pin in packages}
    own = f"pkg:pypi/{PROJECT}@{__version__}"
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": own,
                "name": PROJECT,
                "version": __version__,
                "licenses": [{"expression": LICENCE}],
                "purl": own,
            }
        },
        "components": [
            {
                "type": "library",
                "bom-ref": pin.url,
                "name": pin.name,
                "version": pin.version,
                "scope": "required" if pin.name in required else "optional",
                "hashes": [{"alg": "SHA-256", "content": content} for content in pin.hashes],
                "licenses": [{"expression": licences[pin.name]}],
                "purl": pin.url,
            }
            for pin in packages
        ],
        "dependencies": [
            {"ref": reference, "dependsOn": [pin.url for pin in packages if user in pin.users]}
            for user, reference in {PROJECT: own, **references}.items()
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
