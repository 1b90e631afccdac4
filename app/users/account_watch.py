"""AccountWatch: ends in this process what accounts may no longer do, soon after they were changed in Postgres."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog

from app.concurrency import bugs_logged, repeating
from app.concurrency.publish import Publish
from app.errors import Unavailable
from app.users.events import AccountChanged, AnyAccountChanged
from app.users.store import MOST_CHANGES, UserStore
from app.users.suspensions import MOST_SUSPENDED

log = structlog.get_logger(__name__)

POLL_INTERVAL = 2.0
"""Seconds between two questions to Postgres. With its deadline of 1.5 s a change is noticed within 4 s."""
KEPT_SECONDS = 12 * 3600.0
"""The longest pause after which changes are still known one by one: Postgres keeps them for twice as long."""


class AccountWatch:
    """Publishes the changes of accounts: disabled, enabled, removed, or moved to or from a user.

    A question costs one indexed statement, whatever the number of users. While Postgres is down nothing is published;
    afterwards nothing is missing, as each question goes on from the last answered one.
    """

    def __init__(self, store: UserStore, publish: Publish, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._publish = publish
        self._clock = clock
        self._position: str | None = None
        self._polled_at = 0.0
        self._seen: frozenset[int] = frozenset()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Publish changes for the block, those from before it excepted."""
        guard = partial(bugs_logged, log, "account_watch_failed", expected=Unavailable)
        with guard():
            await self.poll()
        async with repeating(self.poll, every=POLL_INTERVAL, guard=guard):
            yield

    async def poll(self) -> None:
        """Publish what has changed since the last call, or AnyAccountChanged if that is not known. Raises Unavailable.

        A long transaction keeps the position where it is, so rows may come again.
        """
        started = self._clock()
        found = await self._store.account_changes(self._position)
        if self._position is None or started - self._polled_at >= KEPT_SECONDS or len(found.changes) > MOST_CHANGES:
            disabled = await self._store.disabled(limit=MOST_SUSPENDED)
            await self._publish(AnyAccountChanged({user.uuid: user.suspension for user in reversed(disabled)}))
        else:
            new = [each for each in found.changes if each.id not in self._seen]
            await self._publish(*(AccountChanged(each.user_uuid, each.subjects, each.suspension) for each in new))
        self._position, self._polled_at = found.position, started
        self._seen = frozenset(each.id for each in found.changes)
