"""Native events written as those of FreeSWITCH's mod_callcenter."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from service.core.event import microseconds

CORE = "7f4de4bc-17d7-11e5-b5a3-0123456789ab"


def fields(number: int, at_us: int, call: str, queue: str, action: str, **more: Any) -> dict[str, str]:
    """The fields of an event, all of them text."""
    made = {
        "Event-Name": "CUSTOM",
        "Core-UUID": CORE,
        "FreeSWITCH-Hostname": "pbx-1",
        "Event-Date-Timestamp": str(at_us),
        "Event-Sequence": str(number),
        "Event-Subclass": "callcenter::info",
        "CC-Queue": f"{queue}@default",
        "CC-Action": action,
        "CC-Member-UUID": f"{call}-{queue}",
        "CC-Member-Session-UUID": call,
        "CC-Member-CID-Name": "Somebody",
        "CC-Member-CID-Number": "5550100",
    }
    return made | {name.replace("_", "-"): str(value) for name, value in more.items()}


def written(events: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """What the module would have told of the same calls; an agent's transfer is one that it does not tell of."""
    told: list[dict[str, str]] = []

    def tell(at_us: int, event: dict[str, Any], action: str, **more: Any) -> None:
        told.append(fields(len(told) + 1, at_us, event["subject"], event["data"]["queue"], action, **more))

    for event in events:
        at = microseconds(datetime.fromisoformat(event["time"]))
        second, data = at // 1_000_000, event["data"]
        wait, talk = round(data.get("wait_seconds", 0)), round(data.get("service_seconds", 0))
        waited = {"CC_Member_Joined_Time": second - wait, "CC_Member_Leaving_Time": second}
        match event["type"].removeprefix("interaction."):
            case "queued":
                tell(at, event, "member-queue-start")
            case "answered":
                times = {"CC_Member_Joined_Time": second - wait, "CC_Agent_Answered_Time": second}
                tell(at, event, "bridge-agent-start", CC_Agent="1000@default", **times)
            case "abandoned":
                tell(at, event, "member-queue-end", CC_Cause="Cancel", CC_Cancel_Reason="BREAK_OUT", **waited)
            case "diverted":
                tell(at, event, "member-queue-end", CC_Cause="Cancel", CC_Cancel_Reason="TIMEOUT", **waited)
            case "completed":
                times = {"CC_Agent_Answered_Time": second - talk, "CC_Bridge_Terminated_Time": second}
                tell(at, event, "bridge-agent-end", CC_Agent="1000@default", CC_Hangup_Cause="NORMAL_CLEARING", **times)
                tell(at, event, "member-queue-end", CC_Cause="Terminated", CC_Agent="1000@default")
    return told
