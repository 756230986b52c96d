"""What Twilio TaskRouter tells of a task, as the fields of a form and as a CloudEvent of Event Streams."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from service.vendors.reading.delivery import Delivery
from tests.vendors.calls import at, posted

MAPPING = {
    "queues": {
        "Sales": {"queue": "sales", "site": "riga"},
        "WQ1": {"queue": "sales", "site": "riga"},
        "Billing": {"queue": "billing", "site": "riga"},
        "WQ2": {"queue": "billing", "site": "riga"},
    },
    "reasons": {"went to the bot": "exit"},
}
SALES = {"TaskQueueName": "Sales", "TaskQueueSid": "WQ1"}
BILLING = {"TaskQueueName": "Billing", "TaskQueueSid": "WQ2"}
TO_BILLING = {"TransferTo": "WQ2", "TransferSid": "WT9"}


def fields(kind: str, when: datetime, task: str = "WT1", **more: Any) -> dict[str, Any]:
    """What TaskRouter tells of a task at a moment."""
    milliseconds = round(when.timestamp() * 1000)
    return {
        "Sid": f"EV-{task}-{kind}-{milliseconds}",
        "EventType": kind,
        "AccountSid": "AC1",
        "WorkspaceSid": "WS1",
        "WorkspaceName": "Care",
        "ResourceType": "task",
        "ResourceSid": task,
        "Timestamp": milliseconds // 1000,
        "TimestampMs": milliseconds,
        "TaskSid": task,
        "TaskAge": 0,
        "TaskChannelUniqueName": "voice",
        "TaskAttributes": '{"from": "+37060000000"}',
        **more,
    }


def cloud_event(told: dict[str, Any]) -> dict[str, Any]:
    """The same fact as Event Streams tell it."""
    names = {"EventType": "eventtype", "TimestampMs": None, "Timestamp": None}
    payload = {names.get(name, _snake(name)): value for name, value in told.items() if names.get(name, "") is not None}
    payload["timestamp"] = datetime.fromtimestamp(told["TimestampMs"] / 1000, UTC).isoformat()
    return {
        "specversion": "1.0",
        "id": f"EZ-{told['Sid']}",
        "type": f"com.twilio.taskrouter.{told['EventType']}",
        "source": "/AC1/taskrouter",
        "data": {"sid": told["Sid"], "payload": payload},
    }


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


def form(kind: str, seconds: float, **more: Any) -> Delivery:
    """An event callback so many seconds after nine."""
    return posted(urlencode(fields(kind, at(seconds), **more)).encode())
