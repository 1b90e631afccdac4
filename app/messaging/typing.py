"""Typing notifications, throttled: at most one in three seconds of each member in a group."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from app.concurrency import TaskSet

INTERVAL = 3.0
"""Seconds between two notifications of a member in a group, and the longest that a proof of membership counts."""


@dataclass(slots=True, eq=False)
class _Interval:
    notification: "asyncio.Task[None]"
    timer: asyncio.TimerHandle
    latest: bool | None = None
    """The last state that was submitted after the notification."""


class TypingThrottle:
    """Notifies at once of the first state, and at the end of each interval of the last one that was submitted in it."""

    def __init__(self, tasks: TaskSet, notify: Callable[[UUID, UUID, bool], Awaitable[None]]) -> None:
        """`notify` proves that the user is a member, and publishes whether the user types."""
        self._tasks = tasks
        self._notify = notify
        self._intervals: dict[tuple[UUID, UUID], _Interval] = {}

    async def submit(self, user: UUID, group: UUID, *, is_typing: bool) -> None:
        """Notify, now or at the end of the interval. Raises what the notification of this interval has raised."""
        interval = self._intervals.get((user, group))
        if interval is None:
            interval = self._begin(user, group, is_typing)
        else:
            interval.latest = is_typing
        await asyncio.shield(interval.notification)

    def withdraw(self, user: UUID, group: UUID) -> None:
        """Drop the state that waits for the end of the interval: a message ends its sender's typing by itself."""
        if interval := self._intervals.get((user, group)):
            interval.latest = None

    def _begin(self, user: UUID, group: UUID, is_typing: bool) -> _Interval:
        notification = self._tasks.start(self._run(user, group, is_typing))
        timer = asyncio.get_running_loop().call_later(INTERVAL, self._end, user, group)
        interval = self._intervals[user, group] = _Interval(notification, timer)
        return interval

    async def _run(self, user: UUID, group: UUID, is_typing: bool) -> None:
        is_done = False
        try:
            await self._notify(user, group, is_typing)
            is_done = True
        finally:
            if not is_done:  # the next call has to prove its membership
                self._intervals.pop((user, group)).timer.cancel()

    def _end(self, user: UUID, group: UUID) -> None:
        interval = self._intervals.pop((user, group))
        if interval.latest is not None:
            self._begin(user, group, interval.latest)
