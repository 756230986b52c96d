"""What the administration of a service should have come to: a model in memory, plain enough to be seen to be right."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Key:
    """A key as it was made, and what became of it."""

    id: int
    secret: str
    role: str
    source: str | None = None
    replaces: int | None = None
    has_end: bool = False
    is_over: bool = False
    is_revoked: bool = False

    @property
    def opens(self) -> bool:
        """Whether it opens anything."""
        return not (self.is_over or self.is_revoked)

    def refusal(self, *roles: str) -> int | None:
        """With which status it is refused where one of some roles is needed."""
        if not self.opens:
            return 401
        return None if self.role in roles else 403

    @property
    def listed(self) -> dict[str, Any]:
        """What the list of keys says of it, its times reduced to whether they are there."""
        told = {name: getattr(self, name) for name in ("id", "role", "source", "replaces")}
        return {**told, "expires_at": self.has_end, "revoked_at": self.is_revoked}


@dataclass(slots=True)
class Site:
    """A site as it was registered: its time zone, and from when which hours hold; None is since ever."""

    time_zone: str
    versions: dict[str | None, Any]

    @property
    def listed(self) -> dict[str, Any]:
        """What the list of sites says of it, but for its name."""
        calendars = [
            {"from": since, "hours": self.versions[since], "holidays": None}
            for since in sorted(self.versions, key=lambda since: since or "")
        ]
        latest = calendars[-1] if calendars else {"hours": None, "holidays": None}
        return {
            "time_zone": self.time_zone,
            "hours": latest["hours"],
            "holidays": latest["holidays"],
            "calendars": calendars,
            "patience_seconds": {},
        }


@dataclass(slots=True)
class Administered:
    """Everything that was administrated; `trail` has who did what to what, the first action first."""

    sites: dict[str, Site] = field(default_factory=dict)
    sources: dict[str, list[str]] = field(default_factory=dict)
    keys: dict[int, Key] = field(default_factory=dict)
    contacts: dict[str, int] = field(default_factory=dict)
    trail: list[tuple[str, str, str]] = field(default_factory=list)

    def put_site(self, name: str, time_zone: str, since: str | None, hours: Any) -> None:
        """Register a site or change it. What holds since ever stands alone, and says nothing where it is open."""
        site = self.sites.setdefault(name, Site(time_zone, {}))
        site.time_zone = time_zone
        if since is None:
            site.versions = {} if hours is None else {None: hours}
        else:
            site.versions[since] = hours

    def may_post(self, key: Key, site: str) -> bool:
        """Whether the source of a key may post for a site."""
        allowed = self.sources[key.source or ""]
        return "*" in allowed or site in allowed
