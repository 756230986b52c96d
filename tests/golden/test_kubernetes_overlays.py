"""The Kubernetes manifests among themselves: selectors, network, monitoring, replicas, and an overlay of one's own."""

import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from service import __version__
from service.app import create_app
from service.cli import main
from service.settings import Settings
from tests.golden.manifests import (
    OVERLAYS,
    PROMETHEUS_OPERATORS,
    ROOT,
    Manifest,
    built,
    containers,
    kustomized,
    of_kind,
    pods,
    selected,
    service_pod,
    settings,
    the,
)

MIGRATION = f"frontline-migrate-{__version__.replace('.', '-')}"
MOST_OF_A_CONFIG_MAP = 1 << 20
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PATHS = set(create_app(Settings(), "postgresql://nowhere/nothing").openapi()["paths"])
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


@overlays
def test_selectors_find_the_pods_they_mean(overlay: str) -> None:
    manifests = built(overlay)
    service, migration = {"Deployment frontline"}, {f"Job {MIGRATION}"}
    database = {"StatefulSet frontline-postgresql"}
    for owner in of_kind(manifests, "Deployment", "StatefulSet"):
        labels = owner["spec"]["selector"]["matchLabels"]
        assert selected(manifests, labels) == {f"{owner['kind']} {owner['metadata']['name']}"}
    found = {
        manifest["metadata"]["name"]: selected(manifests, manifest["spec"]["selector"])
        for manifest in of_kind(manifests, "Service")
    }
    assert found == {"frontline": service} | ({"frontline-postgresql": database} if overlay == "single" else {})
    policies = {
        policy["metadata"]["name"]: selected(manifests, policy["spec"]["podSelector"]["matchLabels"])
        for policy in of_kind(manifests, "NetworkPolicy")
    }
    assert policies == {
        "frontline": service | migration,
        "frontline-from-prometheus": service,
        "frontline-to-postgresql": service | migration,
    } | ({"frontline-postgresql": database} if overlay == "single" else {"frontline-from-ingress": service})


@overlays
def test_the_network_lets_through_what_is_needed_and_nothing_else(overlay: str) -> None:
    manifests = built(overlay)
    out: list[tuple[Any, list[int]]] = []
    for policy in of_kind(manifests, "NetworkPolicy"):
        spec = policy["spec"]
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule["ports"], "every port is open"
            assert rule.get("from", rule.get("to")), "everybody is let in, or everything can be reached"
        if "postgresql" not in spec["podSelector"]["matchLabels"].values():
            out += [(rule["to"], sorted({port["port"] for port in rule["ports"]})) for rule in spec.get("egress", [])]
    assert sorted(ports for _, ports in out) == [[53], [5432]]
    whole = the(manifests, "NetworkPolicy", "frontline")["spec"]
    assert whole["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in whole, "nobody gets in but by a policy of his own"
    ((to,),) = (peers for peers, ports in out if ports == [5432])
    if overlay == "single":
        assert selected(manifests, to["podSelector"]["matchLabels"]) == {"StatefulSet frontline-postgresql"}
        (rule,) = the(manifests, "NetworkPolicy", "frontline-postgresql")["spec"]["ingress"]
        within = [peer for peer in rule["from"] if "namespaceSelector" not in peer]
        assert [len(selected(manifests, peer["podSelector"]["matchLabels"])) for peer in within] == [2]
    else:
        assert to["ipBlock"]["cidr"].endswith("/32")


@overlays
def test_prometheus_finds_both_jobs_under_the_names_that_rules_use(overlay: str) -> None:
    manifests = built(overlay)
    monitor = the(manifests, "ServiceMonitor", "frontline")["spec"]
    service = the(manifests, "Service", "frontline")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert "matchExpressions" not in monitor["selector"]
    scraped = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (served,) = the(manifests, "Deployment", "frontline")["spec"]["template"]["spec"]["containers"]
    jobs = {}
    for endpoint in monitor["endpoints"]:
        (rename,) = endpoint["relabelings"]
        assert rename.keys() == {"targetLabel", "replacement"}
        assert rename["targetLabel"] == "job"
        assert endpoint["port"] == service["spec"]["ports"][0]["name"]
        assert endpoint["path"] in PATHS
        key = endpoint["authorization"]["credentials"]
        assert {"name": "FRONTLINE_READ_KEY", "valueFrom": {"secretKeyRef": key}} in served["env"]
        jobs[rename["replacement"]] = endpoint["path"]
    assert jobs == {job["job_name"]: job["metrics_path"] for job in scraped}


@overlays
def test_objectives_are_those_of_the_repository(overlay: str) -> None:
    manifests = built(overlay)
    template, container = service_pod(manifests)
    text = (ROOT / "objectives.yaml").read_text(encoding="utf-8")
    assert (ROOT / "k8s" / "base" / "objectives.yaml").read_text(encoding="utf-8") == text, "`make generate`"
    (volume,) = (volume for volume in template["spec"]["volumes"] if volume["name"] == "objectives")
    (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "objectives")
    config = the(manifests, "ConfigMap", volume["configMap"]["name"])
    assert config["data"] == {"objectives.yaml": text}
    assert settings(manifests)["FRONTLINE_OBJECTIVES"] == f"{mount['mountPath']}/objectives.yaml"


@overlays
def test_every_dashboard_is_there_for_the_sidecar(overlay: str) -> None:
    shown = {}
    for config in of_kind(built(overlay), "ConfigMap"):
        assert sum(map(len, config["data"].values())) < MOST_OF_A_CONFIG_MAP
        if config["metadata"].get("labels", {}).get("grafana_dashboard") == "1":
            assert config["metadata"]["annotations"] == {"grafana_folder": "Frontline"}
            shown |= config["data"]
    files = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "dashboards").glob("*.json")}
    assert shown == files
    assert len(files) == 10


def test_the_single_replica_can_be_moved() -> None:
    manifests = built("single")
    assert the(manifests, "Deployment", "frontline")["spec"]["replicas"] == 1
    assert not of_kind(manifests, "HorizontalPodAutoscaler", "PodDisruptionBudget"), "a budget of one is none"


def test_replicas_are_the_autoscalers_and_the_budget_leaves_some() -> None:
    manifests = built("production")
    deployment = the(manifests, "Deployment", "frontline")
    assert "replicas" not in deployment["spec"], "applying it again would take replicas away"
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    scaler = the(manifests, "HorizontalPodAutoscaler", "frontline")["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "frontline"}
    budget = the(manifests, "PodDisruptionBudget", "frontline")["spec"]
    assert selected(manifests, budget["selector"]["matchLabels"]) == {"Deployment frontline"}
    assert budget["maxUnavailable"] < scaler["minReplicas"] <= scaler["maxReplicas"]
    # Ten connections to read, one of each writer, one of the timer, and a replica more while a new version comes.
    connections = 11 + Settings.read(settings(manifests)).writers
    assert (scaler["maxReplicas"] + 1) * connections < 100
    assert "cpu" in service_pod(manifests)[1]["resources"]["requests"], "what the share is taken of"
    for spread in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert selected(manifests, spread["labelSelector"]["matchLabels"]) == {"Deployment frontline"}


def test_only_what_a_key_protects_is_open_to_the_world() -> None:
    (ingress,) = of_kind(built("production"), "Ingress")
    (rule,) = ingress["spec"]["rules"]
    assert [tls["hosts"] for tls in ingress["spec"]["tls"]] == [[rule["host"]]]
    assert all(tls["secretName"] for tls in ingress["spec"]["tls"])
    paths = {(path["path"], path["pathType"]) for path in rule["http"]["paths"]}
    assert paths == {("/v1/events", "Exact"), ("/v1/webhooks", "Prefix"), ("/runbooks", "Prefix")}
    assert {path for path, _ in paths} <= PATHS | {"/v1/webhooks"}
    assert "/v1/webhooks/{source}" in PATHS


def test_the_database_of_production_proves_who_it_is() -> None:
    for owner, template in pods(built("production")):
        for container in containers(template):
            values = {variable["name"]: variable.get("value") for variable in container["env"]}
            assert values["PGSSLMODE"] == "verify-full", owner
            (mount,) = (mount for mount in container["volumeMounts"] if mount["name"] == "database-ca")
            assert values["PGSSLROOTCERT"] == f"{mount['mountPath']}/ca.crt", owner


def test_the_job_stays_the_same_until_the_version_changes() -> None:
    """A Job cannot be changed, so nothing in it may follow from settings, whose names change with them."""
    for overlay in OVERLAYS:
        (job,) = of_kind(built(overlay), "Job")
        assert job["metadata"]["name"] == MIGRATION
        assert "configMap" not in str(job)


def test_the_documentation_names_what_there_is() -> None:
    lines = OPERATIONS.replace("\\\n", " ")
    told = re.findall(r"^(?:FRONTLINE\S+ )?frontline (.*)$", lines, re.MULTILINE)
    assert len(told) >= 8
    for line in told:
        words = shlex.split(line.partition(" > ")[0])
        command = main.commands[words.pop(0)]
        while isinstance(command, click.Group):
            command = command.commands[words.pop(0)]
        command.make_context(str(command.name), words)
    variables = {setting.metadata["variable"] for setting in fields(Settings)}
    assert set(re.findall(r"\bFRONTLINE_[A-Z_]+", OPERATIONS)) <= variables
    assert set(re.findall(r"frontline-migrate-[\d-]+\d", OPERATIONS)) == {MIGRATION}
    for link in re.findall(r"\]\(([^)#:]+)\)", OPERATIONS):
        assert (ROOT / "docs" / link).exists(), link
    made = re.findall(r"create secret generic frontline (.*)$", lines, re.MULTILINE)
    example = list(yaml.safe_load_all((ROOT / "k8s" / "secrets.example.yaml").read_text()))
    (wanted,) = (secret["stringData"] for secret in example if secret["metadata"]["name"] == "frontline")
    assert [set(re.findall(r"--from-literal=([a-z-]+)=", one)) for one in made] == [set(wanted)]
    manifests = built("production")
    given = settings(manifests)
    template, _ = service_pod(manifests)
    scaler = the(manifests, "HorizontalPodAutoscaler", "frontline")["spec"]
    assert f"`FRONTLINE_SHUTDOWN_DELAY_SECONDS` ({given['FRONTLINE_SHUTDOWN_DELAY_SECONDS']})" in OPERATIONS
    assert f"`FRONTLINE_DRAIN_SECONDS` ({given['FRONTLINE_DRAIN_SECONDS']})" in OPERATIONS
    assert f"`terminationGracePeriodSeconds` ({template['spec']['terminationGracePeriodSeconds']})" in OPERATIONS
    assert f"{scaler['minReplicas']} to {scaler['maxReplicas']} replicas" in OPERATIONS


def first_group_only() -> str:
    rules: Manifest = yaml.safe_load((ROOT / "k8s" / "base" / "prometheus-rules.yaml").read_text())
    del rules["spec"]["groups"][1:]
    return yaml.safe_dump(rules)


def test_an_overlay_of_ones_own_is_as_the_documentation_says(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(# kustomization.yaml\n.*?)```", OPERATIONS, re.DOTALL)
    (remote,) = re.findall(r"^- (https://\S+//k8s/overlays/production\?ref=v\S+)$", text, re.MULTILINE)
    assert remote.endswith(f"v{__version__}")
    up = Path(*[".."] * (len(tmp_path.parts) - 1))
    here = up / (ROOT / "k8s" / "overlays" / "production").relative_to("/")
    (tmp_path / "kustomization.yaml").write_text(text.replace(remote, str(here)))
    (tmp_path / "objectives.yaml").write_text("own: objectives\n")
    (tmp_path / "prometheus-rules.yaml").write_text(first_group_only())
    manifests = list(yaml.safe_load_all(kustomized(tmp_path)))
    (ingress,) = of_kind(manifests, "Ingress")
    assert "frontline.example.com" not in str(ingress)
    assert "192.0.2." not in str(of_kind(manifests, "NetworkPolicy"))
    template, _ = service_pod(manifests)
    (volume,) = (volume for volume in template["spec"]["volumes"] if volume["name"] == "objectives")
    assert the(manifests, "ConfigMap", volume["configMap"]["name"])["data"] == {"objectives.yaml": "own: objectives\n"}
    (rules,) = of_kind(manifests, "PrometheusRule")
    assert len(rules["spec"]["groups"]) == 1
    assert len(manifests) == len(built("production"))
    for manifest in manifests:
        if manifest["kind"] not in PROMETHEUS_OPERATORS:
            kubernetes_validate.validate(manifest, "1.37", strict=True)
