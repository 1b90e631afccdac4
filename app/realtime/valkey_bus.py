"""The bus of several processes: Valkey's sharded pub/sub, and for each user a hash of events to resume from.

    {cruddur:events:<user>}           the channel: "<position> <event>", published by the script that keeps the event
    {cruddur:events:<user>}:replay    by key of the events "<position> <order> <event>"; `last`: the last position;
                                      `since`: the position after which nothing was dropped

A process subscribes to the channels of the users whose streams it has, and to one of its own: while what it publishes
there does not come back, whatever the reason, its streams compare with the rows often.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from logging import INFO, WARNING
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import structlog

from app.concurrency import bugs_logged, running, wait_for_event
from app.errors import Unavailable
from app.gateways.valkey import Command, Replies, Valkey, ValkeyUnavailable
from app.messaging.events import TypingChanged
from app.realtime.bus import Bus, Subscription, Subscriptions
from app.realtime.events import EventsLost, LiveEvent, conflation_key, decode, encode, order_of, state_of
from app.realtime.replay import RESUME_SECONDS, USER_EVENTS, Delivery, Replay

if TYPE_CHECKING:
    from app.gateways.valkey.subscriber import Subscriber

PUBLISH_SCRIPT = f"""
local time = redis.call('TIME')
local last, since, older = unpack(redis.call('HMGET', KEYS[1], 'last', 'since', ARGV[1]))
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local position = string.format('%.0f', math.max(now, (tonumber(last) or 0) + 1))
if older and tonumber(string.match(older, '^%d+ (%d+) ')) > tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'last', position)
else
  local entry = position .. ' ' .. ARGV[2] .. ' ' .. ARGV[4]
  redis.call('HSET', KEYS[1], ARGV[1], entry, 'last', position, 'since', since or position)
end
if not older and redis.call('HLEN', KEYS[1]) > {USER_EVENTS + 2} then
  local all, kept = redis.call('HGETALL', KEYS[1]), {{}}
  for at = 1, #all, 2 do
    if all[at] ~= 'last' and all[at] ~= 'since' then
      kept[#kept + 1] = {{string.match(all[at + 1], '^%d+'), all[at]}}
    end
  end
  table.sort(kept, function(one, two) return one[1] < two[1] end)
  for at = 1, {USER_EVENTS // 2} do
    redis.call('HDEL', KEYS[1], kept[at][2])
    redis.call('HSET', KEYS[1], 'since', kept[at][1])
  end
end
redis.call('PEXPIRE', KEYS[1], {int(RESUME_SECONDS * 1000)})
return redis.call('SPUBLISH', ARGV[5], position .. ' ' .. ARGV[3])
"""
"""One script, so that subscribers receive events in the order of their positions. It does what ReplayBuffer does."""
POSITION = re.compile(r"[0-9]{13}")
MAX_UNNOTIFIED, NOTIFIED_AT_ONCE = 10_000, 256
RETRY_SECONDS = 1.0
ECHO_SECONDS, ECHO_INTERVAL, ECHO_RETRY = 1.5, 3.0, 1.0
"""The longest that an event of this process's own may take to come back, and the seconds between two of them, while the
bus is reliable and while it is not."""

log = structlog.get_logger(__name__)


class ValkeyBus(Bus):
    """Publishes within 50 ms. The receivers of what Valkey did not take are notified later that events were lost."""

    def __init__(self, valkey: Valkey, on_reliable: Callable[[bool], None] = lambda _: None) -> None:
        """`on_reliable` is told whether events arrive, each time that it was checked."""
        self._valkey = valkey
        self._on_reliable = on_reliable
        self._own = uuid4()
        self._echo = asyncio.Event()
        self._is_reliable = False
        self._subscriptions = Subscriptions()
        self._subscriber: Subscriber | None = None
        self._unnotified: dict[UUID, None] = {}
        self._has_unnotified = asyncio.Event()

    @property
    def is_reliable(self) -> bool:
        return self._is_reliable

    async def check(self) -> None:
        """Raise Unavailable, with the remedy, while events get lost."""
        if not self._is_reliable:
            fault = self._valkey.fault or (self._subscriber.fault if self._subscriber else None)
            raise Unavailable(f"{fault}: {fault.remedy}" if fault and fault.remedy else str(fault or "events get lost"))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["ValkeyBus"]:
        """Receive events for the block. Raises nothing while Valkey is unavailable."""
        async with (
            running(self._notify_later()),
            self._valkey.listen(
                on_message=self._on_message,
                on_lost=lambda channel: self._subscriptions.reconcile(_user_of(channel)),
                on_down=lambda: self._set_reliable(is_reliable=False),
                on_up=self._subscriptions.reconcile_soon,
            ) as self._subscriber,
            running(self._watch_echoes(self._subscriber)),
        ):
            yield self

    async def _watch_echoes(self, subscriber: "Subscriber") -> None:
        with suppress(ValkeyUnavailable):  # the subscriber subscribes when it is up
            await subscriber.subscribe(_name(self._own))
        while True:
            self._echo.clear()
            with bugs_logged(log, "echo_failed", expected=ValkeyUnavailable):
                _ = self._valkey.submit([*self._valkey.trial, _publish_command(EventsLost(self._own))])
            self._set_reliable(is_reliable=await wait_for_event(self._echo, ECHO_SECONDS))
            await asyncio.sleep(ECHO_INTERVAL if self._is_reliable else ECHO_RETRY)

    def _set_reliable(self, *, is_reliable: bool) -> None:
        """Have all streams compare with the rows when the bus begins or ends to lose events."""
        if is_reliable != self._is_reliable:
            log.log(INFO if is_reliable else WARNING, "live_events_changed", is_reliable=is_reliable)
            self._is_reliable = is_reliable
            self._subscriptions.reconcile_soon()
        self._on_reliable(is_reliable)

    async def publish(self, *events: LiveEvent) -> None:
        try:
            replies = self._valkey.submit(list(map(_publish_command, events)))
        except ValkeyUnavailable:
            self._make_up_for(events)
            return
        replies.add_done_callback(partial(self._on_published, events))
        await asyncio.wait({replies}, timeout=self._valkey.call_seconds)

    def _on_published(self, events: Sequence[LiveEvent], replies: Replies) -> None:
        if replies.cancelled():
            self._make_up_for(events)

    def _make_up_for(self, events: Sequence[LiveEvent]) -> None:
        """Deliver what Valkey did not take to the streams of this process, and notify those of others later."""
        for event in events:
            self._subscriptions.deliver(event.to, Delivery(event))
            # Typing is not made up for; streams of users for which there is no room find out by their reconciliation.
            if state_of(event) and len(self._unnotified) < MAX_UNNOTIFIED:
                self._unnotified[event.to] = None
        self._has_unnotified.set()

    async def _notify_later(self) -> None:
        while await self._has_unnotified.wait():
            await asyncio.sleep(RETRY_SECONDS)
            users = list(islice(self._unnotified, NOTIFIED_AT_ONCE))
            with bugs_logged(log, "notification_failed", expected=ValkeyUnavailable):
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

    def _require_subscriber(self) -> "Subscriber":
        if self._subscriber is None:
            raise ValkeyUnavailable("not listening")
        return self._subscriber

    def close(self, user: UUID) -> None:
        self._subscriptions.close(user)

    def close_all(self) -> None:
        self._subscriptions.close_all()

    def _on_message(self, channel: str, message: bytes) -> None:
        user = _user_of(channel)
        position, _, payload = message.partition(b" ")
        if user == self._own:
            self._echo.set()
        else:
            self._subscriptions.deliver(user, Delivery(decode(payload, to=user), position.decode() or None))

    async def replay_after(self, user: UUID, position: str) -> Replay | None:
        if not POSITION.fullmatch(position):
            return None
        try:
            flat = await self._valkey.call("HGETALL", f"{_name(user)}:replay")
        except ValkeyUnavailable:
            return None
        kept: dict[bytes, bytes] = dict(zip(flat[::2], flat[1::2], strict=True))
        last, since = kept.pop(b"last", b""), kept.pop(b"since", b"")
        at = datetime.fromtimestamp(int(position) / 1000, UTC)
        is_known = since <= position.encode() <= last
        if not is_known or (datetime.now(UTC) - at).total_seconds() >= RESUME_SECONDS:
            return None
        later = sorted(entry.split(b" ", 2) for entry in kept.values() if entry[:13] > position.encode())
        return Replay([Delivery(decode(event, to=user), there.decode()) for there, _, event in later], at)


def _name(user: UUID) -> str:
    return f"{{cruddur:events:{user}}}"


def _user_of(channel: str) -> UUID:
    return UUID(channel[-37:-1])


def _publish_command(event: LiveEvent) -> Command:
    name, state = _name(event.to), state_of(event)
    if state is None:
        return "SPUBLISH", name, b" " + encode(event)
    key, order, payload = conflation_key(state) or "", order_of(state), encode(event)
    kept = payload if state is event else encode(state)
    return "EVAL", PUBLISH_SCRIPT, 1, f"{name}:replay", key, order, payload, kept, name


NO_USER: Final = UUID(int=0)
TRIAL_CHANNEL: Final = _name(NO_USER)
TRIAL: Final[Sequence[Command]] = (
    _publish_command(EventsLost(NO_USER)),
    _publish_command(TypingChanged(NO_USER, NO_USER, NO_USER, is_typing=True)),
    ("HGETALL", f"{_name(NO_USER)}:replay"),
)
"""One of each command that the bus sends, beside those of its subscriber."""
