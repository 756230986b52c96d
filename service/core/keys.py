"""How stories are known in the database: an interaction by its subject, what is beside interactions by a marked key.

A marked key begins with a character that no subject may hold, and so sorts after all of them.
"""

MARK = "\U0010ffff"
"""The last character of Unicode, which is none of any text."""


def aside_key(what: str, *names: str) -> str:
    """The key of a story beside interactions, such as that of a promise."""
    return "/".join((f"{MARK}{what}", *names))


def is_aside(key: str) -> bool:
    """Whether a key is of a story beside interactions."""
    return key.startswith(MARK)


def kind_of_aside(key: str) -> str:
    """What a marked key is of: promise, feedback, assessment, resource, staffing or change."""
    return key[1:].partition("/")[0]


def told(key: str) -> str:
    """A key, for people."""
    return key.removeprefix(MARK)
