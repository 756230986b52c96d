"""Native events written as lines of Asterisk's queue_log."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any


def lines(events: Iterable[dict[str, Any]]) -> list[str]:
    """The lines of a log that tells of calls, as they would have been written, one after the other."""
    told: list[tuple[datetime, str]] = []
    hold: dict[str, int] = {}
    transferred: set[str] = set()
    for event in events:
        at = datetime.fromisoformat(event["time"])
        data, call = event["data"], event["subject"]
        wait = round(data.get("wait_seconds", 0))
        match event["type"].removeprefix("interaction."):
            case "queued":
                name, member, rest = "ENTERQUEUE", "NONE", "|5550100|1"
            case "answered":
                hold[call] = wait
                name, member, rest = "CONNECT", "SIP/100", f"{wait}|{call}-b|2"
            case "abandoned":
                name, member, rest = "ABANDON", "NONE", f"1|1|{wait}"
            case "diverted":
                name, member, rest = "EXITWITHTIMEOUT", "NONE", f"1|1|{wait}"
            case "transferred":
                transferred.add(call)
                continue
            case "completed":
                talk = round(data["service_seconds"])
                name, member, rest = "COMPLETECALLER", "SIP/100", f"{hold[call]}|{talk}|1"
                if call in transferred:
                    name, rest = "BLINDTRANSFER", f"200|default|{hold[call]}|{talk}|1"
        told.append((at, f"{int(at.timestamp())}|{call}|{data['queue']}|{member}|{name}|{rest}"))
    return [line for _, line in sorted(told, key=lambda one: one[0])]
