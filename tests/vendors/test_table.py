"""Tables of finished encounters: what a row says, and what mistakes say."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput
from service.vendors.table import Table
from tests.vendors.days import books, call_day, totals

COLUMNS = ["No", "Arrived", "Picked up", "Ended", "Waited", "Result", "Solved", "Line", "Card"]
MAPPING: dict[str, Any] = {
    "columns": {
        "id": "No",
        "queued_at": "Arrived",
        "answered_at": "Picked up",
        "completed_at": "Ended",
        "outcome": "Result",
        "resolved": "Solved",
        "queue": "Line",
        "customer": "Card",
    },
    "constants": {"site": "centre", "channel": "phone"},
    "values": {"outcome": {"OK": "answered", "LOST": "abandoned"}},
    "queues": {"1": "sales", "*": {"queue": "other", "site": "riga"}},
    "time_format": "%d.%m.%Y %H:%M:%S",
    "time_zone": "Europe/Vilnius",
}
ROW = {
    "No": "17",
    "Arrived": "21.11.2025 10:00:00",
    "Picked up": "21.11.2025 10:00:12",
    "Ended": "21.11.2025 10:03:12",
    "Waited": "0:12",
    "Result": "OK",
    "Solved": "Yes",
    "Line": "1",
    "Card": "c-1",
}


def read(row: dict[str, str] = ROW, **changed: Any) -> dict[str, Any]:
    [event] = Table({**MAPPING, **changed}, COLUMNS).events(row)
    return event


def test_a_row_is_an_encounter() -> None:
    event = read()
    assert event == {
        "id": "17",
        "source": "table",
        "type": "interaction.recorded",
        "time": "2025-11-21T08:03:12+00:00",
        "subject": "17",
        "data": {
            "site": "centre",
            "channel": "phone",
            "queued_at": "2025-11-21T08:00:00+00:00",
            "answered_at": "2025-11-21T08:00:12+00:00",
            "completed_at": "2025-11-21T08:03:12+00:00",
            "outcome": "answered",
            "resolved": True,
            "queue": "sales",
            "customer": "c-1",
        },
    }
    found = totals([event])
    assert (found["answered"], found["resolved"]) == (1, 1)
    assert (found["answered_wait_us"], found["service_us"]) == (12_000_000, 180_000_000)


def test_empty_cells_and_short_rows_say_nothing() -> None:
    event = read({"No": "18", "Arrived": "21.11.2025 10:00:00", "Result": "LOST", "Picked up": " "})
    assert event["data"] == {
        "site": "centre",
        "channel": "phone",
        "queued_at": "2025-11-21T08:00:00+00:00",
        "outcome": "abandoned",
    }
    assert event["time"] == "2025-11-21T08:00:00+00:00"


def test_a_queue_may_be_of_another_site() -> None:
    assert read(ROW | {"Line": "7"})["data"]["site"] == "riga"


def test_without_customers_none_is_sent() -> None:
    assert "customer" not in read(customers=False)["data"]


def test_when_it_ended_follows_from_when_it_began_and_how_long_it_took() -> None:
    columns = {"queued_at": "Arrived", "wait_seconds": "Waited", "service_seconds": "Ended"}
    event = read({"Arrived": "21.11.2025 10:00:00", "Waited": "90", "Ended": "1:00:00.5"}, columns=columns)
    assert event["time"] == "2025-11-21T09:01:30.500000+00:00"
    found = totals([event])
    assert (found["answered_wait_us"], found["service_us"]) == (90_000_000, 3_600_500_000)


def test_without_an_identity_a_row_is_known_by_what_it_says() -> None:
    columns = {name: column for name, column in MAPPING["columns"].items() if name != "id"}
    first, again = read(columns=columns), read(dict(reversed(ROW.items())), columns=columns)
    other = read(ROW | {"Waited": "0:13"}, columns=columns)
    assert first == again
    assert first["id"] != other["id"]
    assert first["id"] == first["subject"]


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"Ended": "now"}, "completed_at: 'now' is no time of the format %d.%m.%Y %H:%M:%S"),
        ({"Result": "GONE"}, "mapping.values.outcome: 'GONE' is not mapped"),
        ({"Solved": "perhaps"}, "resolved: 'perhaps' is neither yes nor no"),
    ],
)
def test_a_cell_that_cannot_be_read_says_why(changed: dict[str, str], detail: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read(ROW | changed)
    assert str(raised.value).startswith(detail)


def test_a_row_without_any_time_says_so() -> None:
    with pytest.raises(InvalidInput, match="time: is missing"):
        read({"No": "1"})


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"columns": {"id": "Number"}}, "mapping.columns.id: there is no column 'Number'; there are 'No', 'Arrived'"),
        ({"columns": {"waiting": "Waited"}}, "mapping.columns.waiting: is no field"),
        ({"columns": {"id": "No"}}, "mapping.columns: a column must be time"),
        ({"time_format": "usual"}, "mapping.time_format: 'usual' is not known"),
        ({"time_zone": "Mars"}, "mapping.time_zone: 'Mars' is no time zone"),
        ({"colums": {}}, "mapping: "),
    ],
)
def test_a_wrong_mapping_is_refused_and_says_where(changed: dict[str, Any], detail: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Table({**MAPPING, **changed}, COLUMNS)
    assert str(raised.value).startswith(detail)


@given(
    st.dictionaries(st.sampled_from(COLUMNS), st.text() | st.sampled_from(["31.12.9999 23:59:59", "999999999", "1:1"]))
)
def test_no_row_makes_it_fail(row: dict[str, str]) -> None:
    mapping = {**MAPPING, "columns": MAPPING["columns"] | {"wait_seconds": "Waited"}}
    try:
        events = Table(mapping, COLUMNS).events(row)
    except InvalidInput as error:
        events = [{"id": str(error)}]
    assert events[0]["id"]


def test_a_day_in_a_table_comes_to_the_same_as_the_day_itself_where_a_row_can_carry_it() -> None:
    native = call_day()
    calls: dict[str, list[dict[str, Any]]] = {}
    for event in native:
        calls.setdefault(event["subject"], []).append(event)
    kept = {name: story for name, story in calls.items() if len(story) <= 3 and story[-1]["data"].get("to") is None}
    plain = [
        event
        for story in kept.values()
        if all(event["type"] != "interaction.transferred" for event in story)
        for event in story
    ]
    columns = ["call", "in", "up", "out", "how", "wait", "talk"]
    table = Table(
        {
            "columns": {
                "id": "call",
                "queued_at": "in",
                "answered_at": "up",
                "completed_at": "out",
                "outcome": "how",
                "wait_seconds": "wait",
                "service_seconds": "talk",
            },
            "constants": {"site": "centre", "queue": "sales", "channel": "phone"},
        },
        columns,
    )
    rows = []
    for subject in sorted({event["subject"] for event in plain}):
        story = calls[subject]
        data = {name: str(value) for event in story for name, value in event["data"].items()}
        answered = len(story) == 3
        row = {"call": subject, "in": story[0]["time"], "out": story[-1]["time"], "wait": data["wait_seconds"]}
        row |= {"up": story[1]["time"] if answered else "", "how": "answered" if answered else "abandoned"}
        rows.append(row | {"talk": data.get("service_seconds", "")})
    assert len(rows) > 20
    random.Random(5).shuffle(rows)
    events = [event for row in rows for event in table.events(row)]
    assert but_for_lateness(events) == but_for_lateness(plain)


def but_for_lateness(events: list[dict[str, Any]]) -> dict[Any, dict[str, int]]:
    """Rollups without the number of late events: a row is one event where the day itself has three."""
    found = books(events).rollups()
    return {
        place: {name: amount for name, amount in amounts.items() if name != "late_events"}
        for place, amounts in found.items()
    }
