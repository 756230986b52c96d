"""Who may do what: the roles of keys, and the one that a key speaks for."""

from dataclasses import dataclass
from enum import StrEnum

from service.core.errors import NotPermitted


class Role(StrEnum):
    """What a key is for; each is for one thing, but an administrator may read too."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"

    @property
    def purpose(self) -> str:
        """What it is for, as an error tells it."""
        return _PURPOSES[self]


_PURPOSES = {
    Role.INGEST: "the key of a source, with which events are posted",
    Role.READ: "a read key, with which numbers are read",
    Role.ADMIN: "an admin key, with which sites, sources and keys are managed and numbers are read",
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a key speaks for: a source and the sites for which it may post, a reader, or an administrator.

    `per_second` is how many events (of a source) or requests (of a reader) the key may bring in a second; None is as
    the settings say.
    """

    key_id: int
    role: Role
    source_id: int = 0
    source: str = ""
    sites: frozenset[str] = frozenset()
    per_second: int | None = None

    @property
    def actor(self) -> str:
        """How the trail of administration names it."""
        return f"key {self.key_id}"

    def may_post(self, site: str) -> bool:
        """Whether events for a site are taken from this key."""
        return "*" in self.sites or site in self.sites

    def require(self, *roles: Role) -> None:
        """Raise NotPermitted where the key is for something else."""
        if self.role not in roles:
            raise NotPermitted(f"this is {self.role.purpose}; needed here is {roles[0].purpose}")
