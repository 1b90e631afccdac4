"""Registers of presence: when each user that shares presence was seen last, and what peers were told of it.

    {cruddur:presence:<user>}   a hash: `seen` and `at` (when peers were told) in milliseconds, `told` (1: is online)

A user is online while an open event stream renews `seen`, and for ONLINE_SECONDS after that. Only users that share
presence have a record. It is in Valkey if there is one, else in the process, and nowhere else.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from cachetools import LRUCache

from app.gateways.valkey import Command, Valkey

ONLINE_SECONDS = 30
"""The longest that a user counts as online after the last stream was closed, or its process was killed."""
TELL_INTERVAL = 30
"""Seconds between two changes of a user that peers are told, over all processes."""
LAST_SEEN_DAYS = 7
"""The days for which it is known when a user was seen last."""
MAX_RECORDS = 100_000
"""Users that a process without Valkey knows, those that were seen last."""
NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
SEE_SCRIPT = f"""{NOW}
local seen, told = unpack(redis.call('HMGET', KEYS[1], 'seen', 'told'))
if not seen and ARGV[1] == '0' then return 0 end
if not seen or now - seen >= {ONLINE_SECONDS * 1000} then told = '0' end
redis.call('HSET', KEYS[1], 'seen', string.format('%.0f', now), 'told', told or '0')
redis.call('EXPIRE', KEYS[1], {LAST_SEEN_DAYS * 86_400})
return 1
"""
TELL_SCRIPT = f"""{NOW}
local seen, told, at = unpack(redis.call('HMGET', KEYS[1], 'seen', 'told', 'at'))
local online = seen and now - seen < {ONLINE_SECONDS * 1000} and '1' or '0'
if not seen or told == online then return {{-1}} end
if at and now - at < {TELL_INTERVAL * 1000} then return {{at + {TELL_INTERVAL * 1000} - now}} end
redis.call('HSET', KEYS[1], 'told', online, 'at', string.format('%.0f', now))
return {{0, tonumber(online), tonumber(seen)}}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """The presence of a user: whether the user is online, and the time at which the user was seen last."""

    is_online: bool
    at: datetime

    @classmethod
    def of(cls, ms: int, *, now: float | None = None) -> "Seen":
        """Return the presence of a user that was seen at a time, in milliseconds."""
        age = (time.time() if now is None else now) - ms / 1000
        return cls(age < ONLINE_SECONDS, datetime.fromtimestamp(ms / 1000, UTC))

    @property
    def last_seen_at(self) -> datetime | None:
        """Return what others are told of the time: the minute, and nothing while the user is online."""
        return None if self.is_online else self.at.replace(second=0, microsecond=0)


class Register(ABC):
    """Knows when users were seen. Any method may raise ValkeyUnavailable."""

    @abstractmethod
    async def see(self, users: Sequence[UUID], *, adds: bool = False) -> set[UUID]:
        """Note that users are there, and return those that have a record; `adds` makes records."""

    @abstractmethod
    async def tell(self, user: UUID) -> Seen | timedelta | None:
        """Return what peers have to be told now, the time until they may be, or None if they know.

        Of several processes one gets the presence to tell.
        """

    @abstractmethod
    async def seen(self, users: Collection[UUID]) -> dict[UUID, Seen]:
        """Return the presence of those users that have a record."""

    @abstractmethod
    async def remove(self, user: UUID) -> bool:
        """Forget a user, and return whether there was a record."""


@dataclass(frozen=True, slots=True)
class _Record:
    seen: float
    told: bool = False
    at: float = 0.0


class MemoryRegister(Register):
    """The register of a process that runs alone."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._records: LRUCache[UUID, _Record] = LRUCache(MAX_RECORDS)

    async def see(self, users: Sequence[UUID], *, adds: bool = False) -> set[UUID]:
        now, found = self._clock(), set[UUID]()
        for user in users:
            record = self._records.get(user)
            if record is None and not adds:
                continue
            is_told = record is not None and record.told and now - record.seen < ONLINE_SECONDS
            self._records[user] = replace(record, seen=now, told=is_told) if record else _Record(now)
            found.add(user)
        return found

    async def tell(self, user: UUID) -> Seen | timedelta | None:
        now, record = self._clock(), self._records.get(user)
        if record is None:
            return None
        seen = Seen.of(int(record.seen * 1000), now=now)
        if seen.is_online == record.told:
            return None
        if now - record.at < TELL_INTERVAL:
            return timedelta(seconds=record.at + TELL_INTERVAL - now)
        self._records[user] = replace(record, told=seen.is_online, at=now)
        return seen

    async def seen(self, users: Collection[UUID]) -> dict[UUID, Seen]:
        now, oldest = self._clock(), self._clock() - LAST_SEEN_DAYS * 86_400
        records = {user: record for user in users if (record := self._records.get(user)) and record.seen > oldest}
        return {user: Seen.of(int(record.seen * 1000), now=now) for user, record in records.items()}

    async def remove(self, user: UUID) -> bool:
        return self._records.pop(user, None) is not None


class ValkeyRegister(Register):
    """The register of all processes. The time of a record is Valkey's."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey

    async def see(self, users: Sequence[UUID], *, adds: bool = False) -> set[UUID]:
        replies = await self._valkey.calls([_see_command(user, adds=adds) for user in users])
        return {user for user, is_there in zip(users, replies, strict=True) if is_there}

    async def tell(self, user: UUID) -> Seen | timedelta | None:
        state, *told = await self._valkey.call("EVAL", TELL_SCRIPT, 1, _name(user))
        if told:
            is_online, ms = told
            return Seen(bool(is_online), datetime.fromtimestamp(ms / 1000, UTC))
        return timedelta(milliseconds=state) if state > 0 else None

    async def seen(self, users: Collection[UUID]) -> dict[UUID, Seen]:
        replies = await self._valkey.calls([("HGET", _name(user), "seen") for user in users]) if users else []
        return {user: Seen.of(int(ms)) for user, ms in zip(users, replies, strict=True) if ms}

    async def remove(self, user: UUID) -> bool:
        return bool(await self._valkey.call("DEL", _name(user)))


def _see_command(user: UUID, *, adds: bool) -> Command:
    return "EVAL", SEE_SCRIPT, 1, _name(user), int(adds)


def _name(user: UUID) -> str:
    return f"{{cruddur:presence:{user}}}"


NO_USER: Final = UUID(int=0)
TRIAL: Final[Sequence[Command]] = (
    _see_command(NO_USER, adds=True),
    ("EVAL", TELL_SCRIPT, 1, _name(NO_USER)),
    ("HGET", _name(NO_USER), "seen"),
    ("DEL", _name(NO_USER)),
)
"""One of each command that the register sends."""
