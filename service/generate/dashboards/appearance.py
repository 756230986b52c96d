"""What every panel has: a place on the grid of 24 columns, a unit, colours, links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.cog.variants import Dataquery as AnyQuery
from grafana_foundation_sdk.models.dashboard import (
    DashboardFieldConfigSourceOverrides,
    DashboardLink,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    FieldConfigSource,
    GridPos,
    MatcherConfig,
    Panel,
    Threshold,
    ThresholdsConfig,
)

from service.generate.dashboards.queries import POSTGRESQL, PROMETHEUS, SqlQuery

GREEN, AMBER, RED, NEUTRAL, PALE = "green", "orange", "red", "blue", "text"
"""Kept, at risk, breached; what is neither good nor bad; what stands in the background."""

Steps = Sequence[tuple[float | None, str]]
"""Colours, each from a value upwards; the first from None."""

UNCOLOURED: Steps = ((None, NEUTRAL),)
NONE_IS_GOOD: Steps = ((None, GREEN), (1, RED))
"""Of a number of things that should not be."""
BUDGET_USED: Steps = ((None, GREEN), (0.75, AMBER), (1, RED))
"""Of a share of a budget, or of a limit, that is used: all of it may be, and from three quarters on it is at risk."""

BUDGET_LEFT: Steps = ((None, RED), (0, AMBER), (0.25, GREEN))
"""Of a share of a budget that is left: below 0 it is overspent."""


@dataclass(frozen=True, slots=True)
class Link:
    """Where a click on a value leads."""

    title: str
    url: str
    is_elsewhere: bool = False


class DataLink(DashboardLink):
    """A link of a value, which has less to it than one of a dashboard."""

    def to_json(self) -> dict[str, object]:
        """As Grafana keeps it."""
        return {"title": self.title, "url": self.url or "", "targetBlank": self.target_blank}


@dataclass(frozen=True, slots=True)
class About:
    """What every panel has. `place` is x, y, width and height; `unit` is Grafana's name of it."""

    title: str
    description: str
    place: tuple[int, int, int, int]
    unit: str
    steps: Steps = UNCOLOURED
    links: Sequence[Link] = ()
    decimals: int | None = None
    most: float | None = None
    no_value: str = ""


def panel(
    kind: str,
    about: About,
    targets: list[AnyQuery],
    options: Mapping[str, object],
    *,
    custom: Mapping[str, object] | None = None,
    colours: FieldColorModeId = FieldColorModeId.THRESHOLDS,
    overrides: Sequence[DashboardFieldConfigSourceOverrides] = (),
    transformations: Sequence[DataTransformerConfig] = (),
    least: float | None = None,
) -> Panel:
    x, y, width, height = about.place
    defaults = FieldConfig(
        unit=about.unit,
        decimals=about.decimals,
        min_val=least,
        max_val=about.most,
        no_value=about.no_value or None,
        color=FieldColor(mode=colours),
        thresholds=thresholds(about.steps),
        links=data_links(about.links) or None,
        custom=custom,
    )
    asks_sql = any(isinstance(target, SqlQuery) for target in targets)
    return Panel(
        type_val=kind,
        title=about.title,
        description=about.description,
        datasource=POSTGRESQL if asks_sql else PROMETHEUS,
        grid_pos=GridPos(height, width, x, y),
        targets=targets,
        transformations=list(transformations) or None,
        options=options,
        field_config=FieldConfigSource(defaults, list(overrides)),
    )


def override(matcher: str, options: str, properties: Mapping[str, object]) -> DashboardFieldConfigSourceOverrides:
    return DashboardFieldConfigSourceOverrides(
        matcher=MatcherConfig(matcher, options),
        properties=[DynamicConfigValue(name, value) for name, value in properties.items()],
    )


def thresholds(steps: Steps) -> ThresholdsConfig:
    return ThresholdsConfig(steps=[Threshold(value, colour) for value, colour in steps])


def data_links(links: Sequence[Link]) -> list[DashboardLink]:
    """Links of values."""
    return [DataLink(link.title, url=link.url, target_blank=link.is_elsewhere) for link in links]
