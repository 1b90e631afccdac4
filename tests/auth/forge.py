"""Tools for valid and forged tokens, and the endpoint of their keys."""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.auth.tokens import TokenVerifier
from app.settings import Settings
from tests.tools import clock

ISSUER_URL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Pool"
CLIENT_ID = "client-one"
SETTINGS = Settings(
    environment="test",
    database_url="postgresql://cruddur:cruddur@127.0.0.1:5432/cruddur",
    cognito_issuer_url=ISSUER_URL,
    cognito_client_ids=(CLIENT_ID, "client-two"),
)
NOW = 1_750_000_000
URL = "https://pool.example/keys"
KID = "the-pool's-key"
ABSENT: Any = object()
RFC_7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
    "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5"
    "hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
}
"""The example of RFC 7638, section 3.1, with its thumbprint as id."""


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def b64_int(number: int) -> str:
    return b64(number.to_bytes((number.bit_length() + 7) // 8))


def public_jwk(key: rsa.RSAPrivateKey, kid: str = KID, **changes: Any) -> dict[str, object]:
    """The key as Cognito publishes it."""
    numbers = key.public_key().public_numbers()
    members = {"alg": "RS256", "e": b64_int(numbers.e), "kid": kid, "kty": "RSA", "n": b64_int(numbers.n), "use": "sig"}
    return _changed(members, changes)


def header(**changes: Any) -> dict[str, object]:
    return _changed({"kid": KID, "alg": "RS256"}, changes)


def claims(**changes: Any) -> dict[str, object]:
    """Return the claims of a Cognito access token."""
    members = {
        "sub": "8f6a2c1e-5c0e-4a3f-9d5e-6d6d6f0d2b11",
        "iss": ISSUER_URL,
        "client_id": CLIENT_ID,
        "origin_jti": "b1b1a9b6-6c39-4a8e-a6a0-0f2f4f0f6c50",
        "event_id": "3f2a3a51-6b6c-4a43-8b3f-6a1f5ad3a0a5",
        "token_use": "access",
        "scope": "aws.cognito.signin.user.admin",
        "auth_time": NOW - 60,
        "exp": NOW + 3540,
        "iat": NOW - 60,
        "jti": "0d4d3b2a-6f1b-4f9d-8e1a-58c1e1d6d2f7",
        "username": "8f6a2c1e-5c0e-4a3f-9d5e-6d6d6f0d2b11",
    }
    return _changed(members, changes)


def _changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, object]:
    return {name: value for name, value in (members | changes).items() if value is not ABSENT}


def as_json(members: object) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Forge:
    """Signs whatever it is given with the pool's key."""

    key: rsa.RSAPrivateKey
    stranger: rsa.RSAPrivateKey
    """A key that the pool does not know."""

    def signature(self, signed: str, key: rsa.RSAPrivateKey | None = None) -> str:
        return b64((key or self.key).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))

    def raw(self, header_bytes: bytes, payload: bytes, key: rsa.RSAPrivateKey | None = None) -> str:
        return self.segments(b64(header_bytes), b64(payload), key)

    def segments(self, first: str, second: str, key: rsa.RSAPrivateKey | None = None) -> str:
        signed = f"{first}.{second}"
        return f"{signed}.{self.signature(signed, key)}"

    def token(self, head: object = None, key: rsa.RSAPrivateKey | None = None, **changes: Any) -> str:
        """A valid token, but for the given header or the changed claims."""
        return self.raw(as_json(header() if head is None else head), as_json(claims(**changes)), key)

    def payload(self, text: str | bytes) -> str:
        return self.raw(as_json(header()), text if isinstance(text, bytes) else text.encode())

    def head(self, text: str | bytes) -> str:
        return self.raw(text if isinstance(text, bytes) else text.encode(), as_json(claims()))


@dataclass
class Clock(clock.Clock):
    """Begins at the time at which the tokens of the tests are issued."""

    now: float = NOW


Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Endpoint:
    """The pool's key set endpoint: counts its calls and answers as told."""

    answer: Answer
    requests: list[httpx.Request] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """While set to an event that has not happened, answers are held back."""

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.gate is not None:
            await self.gate.wait()
        return self.answer(request)

    @property
    def calls(self) -> int:
        return len(self.requests)

    def publish(self, *entries: object) -> None:
        self.answer = serving(*entries)

    def break_down(self) -> None:
        self.answer = refusing

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self))

    def verifier(self, clock: Clock, monotonic: Clock | None = None) -> TokenVerifier:
        return TokenVerifier(SETTINGS, self.client(), clock, monotonic=monotonic or clock)


def serving(*entries: object) -> Answer:
    return lambda _: httpx.Response(200, json={"keys": list(entries)})


def refusing(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


def bearer(tokens: Iterable[str] | str) -> list[str]:
    return [f"Bearer {token}" for token in ([tokens] if isinstance(tokens, str) else tokens)]


async def settle() -> None:
    """Let background fetches run to their end."""
    for _ in range(20):
        await asyncio.sleep(0)
