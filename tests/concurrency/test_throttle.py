"""Throttled work: at once, then once in an interval with the newest value, and again after a failure."""

import asyncio

import pytest

from app.concurrency import TaskSet
from app.concurrency.throttle import Throttle
from app.errors import Unavailable

INTERVAL = 0.2


class Work:
    """Keeps what was done; fails for values below 0."""

    def __init__(self, *, seconds: float = 0) -> None:
        self.done: list[tuple[str, int]] = []
        self._seconds = seconds
        self.tasks = TaskSet()
        self.throttle = Throttle(self.tasks, self._do, interval=INTERVAL)

    async def _do(self, key: str, value: int) -> None:
        await asyncio.sleep(self._seconds)
        if value < 0:
            raise Unavailable
        self.done.append((key, value))


async def test_the_first_value_and_then_the_newest_of_each_interval() -> None:
    work = Work()
    for value in range(50):
        await work.throttle.submit("a", value)
        await work.throttle.submit("b", value)
    assert work.done == [("a", 0), ("b", 0)]
    await asyncio.sleep(1.5 * INTERVAL)
    assert work.done == [("a", 0), ("b", 0), ("a", 49), ("b", 49)]
    await asyncio.sleep(1.5 * INTERVAL)
    await work.throttle.submit("a", 50)
    assert work.done[4:] == [("a", 50)]
    await asyncio.sleep(1.5 * INTERVAL)
    assert not work.throttle._intervals  # noqa: SLF001  # nothing is kept of a key without work


async def test_a_flood_for_many_intervals_gets_one_each() -> None:
    work = Work()
    began = asyncio.get_running_loop().time()
    value = 0
    while asyncio.get_running_loop().time() < began + 5 * INTERVAL:
        await work.throttle.submit("a", value)
        await asyncio.sleep(0.001)
        value += 1
    await asyncio.sleep(1.5 * INTERVAL)
    assert 2 <= len(work.done) <= 7
    assert work.done[-1] == ("a", value - 1)


async def test_a_failure_reaches_its_callers_and_is_tried_again_by_the_next() -> None:
    work = Work()
    calls = [work.throttle.submit("a", -1) for _ in range(3)]
    assert [type(each) for each in await asyncio.gather(*calls, return_exceptions=True)] == [Unavailable] * 3
    await work.throttle.submit("a", 1)
    assert work.done == [("a", 1)]


@pytest.mark.parametrize("value", [-1, 1])
async def test_work_that_takes_longer_than_its_interval_disturbs_no_other(value: int) -> None:
    work = Work(seconds=1.5 * INTERVAL)
    first = asyncio.ensure_future(work.throttle.submit("a", value))
    await asyncio.sleep(1.2 * INTERVAL)
    await work.throttle.submit("a", 2)
    await asyncio.gather(first, return_exceptions=True)
    await asyncio.sleep(2 * INTERVAL)
    assert ("a", 2) in work.done
    assert not work.throttle._intervals  # noqa: SLF001


async def test_a_withdrawn_value_is_dropped_and_a_cancelled_caller_cancels_no_work() -> None:
    work = Work(seconds=0.05)
    call = asyncio.ensure_future(work.throttle.submit("a", 1))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait({call})
    await work.throttle.submit("a", 2)
    assert work.done == [("a", 1)]
    work.throttle.withdraw("a")
    work.throttle.withdraw("b")
    await asyncio.sleep(1.5 * INTERVAL)
    assert work.done == [("a", 1)]
