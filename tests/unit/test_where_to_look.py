"""What the demo tells a newcomer to open."""

import re
import shlex
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

from service.core.catalogue.metrics import METRICS
from service.demo import where_to_look

NOW = datetime(2026, 11, 21, 9, 15, tzinfo=UTC)
SERVICE, PROMETHEUS = "http://127.0.0.1:8000", "http://127.0.0.1:9099"


def test_without_prometheus_every_address_is_that_of_the_service() -> None:
    told = where_to_look(SERVICE, "key", NOW)
    assert set(re.findall(r"https?://[^/\s]+", told)) == {SERVICE}


def test_with_prometheus_graphs_and_alerts_have_an_address() -> None:
    told = where_to_look(SERVICE, "key", NOW, PROMETHEUS)
    there = [urlsplit(url) for url in re.findall(rf"{PROMETHEUS}\S*", told)]
    assert [url.path for url in there] == ["/graph", "/alerts"]
    (expression,) = parse_qs(there[0].query)["g0.expr"]
    assert expression.replace("frontline:", "frontline_") in {metric.name for metric in METRICS}


def test_an_address_more_takes_none_away() -> None:
    with_it = where_to_look(SERVICE, "key", NOW, PROMETHEUS).splitlines()
    assert [line for line in with_it if PROMETHEUS not in line] == where_to_look(SERVICE, "key", NOW).splitlines()


def test_the_event_to_post_is_one_command() -> None:
    command = where_to_look(SERVICE, "key", NOW).partition("of your own\n")[2]
    assert shlex.split(command.replace("\\\n", " "))[:2] == ["curl", f"{SERVICE}/v1/events"]
