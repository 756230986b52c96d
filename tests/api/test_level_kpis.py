"""What works and who serves, from a posted event to an answer: KPIs, resources, and the metrics page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import ADMIN_KEY, Api, accepted, event, is_problem
from tests.api.reading import NINE, Service

HOUR = "from=2025-03-31T09:00:00Z&to=2025-03-31T10:00:00Z"


def told(type_: str, at: datetime, **data: Any) -> dict[str, Any]:
    return {
        "id": f"{type_}-{at.timestamp()}-{data}"[:200],
        "source": "scada",
        "type": type_,
        "time": at.isoformat(),
        "data": {"site": "vilnius-1"} | data,
    }


def minutes(number: float) -> datetime:
    return NINE + timedelta(minutes=number)


def till(minute: float, state: str, name: str = "till-1", kind: str = "equipment", **more: Any) -> dict[str, Any]:
    return told("availability.changed", minutes(minute), resource=name, kind=kind, state=state, **more)


async def point(service: Service, query: str) -> tuple[Any, ...]:
    (result,) = (await service.get(f"/v1/kpis?{query}"))["results"]
    (found,) = result["points"]
    return found["value"], found["numerator"], found["denominator"]


async def test_availability_counts_from_the_first_event_on(service: Service) -> None:
    await service.post(till(-60, "up"), till(15, "down"), till(30, "degraded"), till(45, "up"))
    assert await point(service, f"kpi=availability&{HOUR}") == (0.5, 1800, 3600)
    assert await point(service, f"kpi=availability&formula=up_or_degraded&{HOUR}") == (0.75, 2700, 3600)
    later = "from=2025-03-31T07:30:00Z&to=2025-03-31T08:30:00Z"
    assert await point(service, f"kpi=availability&{later}") == (1.0, 1800, 1800)
    earlier = "from=2025-03-30T00:00:00Z&to=2025-03-31T00:00:00Z"
    assert await point(service, f"kpi=availability&{earlier}") == (None, 0, 0)


async def test_kinds_of_resources_are_told_apart(service: Service) -> None:
    await service.post(
        till(0, "up"), till(0, "down", "line-1", "channel"), till(30, "up", "line-1", "channel"), till(0, "down", "b")
    )
    found = (await service.get(f"/v1/kpis?kpi=availability&{HOUR}&group_by=site,kind"))["results"]
    assert [(one["site"], one["kind"], one["dimension"], one["points"][0]["value"]) for one in found] == [
        ("vilnius-1", "channel", None, 0.5),
        ("vilnius-1", "equipment", None, 0.5),
    ]
    (found,) = (await service.get(f"/v1/kpis?kpi=availability&{HOUR}&kind=channel&step=1h"))["results"]
    assert (found["kind"], found["points"][0]["value"], found["formula"]) == ("channel", 0.5, "up")
    mixed = (await service.get(f"/v1/kpis?kpi=availability,offered&{HOUR}&group_by=kind"))["results"]
    assert {(one["kpi"], one["kind"]) for one in mixed} == {("availability", "channel"), ("availability", "equipment")}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kpi=offered&kind=channel", "kind"),
        ("kpi=offered&group_by=kind", "group_by"),
        ("kpi=csat&kind=site", "kind"),
        ("kpi=availability&kind=tills", "kind"),
        ("kpi=availability&group_by=dimension", "group_by"),
        ("kpi=availability&objective=x", "objective"),
    ],
)
async def test_what_a_kpi_is_not_told_apart_by_is_refused(service: Service, query: str, field: str) -> None:
    assert is_problem(await service.client.get(f"/v1/kpis?{query}"), 422)["field"] == field


async def test_who_stops_to_beat_is_down(service: Service) -> None:
    beats = [told("heartbeat", minutes(n), resource="till-1", interval_seconds=90) for n in range(30)]
    await service.post(*beats)
    up = 29 * 60 + 90
    assert await point(service, f"kpi=availability&{HOUR}&kind=equipment") == (up / 3600, up, 3600)
    by_ten = (await service.get(f"/v1/kpis?kpi=availability&{HOUR}&step=1m"))["results"][0]["points"]
    assert [one["value"] for one in by_ten] == [1.0] * 30 + [0.5] + [0.0] * 29


async def test_those_who_serve_are_counted_over_time(service: Service) -> None:
    await service.post(
        told("staffing.changed", minutes(0), queue="tills", staffed=2, available=1),
        told("staffing.changed", minutes(30), queue="tills", staffed=1),
    )
    await service.call("a", minutes(1), 10)
    await service.post(event_of("a", minutes(10)))
    await service.call("b", minutes(20), 30)
    served = (minutes(10) - minutes(1)).total_seconds() - 10
    staffed = 5400
    query = f"{HOUR}&queue=tills&site=vilnius-1"
    assert await point(service, f"kpi=occupancy&{query}") == (served / staffed, served, staffed)
    assert await point(service, f"kpi=arrivals_per_staffed&{query}") == (2 / 1.5, 2, 1.5)
    by_queue = (await service.get(f"/v1/kpis?kpi=occupancy,offered&{HOUR}&group_by=queue"))["results"]
    assert [(one["kpi"], one["queue"]) for one in by_queue] == [("occupancy", "tills"), ("offered", "tills")]
    # Staffing is of queues: nobody knows how much of it a channel had.
    assert (await point(service, f"kpi=occupancy&{HOUR}&channel=pos"))[0] is None
    quarters = (await service.get(f"/v1/kpis?kpi=arrivals_per_staffed&{HOUR}&step=1h"))["results"][0]["points"]
    assert [one["denominator"] for one in quarters] == [1.5]


def event_of(subject: str, at: datetime) -> dict[str, Any]:
    return {
        "id": f"{subject}-completed",
        "source": "till-3",
        "type": "interaction.completed",
        "time": at.isoformat(),
        "subject": subject,
        "data": {"resolved": True},
    }


async def test_time_that_is_yet_to_come_counts_for_nothing(service: Service) -> None:
    now = datetime.now(UTC)
    await service.post(told("staffing.changed", now - timedelta(hours=1), queue="tills", staffed=1))
    day = f"from={(now - timedelta(days=1)):%Y-%m-%dT%H:%M:%SZ}&to={(now + timedelta(days=1)):%Y-%m-%dT%H:%M:%SZ}"
    _, _, hours = await point(service, f"kpi=arrivals_per_staffed&{day}")
    assert 1 <= hours < 1.5


async def test_only_opening_hours_count(api: Api) -> None:
    await api.admin("PUT", "/sites/vilnius-1", {"time_zone": "UTC", "hours": {"mon": ["09:00-12:00"]}})
    changed = [till(-600, "up"), till(60, "down"), till(120, "up")]
    accepted(await api.post(changed), 3)
    day = "from=2025-03-31T00:00:00Z&to=2025-04-01T00:00:00Z"
    found = await api.client.get(f"/v1/kpis?kpi=availability&{day}", headers={"Authorization": f"Bearer {ADMIN_KEY}"})
    (point_,) = found.json()["results"][0]["points"]
    assert (point_["numerator"], point_["denominator"]) == (7200, 10800)


async def resources(service: Service, query: str = "") -> list[tuple[Any, ...]]:
    found = (await service.get(f"/v1/resources?{query}"))["results"]
    return [(one["site"], one["kind"], one["resource"], one["state"]) for one in found]


async def test_what_works_now_and_since_when(service: Service) -> None:
    now = datetime.now(UTC).replace(microsecond=0)

    def ago(number: float) -> datetime:
        return now - timedelta(minutes=number)

    def changed(minute: float, name: str, state: str) -> dict[str, Any]:
        return told("availability.changed", ago(minute), resource=name, kind="equipment", state=state)

    def beat(minute: float, name: str, seconds: float = 60) -> dict[str, Any]:
        return told("heartbeat", ago(minute), resource=name, interval_seconds=seconds)

    await service.post(
        *(changed(90, "plain", "up"), changed(60, "plain", "down"), changed(30, "plain", "down")),
        *(changed(90, "silent", "degraded"), beat(80, "silent"), beat(79, "silent"), changed(20, "silent", "up")),
        *(beat(80, "alive", 300), beat(2, "alive", 600), changed(40, "alive", "degraded")),
        *(beat(80, "steady", 3600), beat(40, "steady", 3600)),
        *(beat(80, "told", 300), changed(50, "told", "down"), beat(20, "told", 3600)),
        told("heartbeat", ago(1), interval_seconds=600),
    )
    found = (await service.get("/v1/resources"))["results"]
    by_name = {one["resource"]: one for one in found}
    assert [one["resource"] for one in found] == ["alive", "plain", "silent", "steady", "told", "vilnius-1"]
    for name, state, since in (
        ("plain", "down", 60),  # told again since, which changed nothing
        ("silent", "down", 78),
        ("alive", "degraded", 2),
        ("steady", "up", 80),
        ("told", "down", 75),  # its heartbeats had ended when it was told
        ("vilnius-1", "up", 1),
    ):
        assert (by_name[name]["state"], datetime.fromisoformat(by_name[name]["since"])) == (state, ago(since)), name
    assert datetime.fromisoformat(by_name["steady"]["last_heartbeat"]) == ago(40)
    assert datetime.fromisoformat(by_name["steady"]["silent_from"]) == now + timedelta(minutes=20)
    assert (by_name["plain"]["last_heartbeat"], by_name["plain"]["silent_from"]) == (None, None)
    assert by_name["vilnius-1"]["kind"] == "site"
    assert [one[2] for one in await resources(service, "state=down,degraded&kind=equipment&site=vilnius-1")] == [
        *("alive", "plain", "silent", "told")
    ]
    assert await resources(service, "site=riga-1") == []
    assert is_problem(await service.client.get("/v1/resources?state=broken"), 422)["field"] == "state"
    assert is_problem(await service.client.get("/v1/resources?kind=till"), 422)["field"] == "kind"


async def test_a_page_for_prometheus_tells_levels_of_sites_that_have_them(service: Service) -> None:
    page = (await service.client.get("/metrics/kpi")).text
    assert "# TYPE frontline_resources gauge" in page
    assert "\nfrontline_resources{" not in page
    now = datetime.now(UTC)
    hour = timedelta(hours=30)
    await service.post(
        told("availability.changed", now - hour, resource="till-1", kind="equipment", state="up"),
        told("availability.changed", now - hour, resource="till-2", kind="equipment", state="down"),
        told("heartbeat", now - timedelta(minutes=10), resource="line-1", kind="channel"),
        told("staffing.changed", now - hour, queue="tills", staffed=3),
        told("staffing.changed", now - hour, queue="desk", staffed=0),
    )
    await service.call("a", now - timedelta(seconds=1), 0.5)
    page = (await service.client.get("/metrics/kpi")).text
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }
    for kind, state, number in (
        *(("equipment", "up", 1), ("equipment", "degraded", 0), ("equipment", "down", 1)),
        *(("channel", "up", 0), ("channel", "degraded", 0), ("channel", "down", 1)),
    ):
        assert samples["frontline_resources", *sorted((kind, state, "vilnius-1"))] == number
    assert samples["frontline_availability_ratio", "equipment", "vilnius-1"] == 0.5
    assert samples["frontline_staffed", "tills", "vilnius-1"] == 3
    assert samples["frontline_staffed", "desk", "vilnius-1"] == 0
    assert samples["frontline_occupancy_ratio", "tills", "vilnius-1"] == 0
    assert samples["frontline_arrivals_per_staffed", "tills", "vilnius-1"] >= 0
    assert ("frontline_occupancy_ratio", "desk", "vilnius-1") not in samples


async def test_late_events_of_levels_count_for_their_source(service: Service) -> None:
    await service.post(till(0, "up"), till(1, "down"))
    page = (await service.client.get("/metrics/kpi")).text
    assert 'frontline_late_events_total{lag="1d",site="vilnius-1",source="pos"} 2.0' in page


async def test_a_level_needs_its_site(api: Api) -> None:
    bare = event("heartbeat", data={})
    (refused,) = (await api.post(bare)).json()["rejected"]
    assert (refused["code"], "data.site" in refused["detail"]) == ("missing_field", True)
