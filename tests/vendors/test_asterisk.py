"""Asterisk's queue_log: what each line says, and what calls come to."""

import random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import InvalidInput
from service.vendors.asterisk import QueueLog
from service.vendors.reading.places import places
from tests.vendors.asterisk_form import lines
from tests.vendors.days import booked, books, call_day, orders, totals

MAPPING = {"sites": {"*": "centre"}, "queues": {"600": "billing"}, "customers": False}


def log(zone: str = "UTC", **mapping: Any) -> QueueLog:
    return QueueLog(places(MAPPING | mapping), ZoneInfo(zone))


def read(*written: str, zone: str = "UTC", **mapping: Any) -> list[dict[str, Any]]:
    reader = log(zone, **mapping)
    return [event for line in written for event in reader.events(line) or []]


def told(line: str) -> list[tuple[str, dict[str, Any]]]:
    """What a line tells of, without what every event has."""
    common = ("site", "channel", "queue")
    return [
        (
            event["type"].removeprefix("interaction."),
            {name: value for name, value in event["data"].items() if name not in common},
        )
        for event in read(line)
    ]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("NONE|ENTERQUEUE||5550100|1", [("queued", {})]),
        ("SIP/7|CONNECT|12|1700000000.9|4", [("answered", {"wait_seconds": 12.0, "agent": "SIP/7"})]),
        ("SIP/7|COMPLETEAGENT|12|95|1", [("completed", {"service_seconds": 95.0, "agent": "SIP/7"})]),
        ("SIP/7|COMPLETECALLER|12|95|1", [("completed", {"service_seconds": 95.0, "agent": "SIP/7"})]),
        ("NONE|ABANDON|2|3|41", [("abandoned", {"wait_seconds": 41.0})]),
        ("NONE|EXITWITHTIMEOUT|2", [("diverted", {"to": "timeout"})]),
        ("NONE|EXITWITHTIMEOUT|2|3|60", [("diverted", {"to": "timeout", "wait_seconds": 60.0})]),
        ("NONE|EXITWITHKEY|1|2|3|9", [("diverted", {"to": "exit", "wait_seconds": 9.0})]),
        ("NONE|EXITEMPTY|1|1|30", [("diverted", {"to": "overflow", "wait_seconds": 30.0})]),
        (
            "SIP/7|BLINDTRANSFER|200|default|12|95|1",
            [("transferred", {"agent": "SIP/7"}), ("completed", {"service_seconds": 95.0, "agent": "SIP/7"})],
        ),
        (
            "SIP/7|ATTENDEDTRANSFER|BRIDGE|b7|12|95|1",
            [("transferred", {"agent": "SIP/7"}), ("completed", {"service_seconds": 95.0, "agent": "SIP/7"})],
        ),
        (
            "SIP/7|TRANSFER|200|default|12|95|1",
            [("transferred", {"agent": "SIP/7"}), ("completed", {"service_seconds": 95.0, "agent": "SIP/7"})],
        ),
        (
            "SIP/7|ATTENDEDTRANSFER|LINK|SIP/7-1|SIP/8-2|12|95|1||",
            [("transferred", {"agent": "SIP/7"}), ("completed", {"service_seconds": 95.0, "agent": "SIP/7"})],
        ),
        (
            "SIP/7|TRANSFER|200|default|12|95",
            [("transferred", {"agent": "SIP/7"}), ("completed", {"service_seconds": 95.0, "agent": "SIP/7"})],
        ),
        ("NONE|FULL", [("queued", {}), ("diverted", {"to": "overflow", "wait_seconds": 0.0})]),
        ("NONE|JOINEMPTY", [("queued", {}), ("diverted", {"to": "overflow", "wait_seconds": 0.0})]),
        ("NONE|CLOSED", [("queued", {}), ("diverted", {"to": "overflow", "wait_seconds": 0.0})]),
        ("NONE|DIVERT_CA_RATIO", [("queued", {}), ("diverted", {"to": "overflow", "wait_seconds": 0.0})]),
        ("SIP/7|RINGNOANSWER|5000", []),
        ("SIP/7|PAUSE|lunch", []),
    ],
)
def test_each_event_says_what_it_says(rest: str, said: list[tuple[str, dict[str, Any]]]) -> None:
    assert told(f"1700000000|1700000000.7|sales|{rest}") == said


def test_a_queue_has_its_own_name_unless_it_is_mapped() -> None:
    mapped, own = read("1700000000|a|600|NONE|ENTERQUEUE", "1700000000|b|sales|NONE|ENTERQUEUE")
    assert mapped["data"] == {"site": "centre", "queue": "billing", "channel": "phone"}
    assert own["data"]["queue"] == "sales"
    with pytest.raises(InvalidInput, match=r"mapping\.queues: none of front desk is mapped") as raised:
        read("1700000000|a|front desk|NONE|ENTERQUEUE")
    assert raised.value.code == "unmapped"


def test_a_queue_may_be_of_another_site() -> None:
    [event] = read("1700000000|a|sales|NONE|ENTERQUEUE", queues={"sales": {"queue": "sales", "site": "riga"}})
    assert event["data"]["site"] == "riga"


def test_callers_are_customers_only_where_that_is_wanted() -> None:
    line = "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1"
    assert "customer" not in read(line)[0]["data"]
    assert read(line, customers=True)[0]["data"]["customer"] == "5550100"


@pytest.mark.parametrize(
    ("time", "zone", "said"),
    [
        ("1700000000", "Europe/Vilnius", "2023-11-14T22:13:20+00:00"),
        ("1700000000.25", "Europe/Vilnius", "2023-11-14T22:13:20.250000+00:00"),
        ("2023-11-15 00:13:20.000123", "Europe/Vilnius", "2023-11-14T22:13:20.000123+00:00"),
        ("2023-11-15 00:13:20", "Europe/Vilnius", "2023-11-14T22:13:20+00:00"),
        ("2023-11-15 00:13:20+02:00", "UTC", "2023-11-14T22:13:20+00:00"),
    ],
)
def test_both_forms_of_time_are_read(time: str, zone: str, said: str) -> None:
    assert read(f"{time}|a|sales|NONE|ENTERQUEUE", zone=zone)[0]["time"] == said


def test_an_hour_that_comes_twice_is_told_apart_by_the_order_of_the_lines() -> None:
    at = [
        event["time"]
        for event in read(
            "2026-10-25 03:50:00|a|sales|NONE|ENTERQUEUE",
            "2026-10-25 03:10:00|a|sales|SIP/7|CONNECT|1200",
            "2026-10-25 04:10:00|a|sales|SIP/7|COMPLETEAGENT|1200|3600|1",
            zone="Europe/Vilnius",
        )
    ]
    assert at == ["2026-10-25T00:50:00+00:00", "2026-10-25T01:10:00+00:00", "2026-10-25T02:10:00+00:00"]


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        ("1700000000|a|sales|NONE", "missing_field", "event: is missing"),
        ("", "missing_field", "call: is missing"),
        ("yesterday|a|sales|NONE|ENTERQUEUE", "invalid_field", "time: 'yesterday' is no time"),
        ("0001-01-01 00:00:00|a|sales|NONE|ENTERQUEUE", "invalid_field", "time: is before the year 2"),
        ("1700000000|a|sales|NONE|SOMETHINGNEW|1", "unknown_type", "event: 'SOMETHINGNEW' is not known"),
        ("1700000000|NONE|sales|NONE|ENTERQUEUE", "invalid_field", "call: 'NONE' is no call's"),
    ],
)
def test_what_cannot_be_read_says_why(line: str, code: str, detail: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        log().events(line)
    assert raised.value.code == code
    assert str(raised.value).startswith(detail)


def is_read_or_refused(line: str) -> bool:
    try:
        events = log().events(line)
    except InvalidInput as error:
        return bool(str(error))
    return events is None or all(event["id"] for event in events)


@given(st.text())
def test_no_line_makes_it_fail(line: str) -> None:
    assert is_read_or_refused(line)


@given(
    st.lists(st.sampled_from(["1700000000", "2026-01-01 00:00:00", "a", "NONE", "CONNECT", "99999999999", "-1", ""]))
)
def test_no_mixture_of_fields_makes_it_fail(fields: list[str]) -> None:
    assert is_read_or_refused("|".join(fields))


TWO_QUEUES = (
    "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
    "1700000003|a|sales|SIP/7|RINGNOANSWER|1000",
    "1700000060|a|sales|NONE|EXITWITHTIMEOUT|1|1|60",
    "1700000060|a|support|NONE|ENTERQUEUE||5550100|2",
    "1700000060|a|support|SIP/9|CONNECT|0|b|0",
    "1700000090|a|support|SIP/9|BLINDTRANSFER|600|default|0|30|2",
    "1700000090|a|600|NONE|ENTERQUEUE||5550100|1",
    "1700000100|a|600|NONE|ABANDON|1|1|10",
)


def test_a_call_through_three_queues_in_whole_seconds_is_three_visits() -> None:
    found = {place[1]: amounts for place, amounts in books(read(*TWO_QUEUES)).rollups().items()}
    assert found["sales"]["offered"] == found["sales"]["diverted"] == 1
    assert found["support"]["offered"] == found["support"]["answered"] == 1
    assert found["support"]["service_us"] == 30_000_000
    assert found["billing"]["offered"] == found["billing"]["abandoned"] == 1
    all_of_it = totals(read(*TWO_QUEUES))
    assert all_of_it["interactions"] == all_of_it["transferred"] == 1
    assert "conflicts" not in all_of_it


ASKED_FIRST = (
    "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
    "1700000012|a|sales|SIP/7|CONNECT|12|x|11",
    "1700000130|b|support|NONE|ENTERQUEUE||7|1",
    "1700000131|b|sales|SIP/7|ATTENDEDTRANSFER|APP|Queue|12|119|1",
    "1700000137|a|support|SIP/9|CONNECT|7|y|6",
    "1700000237|a|support|SIP/9|COMPLETEAGENT|7|100|1",
)


def test_a_caller_who_takes_the_agents_place_in_another_queue_is_answered_there_and_talk_is_not_inflated() -> None:
    found = {place[1]: amounts for place, amounts in books(read(*ASKED_FIRST)).rollups().items()}
    assert (found["sales"]["offered"], found["sales"]["answered"], found["sales"]["transferred"]) == (1, 1, 1)
    assert found["sales"]["service_us"] == 119_000_000
    assert found["support"]["offered"] == 2, "the agent's own call, and the caller"
    assert (found["support"]["diverted"], found["support"]["answered"]) == (1, 1)
    assert found["support"]["answered_wait_us"] == 6_000_000
    assert found["support"]["service_us"] == 100_000_000
    assert "conflicts" not in totals(read(*ASKED_FIRST))


ASKED_AND_ANSWERED = (
    "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
    "1700000012|a|sales|SIP/7|CONNECT|12|x|11",
    "1700000130|b|support|NONE|ENTERQUEUE||7|1",
    "1700000135|b|support|SIP/9|CONNECT|5|y|4",
    "1700000150|b|sales|SIP/7|ATTENDEDTRANSFER|BRIDGE|z|12|138|1",
    "1700000237|a|support|SIP/9|COMPLETEAGENT|5|102|1",
)


def test_a_caller_who_is_joined_to_an_agents_second_call_is_served_once_in_each_queue() -> None:
    found = {place[1]: amounts for place, amounts in books(read(*ASKED_AND_ANSWERED)).rollups().items()}
    assert (found["sales"]["offered"], found["sales"]["answered"], found["sales"]["transferred"]) == (1, 1, 1)
    assert found["sales"]["service_us"] == 138_000_000
    assert (found["support"]["offered"], found["support"]["answered"]) == (1, 1)
    assert found["support"]["service_us"] == 102_000_000


def test_a_member_who_has_two_calls_ends_each_of_them() -> None:
    found = totals(
        read(
            "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
            "1700000000|b|sales|NONE|ENTERQUEUE||5550101|1",
            "1700000010|a|sales|SIP/7|CONNECT|10|x|1",
            "1700000020|b|sales|SIP/7|CONNECT|20|y|1",
            "1700000030|a|sales|SIP/7|COMPLETECALLER|10|20|1",
            "1700000060|b|sales|SIP/7|COMPLETECALLER|20|40|1",
        )
    )
    assert (found["answered"], found["handled"], found["service_us"]) == (2, 2, 60_000_000)
    assert "service_difference_us" not in found


def test_the_end_of_a_call_whose_beginning_was_not_read_ends_no_other() -> None:
    found = totals(
        read(
            "1700000000|b|sales|NONE|ENTERQUEUE||5550101|1",
            "1700000020|b|sales|SIP/7|CONNECT|20|y|1",
            "1700000030|a|sales|SIP/7|COMPLETECALLER|10|20|1",
            "1700000060|b|sales|SIP/7|COMPLETECALLER|20|40|1",
            "1700000070|c|sales|NONE|ENTERQUEUE||5550102|1",
            "1700000080|c|sales|SIP/7|COMPLETECALLER|1|9|1",
        )
    )
    assert (found["interactions"], found["completed"], found["service_us"]) == (3, 3, 40_000_000)


def test_without_knowing_whose_transfer_it_was_nobody_is_answered_by_it() -> None:
    found = totals(read(*ASKED_FIRST[2:4]))
    assert (found["offered"], found["transferred"], found["expired"]) == (1, 1, 1)


@pytest.mark.parametrize("written", [TWO_QUEUES, ASKED_FIRST, ASKED_AND_ANSWERED])
def test_events_may_come_in_any_order_and_twice(written: tuple[str, ...]) -> None:
    events = read(*written)
    wanted = books(events)
    for order in orders(events):
        found = books(*([event] for event in [*order, *order[:3]]))
        assert found.rollups() == wanted.rollups()
        assert booked(found) == booked(wanted)


@pytest.mark.parametrize("written", [TWO_QUEUES, ASKED_FIRST, ASKED_AND_ANSWERED])
def test_what_is_read_again_from_any_line_on_has_the_same_identities(written: tuple[str, ...]) -> None:
    whole = {event["id"] for event in read(*written)}
    assert len(whole) == len(read(*written))
    for first in range(len(written)):
        assert {event["id"] for event in read(*written[first:])} <= whole


def test_a_line_is_known_by_all_that_it_says_and_by_nothing_else() -> None:
    lines_of_a_second = (
        "1700000000|a|sales|NONE|EXITEMPTY|1|1|0",
        "1700000000|a|support|NONE|EXITEMPTY|1|1|0",
        "1700000000|a|support|NONE|EXITEMPTY|1|2|0",
        "1700000000|b|support|NONE|EXITEMPTY|1|2|0",
    )
    alone = [read(line)[0]["id"] for line in lines_of_a_second]
    assert len(set(alone)) == 4
    assert [event["id"] for event in read("1700009999|z|sales|NONE|ENTERQUEUE", *lines_of_a_second)[1:]] == alone


def test_a_clock_that_is_set_back_does_not_turn_a_call_around() -> None:
    found = totals(
        read(
            "1700003600|a|sales|NONE|ENTERQUEUE||5550100|1",
            "1700000010|a|sales|SIP/7|CONNECT|10|b|1",
            "1700000040|a|sales|SIP/7|COMPLETECALLER|10|30|1",
        )
    )
    assert found["answered"] == found["completed"] == 1
    assert found["answered_wait_us"] == 10_000_000
    assert found["service_us"] == 30_000_000


def test_a_call_that_never_leaves_its_queue_waits_until_it_expires_and_spoils_no_other() -> None:
    found = totals(
        read(
            "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
            "1700000005|b|sales|NONE|ENTERQUEUE||5550101|2",
            "1700000009|b|sales|SIP/7|CONNECT|4|c|1",
            "1700000019|b|sales|SIP/7|COMPLETECALLER|4|10|2",
        )
    )
    assert (found["offered"], found["answered"], found["expired"]) == (2, 1, 1)


def test_a_call_that_left_without_a_line_is_diverted_when_it_enters_another_queue() -> None:
    found = totals(
        read(
            "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
            "1700000030|a|support|NONE|ENTERQUEUE||5550100|1",
            "1700000031|a|support|NONE|ABANDON|1|1|1",
        )
    )
    assert (found["offered"], found["diverted"], found["abandoned"]) == (2, 1, 1)


def test_a_call_that_left_without_a_line_and_enters_the_same_queue_goes_on_waiting() -> None:
    found = totals(
        read(
            "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
            "1700000030|a|sales|NONE|ENTERQUEUE||5550100|1",
            "1700000035|a|sales|SIP/7|CONNECT|5|b|1",
        )
    )
    assert (found["offered"], found["answered"], found["answered_wait_us"]) == (1, 1, 35_000_000)
    assert found["wait_difference_us"] == 30_000_000


def test_what_the_log_says_of_durations_is_held_against_what_its_lines_make() -> None:
    found = totals(
        read(
            "1700000000|a|sales|NONE|ENTERQUEUE||5550100|1",
            "1700000600|a|sales|NONE|ABANDON|1|1|4",
        )
    )
    assert found["abandoned_wait_us"] == 600_000_000
    assert found["wait_difference_us"] == 596_000_000


def test_a_day_in_asterisks_form_comes_to_the_same_as_the_day_itself() -> None:
    native = call_day()
    written = lines(native)
    assert books(read(*written)).rollups() == books(native).rollups()
    shuffled = read(*written)
    random.Random(3).shuffle(shuffled)
    assert books(shuffled).rollups() == books(native).rollups()
