"""The Kubernetes manifests as kubectl builds them of an overlay, and what one looks for in them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
OVERLAYS = sorted(path.parent.name for path in (ROOT / "k8s" / "overlays").glob("*/kustomization.yaml"))
POD_KINDS = ("Deployment", "StatefulSet", "Job")
PROMETHEUS_OPERATORS = ("ServiceMonitor", "PrometheusRule")

Manifest = dict[str, Any]


@cache
def kustomized(folder: Path) -> str:
    """What `kubectl kustomize` makes of a folder."""
    # The one of the development tools, which comes as a Python package; else any.
    binary = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert binary, "kubectl is not installed; it comes with the development tools"
    done = subprocess.run([binary, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, f"it warns: {done.stderr}"
    return done.stdout


def built(overlay: str) -> list[Manifest]:
    """All manifests of an overlay, read anew for each caller."""
    return list(yaml.safe_load_all(kustomized(ROOT / "k8s" / "overlays" / overlay)))


def of_kind(manifests: list[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def the(manifests: list[Manifest], kind: str, name: str) -> Manifest:
    (found,) = (manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name)
    return found


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Who makes pods, and the template of those."""
    for manifest in of_kind(manifests, *POD_KINDS):
        yield f"{manifest['kind']} {manifest['metadata']['name']}", manifest["spec"]["template"]


def containers(template: Manifest) -> list[Manifest]:
    return [*template["spec"].get("initContainers", []), *template["spec"]["containers"]]


def service_pod(manifests: list[Manifest]) -> tuple[Manifest, Manifest]:
    """The template of the service's pods, and its one container."""
    template = the(manifests, "Deployment", "frontline")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    return template, container


def selected(manifests: list[Manifest], labels: Mapping[str, str]) -> set[str]:
    """Who makes pods that have all labels."""
    assert labels, "it would select every pod"
    return {
        owner for owner, template in pods(manifests) if labels.items() <= template["metadata"].get("labels", {}).items()
    }


def settings(manifests: list[Manifest]) -> dict[str, str]:
    (found,) = (
        manifest["data"]
        for manifest in of_kind(manifests, "ConfigMap")
        if manifest["metadata"]["name"].startswith("frontline-settings-")
    )
    return {str(name): str(value) for name, value in found.items()}
