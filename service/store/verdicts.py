"""Why the ledger does not take an event that was admitted: what it alone can tell."""

import msgspec

from service.core.event import MAX_EVENTS_PER_INTERACTION, moment


class Refusal(msgspec.Struct, frozen=True):
    """Why the ledger does not take an event, as the answer to the post says it."""

    code: str
    detail: str


FULL = Refusal(
    "interaction_full",
    f"subject: this interaction has {MAX_EVENTS_PER_INTERACTION} events, and takes no more; "
    "what is another encounter needs a subject of its own",
)
"""The interaction has no room for it."""


def too_old(at_us: int, kept_from_us: int) -> Refusal:
    """It happened before the moment from which on events are kept."""
    return Refusal(
        "too_old",
        f"time: is {moment(at_us):%Y-%m-%dT%H:%M:%SZ}; it must be {moment(kept_from_us):%Y-%m-%dT%H:%M:%SZ} or later, "
        "for what was before is forgotten (FRONTLINE_RETENTION_DAYS)",
    )
