"""The bus of several processes: Valkey's sharded pub/sub, and a short stream of events for each user to resume from.

    {cruddur:events:<user>}    a Valkey stream of the last events; its entries' ids are the positions
    the same as a channel      "<position> <event>", published by the script that adds the entry

A process listens to the channels of the users whose streams it has. While it cannot, its streams look at the rows.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

from app.gateways.valkey import Command, Subscriber, Valkey, ValkeyUnavailable
from app.realtime.bus import RESUME_SECONDS, Bus, Delivery, Listeners, Missed, Subscription
from app.realtime.events import EventsLost, LiveEvent, encode

KEPT = 256
"""Events of a user that can be resumed from."""
TELL = f"""
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', {KEPT}, '*', 'event', ARGV[1])
redis.call('PEXPIRE', KEYS[1], {int(RESUME_SECONDS * 1000)})
return redis.call('SPUBLISH', KEYS[1], id .. ' ' .. ARGV[1])
"""
"""One script, so that the order of the stream is the order in which it is heard."""
POSITION = re.compile(r"([0-9]{13})-[0-9]{1,20}")
UNTOLD = 10_000
RETRY_SECONDS = 1.0


class ValkeyBus(Bus):
    """Publishing waits 50 ms at most. Whom it did not reach is told later that something was lost."""

    def __init__(self, valkey: Valkey) -> None:
        self._valkey = valkey
        self._listeners = Listeners()
        self._subscriber: Subscriber | None = None
        self._untold: dict[UUID, None] = {}
        self._has_untold = asyncio.Event()

    @property
    def is_whole(self) -> bool:
        return self._subscriber is not None and self._subscriber.is_up

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["ValkeyBus"]:
        """For as long as the block lasts. A Valkey that is away does not stop it."""
        retry = asyncio.create_task(self._tell_later())
        look = self._listeners.look_soon
        try:
            async with self._valkey.listen(on_message=self._heard, on_down=look, on_up=look) as self._subscriber:
                yield self
        finally:
            retry.cancel()
            await asyncio.wait({retry})

    async def publish(self, *events: LiveEvent) -> None:
        payloads = [(event.to, encode(event)) for event in events]
        try:
            await self._valkey.calls([_tell(to, payload) for to, payload in payloads])
        except ValkeyUnavailable:
            for to, payload in payloads:
                self._listeners.deliver(to, Delivery(payload))
            self._remember(to for to, _ in payloads)

    def _remember(self, users: Iterable[UUID]) -> None:
        """Those for whom there is no room are told by the next look at their rows."""
        for user in users:
            if len(self._untold) < UNTOLD:
                self._untold[user] = None
        self._has_untold.set()

    async def _tell_later(self) -> None:
        while await self._has_untold.wait():
            await asyncio.sleep(RETRY_SECONDS)
            some = list(islice(self._untold, KEPT))
            with suppress(ValkeyUnavailable):
                await self._valkey.calls([_tell(user, encode(EventsLost(user))) for user in some])
                for user in some:
                    self._untold.pop(user, None)
            if not self._untold:
                self._has_untold.clear()

    @asynccontextmanager
    async def subscribe(self, user: UUID, ended: Callable[[], None]) -> AsyncIterator[Subscription]:
        """Each waits for the confirmation, also the second stream of a user, whose first may still be waiting."""
        subscription = Subscription(ended)
        self._listeners.add(user, subscription)
        try:
            with suppress(ValkeyUnavailable):  # then the line comes up later, and all look at their rows
                await self._line.subscribe(_name(user))
            yield subscription
        finally:
            if self._listeners.remove(user, subscription):
                with suppress(ValkeyUnavailable):
                    await self._line.unsubscribe(_name(user))

    @property
    def _line(self) -> Subscriber:
        if self._subscriber is None:
            raise ValkeyUnavailable("not listening")
        return self._subscriber

    def end_all(self) -> None:
        self._listeners.end()

    def _heard(self, channel: str, message: bytes) -> None:
        position, _, payload = message.partition(b" ")
        self._listeners.deliver(_user(channel), Delivery(payload, position.decode()))

    async def since(self, user: UUID, position: str) -> Missed | None:
        """A position counts only while its own event is still there: then all after it are, too."""
        match = POSITION.fullmatch(position)
        if match is None:
            return None
        try:
            entries = await self._valkey.call("XRANGE", _name(user), position, "+")
        except ValkeyUnavailable:
            return None
        at = datetime.fromtimestamp(int(match[1]) / 1000, UTC)
        is_known = bool(entries) and entries[0][0].decode() == position
        is_young = (datetime.now(UTC) - at).total_seconds() < RESUME_SECONDS
        return Missed(_deliveries(entries[1:]), at) if is_known and is_young else None


def _name(user: UUID) -> str:
    return f"{{cruddur:events:{user}}}"


def _user(name: str) -> UUID:
    return UUID(name[-37:-1])


def _tell(to: UUID, payload: bytes) -> Command:
    return "EVAL", TELL, 1, _name(to), payload


def _deliveries(entries: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[Delivery]:
    return [Delivery(payload, position.decode()) for position, (_, payload) in entries]
