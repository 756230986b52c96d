"""What Amazon Connect sends: contact events in EventBridge's envelope, contact records in a request of Firehose."""

from base64 import b64encode
from datetime import datetime
from typing import Any

import msgspec

from service.vendors.reading.delivery import Delivery
from tests.vendors.calls import NINE, at, posted, posted_json

INSTANCE = "arn:aws:connect:eu-west-1:111122223333:instance/i-1"
HEADERS = {"x-amz-firehose-request-id": "r-1", "x-amz-firehose-access-key": "key-of-spring"}


def exact(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")


def queue_arn(queue: str) -> str:
    return f"{INSTANCE}/queue/{queue}"


MAPPING = {"queues": {"sales": "sales", "billing": "billing", queue_arn("vip"): "vip"}, "sites": {"i-1": "riga"}}


def agent_arn(agent: str) -> str:
    return f"{INSTANCE}/agent/{agent}"


def contact_event(
    kind: str,
    seconds: float,
    *,
    contact: str = "c-1",
    method: str = "INBOUND",
    before: str | None = None,
    initial: str | None = None,
    queue: str | None = None,
    enqueued: float | None = None,
    agent: str | None = None,
    connected: float | None = None,
    initiated: float = 0,
    ended: float | None = None,
    reason: str | None = None,
    after_work: tuple[float, int] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A contact event; `seconds`, and all other times, count from nine."""
    detail: dict[str, Any] = {
        "eventType": kind,
        "contactId": contact,
        "channel": "VOICE",
        "instanceArn": INSTANCE,
        "initiationMethod": method,
        "initiationTimestamp": exact(at(initiated)),
        **more,
    }
    if before:
        detail |= {"previousContactId": before, "initialContactId": initial or before}
    if queue:
        detail["queueInfo"] = {"queueArn": queue_arn(queue), "queueType": "STANDARD"}
        if enqueued is not None:
            detail["queueInfo"]["enqueueTimestamp"] = exact(at(enqueued))
    if agent:
        detail["agentInfo"] = {"agentArn": agent_arn(agent)}
        if connected is not None:
            detail["agentInfo"]["connectedToAgentTimestamp"] = exact(at(connected))
        if after_work is not None:
            detail["agentInfo"]["afterContactWorkStartTimestamp"] = exact(at(after_work[0]))
            detail["agentInfo"]["afterContactWorkDuration"] = after_work[1]
    if ended is not None:
        detail["disconnectTimestamp"] = exact(at(ended))
    if reason:
        detail["disconnectReason"] = reason
    return {
        "version": "0",
        "id": f"{contact}-{kind}",
        "detail-type": "Amazon Connect Contact Event",
        "source": "aws.connect",
        "account": "111122223333",
        "time": whole(at(seconds)),
        "region": "eu-west-1",
        "resources": [],
        "detail": detail,
    }


def sent(*of: Any, **about: Any) -> Delivery:
    """One contact event, as EventBridge posts it."""
    return posted_json(contact_event(*of, **about))


def record(
    contact: str,
    updated: float,
    *,
    method: str = "INBOUND",
    before: str | None = None,
    initial: str | None = None,
    following: str | None = None,
    initiated: float = 0,
    queue: tuple[str, float, float] | None = None,
    agent: tuple[str, float] | None = None,
    talked: int | None = None,
    held: int = 0,
    after_work: int = 0,
    ended: float | None = None,
    reason: str | None = None,
    customer: str | None = "+37060000000",
) -> dict[str, Any]:
    """A contact record: `queue` as name, when entered and left; `agent` as name and when connected."""
    found: dict[str, Any] = {
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "ContactId": contact,
        "InitialContactId": initial or before,
        "PreviousContactId": before,
        "NextContactId": following,
        "Channel": "VOICE",
        "InstanceARN": INSTANCE,
        "InitiationMethod": method,
        "InitiationTimestamp": whole(at(initiated)),
        "LastUpdateTimestamp": whole(at(updated)),
        "DisconnectReason": reason,
        "CustomerEndpoint": customer and {"Address": customer, "Type": "TELEPHONE_NUMBER"},
        "Queue": None,
        "Agent": None,
    }
    if ended is not None:
        found["DisconnectTimestamp"] = whole(at(ended))
    if queue:
        name, entered, left = queue
        found["Queue"] = {
            "ARN": queue_arn(name),
            "Name": name.capitalize(),
            "EnqueueTimestamp": whole(at(entered)),
            "DequeueTimestamp": whole(at(left)),
            "Duration": int(left - entered),
        }
    if agent:
        name, connected = agent
        found["Agent"] = {
            "ARN": agent_arn(name),
            "Username": name,
            "ConnectedToAgentTimestamp": whole(at(connected)),
            "AgentInteractionDuration": talked,
            "CustomerHoldDuration": held,
            "AfterContactWorkDuration": after_work,
        }
    return found


def firehose(*records: dict[str, Any]) -> Delivery:
    """A request of Firehose with these records, each on a line of its own."""
    data = [{"data": b64encode(msgspec.json.encode(one) + b"\n").decode()} for one in records]
    request = {"requestId": "r-1", "timestamp": round(NINE.timestamp() * 1000), "records": data}
    return posted(msgspec.json.encode(request), HEADERS)
