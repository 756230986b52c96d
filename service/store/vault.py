"""What has to be read again but must not be read in a dump: sealed with a key that is not in the database.

AES-256-GCM (NIST SP 800-38D) with a random nonce; what a thing is sealed for is bound to it, so that a sealed thing
cannot be put in the place of another.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.core.errors import ConfigurationError

_NONCE_BYTES = 12
_WHY = "FRONTLINE_ENCRYPTION_KEY is not set, and without it webhooks' secrets and what could not be read are not stored"


class Vault:
    """Seals and opens; without a key it does neither."""

    def __init__(self, key: str | None) -> None:
        self._cipher: AESGCM | None = None
        if key is not None:
            derived = HKDF(SHA256(), 32, salt=None, info=b"frontline vault").derive(key.encode())
            self._cipher = AESGCM(derived)

    def seal(self, content: bytes, purpose: str) -> bytes:
        """Content as it may be stored. Raises ConfigurationError where there is no key."""
        if self._cipher is None:
            raise ConfigurationError(_WHY)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed for a purpose. Raises ConfigurationError where the key is missing or another."""
        if self._cipher is None:
            raise ConfigurationError(_WHY)
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError(
                "FRONTLINE_ENCRYPTION_KEY is not the key that webhooks' secrets here were sealed with; set it to that "
                "key, or give each source its webhook again"
            ) from error
