"""Cases of the alerts on Frontline itself."""

from collections.abc import Iterator

from service.generate.rules.cases.model import Case, Look, Verbatim, series
from service.generate.rules.options import Options
from service.generate.rules.words import of_pipeline

_LINE = {"site": "shop-1", "queue": "line", "channel": "phone"}
_SITE = {"site": "shop-1"}
_SOURCE = {"source": "till", "site": "shop-1"}
_OPEN = series("frontline_site_open", _SITE)
_SITES = series("frontline_sites", {})
_OFFERED = series("frontline_queue_offered_total", _LINE)
_LAST = series("frontline_source_last_event_timestamp_seconds", _SOURCE)
_A, _B = {"job": "frontline", "instance": "a"}, {"job": "frontline", "instance": "b"}
_UP_A, _UP_B = series("up", _A), series("up", _B)


def pipeline_cases(options: Options) -> Iterator[Case]:
    """What is wrong with the numbers, or with what brings them, and what only seems to be."""
    yield from _silence(options)
    yield from _processes()
    yield from _ingest()
    residual = {series("frontline_queue_residual", _LINE): "0x9 -1x10"}
    yield _case("visits do not add up", "FrontlineResidual", "page", residual, 13, quiet=9, **_SITE)
    closed = {_OPEN: "1x9 0x9"}
    yield _case("a site closes", "FrontlineSiteClosed", "none", closed, 12, quiet=8, **_SITE)
    yield _case("nothing is wrong", "FrontlineWatchdog", "none", {}, 0)


def retired_cases() -> Iterator[Case]:
    """What only hours show: a source that has been silent for a week is none that should speak."""
    samples = {_OPEN: "1x200", _LAST: "3600 3600+3600x10 43200x200"}
    name, who = "FrontlineSourceSilent", {"alertname": "FrontlineSourceSilent", "severity": "ticket"} | _SITE
    hours = {10: (), 14: (), 19: (who,), 7 * 24 + 11: (who,), 7 * 24 + 13: ()}
    looks = tuple(Look(60 * hour, fires, f'alertname="{name}"') for hour, fires in hours.items())
    yield Case("a source is retired", samples, looks, step=60)


def _silence(options: Options) -> Iterator[Case]:
    name, limit = "FrontlineSourceSilent", round(options.silent_after_seconds / 60)
    samples = 3 * limit + 10
    silent = {_LAST: f"60x{samples}", _OFFERED: f"0+100x{samples}"}
    by_day, by_night = silent | {_OPEN: f"1x{samples}"}, silent | {_OPEN: f"0x{samples}"}
    in_the_morning = silent | {_OPEN: f"0x{limit} 1x{2 * limit + 10}"}
    in_a_quiet_night = by_day | {_OFFERED: f"0x{limit // 2} 1x{samples - limit // 2 - 1}"}
    speaking = {_LAST: f"0+60x{samples}", _OPEN: f"1x{samples}"}
    yield _case("a source is silent", name, "ticket", by_day, limit + 3, quiet=limit, **_SITE)
    yield _case("a source is silent while its site is closed", name, "ticket", by_night, None, quiet=2 * limit)
    yield _case("a source is silent where few come", name, "ticket", in_a_quiet_night, None, quiet=2 * limit)
    yield _case("a site opens", name, "ticket", in_the_morning, 2 * limit + 4, quiet=max(0, 2 * limit - 2), **_SITE)
    yield _case("a source speaks", name, "ticket", speaking, None, quiet=2 * limit)
    told = of_pipeline(
        name,
        "till is silent at shop-1",
        f"No event of till for {limit + 4}m 0s, while shop-1 is open. What is known of it is old, and alerts of its "
        f"objectives are held back. Fires after {options.span(options.silent_after_seconds)}, where at least 5 "
        "customers would have come by now.",
        options.links,
    )
    labels = _SOURCE | {"severity": "ticket", "category": "pipeline"}
    if limit + 4 < 60:
        yield Case("what is said of silence", by_day, (), (Verbatim(limit + 5, name, ((labels, told),)),))


def _processes() -> Iterator[Case]:
    both = ("sum of replicas that are down", "FrontlineDown", "page")
    yield _case(*both, {_UP_A: "1x5 0x10", _UP_B: "0x20"}, 9, quiet=6)
    yield _case("one replica of two is down", "FrontlineDown", "page", {_UP_A: "1x20", _UP_B: "0x20"}, None, quiet=15)
    missing, name = ("KPIs are missing", "FrontlineKpisMissing", "page"), "FrontlineKpisMissing"
    yield _case(*missing, {_SITES: "0x9 stale"}, 18, quiet=13)
    yield _case("KPIs are there", name, "page", {_SITES: "0x30"}, None, quiet=25)
    name = "FrontlineTimerStalled"
    holder_a, holder_b = series("frontline_timer_holder", _A), series("frontline_timer_holder", _B)
    ups = {_UP_A: "1x20", _UP_B: "1x20"}
    nobody = ups | {holder_a: "1x5 0x14", holder_b: "0x20"}
    handed = ups | {holder_a: "1x5 0x14", holder_b: "0x6 1x13"}
    yield _case("nobody runs the timer", name, "ticket", nobody, 10, quiet=7)
    yield _case("another process takes the timer over", name, "ticket", handed, None, quiet=15)
    yield _case("nothing is up to run the timer", name, "ticket", {_UP_A: "0x20"}, None, quiet=15)


def _ingest() -> Iterator[Case]:
    name = "FrontlineIngestFailing"
    taken, refused = (series("frontline_ingest_posts_total", _A | {"status": status}) for status in ("202", "503"))
    away = series("frontline_database_away", _A)
    tenth, hundredth = {taken: "0+90x20", refused: "0+10x20"}, {taken: "0+99x20", refused: "0+1x20"}
    yield _case("a tenth of posts fails", name, "page", tenth, 6, quiet=2)
    yield _case("a hundredth of posts fails", name, "page", hundredth, None, quiet=15)
    yield _case("nobody posts", name, "page", {taken: "50x20", refused: "50x20"}, None, quiet=15)
    yield _case("the database is away", name, "page", {away: "0x5 1x10"}, 10, quiet=7)
    yield _case("the database is away for a moment", name, "page", {away: "0x5 1 0x10"}, None, quiet=8)


def _case(
    case: str,
    alert: str,
    severity: str,
    samples: dict[str, str],
    fires: int | None,
    *,
    quiet: int | None = None,
    **labels: str,
) -> Case:
    """An alert that does not fire at a minute, and does at another one, if it ever does."""
    matching = f'alertname="{alert}"'
    who = {"alertname": alert, "severity": severity} | labels
    looks = () if quiet is None else (Look(quiet, (), matching),)
    if fires is not None:
        looks = (*looks, Look(fires, (who,), matching))
    return Case(case, samples, looks)
