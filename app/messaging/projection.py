"""Bringing inbox rows up to the log, inline when it is fast, in the background when it is not."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

import structlog

from app.errors import Unavailable
from app.messaging.models import Message
from app.messaging.store import MessagingStore

log = structlog.get_logger(__name__)

WAIT_SECONDS = 1.5
"""How long an answer waits for its rows. The message is durable before that."""
PAUSES = (0.5, 1, 2, 4, 8, 16, 30)
"""Seconds between the tries of a row that DynamoDB does not take; then the next send, open or repair does it."""


class Projection:
    """Rows only move forward, so any of this may be repeated, late or lost without harm to the log."""

    def __init__(self, store: MessagingStore) -> None:
        self._store = store
        self._running: set[asyncio.Task[None]] = set()

    async def project(self, message: Message, *, users: Iterable[UUID]) -> None:
        """Bring these users' rows up to the message; when that takes long, go on behind the answer."""
        await asyncio.wait(self._start(message, users), timeout=WAIT_SECONDS)

    def repair(self, message: Message, *, users: Iterable[UUID]) -> None:
        """The same behind the caller's back, for rows that were found to be behind the log."""
        self._start(message, users)

    def _start(self, message: Message, users: Iterable[UUID]) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self._bump(message, user)) for user in users]
        for task in tasks:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return tasks

    async def _bump(self, message: Message, user: UUID) -> None:
        for pause in (*PAUSES, None):
            try:
                await self._store.bump_inbox_row(message, user=user)
            except Unavailable:
                if pause is not None:
                    await asyncio.sleep(pause)
            else:
                return
        log.error("inbox_row_left_behind", group_uuid=str(message.group_uuid), number=message.number)

    async def drain(self, seconds: float) -> None:
        """At shutdown: let what is running finish, at most this long."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
