"""The line that listens to what is published."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog

from app.concurrency import full_jitter
from app.gateways.valkey.wire import Command, ValkeyAway, Wire

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 1.0
PING_SECONDS = 1.5
SILENCE_SECONDS = 4.0
"""A listening line from which nothing came for so long, though it was asked to answer, is dead."""
BACKOFF = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0)
"""Most seconds between the tries of a listening line to connect, with full jitter."""


class Subscriber:
    """Hears what is published on sharded channels, in order, and makes its connection anew whenever that fails.

    It starts down. `on_up` is called when all wanted channels are confirmed, `on_down` when the line was lost after
    that: what was published in between never comes, so whoever listens reads it from elsewhere after `on_up`. Callbacks
    are quick; one that raises costs the connection.
    """

    def __init__(
        self,
        url: str,
        *,
        on_message: Callable[[str, bytes], None],
        on_down: Callable[[], None],
        on_up: Callable[[], None],
    ) -> None:
        self._url = url
        self._on_message = on_message
        self._on_down = on_down
        self._on_up = on_up
        self._channels: dict[str, None] = {}
        self._orders: list[Command] = []
        self._unconfirmed: deque[tuple[bytes, bytes, asyncio.Future[None]]] = deque()
        self._has_orders = asyncio.Event()
        self._heard_at = 0.0
        self._is_connected = False
        self._is_ending = False
        self.is_up = False

    async def subscribe(self, channel: str) -> None:
        """Returns when Valkey has confirmed. After ValkeyAway the channel is subscribed with the next `on_up`."""
        self._channels[channel] = None
        await self._confirmed("SSUBSCRIBE", channel)

    async def unsubscribe(self, channel: str) -> None:
        """Returns when Valkey has confirmed. After ValkeyAway the channel may be heard until the line is made anew."""
        self._channels.pop(channel, None)
        await self._confirmed("SUNSUBSCRIBE", channel)

    async def _confirmed(self, order: str, channel: str) -> None:
        if not self._is_connected:
            raise ValkeyAway("not connected")
        confirmation = self._give(order, channel)
        await asyncio.wait({confirmation}, timeout=CONFIRM_SECONDS)
        if not confirmation.done() or confirmation.cancelled():
            raise ValkeyAway("not confirmed")

    def _give(self, order: str, channel: str) -> "asyncio.Future[None]":
        """Confirmations come in the order of the orders."""
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unconfirmed.append((order.lower().encode(), channel.encode(), confirmation))
        self._orders.append((order, channel))
        self._has_orders.set()
        return confirmation

    async def run(self) -> None:
        """Make and serve one connection after the other, until `end` is called and this task is cancelled."""
        failures = 0
        while True:
            was_up = await self._serve(Wire(self._url))
            if self._is_ending:
                break
            failures = 0 if was_up else failures + 1
            await asyncio.sleep(full_jitter(BACKOFF[min(failures, len(BACKOFF) - 1)]))

    def end(self) -> None:
        """Let `run` end at its cancellation, which a TaskGroup forgets if a connection fails in the same moment."""
        self._is_ending = True

    async def _serve(self, wire: Wire) -> bool:
        """One connection, from being made to its end. True if it got as far as being up."""
        try:
            await wire.connect()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(wire))
                group.create_task(self._write(wire))
                await self._resume()
        except* ValkeyAway as away:
            log.warning("valkey_not_heard", was_up=self.is_up, cause=str(away.exceptions[0]))
        except* Exception:
            log.exception("valkey_listener_failed")
        finally:
            was_up = self._go_down()
            await wire.close()
        return was_up

    async def _resume(self) -> None:
        """Subscribe to what is wanted. A confirmation that does not come is noticed as silence."""
        self._heard_at = time.monotonic()
        self._is_connected = True
        if wanted := [self._give("SSUBSCRIBE", channel) for channel in self._channels]:
            await asyncio.wait(wanted)
        self.is_up = True
        self._on_up()

    def _go_down(self) -> bool:
        was_up, self.is_up, self._is_connected = self.is_up, False, False
        for _, _, confirmation in self._unconfirmed:
            confirmation.cancel()
        self._unconfirmed.clear()
        self._orders.clear()
        if was_up:
            self._on_down()
        return was_up

    async def _read(self, wire: Wire) -> None:
        while True:
            answer = await wire.read()
            self._heard_at = time.monotonic()
            match answer:
                case [b"smessage", channel, payload]:
                    self._on_message(channel.decode(), payload)
                case [b"ssubscribe" | b"sunsubscribe" as order, channel, _]:
                    self._confirm(order, channel)

    def _confirm(self, order: bytes, channel: bytes) -> None:
        if not self._unconfirmed or self._unconfirmed[0][:2] != (order, channel):
            raise ValkeyAway("a channel was moved or ended")
        _, _, confirmation = self._unconfirmed.popleft()
        if not confirmation.done():
            confirmation.set_result(None)

    async def _write(self, wire: Wire) -> None:
        """Send orders as they come and pings while there are none."""
        while True:
            with suppress(TimeoutError):  # not wait_for: until Python 3.12 it forgets a cancellation, too
                async with asyncio.timeout(PING_SECONDS):
                    await self._has_orders.wait()
            if time.monotonic() - self._heard_at > SILENCE_SECONDS:
                raise ValkeyAway("silent")
            self._has_orders.clear()
            orders, self._orders = self._orders or [("PING",)], []
            await wire.send(orders)
