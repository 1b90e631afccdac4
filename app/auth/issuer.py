"""LocalIssuer: replaces the Cognito user pool in the local environment, with tokens like Cognito's."""

import json
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from uuid import uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jose import jwk, jws
from jose.backends.base import Key
from jose.exceptions import JOSEError

from app.auth.base64url import write_base64url
from app.settings import Settings

KEY_FILE = "local-issuer.pem"
KEY_BITS = 2048
LIFETIME = 3600
SCOPE = "aws.cognito.signin.user.admin"
NO_PRIVATE_KEY = "holds no private RSA key: delete it, and the next start creates a new key"


class BrokenIssuerKey(Exception):
    """The local issuer's key file cannot be used. The start fails with this text, which names the remedy."""


class LocalIssuer:
    """Issues access tokens for any subject, so it never exists in production.

    The constructor reads the key file or creates it. Both block: construct it in a thread. Raises BrokenIssuerKey.
    """

    def __init__(self, settings: Settings) -> None:
        if settings.environment == "production":
            raise BrokenIssuerKey("ENVIRONMENT=production has no local issuer")
        self._issuer_url = settings.cognito_issuer_url
        self._client_id = settings.cognito_client_ids[0]
        self._key = _load_key(settings.data_dir / KEY_FILE)
        self._public = self._key.public_key().to_dict()
        members = json.dumps({name: self._public[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
        self._kid = write_base64url(sha256(members.encode()).digest())  # its thumbprint (RFC 7638)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the key set (RFC 7517), with the members of Cognito's key sets."""
        return {"keys": [{**self._public, "kid": self._kid, "use": "sig"}]}

    def token(self, sub: str, now: float) -> str:
        """Return an access token for this subject, valid for an hour from `now` (seconds since 1970)."""
        issued = int(now)
        claims = {
            "sub": sub,
            "iss": self._issuer_url,
            "client_id": self._client_id,
            "origin_jti": str(uuid4()),
            "event_id": str(uuid4()),
            "token_use": "access",
            "scope": SCOPE,
            "auth_time": issued,
            "exp": issued + LIFETIME,
            "iat": issued,
            "jti": str(uuid4()),
            "username": sub,
        }
        return jws.sign(claims, self._key, headers={"kid": self._kid}, algorithm="RS256")


def _load_key(path: Path) -> Key:
    try:
        if not path.exists():
            _create_key_file(path)
        key = jwk.construct(path.read_bytes(), "RS256")
        key.sign(b"")  # a public key can be read, too, but cannot sign
        return key
    except OSError as error:
        raise BrokenIssuerKey(f"The local issuer's key {path} cannot be used: {error.strerror}") from error
    except JOSEError:
        raise BrokenIssuerKey(f"{path} {NO_PRIVATE_KEY}") from None


def _create_key_file(path: Path) -> None:
    """Write a new key atomically. If several processes do so at the same time, the first wins."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.") as draft:  # made with mode 0600
        draft.write(key)
        draft.flush()
        os.fsync(draft.fileno())
        with suppress(FileExistsError):
            os.link(draft.name, path)
