"""The time of messages, and of what ends at a time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class SteadyClock:
    """The time in UTC, to the millisecond, which is the precision of a message's `created_at`; it never goes back.

    If the machine's clock is set back, the time of before goes on, until the machine's clock has reached it or the
    process ends: else active groups would stand below groups that have been silent for longer.
    """

    def __init__(self, machine: Callable[[], int] = time.time_ns) -> None:
        """`machine` returns the nanoseconds since 1970."""
        self._machine = machine
        self._ahead = 0
        """Nanoseconds to the time since the machine's start, which cannot be set."""

    def __call__(self) -> datetime:
        uptime = time.monotonic_ns()
        self._ahead = max(self._ahead, self._machine() - uptime)
        return _EPOCH + (uptime + self._ahead) // 1_000_000 * _MILLISECOND


now = SteadyClock()
