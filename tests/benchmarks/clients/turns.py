"""Makes a client's calls when the benchmark asks for them, and reports the CPU that they took."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

Call = Callable[[], Awaitable[object]]
TABLE = "cruddur-messages"
REGION = "us-east-1"


def take_turns(open_call: Callable[[str], AbstractAsyncContextManager[Call]]) -> None:
    """For each line of standard input, which has two numbers, make calls and print the CPU seconds of each.

    The numbers are those of all calls and of the calls at the same time.
    """
    asyncio.run(_take_turns(open_call))


async def _take_turns(open_call: Callable[[str], AbstractAsyncContextManager[Call]]) -> None:
    async with open_call(sys.argv[1]) as call:
        for line in sys.stdin:
            count, at_once = map(int, line.split())
            print(await _cpu_seconds(call, count, at_once), flush=True)


async def _cpu_seconds(call: Call, count: int, at_once: int) -> float:
    left = iter(range(count))

    async def work() -> None:
        for _ in left:
            await call()

    started = time.process_time()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return (time.process_time() - started) / count
