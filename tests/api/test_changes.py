"""`GET /v1/changes` and `…/effect`: what was changed, and what it did to a KPI, from posted events to the verdict."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Api, accepted, event, is_problem

TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
CHANGED_AT = TODAY - timedelta(weeks=4, days=1) + timedelta(hours=8)
VISITS = 12
WAITS = (12.0, 31.0, 7.0, 18.0, 3.0, 25.0, 14.0, 40.0, 9.0)
"""Waits that come in turn, of which a third are over 20 s, on no day as on the one before."""


def change(name: str = "course", at: datetime = CHANGED_AT, **data: Any) -> dict[str, Any]:
    return event("change.made", time=at.isoformat(), subject=..., data={"name": name, "kind": "training", **data})


def visits(site: str, days: range, *, queue: str = "tills", shorter_by: float = 0.0) -> Iterator[dict[str, Any]]:
    """The visits of some days, counted from that of the change; waits are shorter on those after it."""
    for day in days:
        for number in range(VISITS + (day * 3 + len(site)) % 4):
            ended = CHANGED_AT + timedelta(days=day, minutes=number)
            wait = WAITS[(day * day + 5 * number + len(site)) % len(WAITS)] - (shorter_by if day > 0 else 0)
            data = {"site": site, "queue": queue, "channel": "pos", "outcome": "answered", "wait_seconds": max(wait, 0)}
            yield event("interaction.recorded", time=ended.isoformat(), data=data)


async def post(api: Api, *events: dict[str, Any]) -> None:
    for first in range(0, len(events), 5000):
        some = list(events[first : first + 5000])
        accepted(await api.post(some), len(some))


async def get(api: Api, path: str) -> dict[str, Any]:
    response = await api.client.get(path)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def test_a_change_that_shortened_waits_is_seen_to_have_done_so(api: Api) -> None:
    days = range(-28, 29)
    await post(
        api,
        change(sites=["a-1", "a-2"]),
        *visits("a-1", days, shorter_by=15),
        *visits("a-2", days, shorter_by=15),
        *visits("bb-1", days),
        *visits("bb-2", days),
    )
    found = await get(api, "/v1/changes/course/effect?kpi=service_level&threshold=20")
    assert found["change"]["sites"] == ["a-1", "a-2"]
    assert found["verdict"] == "better", found
    assert found["span"] == "4w"
    before, after = (CHANGED_AT.date() + timedelta(days=offset) for offset in (-28, 28))
    assert found["before"]["first_date"] == before.isoformat()
    assert found["after"]["last_date"] == after.isoformat()
    assert (found["changed"]["sites"], found["unchanged"]["sites"]) == (["a-1", "a-2"], ["bb-1", "bb-2"])
    sides = {(side, span): found[side][span] for side in ("changed", "unchanged") for span in ("before", "after")}
    values = {place: figure["value"] for place, figure in sides.items()}
    for (side, span), figure in sides.items():
        assert figure["value"] == figure["numerator"] / figure["denominator"], (side, span)
        assert figure["days"] == 28
    difference = values["changed", "after"] - values["changed", "before"]
    difference -= values["unchanged", "after"] - values["unchanged", "before"]
    assert found["effect"] == pytest.approx(difference)
    assert 0 < found["low"] < found["effect"] < found["high"]
    assert "which is better" in found["summary"]


async def test_the_figures_are_those_of_the_kpis(api: Api) -> None:
    days = range(-14, 15)
    await post(api, change(sites=["a-1"]), *visits("a-1", days, shorter_by=5), *visits("bb-1", days))
    found = await get(api, "/v1/changes/course/effect?kpi=average_speed_of_answer&span=2w")
    for side, site in (("changed", "a-1"), ("unchanged", "bb-1")):
        for span in ("before", "after"):
            first, last = (
                datetime.fromisoformat(found[span][name] + "T00:00:00Z") for name in ("first_date", "last_date")
            )
            end = (last + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            query = f"kpi=average_speed_of_answer&site={site}&from={first.strftime('%Y-%m-%dT%H:%M:%SZ')}&to={end}"
            (point,) = (await get(api, f"/v1/kpis?{query}"))["results"][0]["points"]
            figure = found[side][span]
            assert figure["value"] == pytest.approx(point["value"])
            assert (figure["numerator"], figure["denominator"]) == (point["numerator"], point["denominator"])


async def test_where_nothing_changed_no_effect_is_shown(api: Api) -> None:
    days = range(-21, 22)
    await post(api, change(sites=["a-1"]), *(one for site in ("a-1", "bb-1") for one in visits(site, days)))
    for kpi in ("service_level", "average_speed_of_answer", "offered"):
        found = await get(api, f"/v1/changes/course/effect?kpi={kpi}")
        assert found["verdict"] == "no_effect_shown", (kpi, found)
        assert found["low"] <= 0 <= found["high"]
        assert found["lacking"] == []


async def test_of_a_change_at_all_sites_before_and_after_are_compared_and_the_answer_warns(api: Api) -> None:
    await post(api, change(), *visits("a-1", range(-14, 15), shorter_by=20))
    found = await get(api, "/v1/changes/course/effect?kpi=average_speed_of_answer")
    assert found["unchanged"] is None
    assert found["verdict"] == "better"
    assert found["effect"] < found["high"] < 0
    assert any("nothing unchanged" in note for note in found["notes"])


async def test_a_change_of_some_queues_is_held_against_the_same_queues_elsewhere_or_else_the_others(api: Api) -> None:
    days = range(-14, 15)
    drive = [*visits("a-1", days, queue="drive"), *visits("bb-1", days, queue="drive")]
    await post(api, change(queues=["tills"]), *visits("a-1", days, shorter_by=20), *drive)
    found = await get(api, "/v1/changes/course/effect?kpi=average_speed_of_answer")
    assert (found["changed"]["sites"], found["changed"]["queues"]) == (["a-1"], ["tills"])
    assert found["unchanged"]["queues"] == ["drive"]
    await post(api, change("elsewhere", sites=["a-1"], queues=["tills"]), *visits("bb-1", days))
    found = await get(api, "/v1/changes/elsewhere/effect?kpi=average_speed_of_answer")
    # What the other change did at the same time to the tills of all sites leaves none to be held against.
    assert found["unchanged"]["queues"] == ["drive"]
    assert any("course (training)" in note for note in found["notes"])
    assert any("not held against bb-1" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("days", "query", "lacking"),
    [
        (range(-3, 15), "", "whole weeks with data before it"),
        (range(-14, 15), "&span=3w", "whole weeks with data before it"),
        (range(0), "", "sites or queues that the change is about, with data"),
    ],
)
async def test_too_little_data_is_told_with_what_is_missing(api: Api, days: range, query: str, lacking: str) -> None:
    await post(api, change(sites=["a-1"]), *visits("a-1", days))
    found = await get(api, f"/v1/changes/course/effect?kpi=service_level{query}")
    assert found["verdict"] == "too_little_data"
    assert (found["effect"], found["low"], found["high"]) == (None, None, None)
    assert lacking in [one["what"] for one in found["lacking"]]
    assert lacking in found["summary"]


async def test_a_change_of_yesterday_has_no_week_after_it_yet(api: Api) -> None:
    made = change("new", at=TODAY - timedelta(hours=12), sites=["a-1"])
    await post(api, made, *visits("a-1", range(-7, 28)))
    found = await get(api, "/v1/changes/new/effect?kpi=service_level")
    assert found["lacking"] == [{"what": "whole weeks that are over since", "needed": 1, "there": 0}]


async def test_changes_are_listed_the_latest_first_each_name_once(api: Api) -> None:
    later = CHANGED_AT + timedelta(days=2)
    await post(
        api,
        change("course", sites=["a-1"]),
        change("course", at=later, sites=["bb-1"]),
        change("tills", at=later, kind="system"),
        change("rota", at=CHANGED_AT - timedelta(days=9), kind="staffing", sites=["bb-1"], queues=["tills"]),
    )
    listed = (await get(api, "/v1/changes"))["changes"]
    assert [one["name"] for one in listed] == ["tills", "course", "rota"]
    assert listed[1] == {
        "name": "course",
        "kind": "training",
        "at": CHANGED_AT.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "sites": ["a-1"],
        "queues": None,
    }
    for query, names in {
        "site=a-1": ["tills", "course"],
        "site=bb-1": ["tills", "rota"],
        "kind=system,staffing": ["tills", "rota"],
        f"from={CHANGED_AT.strftime('%Y-%m-%dT%H:%M:%SZ')}": ["tills", "course"],
        f"to={CHANGED_AT.strftime('%Y-%m-%dT%H:%M:%SZ')}": ["rota"],
    }.items():
        assert [one["name"] for one in (await get(api, f"/v1/changes?{query}"))["changes"]] == names, query
    short = await get(api, "/v1/changes?limit=2")
    assert (len(short["changes"]), short["more"]) == (2, True)


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("kpi=wait_p90", "kpi", "is a quantile"),
        ("kpi=max_wait", "kpi", "is a maximum"),
        ("kpi=longest_wait", "kpi", "is of now"),
        ("kpi=slo_events", "kpi", "is counted of an objective"),
        ("kpi=invented", "kpi", "is no KPI"),
        ("kpi=", "kpi", "is no KPI"),
        ("", "kpi", ""),
        ("kpi=offered&span=9w", "span", "1w, 2w"),
        ("kpi=offered&span=3", "span", "1w, 2w"),
        ("kpi=offered&threshold=20x", "threshold", "is no number"),
        ("kpi=offered&within=7d", "within", "no KPI asked for takes it"),
        ("kpi=offered&formula=invented", "formula", "is no formula"),
        ("kpi=offered&standard=safety", "standard", "is not told apart by it"),
        ("kpi=offered&channel=pigeon", "channel", "must be one of"),
        ("kpi=offered&queue=no%20name", "queue", "is no name"),
        ("kpi=offered&site=a-1", "site", "is no parameter here"),
    ],
)
async def test_a_question_that_cannot_be_answered_is_refused_by_its_field(
    api: Api, query: str, field: str, says: str
) -> None:
    await post(api, change())
    problem = is_problem(await api.client.get(f"/v1/changes/course/effect?{query}"), 422)
    assert problem["field"] == field
    assert says in problem["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("kind=party", "kind"),
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("site=no%20name", "site"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("queue=tills", "queue"),
    ],
)
async def test_a_list_that_cannot_be_given_is_refused_by_its_field(api: Api, query: str, field: str) -> None:
    assert is_problem(await api.client.get(f"/v1/changes?{query}"), 422)["field"] == field


async def test_a_change_that_nobody_told_of_is_not_found(api: Api) -> None:
    assert "no change party" in is_problem(await api.client.get("/v1/changes/party/effect?kpi=offered"), 404)["detail"]


async def test_what_one_is_told_of_a_change_does_not_depend_on_the_order_of_events(api: Api) -> None:
    days = range(-14, 15)
    everything = [
        change(sites=["a-1"]),
        change(at=CHANGED_AT + timedelta(days=1), sites=["bb-1"]),
        *visits("a-1", days, shorter_by=15),
        *visits("bb-1", days),
    ]
    await post(api, *reversed(everything))
    backwards = await get(api, "/v1/changes/course/effect?kpi=service_level")
    response = await api.post(everything[: len(everything) // 2])
    assert response.json()["accepted"] == 0
    assert await get(api, "/v1/changes/course/effect?kpi=service_level") == backwards
    assert backwards["changed"]["sites"] == ["a-1"]
    assert backwards["verdict"] == "better"
