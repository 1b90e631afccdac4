"""Feed: sharded pub/sub on one connection, with a confirmation for each subscription."""

import asyncio
import time
from collections import deque
from collections.abc import Callable

from app.concurrency import wait_for_event
from app.gateways.valkey.connection import Connection, Redirection
from app.gateways.valkey.endpoint import Command
from app.gateways.valkey.faults import ValkeyUnavailable

PING_INTERVAL = 1.5
"""Seconds between the pings of an idle connection."""
IDLE_TIMEOUT = 4.0
"""Seconds without any reply, pings included, after which the connection is dead."""


class Feed:
    """The subscriptions on one connection. Callbacks must return quickly; an exception of theirs ends the feed."""

    def __init__(
        self, connection: Connection, *, on_message: Callable[[str, bytes], None], on_moved: Callable[[str], None]
    ) -> None:
        """`connection` is connected. `on_moved` is told a channel that the server does not, or no longer, serve."""
        self._connection = connection
        self._on_message = on_message
        self._on_moved = on_moved
        self._queued: list[Command] = []
        self._unconfirmed: deque[tuple[bytes, bytes, asyncio.Future[None]]] = deque()
        self._has_queued = asyncio.Event()
        self._received_at = time.monotonic()

    def change(self, command: str, channel: str) -> "asyncio.Future[None]":
        """Queue SSUBSCRIBE or SUNSUBSCRIBE; return the future of its confirmation, cancelled when the feed ends.

        Confirmations come in the order of commands.
        """
        confirmation: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unconfirmed.append((command.lower().encode(), channel.encode(), confirmation))
        self._queued.append((command, channel))
        self._has_queued.set()
        return confirmation

    async def run(self) -> None:
        """Send and receive until the connection fails. Raises ValkeyUnavailable, in an ExceptionGroup."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._read())
                group.create_task(self._write())
        finally:
            for _, _, confirmation in self._unconfirmed:
                confirmation.cancel()

    async def _read(self) -> None:
        while True:
            reply = await self._connection.read()
            self._received_at = time.monotonic()
            match reply:
                case [b"smessage", channel, payload]:
                    self._on_message(channel.decode(), payload)
                case [b"ssubscribe" | b"sunsubscribe" as command, channel, _]:
                    self._confirm(command, channel)
                case Redirection():  # in place of a confirmation, from a server that does not have the channel's slot
                    _, moved, confirmation = self._unconfirmed.popleft()
                    confirmation.cancel()
                    self._on_moved(moved.decode())

    def _confirm(self, command: bytes, channel: bytes) -> None:
        if self._unconfirmed and self._unconfirmed[0][:2] == (command, channel):
            _, _, confirmation = self._unconfirmed.popleft()
            if not confirmation.done():
                confirmation.set_result(None)
        elif command == b"sunsubscribe":
            self._on_moved(channel.decode())
        else:
            raise ValkeyUnavailable("a confirmation that was not asked for")

    async def _write(self) -> None:
        """Send queued commands, and pings while there are none; raise ValkeyUnavailable after IDLE_TIMEOUT."""
        while True:
            await wait_for_event(self._has_queued, PING_INTERVAL)
            if time.monotonic() - self._received_at > IDLE_TIMEOUT:
                raise ValkeyUnavailable(f"no reply for {IDLE_TIMEOUT:.0f} s")
            self._has_queued.clear()
            commands, self._queued = self._queued or [("PING",)], []
            await self._connection.send(commands)
