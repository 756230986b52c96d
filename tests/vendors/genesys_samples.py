"""What Genesys Cloud sends through EventBridge: detail events of conversations."""

from typing import Any

from service.vendors.reading.delivery import Delivery
from tests.vendors.calls import at, posted_json

PREFIX = "v2.detail.events.conversation"
MAPPING = {"queues": {"q-sales": "sales", "q-billing": "billing"}, "sites": {"d-1": "riga"}}
BILLING: dict[str, Any] = {"queue": "q-billing"}


def detail_event(
    kind: str,
    seconds: float,
    *,
    conversation: str = "g-1",
    session: str = "s-1",
    queue: str | None = "q-sales",
    **more: Any,
) -> dict[str, Any]:
    """A detail event so many seconds after nine; what is None is left out."""
    body = {
        "eventTime": round(at(seconds).timestamp() * 1000),
        "conversationId": conversation,
        "participantId": f"p-{session}",
        "sessionId": session,
        "mediaType": "VOICE",
        "provider": "Edge",
        "direction": "INBOUND",
        "ani": "tel:+37060000000",
        "divisionId": "d-1",
        "queueId": queue,
        **more,
    }
    return {
        "version": "0",
        "id": f"{conversation}-{session}-{kind}",
        "detail-type": f"{PREFIX}.{{id}}.{kind}",
        "source": "aws.partner/genesys.com/cloud/o-1/frontline",
        "account": "111122223333",
        "time": at(seconds).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "region": "eu-west-1",
        "resources": [],
        "detail": {
            "topicName": f"{PREFIX}.{conversation}.{kind}",
            "version": "2",
            "eventBody": {name: value for name, value in body.items() if value is not None},
            "metadata": {"CorrelationId": f"{conversation}-{seconds}"},
        },
    }


def sent(*of: Any, **about: Any) -> Delivery:
    """One detail event, as EventBridge posts it."""
    return posted_json(detail_event(*of, **about))
