"""Valkey: short commands of all callers on one connection to each server, behind a circuit breaker."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from app.concurrency import running
from app.gateways.valkey.endpoint import Argument, Command, Endpoint, Replies
from app.gateways.valkey.faults import ValkeyUnavailable
from app.settings import ValkeySettings

if TYPE_CHECKING:
    from app.gateways.valkey.router import Router
    from app.gateways.valkey.subscriber import Subscriber

log = structlog.get_logger(__name__)

CALL_SECONDS = 0.05
"""Deadline of a call, from queueing its commands to the last reply."""
BREAKER_SECONDS = 5.0
"""The circuit breaker stays open for this long after a fault; then the next call connects anew."""

Count: TypeAlias = Callable[[str], None]
"""Counts calls by their result: ok, late, failed, or skipped while the circuit breaker is open."""


class Valkey:
    """A client with one connection for commands to each server. Every method raises nothing but ValkeyUnavailable.

    A fault, or a command that is refused, opens the circuit breaker: calls fail at once for BREAKER_SECONDS. The next
    call connects anew, and calls are served when the trial has passed: one of each command that the service needs.
    """

    def __init__(
        self,
        url: str | Endpoint,
        trial: Sequence[Command] = (),
        *,
        count: Count = lambda _: None,
        call_seconds: float = CALL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = url if isinstance(url, Endpoint) else Endpoint(url)
        self.trial = trial
        self._count = count
        self.call_seconds = call_seconds
        self._clock = clock
        self._open_until = -math.inf
        self._router: Router | None = None
        self.fault: ValkeyUnavailable | None = None
        """The fault that opened the circuit breaker; None while calls succeed."""

    async def call(self, *command: Argument) -> Any:
        """Return the reply to one command: bytes, int, None or a list of them.

        The command must not block: the calls of all other callers wait behind it.
        """
        (reply,) = await self.calls([command])
        return reply

    async def calls(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies to several commands, sent together in one pipeline, though not as a transaction.

        Raises ValkeyUnavailable after CALL_SECONDS at the latest, and at once while the circuit breaker is open, or
        while a server is late with earlier replies.
        """
        router = self._admit()
        if router.seconds_waiting > self.call_seconds:
            self._count("late")
            raise ValkeyUnavailable("earlier replies are late")
        replies = self._submit(router, commands)
        await asyncio.wait({replies}, timeout=self.call_seconds)
        if not replies.done():
            self._count("late")
            raise ValkeyUnavailable("no reply in time")
        return result_of(replies)

    def submit(self, commands: Sequence[Command]) -> Replies:
        """Send the commands however late the servers are; return the future of the replies, cancelled at a fault.

        It is done within two seconds or so. Raises ValkeyUnavailable while the circuit breaker is open.
        """
        return self._submit(self._admit(), commands)

    def _admit(self) -> "Router":
        """Return the connections to use, new ones if need be; raise ValkeyUnavailable while the breaker is open."""
        if self._clock() < self._open_until:
            self._count("skipped")
            raise ValkeyUnavailable("the circuit breaker is open")
        if self._router is None:
            from app.gateways.valkey.router import Router  # noqa: PLC0415  # with the redis package: 5 MB

            self._router = Router(self._endpoint, self.trial, on_open=self._on_open, on_fault=self._trip)
        return self._router

    def _submit(self, router: "Router", commands: Sequence[Command]) -> Replies:
        replies = router.submit(commands)
        replies.add_done_callback(lambda done: self._count("failed" if done.cancelled() else "ok"))
        return replies

    def _on_open(self) -> None:
        if self.fault:
            log.info("valkey_available")
        self.fault = None

    def _trip(self, fault: ValkeyUnavailable) -> None:
        """Open the breaker and close the connections. A fault is logged when it is another than that of before."""
        if str(fault) != str(self.fault):
            log.warning("valkey_unavailable", cause=str(fault), remedy=fault.remedy)
        self.fault = fault
        self._open_until = self._clock() + BREAKER_SECONDS
        if self._router:
            self._router.close_soon()
            self._router = None

    @asynccontextmanager
    async def listen(
        self,
        *,
        on_message: Callable[[str, bytes], None],
        on_lost: Callable[[str], None] = lambda _: None,
        on_down: Callable[[], None] = lambda: None,
        on_up: Callable[[], None] = lambda: None,
    ) -> AsyncIterator["Subscriber"]:
        """Run a subscriber, on connections of its own, for as long as the block lasts."""
        from app.gateways.valkey.subscriber import Subscriber  # noqa: PLC0415  # with the redis package: 5 MB

        subscriber = Subscriber(self._endpoint, on_message=on_message, on_lost=on_lost, on_down=on_down, on_up=on_up)
        async with running(subscriber.run()):
            try:
                yield subscriber
            finally:
                subscriber.end()

    async def aclose(self) -> None:
        """Close the connections; later calls raise ValkeyUnavailable."""
        self._open_until = math.inf
        if self._router is not None:
            await self._router.aclose()


def result_of(replies: Replies) -> list[Any]:
    """Return the replies of a future that is done; raise ValkeyUnavailable if it was cancelled by a fault."""
    if replies.cancelled():
        raise ValkeyUnavailable("the connection failed")
    return replies.result()


@asynccontextmanager
async def open_valkey(
    settings: ValkeySettings, trial: Sequence[Command] = (), count: Count = lambda _: None
) -> AsyncIterator[Valkey | None]:
    """Open the client of this process, or None without VALKEY_URL. Connecting happens at the first call."""
    if settings.valkey_url is None:
        yield None
        return
    endpoint = Endpoint(settings.valkey_url.get_secret_value(), settings.valkey_password_file)
    valkey = Valkey(endpoint, trial, count=count)
    try:
        yield valkey
    finally:
        await valkey.aclose()
