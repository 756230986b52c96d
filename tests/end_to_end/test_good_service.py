"""Each component of good service, from posted events to an answer of `/v1/kpis` and a sample on `/metrics/kpi`."""

from collections.abc import Iterator
from typing import NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.bank import FROM, SITE, TO, Story
from tests.end_to_end.conftest import ServiceProcess, serving


class Row(NamedTuple):
    """A component, a KPI that measures it as it is asked for, its value, and a sample with what it counts."""

    component: str
    query: dict[str, str]
    value: float
    sample: str
    amount: float


_ORDER = ("site", "queue", "channel", "dimension", "standard", "kind", "state", "within")
PHONE = f'site="{SITE}",channel="phone"'
# The minutes that begin in the interval.
STAFFED = 2 * 60 * (-(-TO // 60) - FROM // 60)
ROWS = (
    Row("security", {"kpi": "identity_verified_rate"}, 0.5, f"frontline_verified_total{{{PHONE}}}", 2),
    Row(
        "security",
        {"kpi": "standards_compliance", "standard": "safety"},
        0.9,
        f'frontline_items_passed_total{{site="{SITE}",standard="safety"}}',
        9,
    ),
    Row("trust", {"kpi": "promise_kept_rate"}, 0.5, f"frontline_promises_due_total{{{PHONE}}}", 2),
    Row("trust", {"kpi": "quote_kept_rate"}, 0.5, f"frontline_quoted_waits_total{{{PHONE}}}", 2),
    Row("trust", {"kpi": "quote_overrun"}, 90, f"frontline_quote_overrun_seconds_total{{{PHONE}}}", 90),
    Row("communication", {"kpi": "informed_rate"}, 0.5, f"frontline_informed_matters_total{{{PHONE}}}", 1),
    Row("communication", {"kpi": "first_response_time"}, 160 / 6, f"frontline_response_seconds_total{{{PHONE}}}", 150),
    Row(
        "communication",
        {"kpi": "csat", "dimension": "communication"},
        1.0,
        f'frontline_csat_top_total{{{PHONE},dimension="communication"}}',
        2,
    ),
    Row("understanding", {"kpi": "known_customer_rate"}, 0.75, f"frontline_recognised_total{{{PHONE}}}", 3),
    Row("understanding", {"kpi": "misroute_rate"}, 1 / 7, f"frontline_misrouted_total{{{PHONE}}}", 1),
    Row(
        "understanding",
        {"kpi": "csat", "dimension": "understanding"},
        0.5,
        f'frontline_csat_scores_total{{{PHONE},dimension="understanding"}}',
        2,
    ),
    Row(
        "access",
        {"kpi": "abandonment_rate"},
        1 / 8,
        f'frontline_queue_abandoned_total{{site="{SITE}",queue="sales",channel="phone"}}',
        1,
    ),
    Row(
        "access",
        {"kpi": "availability", "kind": "channel"},
        0.5,
        f'frontline_resources{{site="{SITE}",kind="channel",state="down"}}',
        1,
    ),
    Row(
        "access",
        {"kpi": "availability", "kind": "site"},
        1.0,
        f'frontline_resources{{site="{SITE}",kind="site",state="up"}}',
        1,
    ),
    Row("access", {"kpi": "complaints_answered_rate"}, 0.5, f'frontline_complaints_total{{{PHONE},dimension=""}}', 2),
    Row(
        "courtesy",
        {"kpi": "csat", "dimension": "courtesy"},
        1.0,
        f'frontline_csat_points_total{{{PHONE},dimension="courtesy"}}',
        10,
    ),
    Row(
        "courtesy",
        {"kpi": "standards_compliance", "standard": "phrases"},
        7 / 8,
        f'frontline_items_checked_total{{site="{SITE}",standard="phrases"}}',
        8,
    ),
    Row("professionalism", {"kpi": "decided_rate"}, 0.75, f"frontline_decided_total{{{PHONE}}}", 3),
    Row(
        "professionalism",
        {"kpi": "csat", "dimension": "competence"},
        0.5,
        f'frontline_csat_top_total{{{PHONE},dimension="competence"}}',
        1,
    ),
    Row(
        "professionalism",
        {"kpi": "first_contact_resolution", "maturity": "provisional"},
        0.75,
        f'frontline_interactions_resolved_total{{site="{SITE}",queue="sales",channel="phone"}}',
        4,
    ),
    Row("responsiveness", {"kpi": "proactive_rate"}, 0.5, f"frontline_proactive_total{{{PHONE}}}", 2),
    Row(
        "responsiveness",
        {"kpi": "service_level", "threshold": "20"},
        5 / 8,
        f'frontline_queue_answered_total{{site="{SITE}",queue="sales",channel="phone"}}',
        4,
    ),
    Row(
        "responsiveness",
        {"kpi": "occupancy", "queue": "sales"},
        200 / STAFFED,
        f'frontline_staffed{{site="{SITE}",queue="sales"}}',
        2,
    ),
    Row(
        "responsiveness",
        {"kpi": "arrivals_per_staffed", "queue": "sales"},
        5 * 3600 / STAFFED,
        f'frontline_staffed{{site="{SITE}",queue="sales"}}',
        2,
    ),
    Row(
        "reliability",
        {"kpi": "accuracy"},
        1 - 1 / 6,
        f'frontline_interactions_corrected_total{{site="{SITE}",queue="sales",channel="phone"}}',
        1,
    ),
    Row(
        "reliability",
        {"kpi": "reopen_rate"},
        1 / 6,
        f'frontline_interactions_reopened_total{{site="{SITE}",queue="sales",channel="phone"}}',
        1,
    ),
    Row("reliability", {"kpi": "recovery_time"}, 60, f"frontline_recovery_seconds_sum{{{PHONE}}}", 60),
    Row(
        "tangibles",
        {"kpi": "availability", "kind": "equipment"},
        0.5,
        f'frontline_resources{{site="{SITE}",kind="equipment",state="up"}}',
        1,
    ),
    Row(
        "tangibles",
        {"kpi": "standards_compliance", "standard": "appearance"},
        0.75,
        f'frontline_assessments_total{{site="{SITE}",standard="appearance"}}',
        1,
    ),
    Row(
        "tangibles",
        {"kpi": "standards_compliance", "standard": "lobby-plants"},
        0.5,
        f'frontline_items_passed_total{{site="{SITE}",standard="lobby-plants"}}',
        1,
    ),
    Row("one window", {"kpi": "one_window_rate"}, 5 / 6, f"frontline_one_window_total{{{PHONE}}}", 3),
    Row(
        "one window",
        {"kpi": "transfer_rate"},
        1 / 6,
        f'frontline_interactions_transferred_total{{site="{SITE}",queue="sales",channel="phone"}}',
        1,
    ),
    Row("lasting service", {"kpi": "same_agent_rate"}, 0.5, f"frontline_same_agent_total{{{PHONE}}}", 1),
    Row(
        "lasting service",
        {"kpi": "repeat_visit_rate"},
        0.5,
        f'frontline_repeat_visits_total{{site="{SITE}",queue="tills",channel="pos",within="7d"}}',
        1,
    ),
    Row("positive emotion", {"kpi": "csat"}, 0.75, f'frontline_surveys_total{{{PHONE},dimension="courtesy"}}', 2),
    Row(
        "positive emotion",
        {"kpi": "csat_mean"},
        33 / 8,
        f'frontline_csat_points_total{{{PHONE},dimension="competence"}}',
        6,
    ),
    Row("positive emotion", {"kpi": "nps"}, 0.25, f'frontline_nps_promoters_total{{{PHONE},dimension=""}}', 2),
    Row("positive emotion", {"kpi": "ces"}, 0.5, f'frontline_ces_easy_total{{{PHONE},dimension=""}}', 1),
    Row("positive emotion", {"kpi": "stars"}, 4.5, f'frontline_star_points_total{{{PHONE},dimension=""}}', 9),
    Row("surveys", {"kpi": "feedback_response_rate"}, 14 / 6, f'frontline_surveys_total{{{PHONE},dimension=""}}', 6),
    Row(
        "surveys",
        {"kpi": "complaint_answer_time"},
        600,
        f'frontline_complaint_answer_seconds_total{{{PHONE},dimension=""}}',
        600,
    ),
    Row(
        "surveys",
        {"kpi": "complaint_rate"},
        2000 / 6,
        f'frontline_complaints_answered_total{{{PHONE},dimension=""}}',
        1,
    ),
    Row(
        "a wrong order put right",
        {"kpi": "recovered"},
        1,
        f'frontline_interactions_recovered_total{{site="{SITE}",queue="sales",channel="phone"}}',
        1,
    ),
)


class Bank(NamedTuple):
    """A service that was told the story, and the story."""

    service: ServiceProcess
    story: Story


@pytest.fixture(scope="module")
def bank() -> Iterator[Bank]:
    with serving() as start:
        service, story = start(), Story.of_now()
        key = service.new_source("acd")
        answer = httpx.post(
            f"{service.url}/v1/events", json=story.events(), headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["rejected"] == []
        yield Bank(service, story)


def exposed(service: ServiceProcess) -> dict[str, float]:
    """The samples of `/metrics/kpi`, by name and labels in the order of the label's names."""
    found = {}
    for family in text_string_to_metric_families(service.get("/metrics/kpi").text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{sample.labels[name]}"' for name in _ORDER if name in sample.labels)
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.component}: {'-'.join(row.query.values())}")
def test_what_is_posted_is_answered_and_exposed(bank: Bank, row: Row) -> None:
    answer = bank.service.get("/v1/kpis", **bank.story.span, **row.query)
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    (point,) = result["points"]
    assert point["value"] == pytest.approx(row.value)
    assert exposed(bank.service)[row.sample] == row.amount


def test_what_is_open_is_told(bank: Bank) -> None:
    """A promise to be kept, until it is; and the complaint that nobody answered."""
    page = exposed(bank.service)
    assert page[f"frontline_complaints_open{{{PHONE}}}"] == 1
    received = bank.story.at(1740).timestamp()
    assert page[f'frontline_complaint_oldest_timestamp_seconds{{site="{SITE}"}}'] == received
