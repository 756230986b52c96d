"""All dashboards, as the files that Grafana's provisioning reads."""

import json
from collections.abc import Mapping

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from service.generate.dashboards import (
    changes,
    fleet,
    now,
    objectives,
    pipeline,
    quality,
    reliability,
    reports,
    site,
    voice,
)

_MODULES = (now, fleet, site, quality, reliability, voice, objectives, changes, reports, pipeline)


def dashboards() -> Mapping[str, str]:
    """The text of each file, by its name."""
    made = (module.dashboard() for module in _MODULES)
    return {
        f"{one.uid}.json": json.dumps(one, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        for one in made
    }
