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
    """For each line of standard input, a number, make so many calls and print the CPU seconds of one."""
    asyncio.run(_take_turns(open_call))


async def _take_turns(open_call: Callable[[str], AbstractAsyncContextManager[Call]]) -> None:
    async with open_call(sys.argv[1]) as call:
        for line in sys.stdin:
            print(await _cpu_seconds(call, int(line)), flush=True)


async def _cpu_seconds(call: Call, count: int) -> float:
    started = time.process_time()
    for _ in range(count):
        await call()
    return (time.process_time() - started) / count
