"""Leases: the open streams of a user over all processes, or the running exports, counted in Valkey.

    {cruddur:streams:<user>}    a sorted set of leases, one for each stream, by the second in which it expires
    {cruddur:exports:<user>}    the same of exports

A process renews the leases of its streams, so those of a process that was killed expire.
"""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.concurrency import bugs_logged, repeating
from app.gateways.valkey import Command, Valkey, ValkeyUnavailable
from app.realtime.errors import TooManyStreams

log = structlog.get_logger(__name__)

MAX_USER_STREAMS = 10
LEASE_SECONDS = 30
"""The longest that a stream counts after its process was killed."""
RENEW_INTERVAL = 10.0
BATCH = 256
UNLIMITED = 10**9
TAKE_SCRIPT = """
local now = redis.call('TIME')[1]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
"""Takes or renews a lease unless there are too many; returns 1 if it did. The time is Valkey's."""


class StreamLeases:
    """The leases that this process holds. Without Valkey, or while it is down, each process counts for itself."""

    def __init__(self, valkey: Valkey | None = None, *, kind: str = "streams", most: int = MAX_USER_STREAMS) -> None:
        self._valkey = valkey
        self._kind = kind
        self._most = most
        self._held: dict[str, UUID] = {}

    @asynccontextmanager
    async def hold(self, user: UUID) -> AsyncIterator[None]:
        """Hold a lease for the block. Raises TooManyStreams if the user's processes hold the most; 50 ms at most."""
        lease = secrets.token_hex(8)
        if self._valkey:
            with suppress(ValkeyUnavailable):  # the next renewal counts it
                if not await self._valkey.call(*_take_command(user, lease, self._most, self._kind)):
                    raise TooManyStreams
        self._held[lease] = user
        try:
            yield
        finally:
            del self._held[lease]
            if self._valkey:
                with suppress(ValkeyUnavailable):  # it expires
                    await self._valkey.call("ZREM", _name(user, self._kind), lease)

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator["StreamLeases"]:
        """Renew the held leases for the block."""
        guard = partial(bugs_logged, log, "lease_renewal_failed", expected=ValkeyUnavailable)
        async with repeating(self.renew, every=RENEW_INTERVAL, guard=guard):
            yield self

    async def renew(self) -> None:
        """Renew all held leases, those taken while Valkey was down included. Raises ValkeyUnavailable."""
        held = list(self._held.items())
        for start in range(0, len(held), BATCH):
            # One that was given up meanwhile must not come back.
            batch = [(lease, user) for lease, user in held[start : start + BATCH] if lease in self._held]
            if self._valkey:
                await self._valkey.calls([_take_command(user, lease, UNLIMITED, self._kind) for lease, user in batch])


def _take_command(user: UUID, lease: str, limit: int, kind: str = "streams") -> Command:
    return "EVAL", TAKE_SCRIPT, 1, _name(user, kind), lease, limit, LEASE_SECONDS


def _name(user: UUID, kind: str = "streams") -> str:
    return f"{{cruddur:{kind}:{user}}}"


TRIAL: Final[Sequence[Command]] = (
    _take_command(UUID(int=0), "trial", UNLIMITED),
    ("ZREM", _name(UUID(int=0)), "trial"),
)
"""One of each command that leases send."""
