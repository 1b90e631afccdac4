"""Token buckets, decided in the process, and settled among processes behind the answers.

A bucket is one number: the time at which it is full again. Spending moves that time forward. A process decides by what
it knows and does not wait. When it has spent a sixteenth of a bucket, or refuses a call, it tells Valkey what it spent,
and learns what others did. An account that uses several processes at the same moment can overdraw a bucket, and then
waits until the debt is repaid: over time it gets what one process would give it. While Valkey is unavailable, each
process counts alone.
"""

import math
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, TypeAlias

import structlog
from cachetools import LRUCache

from app.concurrency import bugs_logged, repeating
from app.errors import AppError
from app.gateways.valkey import Command, Valkey, ValkeyUnavailable
from app.limits.rates import READ, Rate

log = structlog.get_logger(__name__)

SETTLE_SECONDS: Final = 0.1
SETTLED_SHARE: Final = 1 / 16
"""The part of a bucket that a process spends before it settles."""
MAX_SETTLED: Final = 250
"""Buckets in one pipeline: more may take longer than a call of Valkey's may."""
MAX_KEYS: Final = 100_000
"""Keys that a process knows, those used last; the buckets of another key count as full."""
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


def ignore(_quota: "Quota", _rate: Rate) -> None:
    """Do nothing, for a quota that is not settled."""


class Quota:
    """The buckets of one key, by rate. None of the methods waits."""

    __slots__ = ("_buckets", "_clock", "_factor", "_on_refusal", "_on_spent", "key")

    def __init__(
        self,
        key: str,
        factor: float = 1.0,
        *,
        clock: Callable[[], float] = time.monotonic,
        on_spent: Callable[["Quota", Rate], None] = ignore,
        on_refusal: Callable[["Quota", Rate], None] = ignore,
    ) -> None:
        """`factor` multiplies burst and rate; `clock` counts seconds. Much unsettled spending is told to `on_spent`."""
        self.key = key
        self._factor = factor
        self._clock = clock
        self._on_spent = on_spent
        self._on_refusal = on_refusal
        self._buckets: dict[Rate, _Bucket] = {}

    def take(self, rate: Rate) -> None:
        """Spend a unit. Raises TooManyRequests if the bucket does not have it, and spends nothing then."""
        self.require(rate)
        self.debit(rate)

    def require(self, rate: Rate) -> None:
        """Raise TooManyRequests unless the bucket has a unit."""
        seconds = self._seconds_to_full(rate) + 1 / (rate.per_second * self._factor) - rate.window
        if seconds > 1e-9:
            raise self.refusal(rate, seconds)

    def refusal(self, rate: Rate, seconds: float) -> TooManyRequests:
        """Count a refusal, and return it: the bucket has a unit after so many seconds."""
        self._on_refusal(self, rate)
        detail = f"The limit `{rate.name}` is reached: {rate.describe(self._factor)}"
        return TooManyRequests(detail, seconds=seconds, fields=self.fields(rate))

    def seconds_until(self, rate: Rate, share: float) -> float:
        """Return the seconds until this share of a bucket is there."""
        return max(0.0, self._seconds_to_full(rate) - rate.window * (1 - share))

    def debit(self, rate: Rate, units: float = 1) -> None:
        """Spend units that have been used, even if the bucket does not have them."""
        now, seconds = self._clock(), units / (rate.per_second * self._factor)
        bucket = self._buckets.get(rate)
        if bucket is None or bucket.full_at <= now:
            bucket = self._buckets[rate] = _Bucket(now)
        bucket.full_at = min(bucket.full_at + seconds, now + rate.window + MAX_DEBT)
        bucket.unsettled += seconds
        if bucket.unsettled >= rate.window * SETTLED_SHARE:
            self._on_spent(self, rate)

    def fields(self, rate: Rate) -> Fields:
        """Return the RateLimit fields that describe a bucket (draft-ietf-httpapi-ratelimit-headers-10)."""
        seconds = self._seconds_to_full(rate)
        left = max(0, int((rate.window - seconds) * rate.per_second * self._factor + 1e-6))
        return (
            (b"ratelimit-policy", _policy(rate, self._factor)),
            (b"ratelimit", b'"%s";r=%d;t=%d' % (rate.name.encode(), left, math.ceil(seconds))),
        )

    def _seconds_to_full(self, rate: Rate) -> float:
        bucket = self._buckets.get(rate)
        return max(0.0, bucket.full_at - self._clock()) if bucket else 0.0

    def take_unsettled(self, rate: Rate) -> float:
        """Return the seconds that were not settled, and count them as settled."""
        bucket = self._buckets.get(rate) or _Bucket(0.0)
        seconds, bucket.unsettled = bucket.unsettled, 0.0
        return seconds

    def set_seconds_to_full(self, rate: Rate, seconds: float) -> None:
        """Take over what all processes have spent, to which comes what was not settled yet."""
        bucket = self._buckets.get(rate)
        unsettled = bucket.unsettled if bucket else 0.0
        self._buckets[rate] = _Bucket(self._clock() + seconds + unsettled, unsettled)


class Buckets:
    """The buckets of a process, by key."""

    def __init__(
        self,
        allowances: Mapping[str, float] | None = None,
        refused: Callable[[str], None] = lambda _: None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`allowances` multiply burst and rate of a key, those of `*` all others; `clock` counts seconds.

        `refused` counts refusals by the name of their rate.
        """
        self._allowances = allowances or {}
        self._refused = refused
        self._default = self._allowances.get(EVERY_KEY, 1.0)
        self._clock = clock
        self._quotas: LRUCache[str, Quota] = LRUCache(MAX_KEYS)
        self._due: dict[tuple[Quota, Rate], None] | None = None
        """The buckets to settle next; None if there is nothing to settle with."""

    def of(self, key: str) -> Quota:
        """Return the buckets of a key, which are full for a key that is new."""
        quota: Quota | None = self._quotas.get(key)
        if quota is None:
            factor = self._allowances.get(key, self._default)
            quota = self._quotas[key] = Quota(
                key, factor, clock=self._clock, on_spent=self._settle_soon, on_refusal=self._on_refusal
            )
        return quota

    def _on_refusal(self, quota: Quota, rate: Rate) -> None:
        self._refused(rate.name)
        self._settle_soon(quota, rate)  # other processes may have spent more

    def _settle_soon(self, quota: Quota, rate: Rate) -> None:
        if rate.is_shared and self._due is not None:
            self._due[quota, rate] = None

    @asynccontextmanager
    async def settling(self, valkey: Valkey) -> AsyncIterator[None]:
        """Settle with other processes for the block. Raises nothing while Valkey is unavailable."""
        self._due = {}
        guard = partial(bugs_logged, log, "limits_not_settled", expected=ValkeyUnavailable)
        async with repeating(partial(self._settle, valkey), every=SETTLE_SECONDS, guard=guard):
            yield

    async def _settle(self, valkey: Valkey) -> None:
        due, self._due = [*(self._due or ())], {}
        for start in range(0, len(due), MAX_SETTLED):
            batch = due[start : start + MAX_SETTLED]
            with suppress(ValkeyUnavailable):
                spent = [_command(rate, quota.key, quota.take_unsettled(rate)) for quota, rate in batch]
                for (quota, rate), milliseconds in zip(batch, await valkey.calls(spent), strict=True):
                    quota.set_seconds_to_full(rate, milliseconds / 1000)


def _command(rate: Rate, key: str, seconds: float) -> Command:
    bound = int((rate.window + MAX_DEBT) * 1000)
    return "EVAL", SETTLE_SCRIPT, 1, f"limits:{rate.name}:{key}", int(seconds * 1000), bound


TRIAL: Final[Sequence[Command]] = (_command(READ, "trial", 0),)
"""The command that settles, for no account."""


@lru_cache
def _policy(rate: Rate, factor: float) -> bytes:
    return rate.policy(factor)
