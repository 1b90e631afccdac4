"""KeySet: the issuer's public keys, refreshed every few minutes ahead of need, and kept while their source is down."""

import asyncio
from collections.abc import Callable
from math import inf
from typing import TypeGuard

import httpx
import structlog
from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JOSEError

from app.auth.base64url import read_base64url
from app.auth.strict_json import Malformed, read_object
from app.errors import Unavailable

REFRESH_AGE = 180.0
"""Seconds after which a request that needs the keys starts a refresh, without waiting for it."""
FRESH_AGE = 240.0
"""Seconds after which it waits. A withdrawn key works for as long, for as long as tokens are cached, and for the time
between two checks of an event stream: for 10 minutes at most."""
USABLE_AGE = 24 * 3600.0
"""Seconds for which keys are used while their source is down, withdrawn ones among them."""
FETCH_INTERVAL = 10.0
CONNECT_TIMEOUT = 1.0
FETCH_TIMEOUT = 8.0
"""Deadline of a fetch, which goes on behind the requests that no longer wait for it."""
WAIT_SECONDS = 2.0
"""Time from the begin of a fetch for which requests wait for it."""
MAX_BODY = 64 * 1024
KEY_BITS = range(2048, 4096 + 1)
MAX_EXPONENT = 2**32
MAX_KID = 128
DEFAULTS = {"use": "sig", "alg": "RS256"}
"""Members that an entry of a key set may leave out."""
REMEDY = "is COGNITO_ISSUER_URL right, and is it reached from here?"

log = structlog.get_logger(__name__)


class KeySet:
    """The keys published at a URL, which is fetched at most once in 10 s, whichever key ids tokens name."""

    def __init__(self, url: str, client: httpx.AsyncClient, monotonic: Callable[[], float]) -> None:
        self._url = url
        self._client = client
        self._monotonic = monotonic
        self._keys: dict[str, Key] = {}
        self._etag: str | None = None
        self._fetched_at = self._tried_at = -inf
        self._failed = False
        self._cause = "no answer yet"
        self._fetch: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> Key | None:
        """Return the key with this id, or None if the issuer has none. Raises Unavailable if that is unknown now."""
        await self.check()
        if kid not in self._keys:
            await self._finish(self._start_fetch())
            if kid not in self._keys and self._failed:
                raise self._unavailable()
        return self._keys.get(kid)

    async def check(self) -> None:
        """Raise Unavailable unless there are keys to verify with."""
        age = self._age()
        if age >= REFRESH_AGE:
            must_wait = age >= USABLE_AGE or (age >= FRESH_AGE and not self._failed)
            fetch = self._start_fetch()
            if must_wait:
                await self._finish(fetch)
        if self._age() >= USABLE_AGE:
            raise self._unavailable()

    async def aclose(self) -> None:
        """Cancel a running fetch."""
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait({self._fetch})

    def _unavailable(self) -> Unavailable:
        return Unavailable("The key set of the token issuer cannot be fetched", remedy=f"{REMEDY} ({self._cause})")

    def _age(self) -> float:
        return self._monotonic() - self._fetched_at

    def _start_fetch(self) -> asyncio.Task[None] | None:
        """Return the running fetch, else a new fetch, else None if the last began less than 10 s ago."""
        if self._fetch is not None and not self._fetch.done():
            return self._fetch
        now = self._monotonic()
        if now - self._tried_at < FETCH_INTERVAL:
            return None
        self._tried_at = now
        self._fetch = asyncio.create_task(self._refresh(now))
        return self._fetch

    async def _finish(self, fetch: asyncio.Task[None] | None) -> None:
        """Wait for a fetch. It is not cancelled with the request, and one that takes long counts as failed so far."""
        if fetch is not None:
            left = WAIT_SECONDS - (self._monotonic() - self._tried_at)
            done, _ = await asyncio.wait({fetch}, timeout=max(0, left))
            self._failed = self._failed or not done

    async def _refresh(self, now: float) -> None:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                await self._load()
        except Exception as error:  # noqa: BLE001  # no caller waits for this task, and whatever a key server does, the last set serves on
            self._failed, self._cause = True, type(error).__name__
            log.warning("key_set_unavailable", cause=self._cause, remedy=REMEDY)
        else:
            self._failed = False
            self._fetched_at = now

    async def _load(self) -> None:
        """Fetch the key set if it has changed. It is not compressed, so that the limit is a limit on memory."""
        timeout = httpx.Timeout(FETCH_TIMEOUT, connect=CONNECT_TIMEOUT)
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        if self._etag is not None:
            headers["if-none-match"] = self._etag
        async with self._client.stream(
            "GET", self._url, headers=headers, timeout=timeout, auth=None, follow_redirects=False
        ) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and self._etag is not None:
                return
            if response.status_code != httpx.codes.OK or "content-encoding" in response.headers:
                raise Malformed
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_BODY:
                    raise Malformed
            self._keys = read_key_set(bytes(body))
            self._etag = response.headers.get("etag")


def read_key_set(body: bytes) -> dict[str, Key]:
    """Return the RS256 keys of a JWK set (RFC 7517) by id, the first of each id. Raises Malformed if there is none."""
    entries = read_object(body).get("keys")
    keys: dict[str, Key] = {}
    for entry in entries if isinstance(entries, list) else ():
        match DEFAULTS | entry if isinstance(entry, dict) else None:
            case {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": str(modulus), "e": str(exponent)}:
                if is_kid(kid) and (key := _read_rsa_key(modulus, exponent)):
                    keys.setdefault(kid, key)
    if not keys:
        raise Malformed
    return keys


def is_kid(value: object) -> TypeGuard[str]:
    """Return whether this is a key id of acceptable length."""
    return isinstance(value, str) and 0 < len(value) <= MAX_KID


def _read_rsa_key(modulus: str, exponent: str) -> Key | None:
    """Return the key of these members only, or None if it is malformed, weak or costly to compute with."""
    try:
        bits = int.from_bytes(read_base64url(modulus)).bit_length()
        if bits not in KEY_BITS or int.from_bytes(read_base64url(exponent)) > MAX_EXPONENT:
            return None
        return jwk.construct({"kty": "RSA", "n": modulus, "e": exponent}, "RS256")
    except (ValueError, JOSEError):
        return None
