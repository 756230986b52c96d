"""Payloads in the shape of those that POS systems and call-centre platforms send, none an event of the contract."""

from random import Random
from typing import Any


def vendor_shaped(rng: Random) -> Any:
    """A webhook, a page of an export, or a record with other names for everything."""
    return rng.choice((_call_webhook, _order_webhook, _report_page, _almost_an_event, _form))(rng)


def _number(rng: Random) -> int:
    return rng.choice((0, 1, rng.randrange(10**6), rng.randrange(10**12), 10**19))


def _call_webhook(rng: Random) -> Any:
    return {
        "eventName": rng.choice(("ContactQueued", "v2.conversations.calls", "call.ended", "ping")),
        "eventBody": {
            "id": f"{rng.getrandbits(128):032x}",
            "participants": [
                {
                    "purpose": purpose,
                    "calls": [{"state": "alerting", "queue": {"id": str(_number(rng))}, "segments": []}]
                    * rng.randrange(4),
                    "connectedTime": rng.choice((None, "", "2026-11-21T09:15:02.120+0000", _number(rng))),
                }
                for purpose in rng.sample(("customer", "acd", "agent", "ivr", "voicemail"), rng.randrange(1, 5))
            ],
        },
        "version": "2",
        "metadata": {"CorrelationId": f"{rng.getrandbits(64):016x}"},
    }


def _order_webhook(rng: Random) -> Any:
    return {
        "id": _number(rng),
        "type": rng.choice(("order.created", "payment.updated", "interaction.queued", 7, None)),
        "merchant_id": f"M{_number(rng)}",
        "created_at": rng.choice(("2026-11-21 09:15:02", "21/11/2026", "1795000000000", "/Date(1795000000000+0200)/")),
        "data": {
            "type": "order",
            "object": {
                "line_items": [{"name": "Café \u2615", "price_money": {"amount": _number(rng)}}] * rng.randrange(30)
            },
        },
    }


def _report_page(rng: Random) -> Any:
    row = {
        "Queue": "Billing",
        "Offered": _number(rng),
        "Answered": str(_number(rng)),
        "SL%": "80,5 %",
        "AHT": "00:04:11",
    }
    return {"page": 1, "next": None, "rows": [row] * rng.randrange(200)}


def _almost_an_event(rng: Random) -> Any:
    return {
        "specversion": rng.choice(("0.3", "1.0", 1.0, "2.0")),
        "id": rng.choice((str(_number(rng)), _number(rng))),
        "source": rng.choice(("//till", "till-3", None)),
        "type": rng.choice(("com.example.pos.queued", "interaction.started", "Interaction.Queued")),
        "time": rng.choice(("2026-11-21T09:15:02", 1795000000, None)),
        "datacontenttype": "application/xml",
        "data": rng.choice(("<visit queue='tills'/>", {"site": "Vilnius 1", "queue": "Tills & more"}, [1, 2])),
    }


def _form(rng: Random) -> Any:
    return f"CallSid=CA{rng.getrandbits(64):x}&CallStatus=completed&From=%2B3706{_number(rng)}&QueueTime={_number(rng)}"
