"""A reader of Dockerfiles: their stages, and the instructions of each, with continued lines joined."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, such as RUN, and what stands behind it."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Its words: of the exec form, where it has it."""
        if self.text.startswith("["):
            found: list[str] = json.loads(self.text)
            return found
        return self.text.split()

    @property
    def is_exec_form(self) -> bool:
        return self.text.startswith("[")


@dataclass(slots=True)
class Stage:
    """A stage: its name, its base with arguments filled in, and its instructions."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[Instruction]:
        return [each for each in self.instructions if each.name == name]

    def last(self, name: str) -> Instruction:
        """The instruction of a name that holds in the end."""
        return self.all(name)[-1]

    def pairs(self, name: str) -> dict[str, str]:
        """What ENV, LABEL or ARG instructions say, by name."""
        text = " ".join(each.text for each in self.all(name))
        return {key: quoted or plain for key, quoted, plain in re.findall(r'([\w.]+)=(?:"([^"]*)"|(\S+))', text)}


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile."""
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.name == "FROM":
            base, _, name = instruction.text.partition(" AS ")
            for argument, value in arguments.items():
                base = base.replace(f"${{{argument}}}", value)
            found.append(Stage(name, base))
        elif found:
            found[-1].instructions.append(instruction)
        else:
            assert instruction.name == "ARG"
            argument, _, value = instruction.text.partition("=")
            arguments[argument] = value
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = (line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    joined = "\n".join(lines).replace("\\\n", " ")
    for line in joined.splitlines():
        name, _, rest = line.strip().partition(" ")
        yield Instruction(name, " ".join(rest.split()) if name != "HEALTHCHECK" else rest.strip())
