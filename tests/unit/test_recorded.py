"""What a recorded event stands for, form by form."""

import json
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from service.core.errors import InvalidInput
from service.core.event import Accepted, Fact, Kind
from service.core.intake import admit, read_json
from service.core.recorded import expand
from service.core.walk import walk

END = 1_794_993_300  # 2026-11-18T09:15:00Z
S = 1_000_000


def at(offset: float) -> str:
    """A time some seconds before or after the end."""
    minute, second = divmod(15 * 60 + offset, 60)
    return f"2026-11-18T09:{int(minute):02d}:{second:06.3f}Z"


def recorded(**data: Any) -> Fact:
    event = {
        "id": "r",
        "source": "till-3",
        "type": "interaction.recorded",
        "time": at(0),
        "subject": "order-1",
        "data": {"site": "vilnius-1", "queue": "tills", "channel": "pos", **data},
    }
    accepted, rejected = admit(
        read_json(json.dumps(event).encode()), now_us=(END + 3600) * S, pseudonym=str, may_post=lambda _: True
    )
    if rejected:
        raise InvalidInput(rejected[0].detail, code=rejected[0].code)
    assert isinstance(accepted[0], Accepted)
    return accepted[0].fact


def steps(**data: Any) -> list[tuple[str, float]]:
    """The names of what the event stands for, each with its seconds from the event's time."""
    return [(Kind(fact.kind).name.lower(), fact.at / S - END) for fact in sorted(expand(recorded(**data)))]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, [("answered", 0), ("completed", 0)]),
        ({"service_seconds": 60}, [("answered", -60), ("completed", 0)]),
        ({"wait_seconds": 30}, [("queued", -30), ("answered", 0), ("completed", 0)]),
        ({"wait_seconds": 0}, [("queued", 0), ("answered", 0), ("completed", 0)]),
        ({"wait_seconds": 30, "service_seconds": 60}, [("queued", -90), ("answered", -60), ("completed", 0)]),
        ({"wait_seconds": 0.25, "service_seconds": 0.5}, [("queued", -0.75), ("answered", -0.5), ("completed", 0)]),
        (
            {"wait_seconds": 30, "service_seconds": 60, "hold_seconds": 10},
            [("queued", -100), ("answered", -70), ("held", -70), ("resumed", -60), ("completed", 0)],
        ),
        ({"hold_seconds": 10}, [("answered", -10), ("held", -10), ("resumed", 0), ("completed", 0)]),
        ({"queued_at": at(-90)}, [("queued", -90), ("answered", 0), ("completed", 0)]),
        ({"queued_at": at(-90), "answered_at": at(-60)}, [("queued", -90), ("answered", -60), ("completed", 0)]),
        (
            {"queued_at": at(-90), "answered_at": at(-60), "completed_at": at(-10)},
            [("queued", -90), ("answered", -60), ("completed", -10)],
        ),
        (
            {"completed_at": at(-10), "service_seconds": 20, "wait_seconds": 5},
            [("queued", -35), ("answered", -30), ("completed", -10)],
        ),
        # The given times outrank the durations.
        (
            {"queued_at": at(-90), "wait_seconds": 1, "answered_at": at(-60), "service_seconds": 1},
            [("queued", -90), ("answered", -60), ("completed", 0)],
        ),
        (
            {"answered_at": at(-60), "hold_seconds": 10, "wait_seconds": 5},
            [("queued", -65), ("answered", -60), ("held", -60), ("resumed", -50), ("completed", 0)],
        ),
        ({"outcome": "abandoned"}, [("abandoned", 0)]),
        ({"outcome": "abandoned", "wait_seconds": 30}, [("queued", -30), ("abandoned", 0)]),
        ({"outcome": "abandoned", "queued_at": at(-45)}, [("queued", -45), ("abandoned", 0)]),
        ({"outcome": "diverted", "wait_seconds": 30}, [("queued", -30), ("diverted", 0)]),
        (
            {"outcome": "diverted", "queued_at": at(-45), "completed_at": at(-5)},
            [("queued", -45), ("diverted", -5)],
        ),
        # Who was not answered was not served: service and hold mean nothing then.
        (
            {"outcome": "abandoned", "wait_seconds": 30, "service_seconds": 60, "hold_seconds": 10},
            [("queued", -30), ("abandoned", 0)],
        ),
        ({"transfers": 0}, [("answered", 0), ("completed", 0)]),
        ({"transfers": 3, "service_seconds": 9}, [("answered", -9), ("transferred", 0), ("completed", 0)]),
        ({"transfers": 1, "outcome": "abandoned"}, [("transferred", 0), ("abandoned", 0)]),
    ],
)
def test_each_form(data: dict[str, Any], expected: list[tuple[str, float]]) -> None:
    assert steps(**data) == expected


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"answered_at": at(1)}, "data.answered_at"),
        ({"answered_at": at(-5), "completed_at": at(-10)}, "data.answered_at"),
        ({"queued_at": at(-5), "answered_at": at(-10)}, "data.queued_at"),
        ({"queued_at": at(-5), "service_seconds": 10}, "data.queued_at"),
        ({"queued_at": at(1), "outcome": "abandoned"}, "data.queued_at"),
        ({"answered_at": at(-10), "hold_seconds": 10.001}, "data.hold_seconds"),
        ({"answered_at": at(-10), "outcome": "abandoned"}, "data.answered_at"),
        ({"answered_at": at(-10), "outcome": "diverted"}, "data.answered_at"),
    ],
)
def test_a_contradiction_names_its_field(data: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        recorded(**data)
    assert str(caught.value).startswith(f"{field}: ")
    assert caught.value.code == "contradiction"


def test_the_limits_are_no_contradiction() -> None:
    assert steps(queued_at=at(-10), answered_at=at(-10), completed_at=at(-10), hold_seconds=0)
    assert steps(answered_at=at(-10), hold_seconds=10)


def test_the_completion_carries_what_is_known_of_it() -> None:
    completed = max(expand(recorded(resolved=False, wrap_up_seconds=7.5, topic="returns", agent="anna")))
    assert completed.kind == Kind.COMPLETED
    assert completed.data.resolved is False
    assert completed.data.wrap_up_seconds == 7.5
    assert (completed.data.site, completed.data.topic, completed.data.agent) == ("vilnius-1", "returns", "anna")


def test_the_walk_sees_one_whole_visit() -> None:
    it = walk([recorded(wait_seconds=30, service_seconds=60, hold_seconds=10, wrap_up_seconds=5, resolved=True)])
    (visit,) = it.visits
    assert (visit.queue, visit.wait_us, visit.hold_us, visit.wrap_up_us) == ("tills", 30 * S, 10 * S, 5 * S)
    assert (it.resolved, it.conflicts) == (True, 0)


@given(
    data=st.fixed_dictionaries(
        {},
        optional={
            "queued_at": st.integers(-60, 5).map(at),
            "answered_at": st.integers(-60, 5).map(at),
            "completed_at": st.integers(-60, 5).map(at),
            "wait_seconds": st.floats(0, 60),
            "service_seconds": st.floats(0, 60),
            "hold_seconds": st.floats(0, 60),
            "outcome": st.sampled_from(["answered", "abandoned", "diverted"]),
            "transfers": st.integers(0, 2),
        },
    )
)
def test_what_is_taken_is_one_visit_without_conflict(data: dict[str, Any]) -> None:
    try:
        fact = recorded(**data)
    except InvalidInput:
        reject()
    it = walk([fact])
    assert (len(it.visits), it.conflicts) == (1, 0)
    assert (it.visits[0].wait_us is None) == ("queued_at" not in data and "wait_seconds" not in data)
    assert (it.visits[0].wait_us or 0) >= 0
    assert it.visits[0].hold_us >= 0
