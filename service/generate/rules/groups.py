"""All rules, as the file that Prometheus reads and as the manifest that its operator on Kubernetes does."""

from collections.abc import Sequence

from service.core.objective import Promise
from service.generate.rules.alerts import objective_alerts
from service.generate.rules.matters import matter_alerts
from service.generate.rules.model import Group, written
from service.generate.rules.options import Options
from service.generate.rules.pipeline import pipeline_alerts
from service.generate.rules.recording import recording_groups
from service.generate.rules.resources import resource_alerts
from service.generate.rules.variants import Variant, variants


def rules_file(promises: Sequence[Promise], options: Options) -> str:
    """The rules as a file for `rule_files` of Prometheus."""
    return written({"groups": [group.content() for group in groups(variants(promises, options), options)]})


def rules_manifest(promises: Sequence[Promise], options: Options) -> str:
    """The rules as a PrometheusRule, for the Prometheus operator."""
    found = groups(variants(promises, options), options)
    return written(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "frontline", "labels": {"app.kubernetes.io/name": "frontline"}},
            "spec": {"groups": [group.content() for group in found]},
        }
    )


def groups(found: Sequence[Variant], options: Options) -> tuple[Group, ...]:
    """What is recorded, and the alerts: of each objective, of what becomes late, of resources, of Frontline itself."""
    of_objectives = (
        Group(
            f"frontline-objective-{name}",
            tuple(alert for one in found if one.name == name for alert in objective_alerts(one, options)),
        )
        for name in dict.fromkeys(one.name for one in found)
    )
    every = (
        *recording_groups(found, options),
        *of_objectives,
        Group("frontline-matters", tuple(matter_alerts(options))),
        Group("frontline-resources", tuple(resource_alerts(options))),
        Group("frontline-pipeline", tuple(pipeline_alerts(options))),
    )
    return tuple(group for group in every if group.rules)
