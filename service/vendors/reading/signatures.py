"""Signatures: over the raw bytes, by one of the secrets in use, compared in constant time."""

import hmac
from base64 import b64encode
from collections.abc import Sequence

from service.core.errors import NotAuthenticated

REFUSED = "the signature is not that of this source's secret over this URL and body"


def base64_hmac(secret: str, message: bytes, digest: str) -> str:
    """The HMAC of a message in base64."""
    return b64encode(hmac.digest(secret.encode(), message, digest)).decode()


def check_hmac(sent: str, secrets: Sequence[str], message: bytes, digest: str) -> None:
    """Raise NotAuthenticated unless `sent` is the base64 HMAC of the message by one of the secrets."""
    check_one_of(sent, [base64_hmac(secret, message, digest) for secret in secrets])


def check_one_of(sent: str, right: Sequence[str]) -> None:
    """Raise NotAuthenticated unless what was sent is one of the right ones; each is compared, in constant time."""
    found = False
    for one in right:
        found |= hmac.compare_digest(one.encode(), sent.encode(errors="replace"))
    if not found:
        raise NotAuthenticated(REFUSED)
