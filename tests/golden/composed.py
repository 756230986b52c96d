"""docker-compose.yml as Docker Compose itself reads it, in a folder of its own with secrets of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
NEEDS_SECRETS = "run make compose-env, or compose/environment"
_VARIABLE = re.compile(r"\$\{(\w+)(:\?|:-)([^}]*)\}")

VARIABLES: dict[str, set[str]] = {}
"""Each variable that is read, and what it is where it is not set; what begins with :? is a refusal."""
for _name, _form, _rest in _VARIABLE.findall(TEXT):
    VARIABLES.setdefault(_name, set()).add(_rest if _form == ":-" else _form + _rest)
SECRETS = {name for name, defaults in VARIABLES.items() if defaults == {f":?{NEEDS_SECRETS}"}}


def tool(name: str) -> str:
    binary = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert binary, f"{name} is not installed; it is among the development tools"
    return binary


def compose(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Docker Compose on the file, with no variables but those given and no .env."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    command = [tool("docker-compose"), "--file", str(ROOT / "docker-compose.yml"), "--env-file", os.devnull]
    return subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)


def secrets() -> dict[str, str]:
    return {name: f"secret-{name.lower()}" for name in SECRETS}


def config(**variables: str) -> dict[str, Any]:
    """All that is in the file, with every value filled in."""
    done = compose("--profile", "*", "config", "--format", "json", **(secrets() | variables))
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower(), done.stderr
    # What is printed could be read again, so a $ stands there twice.
    found: dict[str, Any] = json.loads(done.stdout.replace("$$", "$"))
    return found
