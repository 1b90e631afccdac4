"""Strict base64url (RFC 4648, section 5). python-jose is laxer, so it gets only input that has passed here."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from app.auth.strict_json import Malformed


def read_base64url(text: str) -> bytes:
    """Return the bytes of unpadded base64url. Raises Malformed or ValueError unless the spelling is canonical."""
    decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if write_base64url(decoded) != text:
        raise Malformed
    return decoded


def write_base64url(data: bytes) -> str:
    """Return unpadded base64url."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()
