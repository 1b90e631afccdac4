"""PresenceTracker: notes which users have open streams in this process, and has peers told when that changes."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Final
from uuid import UUID

import structlog

from app.concurrency import READ_SECONDS, TaskSet, bugs_logged, deadline, repeating
from app.errors import Unavailable
from app.gateways.valkey import ValkeyUnavailable
from app.messaging.events import MarkerMoved, TypingChanged
from app.messaging.settings.store import SettingsStore
from app.realtime.events import PresenceChanged
from app.realtime.presence.fan_out import PresenceFanOut
from app.realtime.presence.register import ONLINE_SECONDS, Register
from app.realtime.stream import Shows, Withheld

log = structlog.get_logger(__name__)

TICK: Final = 1.0
RENEW_INTERVAL: Final = 10.0
BATCH: Final = 256
AT_ONCE: Final = 32
"""Users whose peers are told in a second, of those whose peers were not told at once."""
MARGIN: Final = 0.5
"""Seconds after which, in addition, a user that has left is looked at: clocks differ."""


class PresenceTracker:
    """The users of this process's streams. Those that share presence are online as long as they have one.

    The first stream of a user costs 1 RCU for the setting, 2 if the user shares presence, and what PresenceFanOut
    costs.
    """

    def __init__(
        self,
        register: Register,
        settings: SettingsStore,
        fan_out: PresenceFanOut,
        tasks: TaskSet,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._register = register
        self._settings = settings
        self._fan_out = fan_out
        self._tasks = tasks
        self._clock = clock
        self._streams: Counter[UUID] = Counter()
        self._sharing: set[UUID] = set()
        self._due: dict[UUID, float] = {}
        self._renewed_at = clock()

    @contextmanager
    def streaming(self, user: UUID) -> Iterator[None]:
        """Count a stream of a user for the block."""
        self._streams[user] += 1
        if self._streams[user] == 1:
            _ = self._tasks.start(self._join(user))
        try:
            yield
        finally:
            self._streams[user] -= 1
            if not self._streams[user]:
                del self._streams[user]
                _ = self._tasks.start(self._leave(user))

    def with_presence(self, shows: Callable[[MarkerMoved | TypingChanged], Awaitable[bool]]) -> Shows:
        """Return a Shows that decides on presence, and leaves all else to another one."""

        async def shows_any(event: Withheld) -> bool:
            if not isinstance(event, PresenceChanged):
                return await shows(event)
            if event.to != event.user_uuid:
                return await self._fan_out.shows(event)
            if event.to not in self._sharing:  # it says that the receiver shares presence from now on
                await self._join(event.to)
            return False

        return shows_any

    async def _join(self, user: UUID) -> None:
        """Let a user that shares presence be online, and forget one that does not.

        The setting is read once more at the end: it may have changed after the first read, and the user been forgotten
        before the record was made.
        """
        with suppress(Unavailable, ValkeyUnavailable):
            if await self._shares(user):
                self._sharing.add(user)
                await self._register.see([user], adds=True)
                if await self._shares(user):
                    await self._tell(user)
                    return await self._leave(user)  # if the stream has ended meanwhile
            self._sharing.discard(user)
            await self._fan_out.withdraw(user)
        return None

    async def _shares(self, user: UUID) -> bool:
        async with deadline(READ_SECONDS):
            return (await self._settings.settings(user)).presence

    async def _leave(self, user: UUID) -> None:
        """Look at a user that shares presence again in a while, once no stream is left."""
        if user in self._sharing and user not in self._streams:
            self._sharing.discard(user)
            self._due[user] = self._clock() + ONLINE_SECONDS + MARGIN
            with suppress(ValkeyUnavailable):
                await self._register.see([user])

    async def _tell(self, user: UUID) -> None:
        if wait := await self._fan_out.tell(user):
            self._due[user] = self._clock() + wait.total_seconds()

    @asynccontextmanager
    async def tracking(self) -> AsyncIterator["PresenceTracker"]:
        """Renew the records of users with streams for the block, and have peers told in time."""
        guard = partial(bugs_logged, log, "presence_failed", expected=ValkeyUnavailable)
        async with repeating(self.tick, every=TICK, guard=guard):
            yield self

    async def tick(self) -> None:
        """Do what is due. Raises ValkeyUnavailable."""
        now = self._clock()
        await self._fan_out.repeat()
        due = [user for user, at in self._due.items() if at <= now][:AT_ONCE]
        for user in due:
            del self._due[user]
        await asyncio.gather(*(self._join(user) if user in self._streams else self._tell(user) for user in due))
        if now - self._renewed_at >= RENEW_INTERVAL:
            self._renewed_at = now
            await self._renew(now)

    async def _renew(self, now: float) -> None:
        """Renew records. One that is missing is made again soon, unless its user shares presence no longer."""
        sharing = [*self._sharing]
        for start in range(0, len(sharing), BATCH):
            batch = sharing[start : start + BATCH]
            self._due |= dict.fromkeys({*batch} - await self._register.see(batch), now)
