"""Changes that are made on purpose, so that their effects can be looked for: what, where and when."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from service.simulator.lines import Place
from service.simulator.profile import SiteProfile


@dataclass(frozen=True, slots=True)
class Change:
    """A change at some sites.

    A `training` raises compliance with the standards, and with it verification, resolution and satisfaction; by a
    `process` quotes of the wait become longer.
    """

    name: str
    kind: Literal["training", "process"]
    at: datetime
    sites: tuple[str, ...]

    def apply(self, place: Place) -> None:
        """It holds at a site from now on."""
        if self.kind == "training":
            place.trained = True
        else:
            place.generous = True


def programme(sites: Sequence[SiteProfile], start: datetime, backfill: timedelta) -> tuple[Change, ...]:
    """A training in the middle of the backfill, and longer quotes after three quarters of it.

    Of the sites with the same lines every second one is trained, and the others get the quotes, so that each change has
    sites without it to be compared with; one that is alone with its lines gets both. Without a past nothing is changed.
    """
    if not backfill:
        return ()
    kinds = [[site.name for site in group] for _, group in groupby(sorted(sites, key=_lines), key=_lines)]
    trained, quoting = backfill / 2, backfill * 3 / 4
    return (
        _change("training", "training", start + trained, (name for names in kinds for name in names[::2])),
        _change(
            "longer-quotes", "process", start + quoting, (name for names in kinds for name in names[1::2] or names)
        ),
    )


def _lines(site: SiteProfile) -> tuple[str, ...]:
    return tuple(queue.name for queue in site.queues)


def _change(what: str, kind: Literal["training", "process"], at: datetime, sites: Iterable[str]) -> Change:
    return Change(f"{what}-{at:%Y-%m-%d-%H%M}", kind, at, tuple(sites))
