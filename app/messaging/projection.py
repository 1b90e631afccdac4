"""Bringing inbox rows up to the log: before the answer when that is fast, else in the background."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TypeAlias
from uuid import UUID

import structlog

from app.concurrency import INBOX_ROW, TaskSet, wait
from app.errors import Unavailable
from app.messaging.events import GroupChanged, MessageAppended
from app.messaging.models import InboxRow, Message
from app.messaging.store import MessagingStore
from app.publish import Publish

log = structlog.get_logger(__name__)

WAIT_SECONDS = 1.5
"""Longest wait of an answer for its rows. The message is durable before."""
ATTEMPTS = 8
"""Attempts to write a row, a minute in all. After them the row is left to the next send, open or repair."""
MAX_PENDING = 2_000
"""Rows of this process that may wait for another attempt. Above this number a row is left to the next send or open."""


Step: TypeAlias = Callable[[], Awaitable[None]]
"""A write of one row, with its event, which may be repeated."""


class Projection:
    """Writes inbox rows. Rows only move forward, so any write may be repeated, late or lost without harm to the log."""

    def __init__(self, store: MessagingStore, tasks: TaskSet, publish: Publish) -> None:
        """Publish MessageAppended for each row that was brought up to a message."""
        self._store = store
        self._tasks = tasks
        self._publish = publish
        self._pending = 0
        self._repairing: set[UUID] = set()

    async def project(self, message: Message, *, users: Iterable[UUID]) -> None:
        """Bring these users' rows up to the message. 1 WCU for each row. Returns when `write` does."""
        await self.write(message.group_uuid, [partial(self._advance, message, user) for user in users])

    async def write(self, group: UUID, steps: Iterable[Step]) -> None:
        """Write rows of a group; return after 1.5 s at the latest.

        Raises nothing: what cannot be written in time goes on in the background.
        """
        await wait([self._start(step, group) for step in steps], WAIT_SECONDS)

    def repair(self, message: Message, *, users: Iterable[UUID]) -> None:
        """Bring rows that were found behind the log up to the message, in the background, once at a time per group."""
        self.write_later(message.group_uuid, [partial(self._advance, message, user) for user in users])

    def count_gone(self, messages: Iterable[Message], row: InboxRow) -> None:
        """Let messages that expire not count as unread after their deadlines, in the background. 1 WCU for each."""
        self.write_later(row.group_uuid, [partial(self._count_gone, message, row) for message in messages])

    def write_later(self, group: UUID, steps: Iterable[Step]) -> None:
        """Write rows of a group in the background, unless another such write of the group is running."""
        if group not in self._repairing:
            self._repairing.add(group)
            for step in steps:
                self._start(step, group).add_done_callback(lambda _: self._repairing.discard(group))

    async def _advance(self, message: Message, user: UUID) -> None:
        row = await self._store.advance_inbox_row(message, user=user)
        if row and row.is_active:  # a request that was declined stays so
            is_cleared = message.number <= row.cleared_number
            await self._publish(GroupChanged(row) if is_cleared else MessageAppended(message, row))

    async def _count_gone(self, message: Message, row: InboxRow) -> None:
        counted = await self._store.count_gone(message, row)
        if counted.version > row.version:
            await self._publish(GroupChanged(counted))

    def _start(self, step: Step, group: UUID) -> asyncio.Task[None]:
        return self._tasks.start(self._run(step, group))

    async def _run(self, step: Step, group: UUID) -> None:
        is_done = False
        self._pending += 1
        try:
            is_done = await self._run_with_retries(step)
        finally:
            self._pending -= 1
            if not is_done:
                log.error("inbox_row_left_behind", group_uuid=str(group))

    async def _run_with_retries(self, step: Step) -> bool:
        for attempt in range(ATTEMPTS):
            if attempt:
                await self._tasks.sleep(INBOX_ROW.seconds(attempt - 1))
            with suppress(Unavailable):
                await step()
                return True
            if self._pending > MAX_PENDING:
                break
        return False
