"""Throttle: work for the same key runs at once and then once in an interval, with the newest value."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from app.concurrency.tasks import TaskSet

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True, eq=False)
class _Interval(Generic[V]):
    work: "asyncio.Task[None]"
    timer: asyncio.TimerHandle
    newest: V | None = None
    """The last value that was submitted after the work had begun."""


class Throttle(Generic[K, V]):
    """Runs the work for a key and value at once, and at the end of each interval for the last value submitted in it."""

    def __init__(self, tasks: TaskSet, work: Callable[[K, V], Coroutine[Any, Any, None]], *, interval: float) -> None:
        """The interval is in seconds. Values are not None."""
        self._tasks = tasks
        self._work = work
        self._interval = interval
        self._intervals: dict[K, _Interval[V]] = {}

    async def submit(self, key: K, value: V) -> None:
        """Have the work done, now or at the end of the interval. Raises what the work of this interval has raised."""
        interval = self._intervals.get(key)
        if interval is None:
            interval = self._begin(key, value)
        else:
            interval.newest = value
        await asyncio.shield(interval.work)

    def withdraw(self, key: K) -> None:
        """Drop the value that waits for the end of the interval."""
        if interval := self._intervals.get(key):
            interval.newest = None

    def _begin(self, key: K, value: V) -> _Interval[V]:
        work = self._tasks.start(self._work(key, value))
        work.add_done_callback(lambda work: self._forget_failure(key, work))
        timer = asyncio.get_running_loop().call_later(self._interval, self._end, key)
        interval = self._intervals[key] = _Interval(work, timer)
        return interval

    def _forget_failure(self, key: K, work: "asyncio.Task[None]") -> None:
        """End the interval of work that has failed, so that the next call tries again."""
        interval = self._intervals.get(key)
        if interval and interval.work is work and (work.cancelled() or work.exception()):
            interval.timer.cancel()
            del self._intervals[key]

    def _end(self, key: K) -> None:
        interval = self._intervals.pop(key)
        if interval.newest is not None:
            self._begin(key, interval.newest)
