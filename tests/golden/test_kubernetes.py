"""The Kubernetes manifests: kubectl builds every overlay, they fit their schemas, and their pods fit the service."""

import re
from dataclasses import fields

import click
import kubernetes_validate
import pytest
import yaml
from cloudcoil.models.prometheus_operator import v1 as operator

from service import __version__
from service.app import create_app
from service.cli import main
from service.settings import Settings
from tests.golden.manifests import (
    OVERLAYS,
    ROOT,
    built,
    containers,
    of_kind,
    pods,
    service_pod,
    settings,
    the,
)

IMAGE = f"ghcr.io/frontline-service/frontline:{__version__}"
OLDEST, NEWEST = "1.29", "1.37"
OPERATORS = {"ServiceMonitor": operator.ServiceMonitor, "PrometheusRule": operator.PrometheusRule}
VARIABLES = {setting.metadata["variable"] for setting in fields(Settings)}
# Read by the driver, and by PostgreSQL's image.
OTHERS = {"PGSSLMODE", "PGSSLROOTCERT", "PGDATA", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
OTHERS |= {"POSTGRES_INITDB_ARGS"}
PATHS = set(create_app(Settings(), "postgresql://nowhere/nothing").openapi()["paths"])
overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def test_both_overlays_are_there() -> None:
    assert OVERLAYS == ["production", "single"]


@overlays
def test_every_manifest_fits_its_schema(overlay: str) -> None:
    for manifest in built(overlay):
        if model := OPERATORS.get(manifest["kind"]):
            taken = model.model_validate(manifest).model_dump(mode="json", by_alias=True, exclude_unset=True)
            assert taken == manifest, "a field is not one of the operator's"
        else:
            for version in (OLDEST, NEWEST):
                kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_refuse_what_is_wrong() -> None:
    manifests = built("production")
    autoscaler = the(manifests, "HorizontalPodAutoscaler", "frontline")
    autoscaler["spec"]["minReplica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError, match="minReplica"):
        kubernetes_validate.validate(autoscaler, OLDEST, strict=True)
    monitor = the(manifests, "ServiceMonitor", "frontline")
    monitor["spec"]["endpoints"][0]["scrapeTimeouts"] = "10s"
    taken = operator.ServiceMonitor.model_validate(monitor).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert taken != monitor
    monitor["spec"]["endpoints"][0]["interval"] = "soon"
    with pytest.raises(ValueError, match="interval"):
        operator.ServiceMonitor.model_validate(monitor)


@overlays
def test_every_pod_keeps_to_the_restricted_profile(overlay: str) -> None:
    manifests = built(overlay)
    (namespace,) = of_kind(manifests, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for owner, template in pods(manifests):
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, owner
        assert spec["securityContext"]["runAsNonRoot"] is True, owner
        assert spec["securityContext"]["runAsUser"] > 0, owner
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, owner
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), owner
        for container in containers(template):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, owner
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), owner
            assert "memory" in container["resources"]["limits"], owner
        for volume in spec["volumes"]:
            assert volume.keys() - {"name"} <= {"configMap", "emptyDir", "secret"}, owner
        if overlay == "production" or "postgresql" not in owner:
            assert spec["securityContext"]["runAsUser"] == 10001, owner


@overlays
def test_images_are_pinned_and_frontlines_is_everywhere_the_same(overlay: str) -> None:
    images = [container["image"] for _, template in pods(built(overlay)) for container in containers(template)]
    assert images.count(IMAGE) == 3
    others = set(images) - {IMAGE}
    assert len(others) == (overlay == "single")
    assert all(re.fullmatch(r"docker\.io/library/postgres:\d+\.\d+-bookworm", image) for image in others)


@overlays
def test_commands_are_frontlines_own(overlay: str) -> None:
    run = []
    for _, template in pods(built(overlay)):
        for container in containers(template):
            if container["image"] == IMAGE:
                program, name, *arguments = container["command"]
                assert program == "frontline"
                main.commands[name].make_context(name, list(arguments))
                run.append((name, *arguments))
    assert ("migrate",) in run
    assert ("migrate", "--wait") in run, "a new pod waits for the migration"
    with pytest.raises(click.UsageError):
        main.commands["serve"].make_context("serve", ["--hosts", "0.0.0.0"])


@overlays
def test_variables_are_settings_and_can_be_read(overlay: str) -> None:
    manifests = built(overlay)
    for owner, template in pods(manifests):
        for container in containers(template):
            names = [variable["name"] for variable in container.get("env", [])]
            assert set(names) <= VARIABLES | OTHERS, owner
            assert len(names) == len(set(names)), owner
    given = settings(manifests)
    assert given.keys() <= VARIABLES
    assert Settings.read(given).drain_seconds > 0


@overlays
def test_secrets_come_by_reference_only(overlay: str) -> None:
    manifests = built(overlay)
    assert not of_kind(manifests, "Secret")
    example = list(yaml.safe_load_all((ROOT / "k8s" / "secrets.example.yaml").read_text()))
    keys = {(secret["metadata"]["name"], key) for secret in example for key in secret["stringData"]}
    taken = set()
    for owner, template in pods(manifests):
        for volume in template["spec"]["volumes"]:
            if secret := volume.get("secret"):
                taken |= {(secret["secretName"], item["key"]) for item in secret["items"]}
        for container in containers(template):
            for variable in container.get("env", []):
                reference = variable.get("valueFrom", {}).get("secretKeyRef")
                assert reference or not re.search("PASSWORD|_KEY|URL", variable["name"]), owner
                if reference:
                    taken.add((reference["name"], reference["key"]))
    served = ("database-url", "admin-key", "read-key", "pseudonym-key", "encryption-key")
    assert {("frontline", key) for key in served} <= taken <= keys
    of_its_own = {"single": "frontline-postgresql", "production": "frontline-database-ca"}[overlay]
    assert {name for name, _ in taken} == {"frontline", of_its_own}


@overlays
def test_probes_ask_what_the_service_answers(overlay: str) -> None:
    _, container = service_pod(built(overlay))
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/healthz",
        "liveness": "/healthz",
        "readiness": "/readyz",
    }
    assert {probe["path"] for probe in probes.values()} <= PATHS
    assert {probe["port"] for probe in probes.values()} == {"http"}


@overlays
def test_a_pod_is_given_the_time_to_drain(overlay: str) -> None:
    manifests = built(overlay)
    template, container = service_pod(manifests)
    known = Settings.read(settings(manifests))
    # The posts in flight are waited for, and then the queue is: each for as long as the setting says.
    longest = known.shutdown_delay_seconds + 2 * known.drain_seconds
    assert template["spec"]["terminationGracePeriodSeconds"] >= longest + 5
    probe = container["readinessProbe"]
    assert known.shutdown_delay_seconds >= probe["periodSeconds"] * probe["failureThreshold"]
    assert "--workers" not in container["command"], "only a service of one process delays its end"
    assert "preStop" not in container.get("lifecycle", {}), "the service delays by itself"


@overlays
def test_ports_agree(overlay: str) -> None:
    manifests = built(overlay)
    _, container = service_pod(manifests)
    assert container["command"][-2:] == ["--port", "8000"]
    assert container["ports"] == [{"name": "http", "containerPort": 8000}]
    assert the(manifests, "Service", "frontline")["spec"]["ports"] == [
        {"name": "http", "port": 8000, "targetPort": "http"}
    ]
    named = {
        port["name"] for _, template in pods(manifests) for one in containers(template) for port in one.get("ports", [])
    }
    for policy in of_kind(manifests, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            assert {port["port"] for port in rule["ports"]} <= named
    for ingress in of_kind(manifests, "Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            assert path["backend"] == {"service": {"name": "frontline", "port": {"name": "http"}}}
