"""Erasures: a user is erased by a mark in Postgres, and then by sweeps of any process until nothing is left."""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from app.auth.tokens import Claims
from app.concurrency import bugs_logged, running, wait_for_event
from app.concurrency.publish import Publish, discard_events
from app.errors import Unavailable
from app.personal_data.errors import HandleDiffers
from app.personal_data.sweep import Sweep, SweepTools
from app.users.events import AccountChanged
from app.users.models import Erasure, User, fold_handle
from app.users.service import Users

log = structlog.get_logger(__name__)

POLL_INTERVAL = 10.0
"""Seconds between two questions to Postgres for work that another process has left."""


class Erasures:
    """Erases users: what other users see at once, the rest in the background, one user at a time."""

    def __init__(
        self,
        users: Users,
        tools: SweepTools,
        publish: Publish = discard_events,
        *,
        handle_hold: timedelta,
        removes_messages: bool,
    ) -> None:
        """Publish AccountChanged when a user is erased."""
        self._users = users
        self._tools = tools
        self._publish = publish
        self._handle_hold = handle_hold
        self._removes_messages = removes_messages
        self._leased: deque[Erasure] = deque()
        self._has_work = asyncio.Event()

    async def erase_own(self, claims: Claims, handle: str) -> Erasure:
        """Erase the caller, if the handle is the caller's. Raises HandleDiffers, AccountErased and Unavailable."""
        user = await self._users.me(claims)
        if fold_handle(handle.removeprefix("@")) != user.handle:
            raise HandleDiffers
        erasure = await self.erase(user)
        self._leased.append(erasure)
        self._has_work.set()
        return erasure

    async def erase(self, user: User) -> Erasure:
        """Erase a user: the account can do nothing any more, and the name is gone. Raises Unavailable.

        The sweep is leased to the caller. A call that is repeated after an error returns the erasure that it finds.
        """
        erasure = await self._users.erase(user, handle_hold=self._handle_hold, removes_messages=self._removes_messages)
        await self._publish(AccountChanged(user.uuid, (user.cognito_user_id,)))
        return erasure

    async def sweep(self, erasure: Erasure) -> Counter[str]:
        """Remove what is left of a user that is leased, and return what was removed until now. Raises Unavailable."""
        sweep = Sweep(self._tools, erasure)
        await sweep.run()
        counts = Counter(erasure.counts) + sweep.counts
        await self._tools.erasures.finish(erasure.user_uuid, counts)
        log.info("user_swept", user_uuid=str(erasure.user_uuid), **sweep.counts)
        return counts

    @asynccontextmanager
    async def working(self) -> AsyncIterator["Erasures"]:
        """Sweep for the block, after users that this process has erased and those that others have left."""
        async with running(self._work()):
            yield self

    async def _work(self) -> None:
        while True:
            await wait_for_event(self._has_work, POLL_INTERVAL)
            self._has_work.clear()
            with bugs_logged(log, "sweep_failed", expected=Unavailable):  # its lease ends, and any process goes on
                while erasure := self._leased.popleft() if self._leased else await self._tools.erasures.lease():
                    await self.sweep(erasure)
