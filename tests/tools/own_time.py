"""The time of a test's own event loop, which no other process can make late."""

import asyncio


def now() -> float:
    """Return the seconds by the loop's clock (`tests.fixtures.event_loop.OwnTime`)."""
    return asyncio.get_running_loop().time()


async def advance(seconds: float) -> None:
    """Move the loop's clock on by these seconds, which takes no time, and return after the timers that are due then."""
    asyncio.get_running_loop().time.advance(seconds)  # type: ignore[attr-defined]  # it is that clock
    await asyncio.sleep(0.001)  # timers run in the order of their times
