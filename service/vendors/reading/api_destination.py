"""What Amazon EventBridge posts through an API destination: events in its envelope, and a key in a header."""

from collections.abc import Sequence

from service.vendors.reading.delivery import Delivery
from service.vendors.reading.signatures import check_one_of

_KEY_HEADERS = ("x-api-key", "authorization", "x-amz-firehose-access-key")


def check_key(delivery: Delivery, secrets: Sequence[str]) -> None:
    """Raise NotAuthenticated unless one of the headers in which AWS sends keys holds one of the secrets."""
    sent = next((delivery.headers[name] for name in _KEY_HEADERS if name in delivery.headers), "")
    check_one_of(sent.removeprefix("Bearer "), secrets)
