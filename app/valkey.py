"""The Valkey gateway: short commands that wait for nobody, and a line that listens. All of it may fail at any time.

Only this file knows the redis package, and imports it when VALKEY_URL is set: it takes 5 MB and 0.1 s. Commands go to
one server, the primary, not to the nodes of a cluster.
"""

import asyncio
import math
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from app.jitter import jitter
from app.settings import ValkeySettings

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

log = structlog.get_logger(__name__)

CALL_SECONDS = 0.05
"""How long a request waits for Valkey, all in all."""
REST_SECONDS = 5.0
"""How long Valkey is left alone after a fault; then one call tries whether it is back."""
CONNECT_SECONDS = 1.0
CONFIRM_SECONDS = 1.0
PING_SECONDS = 1.5
SILENCE_SECONDS = 4.0
"""A listening line from which nothing came for so long, though it was asked to answer, is dead."""
BACKOFF = (0.1, 0.2, 0.4, 0.8, 1.6, 3.0)
"""Most seconds between the tries of a listening line to connect, with full jitter."""

Argument = str | bytes | int
Command = Sequence[Argument]


class ValkeyAway(Exception):
    """Valkey did not do it, or not in time. Whether a command was carried out is unknown; go on without it."""


class _Wire:
    """A connection of the redis package: whatever goes wrong on it is ValkeyAway."""

    def __init__(self, url: str) -> None:
        from redis.asyncio.connection import Connection, parse_url  # noqa: PLC0415  # its 5 MB are for those who use it

        options: dict[str, Any] = {**parse_url(re.sub("^valkey", "redis", url))}
        connection_class = options.pop("connection_class", Connection)
        self._connection: AbstractConnection = connection_class(
            **options,
            protocol=2,
            client_name="cruddur-messages",
            driver_info=None,
            socket_timeout=None,
            socket_connect_timeout=CONNECT_SECONDS,
        )

    async def connect(self) -> None:
        with _faults():
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._connection.connect()  # type: ignore[no-untyped-call]  # their one method without types

    async def send(self, commands: Sequence[Command]) -> None:
        with _faults():
            await self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)

    async def read(self) -> Any:
        """The next answer, for however long that takes. An error that Valkey answers is ValkeyAway too."""
        with _faults():
            return await self._connection.read_response(timeout=math.inf)

    async def close(self) -> None:
        with _faults():
            await self._connection.disconnect(nowait=True)


@contextmanager
def _faults() -> Iterator[None]:
    from redis.exceptions import RedisError  # noqa: PLC0415  # as above

    try:
        yield
    except (RedisError, OSError, TimeoutError) as error:
        raise ValkeyAway(type(error).__name__) from error


@dataclass(slots=True)
class _Call:
    """Commands of one caller. The answers are cancelled when the line has failed."""

    commands: Sequence[Command]
    answers: "asyncio.Future[list[Any]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class _Line:
    """A connection whose task sends what callers have gathered and reads the answers.

    Callers never touch the connection, so one who goes away leaves it as it is.
    """

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        self._gathered: list[_Call] = []
        self._sent: list[_Call] = []
        self._is_asked = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(_take_notice)
        self.is_connected = False

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    @property
    def fault(self) -> str:
        """What ended it; it may also hang."""
        error = self._task.exception() if self._task.done() and not self._task.cancelled() else None
        return str(error or "no answer in time")

    def ask(self, commands: Sequence[Command]) -> "asyncio.Future[list[Any]]":
        call = _Call(commands)
        self._gathered.append(call)
        self._is_asked.set()
        return call.answers

    def drop(self) -> None:
        self._task.cancel()

    async def aclose(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _run(self) -> None:
        try:
            await self._wire.connect()
            self.is_connected = True
            while await self._is_asked.wait():
                await self._exchange()
        finally:
            for call in (*self._sent, *self._gathered):
                call.answers.cancel()
            await self._wire.close()

    async def _exchange(self) -> None:
        self._is_asked.clear()
        self._sent, self._gathered = self._gathered, []
        await self._wire.send([command for call in self._sent for command in call.commands])
        for call in self._sent:
            answers = [await self._wire.read() for _ in call.commands]
            if not call.answers.done():
                call.answers.set_result(answers)
        self._sent = []


class Valkey:
    """One connection for commands. After a fault all calls fail at once for a while, then one of them tries again."""

    def __init__(
        self, url: str, *, call_seconds: float = CALL_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._call_seconds = call_seconds
        self._clock = clock
        self._rests_until: float | None = None
        self._line: _Line | None = None

    async def call(self, *command: Argument) -> Any:
        """One command's answer: bytes, int, None or a list of them. None that blocks: others wait behind it."""
        (answer,) = await self.calls([command])
        return answer

    async def calls(self, commands: Sequence[Command]) -> list[Any]:
        """The answers of several commands that go together, though not as a transaction."""
        line = self._open_line()
        answers = line.ask(commands)
        await asyncio.wait({answers}, timeout=self._call_seconds)
        if not answers.done() or answers.cancelled():
            self._leave_alone(line)
            raise ValkeyAway(line.fault)
        self._rests_until = None
        return answers.result()

    def _open_line(self) -> _Line:
        if self._rests_until is not None:
            if self._clock() < self._rests_until:
                raise ValkeyAway("left alone")
            self._rests_until = self._clock() + REST_SECONDS  # for all others, until this call has succeeded
        if self._line is None or self._line.has_ended:
            self._line = _Line(_Wire(self._url))
        return self._line

    def _leave_alone(self, line: _Line) -> None:
        """The first caller who meets a fault says so. A line that is still being made may get ready meanwhile."""
        if line is not self._line:
            return
        log.warning("valkey_away", cause=line.fault)
        self._rests_until = self._clock() + REST_SECONDS
        if line.is_connected or line.has_ended:
            line.drop()
            self._line = None

    @asynccontextmanager
    async def listen(
        self,
        *,
        on_message: Callable[[str, bytes], None],
        on_down: Callable[[], None] = lambda: None,
        on_up: Callable[[], None] = lambda: None,
    ) -> AsyncIterator["Subscriber"]:
        """Listen on a connection of its own, for as long as the block lasts."""
        subscriber = Subscriber(self._url, on_message=on_message, on_down=on_down, on_up=on_up)
        task = asyncio.create_task(subscriber.run())
        try:
            yield subscriber
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def aclose(self) -> None:
        self._rests_until = math.inf
        if self._line is not None:
            await self._line.aclose()


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
        """Until it is cancelled."""
        failures = 0
        while True:
            was_up = await self._serve(_Wire(self._url))
            failures = 0 if was_up else failures + 1
            await asyncio.sleep(jitter(BACKOFF[min(failures, len(BACKOFF) - 1)]))

    async def _serve(self, wire: _Wire) -> bool:
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

    async def _read(self, wire: _Wire) -> None:
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

    async def _write(self, wire: _Wire) -> None:
        """Send orders as they come and pings while there are none."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_orders.wait(), PING_SECONDS)
            if time.monotonic() - self._heard_at > SILENCE_SECONDS:
                raise ValkeyAway("silent")
            self._has_orders.clear()
            orders, self._orders = self._orders or [("PING",)], []
            await wire.send(orders)


@asynccontextmanager
async def open_valkey(settings: ValkeySettings) -> AsyncIterator[Valkey | None]:
    """None without VALKEY_URL. A Valkey that is down does not stop the start."""
    if settings.valkey_url is None:
        yield None
        return
    valkey = Valkey(settings.valkey_url.get_secret_value())
    try:
        yield valkey
    finally:
        await valkey.aclose()


def _take_notice(task: asyncio.Task[None]) -> None:
    """Its end was met by whoever waited for an answer."""
    if not task.cancelled():
        task.exception()
