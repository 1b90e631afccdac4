"""The events to resume from: of each user the newest of the last ten minutes.

A position is the millisecond of its event, made unique for its user, so it says nothing about other users. Of events
with the same key only the newest is kept, and messages are read from the log. So what an account does, and how often,
takes three small entries of each of its peers, and no position of theirs.
"""

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from app.messaging.events import GroupChanged, MessageAppended, MessageChanged
from app.messaging.row_models import InboxRow
from app.realtime.events import LiveEvent, conflation_key, order_of, size_of, state_of

RESUME_SECONDS = 600.0
"""A stream can resume for this long after an event."""
USER_EVENTS = 256
"""Events of a user that are kept: then the older half is dropped, and the positions before it expire."""
RESUME_BYTES = 16 * 1024 * 1024
"""Bytes of memory of the events of all users. Beyond it the user with the most loses the older half."""
ENTRY_BYTES = 300
"""Bytes of memory of a kept event beside the event: its key and its place."""
POSITION = re.compile(r"([0-9a-f]{16})-([0-9]{13})")


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event; `position` is where a stream can resume after it, None if it cannot."""

    event: LiveEvent
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """The newest events that were published to a user after a position; `at` is the time of that position."""

    deliveries: Sequence[Delivery]
    at: datetime

    @property
    def rows(self) -> list[InboxRow]:
        """Return the rows that the events have."""
        events = [delivery.event for delivery in self.deliveries]
        return [event.row for event in events if isinstance(event, MessageAppended | MessageChanged | GroupChanged)]


@dataclass(slots=True, eq=False)
class _Buffer:
    """The kept events of a user by key, the oldest first, each with its millisecond."""

    last: int
    """The millisecond of the last event, kept or not."""
    whole_since: int
    """Nothing was dropped after this millisecond."""
    entries: dict[str, tuple[int, LiveEvent]] = field(default_factory=dict)
    size: int = 0
    token: str = field(default_factory=lambda: secrets.token_hex(8))
    """A position of another buffer, such as that of an earlier run of the process, is unknown."""

    def add(self, event: LiveEvent, now: int) -> str:
        """Keep an event, unless a newer one with its key came before it; return its position."""
        self.last = max(now, self.last + 1)
        key = conflation_key(event) or ""
        older = self.entries.get(key)
        if older is None or order_of(older[1]) <= order_of(event):
            self._discard(key)
            self.entries[key] = self.last, event
            self.size += ENTRY_BYTES + size_of(event)
        while self.entries and next(iter(self.entries.values()))[0] < now - RESUME_SECONDS * 1000:
            self.drop(1)
        if len(self.entries) > USER_EVENTS:
            self.drop(USER_EVENTS // 2)
        return f"{self.token}-{self.last}"

    def drop(self, count: int) -> int:
        """Drop the oldest entries, and return the size of them. The positions before them expire."""
        size = self.size
        for key in list(self.entries)[:count]:
            self.whole_since = self._discard(key)
        return size - self.size

    def _discard(self, key: str) -> int:
        at, event = self.entries.pop(key, (0, None))
        self.size -= ENTRY_BYTES + size_of(event) if event else 0
        return at

    def after(self, at: int) -> Iterator[Delivery]:
        return (Delivery(event, f"{self.token}-{since}") for since, event in self.entries.values() if since > at)


class ReplayBuffer:
    """The events of users that have a stream, or had one in the last ten minutes."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_user: dict[UUID, _Buffer] = {}
        self._left_at: dict[UUID, float] = {}
        self._bytes = 0

    def join(self, user: UUID) -> None:
        """Keep the events of a user from now on."""
        self._left_at.pop(user, None)
        now = int(self._clock() * 1000)
        self._by_user.setdefault(user, _Buffer(last=now, whole_since=now))

    def leave(self, user: UUID) -> None:
        """Keep the events of a user for ten minutes more."""
        self._left_at.pop(user, None)
        self._left_at[user] = self._clock()

    def add(self, event: LiveEvent) -> Delivery:
        """Keep what a stream needs of an event, and return it with its position."""
        self._expire()
        buffer, state = self._by_user.get(event.to), state_of(event)
        if buffer is None or state is None:
            return Delivery(event)
        size = buffer.size
        position = buffer.add(state, int(self._clock() * 1000))
        self._bytes += buffer.size - size
        while self._bytes > RESUME_BYTES:
            largest = max(self._by_user.values(), key=lambda buffer: buffer.size)
            self._bytes -= largest.drop((len(largest.entries) + 1) // 2)
        return Delivery(event, position)

    def replay_after(self, user: UUID, position: str) -> Replay | None:
        """Return what was added for a user after a position, None if the position is unknown or expired."""
        self._expire()
        match, buffer = POSITION.fullmatch(position), self._by_user.get(user)
        if match is None or buffer is None or match[1] != buffer.token:
            return None
        at, oldest = int(match[2]), int((self._clock() - RESUME_SECONDS) * 1000)
        if not max(buffer.whole_since, oldest) <= at <= buffer.last:
            return None
        return Replay(list(buffer.after(at)), datetime.fromtimestamp(at / 1000, UTC))

    def _expire(self) -> None:
        oldest = self._clock() - RESUME_SECONDS
        while self._left_at and next(iter(self._left_at.values())) < oldest:
            user = next(iter(self._left_at))
            del self._left_at[user]
            self._bytes -= self._by_user.pop(user).size
