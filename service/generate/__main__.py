"""`python -m service.generate`, in a checkout: write what is generated to where it is kept."""

from collections.abc import Iterator
from importlib.metadata import metadata
from pathlib import Path

from service.core.promises import read_promises
from service.generate.alertmanager import Delivery, alertmanager_config
from service.generate.bill import bill, licence_of, pins
from service.generate.dashboards.files import dashboards
from service.generate.kpi_page import kpi_page
from service.generate.rules.cases.files import cases_files
from service.generate.rules.groups import rules_file, rules_manifest
from service.generate.rules.options import Options

CASES = Path("prometheus/tests")


def generated() -> Iterator[tuple[Path, str]]:
    """Each file and its text."""
    objectives = Path("objectives.yaml").read_text(encoding="utf-8")
    promises, options = read_promises(objectives), Options()
    yield Path("docs/kpis.md"), kpi_page()
    yield Path("prometheus/rules/frontline.yml"), rules_file(promises, options)
    yield Path("prometheus/alertmanager.yml"), alertmanager_config(Delivery())
    yield Path("docs/sbom.cdx.json"), _bill()
    # kustomize reads no file outside of its own folder.
    yield Path("k8s/base/objectives.yaml"), objectives
    yield Path("k8s/base/prometheus-rules.yaml"), rules_manifest(promises, options)
    for name, text in dashboards().items():
        yield Path("dashboards") / name, text
    for name, text in cases_files(promises, options, "../rules/frontline.yml").items():
        yield CASES / name, text


def _bill() -> str:
    """The bill of materials, with the licences of the packages that are installed here."""
    everything = Path("requirements/runtime.txt").read_text(encoding="utf-8")
    licences = {pin.name: licence_of(metadata(pin.name).json) for pin in pins(everything)}
    return bill(everything, Path("requirements/server.txt").read_text(encoding="utf-8"), licences)


def main() -> None:
    """Write all files, and remove cases of before."""
    files = dict(generated())
    for stale in set(CASES.glob("*.yml")) - files.keys():
        stale.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
