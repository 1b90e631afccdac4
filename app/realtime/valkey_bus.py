"""The bus of several processes: Valkey's sharded pub/sub, and for each user a short stream of events to resume from.

    {cruddur:events:<user>}    a Valkey stream of the last events; the ids of its entries are the positions
    the channel of that name   "<position> <event>", published by the script that adds the entry

A process subscribes to the channels of the users whose streams it has. While it cannot, its streams compare with the
rows often.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from app.gateways.valkey import Command, Subscriber, Valkey, ValkeyUnavailable
from app.realtime.bus import RESUME_SECONDS, Bus, Delivery, Replay, Subscription, Subscriptions
from app.realtime.events import EventsLost, LiveEvent, decode, encode

REPLAY_EVENTS = 256
"""Events of a user that a stream can resume from."""
PUBLISH_SCRIPT = f"""
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', {REPLAY_EVENTS}, '*', 'event', ARGV[1])
redis.call('PEXPIRE', KEYS[1], {int(RESUME_SECONDS * 1000)})
return redis.call('SPUBLISH', KEYS[1], id .. ' ' .. ARGV[1])
"""
"""One script, so that subscribers receive events in the order of the stream."""
POSITION = re.compile(r"([0-9]{13})-[0-9]{1,20}")
MAX_UNNOTIFIED = 10_000
RETRY_SECONDS = 1.0


class ValkeyBus(Bus):
    """Publishes within 50 ms. The receivers of what Valkey did not take are notified later that events were lost."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._subscriptions = Subscriptions()
        self._subscriber: Subscriber | None = None
        self._unnotified: dict[UUID, None] = {}
        self._has_unnotified = asyncio.Event()

    @property
    def is_reliable(self) -> bool:
        return self._subscriber is not None and self._subscriber.is_up

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["ValkeyBus"]:
        """Receive events for the block. Raises nothing while Valkey is unavailable."""
        notifications = asyncio.create_task(self._notify_later())
        reconcile = self._subscriptions.reconcile_soon
        try:
            async with self._valkey.listen(
                on_message=self._on_message, on_down=reconcile, on_up=reconcile
            ) as self._subscriber:
                yield self
        finally:
            notifications.cancel()
            await asyncio.wait({notifications})

    async def publish(self, *events: LiveEvent) -> None:
        try:
            await self._valkey.calls(list(map(_publish_command, events)))
        except ValkeyUnavailable:
            for event in events:
                self._subscriptions.deliver(event.to, Delivery(event))
            self._remember_unnotified(event.to for event in events)

    def _remember_unnotified(self, users: Iterable[UUID]) -> None:
        """Keep the users to notify, as far as there is room. The others' streams find out by their reconciliation."""
        for user in users:
            if len(self._unnotified) < MAX_UNNOTIFIED:
                self._unnotified[user] = None
        self._has_unnotified.set()

    async def _notify_later(self) -> None:
        while await self._has_unnotified.wait():
            await asyncio.sleep(RETRY_SECONDS)
            users = list(islice(self._unnotified, REPLAY_EVENTS))
            with suppress(ValkeyUnavailable):
                await self._valkey.calls([_publish_command(EventsLost(user)) for user in users])
                for user in users:
                    self._unnotified.pop(user, None)
            if not self._unnotified:
                self._has_unnotified.clear()

    @asynccontextmanager
    async def subscribe(self, user: UUID) -> AsyncIterator[Subscription]:
        """Wait for the confirmation of each subscription: that of the user's first one may still be outstanding."""
        subscription = Subscription()
        self._subscriptions.add(user, subscription)
        try:
            with suppress(ValkeyUnavailable):  # the subscriber subscribes when it is up, and all streams reconcile
                await self._require_subscriber().subscribe(_name(user))
            yield subscription
        finally:
            if self._subscriptions.remove(user, subscription):
                with suppress(ValkeyUnavailable):
                    await self._require_subscriber().unsubscribe(_name(user))

    def _require_subscriber(self) -> Subscriber:
        if self._subscriber is None:
            raise ValkeyUnavailable("not listening")
        return self._subscriber

    def close(self, user: UUID) -> None:
        self._subscriptions.close(user)

    def close_all(self) -> None:
        self._subscriptions.close_all()

    def _on_message(self, channel: str, message: bytes) -> None:
        position, _, payload = message.partition(b" ")
        user = UUID(channel[-37:-1])
        self._subscriptions.deliver(user, Delivery(decode(payload, to=user), position.decode()))

    async def replay_after(self, user: UUID, position: str) -> Replay | None:
        """Return what follows the position if its own entry is still there: then all later entries are, too."""
        match = POSITION.fullmatch(position)
        if match is None:
            return None
        try:
            entries = await self._valkey.call("XRANGE", _name(user), position, "+")
        except ValkeyUnavailable:
            return None
        at = datetime.fromtimestamp(int(match[1]) / 1000, UTC)
        is_known = bool(entries) and entries[0][0].decode() == position
        if not is_known or (datetime.now(UTC) - at).total_seconds() >= RESUME_SECONDS:
            return None
        deliveries = [Delivery(decode(payload, to=user), entry.decode()) for entry, (_, payload) in entries[1:]]
        return Replay(deliveries, at)


def _name(user: UUID) -> str:
    return f"{{cruddur:events:{user}}}"


def _publish_command(event: LiveEvent) -> Command:
    return "EVAL", PUBLISH_SCRIPT, 1, _name(event.to), encode(event)
