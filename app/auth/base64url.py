"""Strict base64url (RFC 4648, section 5). python-jose is laxer, so nothing reaches it that did not pass here."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from app.strict_json import Malformed


def read_base64url(text: str) -> bytes:
    """Decode unpadded base64url; of the spellings of the same bytes only the canonical one is read."""
    decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if write_base64url(decoded) != text:
        raise Malformed
    return decoded


def write_base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
