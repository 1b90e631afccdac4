"""TokenVerifier: turns an Authorization header into Claims, or raises Unauthenticated.

Cheap and strict checks come first. python-jose comes last and verifies the signature of a token that is unambiguous.
The rules follow RFC 7515, 7519 and 8725 and Cognito's documentation of its access tokens.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import httpx
import structlog
from cachetools import LRUCache
from jose import jws
from jose.exceptions import JOSEError

from app.auth.base64url import read_base64url
from app.auth.keys import KeySet, is_kid
from app.auth.strict_json import Malformed, read_object
from app.concurrency import bugs_logged, running
from app.errors import Unauthenticated, Unavailable
from app.settings import Settings

log = structlog.get_logger(__name__)

LEEWAY = 30
MAX_HEADER_LENGTH = 8192
MAX_LIFETIME = 24 * 3600
"""Seconds from `iat` to `exp`, the most that Cognito gives an access token."""
MAX_TIMESTAMP = 253_402_300_799  # the last second of datetime
CACHE_SECONDS = 300.0
CHECK_INTERVAL = 60.0
"""Seconds between two checks of a token that is in use for longer than a request."""
CACHE_SIZE = 10_000

TOO_LONG = f"The Authorization header has more than {MAX_HEADER_LENGTH} characters: let the pool issue fewer claims"

_SUBJECT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""A UUID, as Cognito makes the `sub` of each account."""
_BEARER = re.compile(r"(?i:bearer) +(([\w-]+)\.([\w-]+)\.([\w-]+))", re.ASCII)
"""The header with a token in its compact form, and the three parts of that."""


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims of a verified access token that the service uses."""

    sub: str
    client_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _CachedToken:
    claims: Claims
    expires_at: float
    evict_at: float


class TokenVerifier:
    """Verifies Cognito access tokens, and caches verified tokens for at most 5 minutes.

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
        self._verified: LRUCache[bytes, _CachedToken] = LRUCache(CACHE_SIZE)

    async def verify(self, authorization: Sequence[str]) -> Claims:
        """Return the claims of the bearer token; `authorization` has all values of the header.

        Raises Unauthenticated for any defect, Unavailable if the issuer's keys are needed but cannot be fetched.
        """
        if len(authorization) != 1:
            raise Unauthenticated
        if len(authorization[0]) > MAX_HEADER_LENGTH:
            raise Unauthenticated(TOO_LONG)
        if cached := self.cached(authorization):
            return cached
        claims = await self._verify(authorization[0])
        expires_at = claims.expires_at.timestamp() + LEEWAY
        self._verified[_digest(authorization[0])] = _CachedToken(claims, expires_at, self._monotonic() + CACHE_SECONDS)
        return claims

    def cached(self, authorization: Sequence[str]) -> Claims | None:
        """Return the claims of a token that was verified before and is still valid, or None."""
        cached = self._verified.get(_digest(authorization[0])) if len(authorization) == 1 else None
        is_valid = cached and self._clock() < cached.expires_at and self._monotonic() < cached.evict_at
        return cached.claims if cached and is_valid else None

    @asynccontextmanager
    async def watching(self, authorization: Sequence[str], on_refused: Callable[[], None]) -> AsyncIterator[None]:
        """Call back, once, when the token is refused during the block: when its key was withdrawn, or it expired."""
        async with running(self._watch(authorization, on_refused)):
            yield

    async def _watch(self, authorization: Sequence[str], on_refused: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(CHECK_INTERVAL)
            with bugs_logged(log, "token_check_failed", expected=Unavailable):  # as for requests, known keys go on
                try:
                    await self.verify(authorization)
                except Unauthenticated:
                    return on_refused()

    async def check(self) -> None:
        """Raise Unavailable unless tokens can be verified now; for readiness."""
        await self._keys.check()

    async def aclose(self) -> None:
        """Cancel a running fetch of keys."""
        await self._keys.aclose()

    async def _verify(self, authorization: str) -> Claims:
        token, kid, claims = self._read(authorization)
        key = await self._keys.find(kid)
        if key is None:
            raise Unauthenticated
        try:
            jws.verify(token, key, ["RS256"])
        except JOSEError:
            raise Unauthenticated from None
        return claims

    def _read(self, authorization: str) -> tuple[str, str, Claims]:
        """Return the token, its key id and its claims after checking all parts of it but its signature."""
        bearer = _BEARER.fullmatch(authorization)
        if bearer is None:
            raise Unauthenticated
        token, header, payload, signature = bearer.groups()
        try:
            read_base64url(signature)
            kid = _key_id(read_object(read_base64url(header)))
            return token, kid, self._claims(read_object(read_base64url(payload)))
        except ValueError:
            raise Unauthenticated from None

    def _claims(self, members: dict[str, object]) -> Claims:
        now, expires, issued = self._clock(), _timestamp(members, "exp"), _timestamp(members, "iat")
        begins = max(issued, _timestamp(members, "nbf")) if "nbf" in members else issued
        if now >= expires + LEEWAY or now < begins - LEEWAY or not issued < expires <= issued + MAX_LIFETIME:
            raise Malformed
        sub, client_id = members.get("sub"), members.get("client_id")
        if (
            members.get("iss") != self._settings.cognito_issuer_url
            or members.get("token_use") != "access"
            or not isinstance(client_id, str)
            or client_id not in self._settings.cognito_client_ids
            or members.get("aud", client_id) != client_id  # Cognito's access tokens have none, or the client's
            or not isinstance(sub, str)
            or not _SUBJECT.fullmatch(sub)
        ):
            raise Malformed
        return Claims(sub, client_id, datetime.fromtimestamp(expires, UTC))


def _digest(authorization: str) -> bytes:
    return sha256(authorization.encode(errors="replace")).digest()


def _key_id(header: dict[str, object]) -> str:
    """Return the `kid` of a header for RS256 without key, extension or other format. Raises Malformed."""
    kid = header.get("kid")
    if not is_kid(kid) or {"typ": "JWT"} | header != {"alg": "RS256", "typ": "JWT", "kid": kid}:
        raise Malformed
    return kid


def _timestamp(members: dict[str, object], name: str) -> int:
    value = members.get(name)
    if type(value) is not int or not 0 <= value <= MAX_TIMESTAMP:
        raise Malformed
    return value
