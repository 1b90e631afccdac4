"""How long a step of a request may wait for its dependencies, in seconds, and what happens when that is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import Unavailable

READ = 2.0
SEND = 4.0


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Cancel the block when the time is over and raise Unavailable in its place."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise Unavailable("The services this request needs were too slow") from error
