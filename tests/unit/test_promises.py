"""The file of objectives."""

from pathlib import Path

import pytest

from service.core.errors import InvalidInput
from service.core.objective import Terms
from service.core.promises import read_promises

SHIPPED = Path(__file__).parent.parent.parent / "objectives.yaml"


def test_the_file_that_is_shipped_is_read() -> None:
    promised = read_promises(SHIPPED.read_text())
    assert promised["phone-80-in-20"] == (Terms(None, 20_000_000, 0.8, channels=("phone",)),)
    assert promised["till-90-in-180"] == (Terms(None, 180_000_000, 0.9, channels=("pos",)),)


def test_the_same_name_may_change_from_a_time_on() -> None:
    text = """
objectives:
  - {name: phone, threshold_seconds: 30, target: 0.9, from: 2026-12-01T00:00:00+02:00, formula: abandons_help}
  - {name: phone, threshold_seconds: 20.5, target: 0.8, short_abandon_seconds: 3, sites: [bank], queues: [ps]}
"""
    (first, second) = read_promises(text)["phone"]
    assert first == Terms(None, 20_500_000, 0.8, short_us=3_000_000, sites=("bank",), queues=("ps",))
    assert second == Terms(1_796_076_000_000_000, 30_000_000, 0.9, "abandons_help")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("objectives: [{", "objectives.yaml: is not YAML"),
        ("", "objectives.yaml"),
        ("objectives: [{name: a b, threshold_seconds: 1, target: 0.5}]", "objectives[0].name"),
        ("objectives: [{name: a, threshold_seconds: -1, target: 0.5}]", "objectives[0].threshold_seconds"),
        ("objectives: [{name: a, threshold_seconds: 1, target: 1.5}]", "objectives[0].target"),
        ("objectives: [{name: a, threshold_seconds: 1, target: 0.5, chanels: [phone]}]", "chanels"),
        ("objectives: [{name: a, threshold_seconds: 1, target: 0.5, channels: [fax]}]", "objectives[0].channels"),
        ("objectives: [{name: a, threshold_seconds: 1, target: 0.5, formula: best}]", "objectives[0].formula"),
        ("objectives: [{name: a, threshold_seconds: 1, target: 0.5, from: 2026-12-01}]", "objectives[0].from"),
        (
            "objectives: [{name: a, threshold_seconds: 1, target: 0.5}, {name: a, threshold_seconds: 2, target: 0.5}]",
            "objectives[1].from",
        ),
    ],
)
def test_what_is_not_right_is_named(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_promises(text)
    assert said in str(refused.value)
