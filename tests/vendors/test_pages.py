"""The index of senders names every page and every vendor; what it and the README tell people to send is taken."""

import json
import re
from pathlib import Path

import pytest

from service.api.admin_webhooks import WebhookSettings
from service.vendors.known import ADAPTERS
from service.vendors.reading.delivery import Delivery

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "sources"
INDEX = (PAGES / "README.md").read_text(encoding="utf-8")
ROWS = {
    page: vendor.strip("` ")
    for page, vendor in re.findall(r"^\| \[[^]]+\]\(([^)]+)\) \|[^|]*\|[^|]*\|([^|]*)\|", INDEX, re.MULTILINE)
}


def test_every_page_and_every_vendor_is_in_the_index() -> None:
    assert set(ROWS) == {path.name for path in PAGES.glob("*.md")} - {"README.md"}
    assert sorted(vendor for vendor in ROWS.values() if vendor) == sorted(ADAPTERS)


@pytest.mark.parametrize("vendor", sorted(ADAPTERS))
def test_a_page_gives_its_vendor_s_name_as_a_webhook_wants_it(vendor: str) -> None:
    (page,) = (page for page, name in ROWS.items() if name == vendor)
    assert f'"vendor": "{vendor}"' in (PAGES / page).read_text(encoding="utf-8")


def test_the_readme_s_webhook_takes_its_delivery() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").partition("## With the systems you have")[2]
    webhook, delivery = re.findall(r"-d '\n(  \{.*?\})'\n", readme, re.DOTALL)[:2]
    settings = WebhookSettings.model_validate(json.loads(webhook))
    body = delivery.replace("'$(date -u +%FT%TZ)'", "2026-11-21T09:15:02Z").encode()
    reading = ADAPTERS[settings.vendor].reader(settings.mapping).read(Delivery(settings.public_url, {}, body))
    assert not reading.unread
    ((event,),) = (part.events for part in reading.parts)
    assert (event["type"], event["data"]["site"]) == ("interaction.queued", "vilnius-1")
    elsewhere = Delivery(settings.public_url, {}, body.replace(b"B1", b"B2"))
    (kept,) = ADAPTERS[settings.vendor].reader(settings.mapping).read(elsewhere).unread
    assert kept.code == "unmapped"
