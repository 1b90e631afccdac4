"""Deadlines: how long a request waits for anything; what it has waited before its work counts."""

import asyncio
from contextvars import ContextVar
from types import TracebackType

from app.errors import Unavailable

READ_SECONDS = 2.0
"""Deadline of the reads of a request."""
SEND_SECONDS = 4.0
"""Deadline of a send, from the caller's point of view; the send itself may go on for as long again."""

TOO_SLOW = "The services this request needs were too slow"

_waited: ContextVar[float] = ContextVar("waited", default=0.0)


def count_wait(seconds: float) -> None:
    """Count what this request has waited before its work towards each of its deadlines."""
    _waited.set(seconds)


def time_left(seconds: float) -> float:
    """Return what the wait before the work has left of a deadline."""
    return seconds - _waited.get()


class deadline:  # noqa: N801  # a block begins with it, as with contextlib.suppress
    """Cancel the block after this many seconds and raise Unavailable in its place. A wait before the work counts.

    A class takes half the CPU of a generator, and every request has a deadline or two.
    """

    __slots__ = ("_timeout",)

    def __init__(self, seconds: float) -> None:
        self._timeout = asyncio.timeout(time_left(seconds))

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, traceback)
        except TimeoutError as late:
            raise Unavailable(TOO_SLOW) from late
        if isinstance(error, TimeoutError):
            raise Unavailable(TOO_SLOW) from error
