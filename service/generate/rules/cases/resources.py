"""Cases of the alerts on resources."""

from collections.abc import Iterator

from service.core.levels import DOWN, STATES
from service.generate.rules import words
from service.generate.rules.cases.model import Case, Look, Verbatim, series
from service.generate.rules.options import Options
from service.generate.rules.resources import NAME, SEVERITIES, labels_of

_SITE = {"site": "shop-1"}
_OPEN = series("frontline_site_open", _SITE)
_MATCHING = f'alertname="{NAME}"'


def resource_cases(options: Options) -> Iterator[Case]:
    """Resources that are down while their site is open or not, for long or not, and those that only work badly."""
    for kind, severity in SEVERITIES.items():
        yield _case(f"one of kind {kind} is down", kind, "0x5 1x10", quiet=7, fires=9, severity=severity)
    yield _case("all that were down work again", "channel", "2x5 0x10", quiet=7)
    yield _case("down for a moment", "channel", "0x5 1 0x10", quiet=8)
    yield _case("down while the site is closed", "site", "1x20", open_="0x20", quiet=15)
    yield _case("down before the site opens", "site", "1x20", open_="0x9 1x10", quiet=11, fires=13, severity="page")
    degraded = {series("frontline_resources", _SITE | {"kind": "site", "state": "degraded"}): "1x20", _OPEN: "1x20"}
    yield Case("only degraded", degraded, (Look(15, (), _MATCHING),))
    told = words.resource_down(options, "shop-1", "shop-1", "channel", "3")
    labels = _SITE | {"kind": "channel", "state": STATES[DOWN]} | labels_of(SEVERITIES["channel"])
    samples = {_down("channel"): "3x10", _OPEN: "1x10"}
    yield Case("what is said of three that are down", samples, (), (Verbatim(8, NAME, ((labels, told),)),))


def _down(kind: str) -> str:
    return series("frontline_resources", _SITE | {"kind": kind, "state": STATES[DOWN]})


def _case(
    name: str,
    kind: str,
    down: str,
    *,
    quiet: int,
    open_: str = "1x20",
    fires: int | None = None,
    severity: str = "",
) -> Case:
    looks = [Look(quiet, (), _MATCHING)]
    if fires is not None:
        looks.append(Look(fires, ({"alertname": NAME, "severity": severity} | _SITE,), _MATCHING))
    return Case(name, {_down(kind): down, _OPEN: open_}, tuple(looks))
