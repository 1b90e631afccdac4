"""Token buckets, decided in the process, and settled among processes behind the answers.

A bucket is one number: the time at which it is full again. Spending moves that time forward. A process decides by what
it knows and does not wait. When it has spent a sixteenth of a bucket, or refuses a call, it tells Valkey what it spent,
and learns what others did. An account that uses several processes at the same moment can overdraw a bucket, and then
waits until the debt is repaid: over time it gets what one process would give it. While Valkey is unavailable, each
process counts alone.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from cachetools import LRUCache

from app.errors import AppError
from app.gateways.valkey import Command, Valkey, ValkeyUnavailable
from app.limits.rates import Rate

SETTLE_SECONDS: Final = 0.1
SETTLED_SHARE: Final = 1 / 16
"""The part of a bucket that a process spends before it settles."""
MAX_SETTLED: Final = 1_000
"""Buckets in one pipeline."""
MAX_KEYS: Final = 50_000
"""Keys of a rate that a process knows, those used last; the bucket of another key counts as full."""
MAX_DEBT: Final = 3_600.0
"""The most seconds after which an overdrawn bucket has a unit again."""
EVERY_KEY: Final = "*"
"""The key whose allowance is that of all keys without one of their own."""

SETTLE_SCRIPT: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + ARGV[1]
full = math.min(full, now + ARGV[2])
redis.call('SET', KEYS[1], string.format('%d', full), 'PXAT', string.format('%d', full + 1))
return full - now
"""
"""Adds milliseconds to the time at which a bucket is full, up to a bound; returns how long that is from now."""


Fields: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Header fields, named in lower case."""


class TooManyRequests(AppError):
    """A bucket is empty."""

    status = 429
    title = "Too many requests: wait as long as Retry-After says"

    def __init__(self, detail: str | None = None, *, seconds: float = 1, fields: Fields = ()) -> None:
        """`seconds` are those until the bucket has a unit; `fields` are the RateLimit fields of the answer."""
        super().__init__(detail)
        self.retry_after = min(max(1, math.ceil(seconds)), int(MAX_DEBT))
        self.fields = fields


@dataclass(slots=True)
class _Bucket:
    full_at: float
    unsettled: float = 0.0
    """The seconds spent since the last settlement, and since the bucket was full."""


class Buckets:
    """The buckets of a process, by rate and key. None of the methods waits."""

    def __init__(
        self, allowances: Mapping[str, float] | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`allowances` multiply burst and rate of a key, those of `*` all others; `clock` counts seconds."""
        self._allowances = allowances or {}
        self._default = self._allowances.get(EVERY_KEY, 1.0)
        self._clock = clock
        self._buckets: dict[Rate, LRUCache[str, _Bucket]] = {}
        self._due: dict[tuple[Rate, str], None] | None = None
        """The buckets to settle next; None if there is nothing to settle with."""

    def take(self, rate: Rate, key: str) -> None:
        """Spend a unit. Raises TooManyRequests if the bucket does not have it, and spends nothing then."""
        self.require(rate, key)
        self.debit(rate, key)

    def require(self, rate: Rate, key: str) -> None:
        """Raise TooManyRequests unless the bucket has a unit."""
        seconds = self._seconds_to_full(rate, key) + self._price(rate, key) - rate.window
        if seconds > 1e-9:
            self._settle_soon(rate, key)  # others may have spent more
            detail = f"The limit `{rate.name}` is reached: {rate.describe(self._factor(key))}"
            raise TooManyRequests(detail, seconds=seconds, fields=self.fields(rate, key))

    def debit(self, rate: Rate, key: str, units: float = 1) -> None:
        """Spend units that have been used, even if the bucket does not have them."""
        now, seconds = self._clock(), units * self._price(rate, key)
        keys = self._buckets.get(rate) or self._buckets.setdefault(rate, LRUCache(MAX_KEYS))
        bucket = keys.get(key)
        if bucket is None or bucket.full_at <= now:
            bucket = keys[key] = _Bucket(now)
        bucket.full_at = min(bucket.full_at + seconds, now + rate.window + MAX_DEBT)
        bucket.unsettled += seconds
        if bucket.unsettled >= rate.window * SETTLED_SHARE:
            self._settle_soon(rate, key)

    def fields(self, rate: Rate, key: str) -> Fields:
        """Return the RateLimit fields that describe a bucket (draft-ietf-httpapi-ratelimit-headers-10)."""
        seconds = self._seconds_to_full(rate, key)
        left = max(0, math.floor((rate.window - seconds) / self._price(rate, key) + 1e-6))
        return (
            (b"ratelimit-policy", _policy(rate, self._factor(key))),
            (b"ratelimit", b'"%s";r=%d;t=%d' % (rate.name.encode(), left, math.ceil(seconds))),
        )

    def _factor(self, key: str) -> float:
        return self._allowances.get(key, self._default)

    def _price(self, rate: Rate, key: str) -> float:
        """Return the seconds in which a unit comes back."""
        return 1 / (rate.per_second * self._factor(key))

    def _bucket(self, rate: Rate, key: str) -> _Bucket | None:
        keys = self._buckets.get(rate)
        return keys.get(key) if keys else None

    def _seconds_to_full(self, rate: Rate, key: str) -> float:
        bucket = self._bucket(rate, key)
        return max(0.0, bucket.full_at - self._clock()) if bucket else 0.0

    def _settle_soon(self, rate: Rate, key: str) -> None:
        if self._due is not None:
            self._due[rate, key] = None

    @asynccontextmanager
    async def settling(self, valkey: Valkey) -> AsyncIterator[None]:
        """Settle with other processes for the block. Raises nothing while Valkey is unavailable."""
        self._due = {}
        task = asyncio.create_task(self._settle_often(valkey))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _settle_often(self, valkey: Valkey) -> None:
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            due, self._due = [*(self._due or ())], {}
            for start in range(0, len(due), MAX_SETTLED):
                with suppress(ValkeyUnavailable):
                    await self._settle(valkey, due[start : start + MAX_SETTLED])

    async def _settle(self, valkey: Valkey, due: Sequence[tuple[Rate, str]]) -> None:
        """Tell Valkey what was spent from these buckets, and take over when they are full."""
        buckets = []
        commands: list[Command] = []
        for rate, key in due:
            if bucket := self._bucket(rate, key):
                commands.append(_command(rate, key, bucket.unsettled))
                buckets.append(bucket)
                bucket.unsettled = 0.0
        replies = await valkey.calls(commands)
        for bucket, milliseconds in zip(buckets, replies, strict=True):
            bucket.full_at = self._clock() + milliseconds / 1000 + bucket.unsettled


@lru_cache
def _policy(rate: Rate, factor: float) -> bytes:
    return rate.policy(factor)


def _command(rate: Rate, key: str, seconds: float) -> Command:
    bound = int((rate.window + MAX_DEBT) * 1000)
    return "EVAL", SETTLE_SCRIPT, 1, f"limits:{rate.name}:{key}", int(seconds * 1000), bound
