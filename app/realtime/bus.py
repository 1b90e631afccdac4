"""From those who write to those who listen: the interface, and the bus of a single process.

A bus makes delivery fast. It may lose events: streams compare with the log and the rows, which are the truth.
"""

import asyncio
import secrets
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.concurrency import full_jitter
from app.realtime.events import EventsLost, LiveEvent, encode

RESUME_SECONDS = 600.0
"""How long an event can be resumed from."""
RESUME_BYTES = 8 * 1024 * 1024
"""Of all events together that one process keeps for that."""
SPREAD_SECONDS = 1.0
QUEUE_EVENTS = 256
QUEUE_BYTES = 128 * 1024
"""What waits for one slow reader; with the connection's own 96 KiB it stays under 256 KiB."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """An encoded event; `position` is where a stream can resume after it, None if nowhere."""

    payload: bytes
    position: str | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """What a user was told after a position, and when that position was."""

    deliveries: Sequence[Delivery]
    at: datetime


class Over(Exception):
    """The subscription has ended; `overflowed` says that the reader was too slow and what waited was let go."""

    def __init__(self, *, overflowed: bool) -> None:
        super().__init__("overflow" if overflowed else "end")
        self.overflowed = overflowed


class Subscription:
    """What waits for one stream: bounded, so that a reader who stalls costs little."""

    def __init__(self, ended: Callable[[], None]) -> None:
        """`ended` is called once, when nothing more will come, whether or not anybody still reads."""
        self._waiting: deque[Delivery] = deque()
        self._bytes = 0
        self._ended = ended
        self._over: Over | None = None
        self._news = asyncio.Event()

    def put(self, delivery: Delivery) -> None:
        if self._over:
            return
        self._waiting.append(delivery)
        self._bytes += len(delivery.payload)
        self._news.set()
        if len(self._waiting) > QUEUE_EVENTS or self._bytes > QUEUE_BYTES:
            self.end(overflowed=True)

    def end(self, *, overflowed: bool = False) -> None:
        if self._over is None:
            self._over = Over(overflowed=overflowed)
            self._waiting.clear()
            self._news.set()
            self._ended()

    async def next(self, seconds: float) -> Delivery | None:
        """The next delivery, None when there was none for so long. Raises Over."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._news.wait()
        except TimeoutError:
            return None
        if self._over:
            raise self._over
        delivery = self._waiting.popleft()
        self._bytes -= len(delivery.payload)
        if not self._waiting:
            self._news.clear()
        return delivery


class Listeners:
    """The subscriptions of this process, by user."""

    def __init__(self) -> None:
        self._of: dict[UUID, list[Subscription]] = {}

    def add(self, user: UUID, subscription: Subscription) -> bool:
        """Whether it is the user's first."""
        of_user = self._of.setdefault(user, [])
        of_user.append(subscription)
        return len(of_user) == 1

    def remove(self, user: UUID, subscription: Subscription) -> bool:
        """Whether it was the user's last."""
        of_user = self._of[user]
        of_user.remove(subscription)
        if not of_user:
            del self._of[user]
        return not of_user

    def deliver(self, user: UUID, delivery: Delivery) -> None:
        for subscription in self._of.get(user, ()):
            subscription.put(delivery)

    def look_soon(self) -> None:
        """Have everybody compare with the rows, not all in one moment."""
        loop = asyncio.get_running_loop()
        for user in self._of:
            loop.call_later(full_jitter(SPREAD_SECONDS), self.deliver, user, Delivery(encode(EventsLost(user))))

    def end(self) -> None:
        for of_user in self._of.values():
            for subscription in of_user:
                subscription.end()


class Bus(ABC):
    """Delivers events to the streams of their receivers, wherever those are."""

    @property
    @abstractmethod
    def is_whole(self) -> bool:
        """False while events may get lost in it, so that streams have to look at the rows all the time."""

    @abstractmethod
    async def publish(self, *events: LiveEvent) -> None:
        """Hand over; takes at most 50 ms and never raises."""

    @abstractmethod
    def subscribe(self, user: UUID, ended: Callable[[], None]) -> AbstractAsyncContextManager[Subscription]:
        """From now on. What came before is `since`'s, and overlaps rather than leaving a gap."""

    @abstractmethod
    def end_all(self) -> None:
        """End every subscription of this process."""

    @abstractmethod
    async def since(self, user: UUID, position: str) -> Missed | None:
        """What a user was told after a position; None when that position is not known (any more)."""


class MemoryBus(Bus):
    """For one process alone."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._listeners = Listeners()
        self._backlog = Backlog(clock)

    @property
    def is_whole(self) -> bool:
        return True

    async def publish(self, *events: LiveEvent) -> None:
        for event in events:
            self._listeners.deliver(event.to, self._backlog.add(event.to, encode(event)))

    @asynccontextmanager
    async def subscribe(self, user: UUID, ended: Callable[[], None]) -> AsyncIterator[Subscription]:
        subscription = Subscription(ended)
        self._listeners.add(user, subscription)
        try:
            yield subscription
        finally:
            self._listeners.remove(user, subscription)

    def end_all(self) -> None:
        self._listeners.end()

    async def since(self, user: UUID, position: str) -> Missed | None:
        return self._backlog.since(user, position)


class Backlog:
    """The last minutes of everybody's events, bounded in time and bytes; the oldest go first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._run = secrets.token_hex(4)  # positions of an earlier run mean nothing
        self._number = 0
        self._order: deque[UUID] = deque()
        self._of: dict[UUID, deque[tuple[float, Delivery]]] = {}
        self._bytes = 0

    def add(self, user: UUID, payload: bytes) -> Delivery:
        self._number += 1
        delivery = Delivery(payload, f"{self._run}-{self._number}")
        self._order.append(user)
        self._of.setdefault(user, deque()).append((self._clock(), delivery))
        self._bytes += len(payload)
        self._forget_old()
        return delivery

    def since(self, user: UUID, position: str) -> Missed | None:
        self._forget_old()
        missed: list[Delivery] = []
        for at, delivery in reversed(self._of.get(user, ())):
            if delivery.position == position:
                return Missed(missed[::-1], datetime.fromtimestamp(at, UTC))
            missed.append(delivery)
        return None

    def _forget_old(self) -> None:
        oldest = self._clock() - RESUME_SECONDS
        while self._order and (self._of[self._order[0]][0][0] < oldest or self._bytes > RESUME_BYTES):
            user = self._order.popleft()
            _, delivery = self._of[user].popleft()
            self._bytes -= len(delivery.payload)
            if not self._of[user]:
                del self._of[user]
