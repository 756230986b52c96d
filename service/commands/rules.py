"""`frontline rules`: the alert rules that follow from a file of objectives."""

from datetime import UTC, datetime
from pathlib import Path

import click

from service.core.window import number_of
from service.files import promises_in, shipped_objectives
from service.generate.rules.cases.files import cases_file
from service.generate.rules.groups import rules_file, rules_manifest
from service.generate.rules.options import Links, Options

_EXAMPLES = """\b
Examples:
  frontline rules > prometheus/rules/frontline.yml
  frontline rules --objectives objectives.yaml --frontline-url https://frontline.example.com
  frontline rules --format kubernetes | kubectl apply -f -
  frontline rules > frontline.yml && frontline rules --format tests > tests.yml && promtool test rules tests.yml
"""
_WRITERS = {"prometheus": rules_file, "kubernetes": rules_manifest, "tests": cases_file}
_Positive = click.FloatRange(0.0, min_open=True)


@click.command("rules", epilog=_EXAMPLES)
@click.option(
    "--objectives",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="FRONTLINE_OBJECTIVES",
    show_envvar=True,
    help="The file of objectives; the one that comes with Frontline, unless given.",
)
@click.option("--format", "form", type=click.Choice(list(_WRITERS)), default="prometheus", show_default=True)
@click.option("--frontline-url", default=Links().frontline_url, show_default=True, help="Where links to it lead.")
@click.option("--grafana-url", default=Links().grafana_url, show_default=True, help="Where links to dashboards lead.")
@click.option("--silent-after", type=_Positive, default=600.0, show_default=True, help="Seconds of silence to bear.")
@click.option("--speedup", type=_Positive, default=1.0, show_default=True, help="Divides all durations, to rehearse.")
def command(
    objectives: Path | None, form: str, frontline_url: str, grafana_url: str, silent_after: float, speedup: float
) -> None:
    """Print the alert rules that follow from the objectives that hold today.

    prometheus is a file for its rule_files, kubernetes a PrometheusRule for its operator, and tests are cases for
    `promtool test rules` that put rules named frontline.yml beside them to the test. Rules do not change by
    themselves: print them again after a change of the objectives, and on the day on which one begins to hold.
    """
    if form == "tests" and speedup != 1:
        raise click.UsageError("--format tests knows rules at their own pace only, without --speedup")
    options = Options(
        links=Links(frontline_url, grafana_url),
        silent_after_seconds=silent_after,
        speedup=speedup,
        today=number_of(datetime.now(UTC).date()),
    )
    click.echo(_WRITERS[form](promises_in(objectives or shipped_objectives()), options), nl=False)
