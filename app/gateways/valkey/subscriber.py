"""Subscriber: sharded pub/sub on a connection of its own, with reconnecting and resubscribing."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog

from app.concurrency import VALKEY_CONNECT
from app.gateways.valkey.connection import Command, Connection, Endpoint
from app.gateways.valkey.faults import ValkeyUnavailable

log = structlog.get_logger(__name__)

CONFIRM_SECONDS = 1.0
"""Longest wait for the confirmation of a subscription."""
PING_INTERVAL = 1.5
"""Seconds between the pings of an idle connection."""
IDLE_TIMEOUT = 4.0
"""Seconds without any reply, pings included, after which the connection is dead."""


class Subscriber:
    """Receives the messages of sharded channels, in order, and reconnects whenever its connection fails.

    It starts down. `on_up` is called when all wanted channels are confirmed, `on_down` when the connection was lost
    after that: messages published in between are lost, so their owner reads its state elsewhere after `on_up`.
    Callbacks must return quickly; an exception of theirs costs the connection.
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
        self._queued: list[Command] = []
        self._unconfirmed: deque[tuple[bytes, bytes, asyncio.Future[None]]] = deque()
        self._has_queued = asyncio.Event()
        self._received_at = 0.0
        self._is_connected = False
        self._is_ending = False
        self.is_up = False

    async def subscribe(self, channel: str) -> None:
        """Subscribe to the channel and return when Valkey has confirmed.

        Raises ValkeyUnavailable; the channel is then subscribed before the next `on_up`.
        """
        self._channels[channel] = None
        await self._change("SSUBSCRIBE", channel)

    async def unsubscribe(self, channel: str) -> None:
        """Unsubscribe from the channel and return when Valkey has confirmed.

        Raises ValkeyUnavailable; messages of the channel may then come until the next connection.
        """
        self._channels.pop(channel, None)
        await self._change("SUNSUBSCRIBE", channel)

    async def _change(self, command: str, channel: str) -> None:
        if not self._is_connected:
            raise ValkeyUnavailable("the subscriber is not connected")
        confirmation = self._queue(command, channel)
        await asyncio.wait({confirmation}, timeout=CONFIRM_SECONDS)
        if not confirmation.done() or confirmation.cancelled():
            raise ValkeyUnavailable(f"{command} was not confirmed")

    def _queue(self, command: str, channel: str) -> "asyncio.Future[None]":
        """Queue the command; return the future of its confirmation. Confirmations come in the order of commands."""
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unconfirmed.append((command.lower().encode(), channel.encode(), confirmation))
        self._queued.append((command, channel))
        self._has_queued.set()
        return confirmation

    async def run(self) -> None:
        """Connect, receive and reconnect until `end` is called and this task cancelled. Never raises for a fault."""
        failures = 0
        while True:
            was_up = await self._serve(Connection(Endpoint(self._url)))
            if self._is_ending:
                break
            failures = 0 if was_up else failures + 1
            await asyncio.sleep(VALKEY_CONNECT.seconds(failures))

    def end(self) -> None:
        """Let `run` end at its cancellation, which a TaskGroup forgets if a connection fails in the same moment."""
        self._is_ending = True

    async def _serve(self, connection: Connection) -> bool:
        """Use one connection from connecting to its end; return whether it was up."""
        try:
            await connection.connect()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read(connection))
                group.create_task(self._write(connection))
                await self._resubscribe()
        except* ValkeyUnavailable as fault:
            log.warning("valkey_subscriber_disconnected", was_up=self.is_up, cause=str(fault.exceptions[0]))
        except* Exception:
            log.exception("valkey_subscriber_failed")
        finally:
            was_up = self._go_down()
            await connection.close()
        return was_up

    async def _resubscribe(self) -> None:
        """Subscribe to all wanted channels, then go up. A missing confirmation ends in the idle timeout."""
        self._received_at = time.monotonic()
        self._is_connected = True
        if confirmations := [self._queue("SSUBSCRIBE", channel) for channel in self._channels]:
            await asyncio.wait(confirmations)
        self.is_up = True
        self._on_up()

    def _go_down(self) -> bool:
        was_up, self.is_up, self._is_connected = self.is_up, False, False
        for _, _, confirmation in self._unconfirmed:
            confirmation.cancel()
        self._unconfirmed.clear()
        self._queued.clear()
        if was_up:
            self._on_down()
        return was_up

    async def _read(self, connection: Connection) -> None:
        while True:
            reply = await connection.read()
            self._received_at = time.monotonic()
            match reply:
                case [b"smessage", channel, payload]:
                    self._on_message(channel.decode(), payload)
                case [b"ssubscribe" | b"sunsubscribe" as command, channel, _]:
                    self._confirm(command, channel)

    def _confirm(self, command: bytes, channel: bytes) -> None:
        if not self._unconfirmed or self._unconfirmed[0][:2] != (command, channel):
            raise ValkeyUnavailable("the server moved or ended a channel")
        _, _, confirmation = self._unconfirmed.popleft()
        if not confirmation.done():
            confirmation.set_result(None)

    async def _write(self, connection: Connection) -> None:
        """Send queued commands, and pings while there are none; raise ValkeyUnavailable after IDLE_TIMEOUT."""
        while True:
            with suppress(TimeoutError):  # not wait_for: until Python 3.12 it forgets a cancellation, too
                async with asyncio.timeout(PING_INTERVAL):
                    await self._has_queued.wait()
            if time.monotonic() - self._received_at > IDLE_TIMEOUT:
                raise ValkeyUnavailable(f"no reply for {IDLE_TIMEOUT:.0f} s")
            self._has_queued.clear()
            commands, self._queued = self._queued or [("PING",)], []
            await connection.send(commands)
