"""Deadlines and jitter: how long a step of a request waits."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import Unavailable

READ_SECONDS = 2.0
"""Deadline of the reads of a request."""
SEND_SECONDS = 4.0
"""Deadline of a send, from the caller's point of view; the send itself may go on for as long again."""


@asynccontextmanager
async def deadline(seconds: float) -> AsyncIterator[None]:
    """Cancel the block after this many seconds and raise Unavailable in its place."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Unavailable("The services this request needs were too slow") from error


def full_jitter(seconds: float) -> float:
    """Return a random wait between 0 and this many seconds, so that processes that failed together retry apart."""
    return random.uniform(0, seconds)  # noqa: S311  # spreads load, guards nothing
