"""Short commands that wait for nobody."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog

from app.gateways.valkey.subscriber import Subscriber
from app.gateways.valkey.wire import Argument, Command, ValkeyAway, Wire
from app.settings import ValkeySettings

log = structlog.get_logger(__name__)

CALL_SECONDS = 0.05
"""How long a request waits for Valkey, all in all."""
REST_SECONDS = 5.0
"""How long Valkey is left alone after a fault; then one call tries whether it is back."""


@dataclass(slots=True)
class _Call:
    """Commands of one caller. The answers are cancelled when the line has failed."""

    commands: Sequence[Command]
    answers: "asyncio.Future[list[Any]]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class _Line:
    """A connection whose task sends what callers have gathered and reads the answers.

    Callers never touch the connection, so one who goes away leaves it as it is.
    """

    def __init__(self, wire: Wire) -> None:
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
            self._line = _Line(Wire(self._url))
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
            subscriber.end()
            task.cancel()
            await asyncio.wait({task})

    async def aclose(self) -> None:
        self._rests_until = math.inf
        if self._line is not None:
            await self._line.aclose()


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
