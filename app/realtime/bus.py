"""From publishers to subscriptions: the interface, and the bus of a single process.

A bus makes delivery fast. It may lose events: streams compare with the log and the rows, which are authoritative.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from uuid import UUID

from app.concurrency import full_jitter
from app.realtime.events import EventsLost, LiveEvent, conflation_key, order_of, size_of
from app.realtime.replay import Delivery, Replay, ReplayBuffer

SPREAD_SECONDS = 1.0
QUEUE_EVENTS = 256
QUEUE_BYTES = 128 * 1024
"""Bytes of memory that may wait for one slow client; with the 96 KiB of its connection it stays under 256 KiB."""


class Subscription:
    """The deliveries that wait for one stream, bounded in number and bytes.

    They are conflated: of the events with the same key only the newest waits, however many were published, in the place
    and with the position of the first. So no number of cheap events of an account ends the streams of another.
    """

    def __init__(self) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when no further delivery will come, whether or not the stream is still read."""
        self.has_overflowed = False
        """Return whether it was closed because too much waited."""
        self._waiting: dict[str | int, Delivery] = {}
        self._puts = 0
        self._bytes = 0
        self._is_ready = asyncio.Event()

    def put(self, delivery: Delivery) -> None:
        """Add a delivery, in place of an older one with the same key. One too many closes the subscription."""
        self._puts += 1
        key = conflation_key(delivery.event) or self._puts
        older = self._waiting.get(key)
        if self.closed.done() or (older and order_of(older.event) > order_of(delivery.event)):
            return
        if older:
            delivery = replace(delivery, position=older.position)
            self._bytes -= size_of(older.event)
        self._waiting[key] = delivery
        self._bytes += size_of(delivery.event)
        self._is_ready.set()
        if len(self._waiting) > QUEUE_EVENTS or self._bytes > QUEUE_BYTES:
            self.has_overflowed = True
            self.close()

    def close(self) -> None:
        """Discard what waits, and take no more deliveries."""
        if not self.closed.done():
            self.closed.set_result(None)
            self._waiting.clear()
            self._is_ready.set()

    async def next(self, seconds: float) -> Delivery | None:
        """Return the next delivery; None if none comes in these seconds, or once the subscription is closed."""
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._is_ready.wait()
        if self.closed.done() or not self._waiting:
            return None
        delivery = self._waiting.pop(next(iter(self._waiting)))
        self._bytes -= size_of(delivery.event)
        if not self._waiting:
            self._is_ready.clear()
        return delivery


class Subscriptions:
    """The subscriptions of this process, by user."""

    def __init__(self) -> None:
        self._by_user: dict[UUID, list[Subscription]] = {}

    def add(self, user: UUID, subscription: Subscription) -> None:
        """Deliver the user's events to this subscription, too."""
        self._by_user.setdefault(user, []).append(subscription)

    def remove(self, user: UUID, subscription: Subscription) -> bool:
        """Deliver no more to this subscription; return whether it was the user's last."""
        of_user = self._by_user[user]
        of_user.remove(subscription)
        if not of_user:
            del self._by_user[user]
        return not of_user

    def deliver(self, user: UUID, delivery: Delivery) -> None:
        """Put a delivery into each subscription of a user."""
        for subscription in self._by_user.get(user, ()):
            subscription.put(delivery)

    def reconcile(self, user: UUID) -> None:
        """Have the streams of a user compare with the rows."""
        self.deliver(user, Delivery(EventsLost(user)))

    def reconcile_soon(self) -> None:
        """Have all streams compare with the rows within a second, spread over it."""
        loop = asyncio.get_running_loop()
        for user in self._by_user:
            loop.call_later(full_jitter(SPREAD_SECONDS), self.reconcile, user)

    def close(self, user: UUID) -> None:
        """Close every subscription of a user."""
        for subscription in self._by_user.get(user, ()):
            subscription.close()

    def close_all(self) -> None:
        """Close every subscription."""
        for of_user in self._by_user.values():
            for subscription in of_user:
                subscription.close()


class Bus(ABC):
    """Delivers events to the streams of their receivers, in whichever process those are."""

    @property
    @abstractmethod
    def is_reliable(self) -> bool:
        """False while events may get lost, so that streams have to compare with the rows often."""

    @abstractmethod
    async def publish(self, *events: LiveEvent) -> None:
        """Hand the events over, in 50 ms at most. Raises nothing."""

    @abstractmethod
    def subscribe(self, user: UUID) -> AbstractAsyncContextManager[Subscription]:
        """Deliver a user's events from now on, for the block. It overlaps with `replay_after` and leaves no gap."""

    @abstractmethod
    def close(self, user: UUID) -> None:
        """Close every subscription of a user in this process."""

    @abstractmethod
    def close_all(self) -> None:
        """Close every subscription of this process."""

    @abstractmethod
    async def replay_after(self, user: UUID, position: str) -> Replay | None:
        """Return what was published to a user after a position, None if the position is unknown or expired."""


class MemoryBus(Bus):
    """The bus of a process that runs alone."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._subscriptions = Subscriptions()
        self._buffer = ReplayBuffer(clock)

    @property
    def is_reliable(self) -> bool:
        return True

    async def publish(self, *events: LiveEvent) -> None:
        for event in events:
            self._subscriptions.deliver(event.to, self._buffer.add(event))

    @asynccontextmanager
    async def subscribe(self, user: UUID) -> AsyncIterator[Subscription]:
        subscription = Subscription()
        self._subscriptions.add(user, subscription)
        self._buffer.join(user)
        try:
            yield subscription
        finally:
            if self._subscriptions.remove(user, subscription):
                self._buffer.leave(user)

    def close(self, user: UUID) -> None:
        self._subscriptions.close(user)

    def close_all(self) -> None:
        self._subscriptions.close_all()

    async def replay_after(self, user: UUID, position: str) -> Replay | None:
        return self._buffer.replay_after(user, position)
