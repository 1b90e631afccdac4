"""Multiplexer: one connection for the commands of all callers, sent in pipelines."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.gateways.valkey.connection import Command, Connection
from app.gateways.valkey.faults import ValkeyUnavailable


@dataclass(slots=True)
class _Call:
    """The commands of one caller. The future of their replies is cancelled when the connection fails."""

    commands: Sequence[Command]
    replies: "asyncio.Future[list[Any]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Multiplexer:
    """A connection whose task sends the queued calls in one write, reads their replies, and sends what came meanwhile.

    Callers never touch the connection, so a cancelled caller leaves it intact.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._queued: list[_Call] = []
        self._in_flight: list[_Call] = []
        self._has_queued = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self.is_connected = False
        self.fault = "no reply in time"
        """Why calls fail, for a log line: what closed the connection, or else that replies are late."""

    @property
    def is_closed(self) -> bool:
        """Return whether the connection has failed or was closed."""
        return self._task.done()

    def submit(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        """Queue the commands; return the future of their replies, which is cancelled when the connection fails."""
        call = _Call(commands)
        self._queued.append(call)
        self._has_queued.set()
        return call.replies

    def close_soon(self) -> None:
        """Close the connection without waiting; the replies of all calls are cancelled."""
        self._task.cancel()

    async def aclose(self) -> None:
        """Close the connection and wait until it is closed."""
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            await self._connection.connect()
            self.is_connected = True
            while await self._has_queued.wait():
                await self._flush()
        except ValkeyUnavailable as fault:
            self.fault = str(fault)
        finally:
            for call in (*self._in_flight, *self._queued):
                call.replies.cancel()
            await self._connection.close()

    async def _flush(self) -> None:
        """Send the queued calls and read their replies."""
        self._has_queued.clear()
        self._in_flight, self._queued = self._queued, []
        await self._connection.send([command for call in self._in_flight for command in call.commands])
        for call in self._in_flight:
            replies = [await self._connection.read() for _ in call.commands]
            if not call.replies.done():
                call.replies.set_result(replies)
        self._in_flight = []
