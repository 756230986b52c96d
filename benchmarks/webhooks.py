"""Deliveries of a webhook, verified and read as a vendor's, against native posts of one event from as many connections.

A delivery is an order of Shopify, 600 bytes, which says one event: that somebody waits for it.
"""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import httpx

from benchmarks.figures import Row, rate, ratio
from benchmarks.process import Running, postgres, service
from benchmarks.singles import CONNECTIONS, ROUNDS, drive, load
from service.vendors.reading.signatures import base64_hmac

_SECRET = "hush-of-the-shop"
_DELIVERIES = 60_000
_SHOP = "corner.myshopify.com"
_SCRIPT = """
local signatures, bodies, count = {}, {}, 0
for line in io.lines("%(file)s") do
  local signature, body = line:match("^(%%S+) (.*)$")
  signatures[#signatures + 1], bodies[#bodies + 1] = signature, body
end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Shopify-Topic"] = "orders/create"
wrk.headers["X-Shopify-Shop-Domain"] = "%(shop)s"
request = function()
  count = count %% #bodies + 1
  wrk.headers["X-Shopify-Hmac-Sha256"] = signatures[count]
  return wrk.format(nil, "/v1/webhooks/bench-shop", nil, bodies[count])
end
"""


def _order(number: int) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    order = {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "created_at": now,
        "processed_at": now,
        "updated_at": now,
        "currency": "EUR",
        "financial_status": "paid",
        "fulfillment_status": None,
        "fulfillments": [],
        "line_items": [{"id": number, "name": "A thing", "quantity": 1, "price": "12.50", "sku": "T-1"}],
        "location_id": None,
        "name": f"#{number}",
        "refunds": [],
        "shipping_lines": [{"title": "Post", "price": "4.00"}],
        "source_name": "web",
        "total_price": "16.50",
    }
    return json.dumps(order).encode()


def _register(running: Running) -> None:
    with httpx.Client(base_url=f"http://{running.host}:{running.port}", timeout=30) as client:
        client.headers["Authorization"] = f"Bearer {running.admin_key}"
        client.post("/v1/admin/sources", json={"name": "bench-shop"}).raise_for_status()
        webhook = {
            "vendor": "shopify",
            "public_url": "https://frontline.example.com/v1/webhooks/bench-shop",
            "secrets": [_SECRET],
            "mapping": {"sites": {_SHOP: "corner"}, "queues": {"*": "parcels"}},
        }
        client.put("/v1/admin/sources/bench-shop/webhook", json=webhook).raise_for_status()


def run() -> list[Row]:
    """Rounds of both, in turn."""
    delivered, native = [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        postgres() as url,
        service(url, FRONTLINE_ENCRYPTION_KEY="of the benchmark") as running,
    ):
        _register(running)
        for round_ in range(ROUNDS):
            file = Path(folder) / f"{round_}.txt"
            orders = [_order(round_ * _DELIVERIES + number + 1) for number in range(_DELIVERIES)]
            lines = (f"{base64_hmac(_SECRET, body, 'sha256')} {body.decode()}\n" for body in orders)
            file.write_text("".join(lines))
            delivered.append(load(running.port, _SCRIPT % {"file": file, "shop": _SHOP})[0])
            native.append(drive(running.port, running.key, f"native-{round_}")[0])
    return [
        rate(f"deliveries of one event, {CONNECTIONS} connections, a second", delivered),
        rate("native posts of one event, a second", native),
        ratio("ratio, median of rounds", "webhooks-by-singles", delivered, native),
    ]
