"""Bringing inbox rows up to the log, inline when it is fast, in the background when it is not."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from uuid import UUID

import structlog

from app.errors import Unavailable
from app.messaging.models import InboxRow, Message
from app.messaging.store import MessagingStore

log = structlog.get_logger(__name__)

WAIT_SECONDS = 1.5
"""How long an answer waits for its rows. The message is durable before that."""
AT_MOST = 2_000
"""Rows that may be waiting for another try; above this, new ones are left to the next send or open."""
PAUSES = (0.5, 1, 2, 4, 8, 16, 30)
"""Seconds between the tries of a row that DynamoDB does not take; then the next send, open or repair does it."""


class Projection:
    """Rows only move forward, so any of this may be repeated, late or lost without harm to the log."""

    def __init__(self, store: MessagingStore, projected: Callable[[Message, InboxRow], Awaitable[None]]) -> None:
        """`projected` is told of each row that was brought up to a message, before anybody's answer."""
        self._store = store
        self._projected = projected
        self._running: set[asyncio.Task[None]] = set()
        self._repairing: set[UUID] = set()
        self._closing = asyncio.Event()

    async def project(self, message: Message, *, users: Iterable[UUID]) -> None:
        """Bring these users' rows up to the message; when that takes long, go on behind the answer."""
        await asyncio.wait([self._start(message, user) for user in users], timeout=WAIT_SECONDS)

    def repair(self, message: Message, *, users: Iterable[UUID]) -> None:
        """The same behind the caller's back, for rows that were found behind the log; once at a time for a group."""
        group = message.group_uuid
        if group not in self._repairing:
            self._repairing.add(group)
            for user in users:
                self._start(message, user).add_done_callback(lambda _: self._repairing.discard(group))

    def _start(self, message: Message, user: UUID) -> asyncio.Task[None]:
        task = asyncio.create_task(self._bump(message, user))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _bump(self, message: Message, user: UUID) -> None:
        is_done = False
        try:
            is_done = await self._try_until_done(message, user)
        finally:
            if not is_done:
                log.error("inbox_row_left_behind", group_uuid=str(message.group_uuid), number=message.number)

    async def _try_until_done(self, message: Message, user: UUID) -> bool:
        for pause in (*PAUSES, 0):
            with suppress(Unavailable):
                if row := await self._store.advance_inbox_row(message, user=user):
                    await self._projected(message, row)
                return True
            if len(self._running) > AT_MOST:
                return False
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), pause)
        return False

    async def drain(self, seconds: float) -> None:
        """At shutdown: let what is running finish, without pauses, at most this long."""
        self._closing.set()
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
