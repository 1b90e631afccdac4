"""Readiness: the state of the dependencies, checked at most once a second however often it is asked for."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import structlog

from app.concurrency import running
from app.errors import Unavailable

log = structlog.get_logger(__name__)

CHECK_SECONDS: Final = 2.0
FRESH_SECONDS: Final = 1.0
START_DELAY: Final = 1.0
"""Seconds after a start until the first check: the process itself may serve the keys that it asks for."""
START_INTERVAL: Final = 5.0
"""Seconds between two checks while a process starts and something is missing."""

Dependency = Literal["dynamodb", "postgres", "token_keys", "valkey"]
Pings: TypeAlias = Mapping[Dependency, Callable[[], Awaitable[None]]]
OPTIONAL: Final = frozenset[Dependency]({"valkey"})
"""Dependencies without which the service goes on, slower: it is degraded then."""


@dataclass(frozen=True, slots=True)
class Checked:
    """The state of a dependency, what is wrong with it, and how long its check took, in milliseconds."""

    name: Dependency
    state: Literal["ok", "down"]
    detail: str
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
        """Return the state of each dependency, at most FRESH_SECONDS old. A change of a state is logged."""
        async with self._lock:
            if self._clock() >= self._fresh_until:
                checked = await asyncio.gather(*(_check(name, ping) for name, ping in self._pings.items()))
                known = {each.name: each.detail for each in self._checked}
                for each in checked:
                    if each.detail != known.get(each.name, "ok"):
                        write = log.info if each.state == "ok" else log.error
                        write(f"dependency_{each.state}", dependency=each.name, detail=each.detail)
                self._checked, self._fresh_until = checked, self._clock() + FRESH_SECONDS
            return self._checked

    @asynccontextmanager
    async def started(self) -> AsyncIterator[None]:
        """Check from the start of the block until everything is there, so that the log says what a start waits for."""
        async with running(self._wait_until_ready()):
            yield

    async def _wait_until_ready(self) -> None:
        await asyncio.sleep(START_DELAY)
        while True:
            checked = await self.check()
            if all(each.state == "ok" for each in checked):
                return
            await asyncio.sleep(START_INTERVAL)


async def _check(name: Dependency, ping: Callable[[], Awaitable[None]]) -> Checked:
    started = time.perf_counter()
    detail = ""
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await ping()
    except Unavailable as error:
        detail = error.explained
    except TimeoutError:
        detail = f"No answer within {CHECK_SECONDS:g} s"
    except Exception:
        log.exception("readiness_check_failed", dependency=name)
        detail = "The check failed: the log says why"
    return Checked(name, "down" if detail else "ok", detail or "ok", round((time.perf_counter() - started) * 1000, 1))
