"""Variables of what there is to choose from in PostgreSQL."""

from grafana_foundation_sdk.models.dashboard import (
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
    VariableType,
)

from service.generate.dashboards.queries import POSTGRESQL


def choice(name: str, statement: str, *, is_one: bool = False) -> VariableModel:
    """A choice among what a statement finds: of several, matched as a regular expression; or of one, the first."""
    return VariableModel(
        type_val=VariableType.QUERY,
        name=name,
        label=name.capitalize(),
        datasource=POSTGRESQL,
        definition=statement,
        query=statement,
        regex="",
        current=None if is_one else VariableOption(text="All", value="$__all", selected=True),
        multi=not is_one,
        include_all=not is_one,
        all_value=None if is_one else ".*",
        refresh=VariableRefresh.ON_DASHBOARD_LOAD,
        sort=VariableSort.DISABLED if is_one else VariableSort.ALPHABETICAL_ASC,
    )
