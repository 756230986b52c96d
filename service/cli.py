"""The command `frontline`: parses, and delegates."""

import click

from service import __version__
from service.commands import (
    alertmanager,
    demo,
    imports,
    keys,
    migrate,
    proof,
    replay,
    report,
    rules,
    serve,
    simulate,
    sources,
)
from service.core.errors import FrontlineError

_EXAMPLES = """\b
Examples:
  frontline demo                              everything at once, on a real day of calls
  frontline serve                             the service, with a PostgreSQL of its own
  FRONTLINE_DATABASE_URL=postgresql://… frontline migrate
  frontline replay january.ndjson.gz --key $KEY
  frontline simulate --admin-key $ADMIN_KEY --sites 5
  frontline rules --objectives objectives.yaml > frontline.yml
"""


class _Group(click.Group):
    """A group whose commands end with one line on what is wrong, where Frontline knows what is wrong."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except FrontlineError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, epilog=_EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="frontline")
def main() -> None:
    """Service-quality KPIs of stores and call centres, exact and while they happen."""


for _module in (serve, demo, replay, simulate, imports, sources, report, rules, alertmanager, migrate, keys):
    main.add_command(_module.command)
for _command in (proof.verify, proof.rebuild):
    main.add_command(_command)

if __name__ == "__main__":
    main()
