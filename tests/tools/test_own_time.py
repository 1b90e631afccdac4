"""The clock of the tests' event loop, by which deadlines are measured."""

import asyncio
import os
import subprocess
import time

from tests.tools.own_time import advance, now


async def test_a_halt_of_the_process_does_not_count() -> None:
    started, really = now(), time.monotonic()
    halt = f"kill -STOP {os.getpid()}; sleep 0.5; kill -CONT {os.getpid()}"
    child = subprocess.Popen(["/bin/sh", "-c", halt])  # noqa: ASYNC220  # is not waited for
    while child.poll() is None:  # noqa: ASYNC110  # its end has no event
        await asyncio.sleep(0.01)
    assert time.monotonic() - really >= 0.5
    assert now() - started < 0.3


async def test_waiting_and_computing_count() -> None:
    started = now()
    await asyncio.sleep(0.1)
    assert 0.1 <= now() - started < 0.2
    computing = time.thread_time()
    while time.thread_time() - computing < 0.1:
        pass
    assert 0.2 <= now() - started < 0.3


async def test_waiting_for_something_else_than_a_timer_counts() -> None:
    started = now()
    await asyncio.to_thread(time.sleep, 0.2)
    assert now() - started >= 0.19


async def test_a_deadline_is_met_by_this_clock() -> None:
    started = now()
    try:
        async with asyncio.timeout(0.1):
            await asyncio.Event().wait()
    except TimeoutError:
        assert 0.1 <= now() - started < 0.2


async def test_a_clock_that_is_advanced_runs_the_timers_that_are_due_and_no_others() -> None:
    started, ran = time.monotonic(), list[int]()
    for seconds in (3000, 1000, 2000):
        asyncio.get_running_loop().call_later(seconds, ran.append, seconds)
    await advance(2500)
    assert ran == [1000, 2000]
    await advance(1000)
    assert ran == [1000, 2000, 3000]
    assert time.monotonic() - started < 1000
