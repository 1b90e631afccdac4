"""Readiness: the state of the dependencies, checked at most once a second however often it is asked for."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from app.errors import Unavailable

CHECK_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 1.0

Dependency = Literal["dynamodb", "postgres", "token_keys", "valkey"]
Pings: TypeAlias = Mapping[Dependency, Callable[[], Awaitable[None]]]
OPTIONAL: Final = frozenset[Dependency]({"valkey"})
"""Dependencies without which the service goes on, slower: it is degraded then."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The state of a dependency, and how long its check took, in milliseconds."""

    name: Dependency
    state: Literal["ok", "down"]
    ms: float


class Readiness:
    """The dependencies of a process. A check that runs serves all that ask meanwhile."""

    def __init__(
        self,
        pings: Pings,
        clock: Callable[[], float] = time.monotonic,
        *,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """A ping raises Unavailable, or takes longer than CHECK_SECONDS, if its dependency is down."""
        self._pings = pings
        self.is_stopping = is_stopping
        """Return whether the process is about to stop, and should get no more requests."""
        self._clock = clock
        self._checked: Sequence[Checked] = ()
        self._fresh_until = 0.0
        self._lock = asyncio.Lock()

    async def check(self) -> Sequence[Checked]:
        """Return the state of each dependency, at most FRESH_SECONDS old."""
        async with self._lock:
            if self._clock() >= self._fresh_until:
                self._checked = await asyncio.gather(*(_check(name, ping) for name, ping in self._pings.items()))
                self._fresh_until = self._clock() + FRESH_SECONDS
            return self._checked


async def _check(name: Dependency, ping: Callable[[], Awaitable[None]]) -> Checked:
    started = time.perf_counter()
    state: Literal["ok", "down"] = "down"
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await ping()
        state = "ok"
    except (TimeoutError, Unavailable):
        pass
    return Checked(name, state, round((time.perf_counter() - started) * 1000, 1))
