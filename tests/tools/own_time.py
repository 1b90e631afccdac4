"""The time of a test's own event loop, which no other process can make late."""

import asyncio


def now() -> float:
    """Return the seconds by the loop's clock (`tests.fixtures.event_loop.OwnTime`)."""
    return asyncio.get_running_loop().time()
