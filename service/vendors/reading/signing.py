"""How a sender signs, declared by a mapping: an HMAC in a header, or a key that both sides know."""

import hmac
import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from service.core.errors import InvalidInput, NotAuthenticated
from service.core.event import SECOND_US, microseconds
from service.vendors.reading.delivery import Delivery
from service.vendors.reading.signatures import REFUSED, check_one_of
from service.vendors.reading.times import read_time

_PLACE = re.compile(r"\{(url|timestamp|body)\}")
_MILLISECONDS_FROM = 100_000_000_000

HeaderName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9-]{1,64}\Z")]


class Signature(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An HMAC in a header, after a prefix, of a message made of the URL, the time in another header, and the body."""

    header: HeaderName
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    message: str = "{body}"
    timestamp: HeaderName | None = None
    tolerance_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 300

    def check(self, field: str) -> None:
        """Raise InvalidInput where it would not protect what it should."""
        if "{body}" not in self.message:
            raise InvalidInput("must have {body}, or anything could be sent", field=f"{field}.message")
        if ("{timestamp}" in self.message) != (self.timestamp is not None):
            raise InvalidInput(
                "{timestamp} must be in the message where a header for it is named, and only there",
                field=f"{field}.message",
            )

    def verify(self, delivery: Delivery, secrets: Sequence[str], now_us: int) -> None:
        """Raise NotAuthenticated where none of the secrets has signed the delivery, or not lately."""
        sent = delivery.headers.get(self.header.lower(), "")
        timestamp = delivery.headers.get(self.timestamp.lower(), "") if self.timestamp else ""
        parts = {"url": delivery.url.encode(), "timestamp": timestamp.encode(), "body": delivery.body}
        message = b"".join(
            parts[piece] if place % 2 else piece.encode() for place, piece in enumerate(_PLACE.split(self.message))
        )
        made = [hmac.digest(secret.encode(), message, self.algorithm) for secret in secrets]
        right = [b64encode(one).decode() if self.encoding == "base64" else one.hex() for one in made]
        check_one_of(sent, [f"{self.prefix}{one}" for one in right])
        if self.timestamp and abs(_time_us(timestamp) - now_us) > self.tolerance_seconds * SECOND_US:
            raise NotAuthenticated(f"it was signed more than {self.tolerance_seconds} seconds away from now")


class SharedKey(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A key in a header, after a prefix."""

    header: HeaderName = "Authorization"
    prefix: str = "Bearer "

    def verify(self, delivery: Delivery, secrets: Sequence[str]) -> None:
        """Raise NotAuthenticated where none of the secrets is the key that came."""
        check_one_of(delivery.headers.get(self.header.lower(), ""), [f"{self.prefix}{secret}" for secret in secrets])


def _time_us(text: str) -> int:
    try:
        if text.isdecimal():
            unit = "epoch_milliseconds" if int(text[:20]) >= _MILLISECONDS_FROM else "epoch_seconds"
            return microseconds(read_time(text, unit, None, "timestamp"))
        return microseconds(read_time(text, "rfc3339", "UTC", "timestamp"))
    except InvalidInput as error:
        raise NotAuthenticated(REFUSED) from error
