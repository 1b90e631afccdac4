"""Background tasks: what outlives the request that began it, and what runs beside a block."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, suppress
from typing import Any, TypeVar

import structlog

from app.concurrency.deadlines import TOO_SLOW, time_left
from app.errors import AppError, Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def wait(tasks: Collection["asyncio.Task[Any]"], seconds: float) -> None:
    """Wait for tasks, at most this long. Neither that nor a cancelled caller cancels any of them.

    asyncio.wait returns which of them are done, for twice the CPU.
    """
    left = len(tasks)
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def end() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def on_done(_: object) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            end()

    timer = loop.call_later(seconds, end)
    for task in tasks:
        task.add_done_callback(on_done)
    try:
        await waiter
    finally:
        timer.cancel()
        for task in tasks:
            task.remove_done_callback(on_done)


async def wait_for_event(event: asyncio.Event, seconds: float) -> bool:
    """Wait until an event is set, at most this long; return whether it is.

    Until Python 3.12 asyncio.wait_for forgets a cancellation that comes at the same time as the event.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


@contextmanager
def bugs_logged(logger: Any, event: str, *, expected: type[Exception]) -> Iterator[None]:
    """Let work that is repeated go on after the block, whatever that raises.

    An error that is `expected` was logged by a gateway. Any other one is a bug, and logged as this event.
    """
    try:
        yield
    except expected:
        pass
    except Exception:
        logger.exception(event)


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the work beside the block, and cancel it at the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def repeating(
    work: Callable[[], Awaitable[object]], *, every: float, guard: Callable[[], AbstractContextManager[object]]
) -> AsyncIterator[None]:
    """Do the work beside the block, again and again after so many seconds, each time in a guard for what it raises."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(every)
            with guard():
                await work()

    async with running(repeat()):
        yield


class TaskSet:
    """The tasks of a process that outlive their callers, with one drain at shutdown.

    The exception of a task reaches the callers that await it. One that is no AppError is a bug, and logged as
    well, as no caller may be waiting any more.
    """

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()
        self._draining = asyncio.Event()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run the work in a task of its own, which no cancelled caller cancels."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._discard)
        return task

    async def complete(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """Return the result of work that goes on after this many seconds, and after its caller. Raises Unavailable."""
        task = self.start(work)
        await wait([task], time_left(seconds))
        if not task.done():
            raise Unavailable(TOO_SLOW)
        return task.result()

    def _discard(self, task: "asyncio.Task[Any]") -> None:
        self._running.discard(task)
        error = None if task.cancelled() else task.exception()
        if error and not isinstance(error, AppError):
            log.error("background_task_failed", exc_info=error)

    async def sleep(self, seconds: float) -> None:
        """Wait, or return at once while draining."""
        await wait_for_event(self._draining, seconds)

    async def drain(self, seconds: float) -> None:
        """Wait this long for the running tasks, and for those that they start; then cancel the rest."""
        self._draining.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._running:
                    await asyncio.wait(self._running)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
