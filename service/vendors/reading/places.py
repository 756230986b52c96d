"""A source's mapping: which of the vendor's places are which sites, queues and channels here."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from service.core.errors import InvalidInput
from service.core.event import Channel, Label

_ANY = "*"
Named = Annotated[str, Meta(min_length=1, max_length=512)]


class QueueAt(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A queue here, and the site where it is, for vendors that know queues but no sites."""

    queue: Label
    site: Label | None = None


class Places(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The vendor's names of places, and what they are here; `*` stands for all that are not named.

    `customers` says whether the vendor's customers are customers here, which a keyed hash then stands for.
    """

    sites: dict[Named, Label] = {}
    queues: dict[Named, Label | QueueAt] = {}
    channels: dict[Named, Channel] = {}
    customers: bool = True

    def site(self, *names: object) -> str:
        """The site of a place that has several names, the most telling first. Raises InvalidInput if it has none."""
        return str(_found(self.sites, names, "sites"))

    def queue(self, *names: object) -> QueueAt:
        """The queue of a line that has several names. Raises InvalidInput if it has none."""
        found = _found(self.queues, names, "queues")
        return QueueAt(found) if isinstance(found, str) else found

    def channel(self, name: object, usual: str) -> str:
        """The channel of the vendor's word for it; the usual one unless the mapping says otherwise."""
        return self.channels.get(str(name), self.channels.get(_ANY, usual))

    def customer(self, name: object) -> str | None:
        """A customer as he is sent on; None where there is none, or none is wanted."""
        return str(name) if self.customers and name not in (None, "") else None


def places(mapping: Any) -> Places:
    """A mapping as JSON has it. Raises InvalidInput naming the field."""
    made: Places = converted(mapping, Places)
    return made


def converted(mapping: Any, kind: Any) -> Any:
    """A mapping as a type of its own. Raises InvalidInput naming the field."""
    try:
        return msgspec.convert(mapping, kind)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        raise InvalidInput(what[:1].lower() + what[1:], field=f"mapping{path.rstrip('`')}") from error


def _found(known: dict[str, Any], names: tuple[object, ...], field: str) -> Any:
    told = [str(name) for name in names if name not in (None, "")]
    for name in (*told, _ANY):
        if name in known:
            return known[name]
    raise InvalidInput(
        f"none of {', '.join(told) or 'no name at all'} is mapped; name it, or * for all others",
        field=f"mapping.{field}",
        code="unmapped",
    )
