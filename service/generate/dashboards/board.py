"""What every dashboard has: the datasource, variables that chain, annotations, links."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    AnnotationContainer,
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    DashboardDashboardTemplating,
    DashboardDashboardTime,
    DashboardLink,
    DashboardLinkType,
    Panel,
    RowPanel,
    TimePickerConfig,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)
from grafana_foundation_sdk.models.prometheus import Dataquery, QueryEditorMode

from service.generate.dashboards.before_after import MARKS
from service.generate.dashboards.queries import POSTGRESQL, PROMETHEUS, Sql, SqlQuery

FRONTLINE_URL = "http://localhost:8000"
TAG = "frontline"
_NAMES = ("now", "fleet", "site", "quality", "reliability", "voice", "objectives", "changes", "reports", "pipeline")
UID = {name: f"{TAG}-{name}" for name in _NAMES}
"""The uids, by the names of the modules."""

_STEP = "60s"
_ALERTED = "{{site}} {{queue}} {{channel}} {{objective}} {{tier}}"
_ALL = VariableOption(text="All", value="$__all", selected=True)
_FILTERS = ("site", "queue", "channel")
_REFRESHES = ["5s", "10s", "30s", "1m", "5m", "15m", "1h"]


def firing(*more: str) -> str:
    """The alerts of Frontline that fire, without those that tell nobody; of these, those that more matchers take."""
    matchers = ('alertstate="firing"', 'alertname=~"Frontline.*"', 'severity!="none"', *more)
    return f"ALERTS{{{','.join(matchers)}}}"


def datasource() -> VariableModel:
    """The Prometheus that is asked."""
    return VariableModel(
        type_val=VariableType.DATASOURCE,
        name="datasource",
        label="Prometheus",
        query="prometheus",
        regex="",
        current=VariableOption(text="Prometheus", value="frontline-prometheus", selected=True),
        refresh=VariableRefresh.ON_DASHBOARD_LOAD,
    )


def places(*names: str) -> list[VariableModel]:
    """Some of site, queue and channel, each with what there is of it in those before it."""
    names = names or _FILTERS
    return [
        _choice(name, f"label_values(frontline:queue_waiting{_within(names[:index])}, {name})", all_value=".*")
        for index, name in enumerate(names)
    ]


def objectives(*names: str) -> VariableModel:
    """The objectives that have judged anything at the places chosen."""
    return _choice("objective", f"label_values(frontline:slo_events:total{_within(names or _FILTERS)}, objective)")


def objectives_on_waits(*names: str) -> VariableModel:
    """Of these, those that promise something within an hour: how long one waits, not how long a matter takes."""
    judged = f"frontline:slo_events:total{_within(names or _FILTERS)}"
    soon = "frontline_objective_threshold_seconds <= 3600"
    expr = f"count by (objective) ({judged} and on (objective) {soon})"
    return _choice("objective", f"query_result({expr})", regex='/objective="([^"]+)"/')


def frontline_url() -> VariableModel:
    """Where a browser finds Frontline itself."""
    return VariableModel(
        type_val=VariableType.TEXTBOX,
        name="frontline_url",
        label="Frontline",
        query=FRONTLINE_URL,
        current=VariableOption(text=FRONTLINE_URL, value=FRONTLINE_URL, selected=True),
    )


def _within(names: Sequence[str]) -> str:
    chosen = ",".join(f'{name}=~"${name}"' for name in names)
    return f"{{{chosen}}}" if names else ""


def _choice(name: str, query: str, regex: str = "", all_value: str = "") -> VariableModel:
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=name.capitalize(),
        datasource=PROMETHEUS,
        definition=query,
        query={"query": query, "refId": name},
        regex=regex,
        current=_ALL,
        multi=True,
        include_all=True,
        all_value=all_value or None,
        refresh=VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=VariableSort.ALPHABETICAL_ASC,
    )


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: its name among UID, its title, how far back it looks at first, and how often it asks again."""

    name: str
    title: str
    description: str
    since: str
    refresh: str
    variables: Sequence[VariableModel]
    panels: Sequence[Panel | RowPanel]
    links: Sequence[DashboardLink] = ()

    def build(self) -> Dashboard:
        """The dashboard, with its panels numbered."""
        numbered: list[Panel | RowPanel] = []
        for number, panel in enumerate(self.panels, 1):
            panel.id_val = number
            numbered.append(panel)
        return Dashboard(
            uid=UID[self.name],
            title=self.title,
            description=self.description,
            tags=[TAG],
            timezone="browser",
            editable=False,
            graph_tooltip=DashboardCursorSync.CROSSHAIR,
            time=DashboardDashboardTime(self.since, "now"),
            timepicker=TimePickerConfig(refresh_intervals=_REFRESHES),
            refresh=self.refresh,
            schema_version=42,
            panels=numbered,
            templating=DashboardDashboardTemplating([datasource(), *self.variables]),
            annotations=AnnotationContainer(_annotations({variable.name for variable in self.variables})),
            links=[_others(), *self.links],
        )


def outside(title: str, url: str) -> DashboardLink:
    """A link above the panels that leads out of Grafana."""
    return DashboardLink(title, DashboardLinkType.LINK, "external link", "", url, [], target_blank=True)


def _others() -> DashboardLink:
    return DashboardLink(
        "Frontline",
        DashboardLinkType.DASHBOARDS,
        "external link",
        "the other dashboards",
        tags=[TAG],
        as_dropdown=True,
        include_vars=True,
        keep_time=True,
    )


def _annotations(variables: set[str]) -> list[AnnotationQuery]:
    """Alerts while they fire, changes, and each start of a process of Frontline at the moment that it tells itself."""
    # An alert on Frontline itself has no site, and concerns them all.
    alerts = firing('site=~"$site|"') if "site" in variables else firing()
    starts = 'process_start_time_seconds{job="frontline"} * 1000 > $__from'
    return [
        AnnotationQuery(
            name="Annotations & Alerts",
            datasource=DataSourceRef("grafana", "-- Grafana --"),
            enable=True,
            hide=True,
            icon_color="rgba(0, 211, 255, 1)",
            type_val="dashboard",
            built_in=1,
        ),
        _annotation("Alerts", "red", alerts, "{{alertname}}", _ALERTED, tag="severity"),
        AnnotationQuery(
            name="Changes",
            datasource=POSTGRESQL,
            icon_color="purple",
            target=SqlQuery("Anno", Sql(MARKS)),
        ),
        _annotation("Restarts", "blue", starts, "Frontline started", "{{instance}}", tag="job", is_time=True),
    ]


def _annotation(
    name: str, colour: str, expr: str, title: str, text: str, *, tag: str, is_time: bool = False
) -> AnnotationQuery:
    """Marks of a colour where an expression has a value; `is_time` says that the value is the moment to mark."""
    return AnnotationQuery(
        name=name,
        datasource=PROMETHEUS,
        icon_color=colour,
        expr=expr,
        target=_asked(expr),
        step=_STEP,
        title_format=title,
        text_format=text,
        tag_keys=tag,
        use_value_for_time=is_time,
    )


def _asked(expr: str) -> Dataquery:
    """What newer versions of Grafana read instead of `expr` and `step`."""
    return Dataquery(
        datasource=PROMETHEUS,
        editor_mode=QueryEditorMode.CODE,
        expr=expr,
        interval=_STEP,
        range_val=True,
        ref_id="Anno",
    )
