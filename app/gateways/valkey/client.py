"""Valkey: short commands of all callers on one connection, behind a circuit breaker."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog

from app.gateways.valkey.connection import Argument, Command, Connection, Endpoint
from app.gateways.valkey.faults import ValkeyUnavailable
from app.gateways.valkey.multiplexer import Multiplexer
from app.gateways.valkey.subscriber import Subscriber
from app.settings import ValkeySettings

log = structlog.get_logger(__name__)

CALL_SECONDS = 0.05
"""Deadline of a call, from queueing its commands to the last reply."""
BREAKER_SECONDS = 5.0
"""The circuit breaker stays open for this long after a fault; then one call probes the server (half-open)."""


class Valkey:
    """A client with one connection for commands. Every method raises nothing but ValkeyUnavailable.

    A fault opens the circuit breaker: calls fail at once for BREAKER_SECONDS. After that one call is the probe, while
    the others still fail at once; the breaker closes when a call succeeds.
    """

    def __init__(
        self, url: str, *, call_seconds: float = CALL_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._call_seconds = call_seconds
        self._clock = clock
        self._open_until: float | None = None
        self._multiplexer: Multiplexer | None = None

    async def call(self, *command: Argument) -> Any:
        """Return the reply to one command: bytes, int, None or a list of them.

        The command must not block: the calls of all other callers wait behind it.
        """
        (reply,) = await self.calls([command])
        return reply

    async def calls(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies to several commands, sent together in one pipeline, though not as a transaction.

        Raises ValkeyUnavailable after CALL_SECONDS at the latest, and at once while the circuit breaker is open.
        """
        multiplexer = self._admit()
        replies = multiplexer.submit(commands)
        await asyncio.wait({replies}, timeout=self._call_seconds)
        if not replies.done() or replies.cancelled():
            self._trip(multiplexer)
            raise ValkeyUnavailable(multiplexer.fault)
        self._open_until = None
        return replies.result()

    def _admit(self) -> Multiplexer:
        """Return the connection to use, a new one if need be; raise ValkeyUnavailable while the breaker is open."""
        if self._open_until is not None:
            if self._clock() < self._open_until:
                raise ValkeyUnavailable("the circuit breaker is open")
            self._open_until = self._clock() + BREAKER_SECONDS  # for all other calls, until this probe succeeds
        if self._multiplexer is None or self._multiplexer.is_closed:
            self._multiplexer = Multiplexer(Connection(Endpoint(self._url)))
        return self._multiplexer

    def _trip(self, multiplexer: Multiplexer) -> None:
        """Open the breaker and close the connection. A connection that is not made yet may still become ready.

        Only the first caller that meets a fault does so: for the others the connection is another one by then.
        """
        if multiplexer is not self._multiplexer:
            return
        log.warning("valkey_unavailable", cause=multiplexer.fault)
        self._open_until = self._clock() + BREAKER_SECONDS
        if multiplexer.is_connected or multiplexer.is_closed:
            multiplexer.close_soon()
            self._multiplexer = None

    @asynccontextmanager
    async def listen(
        self,
        *,
        on_message: Callable[[str, bytes], None],
        on_down: Callable[[], None] = lambda: None,
        on_up: Callable[[], None] = lambda: None,
    ) -> AsyncIterator["Subscriber"]:
        """Run a subscriber, on a connection of its own, for as long as the block lasts."""
        subscriber = Subscriber(self._url, on_message=on_message, on_down=on_down, on_up=on_up)
        task = asyncio.create_task(subscriber.run())
        try:
            yield subscriber
        finally:
            subscriber.end()
            task.cancel()
            await asyncio.wait({task})

    async def aclose(self) -> None:
        """Close the connection; later calls raise ValkeyUnavailable."""
        self._open_until = math.inf
        if self._multiplexer is not None:
            await self._multiplexer.aclose()


@asynccontextmanager
async def open_valkey(settings: ValkeySettings) -> AsyncIterator[Valkey | None]:
    """Open the client of this process, or None without VALKEY_URL. Connecting happens at the first call."""
    if settings.valkey_url is None:
        yield None
        return
    valkey = Valkey(settings.valkey_url.get_secret_value())
    try:
        yield valkey
    finally:
        await valkey.aclose()
