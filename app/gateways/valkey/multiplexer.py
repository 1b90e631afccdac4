"""Multiplexer: one connection for the commands of all callers, sent in pipelines."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.gateways.valkey.connection import Connection
from app.gateways.valkey.endpoint import Command
from app.gateways.valkey.faults import ValkeyUnavailable

HANG_SECONDS: Final = 1.0
"""The longest wait for the replies to what was sent at once; then the connection is dead."""


@dataclass(slots=True)
class _Call:
    """The commands of one caller. The future of their replies is cancelled when the connection fails."""

    commands: Sequence[Command]
    replies: "asyncio.Future[list[Any]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Multiplexer:
    """A connection whose task sends the queued calls in one write, reads their replies, and sends what came meanwhile.

    Callers never touch the connection, so a cancelled caller leaves it intact.
    """

    def __init__(self, connection: Connection, on_fault: Callable[[ValkeyUnavailable], None]) -> None:
        """`connection` is connected. `on_fault` is called when it has failed and is closed."""
        self._connection = connection
        self._on_fault = on_fault
        self._queued: list[_Call] = []
        self._in_flight: list[_Call] = []
        self._has_queued = asyncio.Event()
        self._sent_at: float | None = None
        self._is_closed = False
        self._task = asyncio.create_task(self._run())

    @property
    def seconds_waiting(self) -> float:
        """Return for how long the replies to what was sent last are missing; 0 if none are."""
        return 0.0 if self._sent_at is None else time.monotonic() - self._sent_at

    def submit(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        """Queue the commands; return the future of their replies, which is cancelled when the connection fails."""
        call = _Call(commands)
        if self._is_closed:
            call.replies.cancel()
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
        await self._connection.aclose()  # also if the task had not begun

    async def _run(self) -> None:
        found: ValkeyUnavailable | None = None
        try:
            while await self._has_queued.wait():
                await self._flush()
        except ValkeyUnavailable as fault:
            found = fault
        finally:
            self._is_closed = True
            for call in (*self._in_flight, *self._queued):
                call.replies.cancel()
            await self._connection.aclose()
        if found is not None:
            self._on_fault(found)

    async def _flush(self) -> None:
        """Send the queued calls and read their replies."""
        self._has_queued.clear()
        self._in_flight, self._queued, self._sent_at = self._queued, [], time.monotonic()
        try:
            async with asyncio.timeout(HANG_SECONDS):
                await self._connection.send([command for call in self._in_flight for command in call.commands])
                for call in self._in_flight:
                    replies = [await self._connection.read() for _ in call.commands]
                    if not call.replies.done():
                        call.replies.set_result(replies)
        except TimeoutError:
            raise ValkeyUnavailable(f"no reply for {HANG_SECONDS:.0f} s") from None
        self._in_flight, self._sent_at = [], None
