"""What Alertmanager itself does with the configuration: whom it tells, what it holds back, and how it beats."""

import itertools
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.alertmanager import Alertmanager, Webhook
from tests.golden.delivery import (
    AT_RISK,
    BURNING,
    CLOSED,
    DOWN,
    EXHAUSTED,
    HOOKS,
    MISSING,
    ROOT,
    SERIES,
    SILENT,
    WATCHDOG,
    made,
)

_numbers = itertools.count(1)


def hooked(webhook: Webhook, speedup: float) -> str:
    variables = {name: f"{webhook.url}/{name.lower()}" for name in HOOKS}
    return made({**variables, "ROUTES": f"vilnius-.*=webhook:{webhook.url}/vilnius"}, "--speedup", str(speedup))


def sites(alerts: list[dict[str, Any]], name: str) -> set[str]:
    return {one["labels"].get("site", "") for one in alerts if one["labels"]["alertname"] == name}


@pytest.mark.parametrize("source", [SILENT, CLOSED], ids=lambda source: source["alertname"])
def test_a_page_of_a_site_is_held_back_and_comes_when_the_reason_ends(source: dict[str, str], tmp_path: Path) -> None:
    with Webhook() as webhook, Alertmanager(tmp_path, hooked(webhook, 40)) as alertmanager:
        reason = {**source, "site": "vilnius-1"}
        held = {**BURNING, **SERIES, "site": "vilnius-1", "tier": "fast"}
        free = {**held, "site": "vilnius-2"}
        alertmanager.fire(reason, held, free, summary="Burning", runbook_url="http://f/runbooks/x")
        # Both wait for the same time, so the one would be here when the other is; and once more after an interval.
        webhook.wait(lambda: sites(webhook.alerts(path="/webhook_url"), "FrontlineBudgetBurning"))
        alertmanager.fire({**free, "tier": "slow"})
        webhook.wait(lambda: {one["labels"]["tier"] for one in webhook.alerts(path="/webhook_url")} >= {"slow"})
        for path in ("/webhook_url", "/vilnius"):
            assert sites(webhook.alerts(path=path), "FrontlineBudgetBurning") == {"vilnius-2"}
        (page, *_) = webhook.alerts(path="/webhook_url")
        assert page["labels"] == free
        assert page["annotations"] == {"summary": "Burning", "runbook_url": "http://f/runbooks/x"}
        alertmanager.resolve(reason)
        webhook.wait(lambda: "vilnius-1" in sites(webhook.alerts(path="/webhook_url"), "FrontlineBudgetBurning"))
        webhook.wait(lambda: "vilnius-1" in sites(webhook.alerts(path="/vilnius"), "FrontlineBudgetBurning"))
        alertmanager.resolve(held)
        for path in ("/webhook_url", "/vilnius"):
            webhook.wait(partial(webhook.alerts, "resolved", path))
            assert webhook.alerts("resolved", path)[0]["labels"] == held
        assert not sites(webhook.alerts(), "FrontlineSiteClosed")


INHIBITED = [
    (SILENT, AT_RISK | SERIES, "site"),
    (SILENT, EXHAUSTED | SERIES, "site"),
    (CLOSED, AT_RISK | SERIES, "site"),
    (DOWN, BURNING | SERIES, ""),
    (DOWN, SILENT, ""),
    (MISSING, AT_RISK | SERIES, ""),
    (MISSING, SILENT, ""),
    (BURNING | SERIES, BURNING | SERIES | {"severity": "ticket"}, "site queue channel objective"),
    (BURNING | SERIES, AT_RISK | SERIES, "site queue channel objective"),
    (EXHAUSTED | SERIES, AT_RISK | SERIES, "site queue channel objective"),
]
NOT_INHIBITED = [
    (BURNING | SERIES | {"severity": "ticket"}, AT_RISK | SERIES),
    (BURNING | SERIES, EXHAUSTED | SERIES),
    (AT_RISK | SERIES, BURNING | SERIES),
    (SILENT, DOWN),
    (SILENT, MISSING),
    (WATCHDOG, BURNING | SERIES),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    """An Alertmanager with the file that is checked in."""
    text = (ROOT / "prometheus" / "alertmanager.yml").read_text(encoding="utf-8")
    with Alertmanager(tmp_path_factory.mktemp("alertmanager"), text) as alertmanager:
        yield alertmanager


def inhibited(running: Alertmanager, source: dict[str, str], target: dict[str, str]) -> bool:
    """Whether Alertmanager holds one alert back because of another, with nothing else there; sites get a new name."""
    number = next(_numbers)
    source, target = ({**one, "site": f"{one['site']}-{number}"} if "site" in one else one for one in (source, target))
    # Alertmanager takes note of alerts one by one: once the last has its effect, so have all before it.
    last = {**SILENT, "site": f"last-{number}"}, {**BURNING, **SERIES, "site": f"last-{number}"}
    running.fire(source, target, *last)
    try:
        deadline = time.monotonic() + 30
        while not _held_back(running, last[1]):
            assert time.monotonic() < deadline
        return _held_back(running, target)
    finally:
        running.resolve(source, target, *last)


def _held_back(running: Alertmanager, labels: dict[str, str]) -> bool:
    (found,) = (one for one in running.alerts() if one["labels"] == labels)
    return bool(found["status"]["inhibitedBy"])


@pytest.mark.parametrize(("source", "target", "equal"), INHIBITED)
def test_an_alert_makes_another_needless(
    running: Alertmanager, source: dict[str, str], target: dict[str, str], equal: str
) -> None:
    source, target = {**source, "site": "oslo"}, {**target, "site": "oslo"}
    assert inhibited(running, source, target)
    for label in equal.split():
        assert not inhibited(running, source, {**target, label: "another"}), label


@pytest.mark.parametrize(("source", "target"), NOT_INHIBITED)
def test_an_alert_leaves_others_alone(running: Alertmanager, source: dict[str, str], target: dict[str, str]) -> None:
    assert not inhibited(running, {**source, "site": "oslo"}, {**target, "site": "oslo"})


def test_down_takes_no_site(running: Alertmanager) -> None:
    assert inhibited(running, DOWN, {**BURNING, **SERIES, "site": "oslo"})
    assert inhibited(running, MISSING, {**SILENT, "site": "oslo"})


def test_the_switch_is_posted_to_at_every_interval_and_never_told_of_an_end(tmp_path: Path) -> None:
    def beats() -> list[float]:
        return [payload["received_at"] for payload in webhook.payloads if payload["path"] == "/watchdog_url"]

    with Webhook() as webhook, Alertmanager(tmp_path, hooked(webhook, 40)) as alertmanager:
        alertmanager.fire(WATCHDOG)
        webhook.wait(lambda: len(beats()) >= 4)
        gaps = [later - earlier for earlier, later in zip(beats(), beats()[1:], strict=False)]
        assert max(gaps) < 2.5, "an interval takes 1.5 s"
        assert min(gaps) > 0.7
        alertmanager.resolve(WATCHDOG)
        control = {**BURNING, **SERIES, "site": "oslo"}
        alertmanager.fire(control)
        webhook.wait(lambda: webhook.alerts(path="/webhook_url"))
        alertmanager.resolve(control)
        webhook.wait(lambda: webhook.alerts("resolved", "/webhook_url"))
        assert not webhook.alerts("resolved", "/watchdog_url")
