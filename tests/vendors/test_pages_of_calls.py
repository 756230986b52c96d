"""What the pages on vendors of calls tell people to send is what is taken here."""

import json
import re
from pathlib import Path

import pytest

from service.api.admin_webhooks import WebhookSettings
from service.vendors.known import ADAPTERS

PAGES = Path(__file__).parents[2] / "docs" / "sources"


@pytest.mark.parametrize("vendor", ["amazon_connect", "genesys_cloud", "twilio"])
def test_the_example_is_a_webhook_that_may_be_set_up(vendor: str) -> None:
    page = (PAGES / f"{vendor.replace('_', '-')}.md").read_text()
    (example,) = re.findall(r"/webhook -H .*?-d '(\{.*?\})'\n", page, re.DOTALL)
    settings = WebhookSettings.model_validate(json.loads(example))
    assert settings.vendor == vendor
    ADAPTERS[vendor].reader(settings.mapping)
    name = settings.public_url.rpartition("/")[2]
    assert settings.public_url in page.partition("## Setting it up here")[0]
    assert f"/v1/admin/sources/{name}/webhook" in page
    assert f"/v1/admin/sources/{name}/replay" in page
