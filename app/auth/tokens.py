"""TokenVerifier: an Authorization header in, Claims out, or Unauthenticated.

Cheap and strict checks come first and python-jose last: it verifies the signature of a token that is already known to
have one meaning only. The rules follow RFC 7515, 7519 and 8725 and what Cognito documents of its access tokens.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import httpx
from cachetools import LRUCache
from jose import jws
from jose.exceptions import JOSEError

from app.auth.base64url import read_base64url
from app.auth.keys import KeySet, is_kid
from app.errors import Unauthenticated
from app.settings import Settings
from app.strict_json import Malformed, read_object

LEEWAY = 30
MAX_HEADER_LENGTH = 8192
MAX_SUB = 255
MAX_TIMESTAMP = 253_402_300_799  # the last second that datetime can say
REMEMBER_SECONDS = 300.0
REMEMBER_TOKENS = 10_000

_BEARER = re.compile(r"(?i:bearer) +([\w-]+\.[\w-]+\.[\w-]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says."""

    sub: str
    client_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Remembered:
    claims: Claims
    refuse_at: float
    forget_at: float


class TokenVerifier:
    """Verifies Cognito access tokens, and remembers those it has verified for at most 5 minutes.

    `clock` is the time of day that claims are compared with; `monotonic` measures ages.
    """

    def __init__(
        self,
        settings: Settings,
        client: httpx.AsyncClient,
        clock: Callable[[], float] = time.time,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._keys = KeySet(settings.jwks_url, client, monotonic)
        self._verified: LRUCache[bytes, _Remembered] = LRUCache(REMEMBER_TOKENS)

    async def verify(self, authorization: Sequence[str]) -> Claims:
        """The claims of the one bearer token among all values of the Authorization header.

        Raises Unauthenticated for any defect, Unavailable if the issuer's keys are needed and cannot be had.
        """
        token = _bearer_token(authorization)
        digest = sha256(token.encode()).digest()
        claims = self._recall(digest)
        if claims is None:
            claims = await self._verify_anew(token)
            self._remember(digest, claims)
        return claims

    async def check(self) -> None:
        """Raise Unavailable unless tokens can be verified now; for readiness."""
        await self._keys.check()

    async def aclose(self) -> None:
        await self._keys.aclose()

    async def _verify_anew(self, token: str) -> Claims:
        kid, claims = self._read(token)
        key = await self._keys.find(kid)
        if key is None:
            raise Unauthenticated
        try:
            jws.verify(token, key, ["RS256"])
        except JOSEError:
            raise Unauthenticated from None
        return claims

    def _read(self, token: str) -> tuple[str, Claims]:
        """The key id and the claims of a token whose every part but the signature has been checked."""
        header, payload, signature = token.split(".")
        try:
            read_base64url(signature)
            return _key_id(read_object(read_base64url(header))), self._claims(read_object(read_base64url(payload)))
        except ValueError:
            raise Unauthenticated from None

    def _claims(self, members: dict[str, object]) -> Claims:
        self._check_times(members)
        sub, client_id = members.get("sub"), members.get("client_id")
        if (
            members.get("iss") != self._settings.cognito_issuer_url
            or members.get("token_use") != "access"
            or not isinstance(client_id, str)
            or client_id not in self._settings.cognito_client_ids
            or not isinstance(sub, str)
            or not _is_subject(sub)
        ):
            raise Malformed
        return Claims(sub, client_id, datetime.fromtimestamp(_timestamp(members, "exp"), UTC))

    def _check_times(self, members: dict[str, object]) -> None:
        now = self._clock()
        expires, issued = _timestamp(members, "exp"), _timestamp(members, "iat")
        begins = max(issued, _timestamp(members, "nbf")) if "nbf" in members else issued
        if now >= expires + LEEWAY or now < begins - LEEWAY or expires <= issued:
            raise Malformed

    def _recall(self, digest: bytes) -> Claims | None:
        entry = self._verified.get(digest)
        if entry is None or self._clock() >= entry.refuse_at or self._monotonic() >= entry.forget_at:
            return None
        return entry.claims

    def _remember(self, digest: bytes, claims: Claims) -> None:
        refuse_at = claims.expires_at.timestamp() + LEEWAY
        self._verified[digest] = _Remembered(claims, refuse_at, self._monotonic() + REMEMBER_SECONDS)


def _bearer_token(authorization: Sequence[str]) -> str:
    if len(authorization) != 1 or len(authorization[0]) > MAX_HEADER_LENGTH:
        raise Unauthenticated
    match = _BEARER.fullmatch(authorization[0])
    if match is None:
        raise Unauthenticated
    return match[1]


def _key_id(header: dict[str, object]) -> str:
    """The `kid` of a header that asks for nothing but RS256: no key of its own, no extension, no other format."""
    kid = header.get("kid")
    if (
        not header.keys() <= {"alg", "kid", "typ"}
        or header.get("alg") != "RS256"
        or header.get("typ", "JWT") != "JWT"
        or not is_kid(kid)
    ):
        raise Malformed
    return kid


def _timestamp(members: dict[str, object], name: str) -> int:
    value = members.get(name)
    if type(value) is not int or not 0 <= value <= MAX_TIMESTAMP:
        raise Malformed
    return value


def _is_subject(sub: str) -> bool:
    return 0 < len(sub) <= MAX_SUB and sub.isprintable() and not sub.isspace()
