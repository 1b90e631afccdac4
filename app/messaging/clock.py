"""The time of messages, and of what ends at a time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class SteadyClock:
    """The time in UTC, to the millisecond, which is the precision of a message's `created_at`; it never goes back.

    If the machine's clock is set back, the time of before goes on, until the machine's clock has reached it or the
    process ends: else active groups would stand below groups that have been silent for longer.
    """

    def __init__(self, machine: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._machine = machine
        self._ahead = timedelta(0)
        """Distance to the time since the machine's start, which cannot be set."""

    def __call__(self) -> datetime:
        uptime = datetime.fromtimestamp(time.monotonic(), UTC)
        self._ahead = max(self._ahead, self._machine() - uptime)
        at = uptime + self._ahead
        return at.replace(microsecond=at.microsecond // 1000 * 1000)


now = SteadyClock()
