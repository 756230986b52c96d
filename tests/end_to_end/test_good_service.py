"""Each component of good service, from posted events to an answer of `/v1/kpis` and a sample on `/metrics/kpi`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.conftest import ServiceProcess, serving

SITE = "bank"
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=50)


class Row(NamedTuple):
    """A component, a KPI that measures it as it is asked for, its value, and a sample with what it counts."""

    component: str
    query: dict[str, str]
    value: float
    sample: str
    amount: float


def at(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


def told(type_: str, seconds: float, subject: str | None = None, id_: str = "", **data: Any) -> dict[str, Any]:
    event = {
        "id": id_ or f"{type_}-{subject}-{seconds:g}",
        "source": "acd",
        "type": type_,
        "time": at(seconds),
        "data": {"site": SITE, "channel": "phone"} | data,
    }
    return event if subject is None else event | {"subject": subject}


def call(subject: str, seconds: float, customer: str, agent: str, **data: Any) -> Iterator[dict[str, Any]]:
    """A call that waits for 10 s, is served for 60 s and verified, and resolved."""
    about = {"customer": customer, "topic": "invoice"} | data
    yield told("interaction.queued", seconds, subject, queue="sales", **about)
    yield told("interaction.answered", seconds + 10, subject, agent=agent)
    yield told("interaction.verified", seconds + 20, subject)
    yield told("interaction.completed", seconds + 70, subject, resolved=True, agent=agent)


def story() -> Iterator[dict[str, Any]]:
    """What happens within 50 minutes at a bank."""
    # Waits for longer than quoted and than people are patient, is told so; we had called.
    about = {"customer": "ada", "topic": "loan", "initiated_by": "us", "known_customer": True}
    yield told("interaction.queued", 0, "c1", queue="sales", quoted_wait_seconds=60, **about)
    yield told("interaction.informed", 100, "c1")
    yield told("interaction.answered", 150, "c1", agent="anna")
    yield told("interaction.completed", 200, "c1", resolved=True, agent="anna")
    # Comes to the wrong line.
    about = {"customer": "bob", "topic": "card", "initiated_by": "customer", "known_customer": False}
    yield told("interaction.queued", 300, "c2", queue="sales", quoted_wait_seconds=60, **about)
    yield told("interaction.answered", 330, "c2", agent="anna")
    yield told("interaction.transferred", 350, "c2")
    yield told("interaction.queued", 352, "c2", queue="billing")
    yield told("interaction.answered", 360, "c2", agent="boris")
    yield told("interaction.completed", 500, "c2", resolved=True, agent="boris")
    # Two calls of one customer about one matter, answered by the same agent; the second was wrong, and put right.
    yield from call("c3", 600, "cleo", "carl", initiated_by="us", known_customer=True)
    yield from call("c4", 900, "cleo", "carl", initiated_by="customer", known_customer=True)
    yield told("interaction.corrected", 1000, "c4", kind="billing")
    yield told("interaction.recovered", 1060, "c4")
    yield told("interaction.reopened", 1100, "c3")
    # Gives up.
    yield told("interaction.queued", 1200, "c5", queue="sales")
    yield told("interaction.abandoned", 1230, "c5")
    # Comes to the shop twice.
    for number, seconds in enumerate((700, 1400)):
        subject = f"visit-{number}"
        shop = {"channel": "pos", "queue": "tills", "customer": "dora"}
        yield told("interaction.queued", seconds, subject, **shop)
        yield told("interaction.answered", seconds + 5, subject, channel="pos")
        yield told("interaction.completed", seconds + 30, subject, channel="pos")
    # One promise is kept, one is not, one was withdrawn.
    for name in ("p1", "p2", "p3"):
        yield told("promise.made", 100, promise=name, due=at(1500), kind="callback", id_=f"{name}-made")
    yield told("promise.kept", 1400, promise="p1", id_="p1-kept")
    yield told("promise.kept", 1600, promise="p2", id_="p2-kept")
    yield told("promise.withdrawn", 1200, promise="p3", id_="p3-withdrawn")
    scores = {"communication": (4, 5), "understanding": (5, 3), "courtesy": (5, 5), "competence": (2, 4)}
    for dimension, both in scores.items():
        for number, score in enumerate(both):
            survey = {"kind": "survey", "metric": "csat", "score": score, "scale": 5, "dimension": dimension}
            yield told("feedback.received", 1700, "c1", id_=f"{dimension}-{number}", **survey)
    for number, score in enumerate((10, 9, 3, 8)):
        yield told("feedback.received", 1710, id_=f"nps-{number}", kind="survey", metric="nps", score=score)
    for number, score in enumerate((7, 4)):
        yield told("feedback.received", 1720, id_=f"ces-{number}", kind="survey", metric="ces", score=score)
    for number, score in enumerate((5, 4)):
        yield told("feedback.received", 1730, id_=f"review-{number}", kind="review", score=score)
    # Complaints about calls, of which one is answered; where they belong the calls tell.
    for number, subject in enumerate(("c1", "c2")):
        event = told("feedback.received", 1740, subject, id_=f"complaint-{number}")
        yield event | {"data": {"kind": "complaint"}}
    yield told("feedback.answered", 2340, feedback="complaint-0") | {"data": {"feedback": "complaint-0"}}
    for standard, passed, of in (("safety", 9, 10), ("appearance", 3, 4), ("phrases", 7, 8), ("lobby-plants", 1, 2)):
        yield told("assessment.recorded", 1800, id_=standard, standard=standard, passed=passed, of=of)
    yield from levels()


def levels() -> Iterator[dict[str, Any]]:
    """What works at the bank all the time, and who serves."""
    # Of two lines and of two tills one works, and the door does. Two serve.
    for kind in ("channel", "equipment"):
        for state in ("up", "down"):
            what = {"resource": f"{kind}-{state}", "kind": kind, "state": state}
            yield told("availability.changed", -600, id_=f"{kind}-{state}", **what)
    yield told("heartbeat", -600, resource="door", kind="site", interval_seconds=86_400)
    yield told("staffing.changed", -600, queue="sales", staffed=2, available=1)


_ORDER = ("site", "queue", "channel", "dimension", "standard", "kind", "state", "within")
PHONE = f'site="{SITE}",channel="phone"'
FROM, TO = -60, 2900
# The minutes that begin in the interval.
STAFFED = 2 * 60 * (-(-(BEGAN.timestamp() + TO) // 60) + (-(BEGAN.timestamp() + FROM) // 60))
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


@pytest.fixture(scope="module")
def bank() -> Iterator[ServiceProcess]:
    with serving() as start:
        service = start()
        key = service.new_source("acd")
        answer = httpx.post(
            f"{service.url}/v1/events", json=list(story()), headers={"Authorization": f"Bearer {key}"}, timeout=60
        )
        assert answer.status_code == 202, answer.text
        assert answer.json()["rejected"] == []
        yield service


def exposed(service: ServiceProcess) -> dict[str, float]:
    """The samples of `/metrics/kpi`, by name and labels in the order of the label's names."""
    found = {}
    for family in text_string_to_metric_families(service.get("/metrics/kpi").text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{sample.labels[name]}"' for name in _ORDER if name in sample.labels)
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.component}: {'-'.join(row.query.values())}")
def test_what_is_posted_is_answered_and_exposed(bank: ServiceProcess, row: Row) -> None:
    answer = bank.get("/v1/kpis", site=SITE, **{"from": at(FROM), "to": at(TO)}, **row.query)
    assert answer.status_code == 200, answer.text
    (result,) = answer.json()["results"]
    (point,) = result["points"]
    assert point["value"] == pytest.approx(row.value)
    assert exposed(bank)[row.sample] == row.amount


def test_what_is_open_is_told(bank: ServiceProcess) -> None:
    """A promise to be kept, until it is; and the complaint that nobody answered."""
    page = exposed(bank)
    assert page[f"frontline_complaints_open{{{PHONE}}}"] == 1
    received = (BEGAN + timedelta(seconds=1740)).timestamp()
    assert page[f'frontline_complaint_oldest_timestamp_seconds{{site="{SITE}"}}'] == received
