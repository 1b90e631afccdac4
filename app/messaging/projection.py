"""Bringing inbox rows up to the log: before the answer when that is fast, else in the background."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TypeAlias
from uuid import UUID

import structlog

from app.concurrency import INBOX_ROW, TaskSet, wait
from app.concurrency.publish import Publish
from app.errors import Unavailable
from app.messaging.events import GroupChanged, MessageAppended
from app.messaging.models import Message
from app.messaging.row_models import GroupKind, InboxRow
from app.messaging.store import MessagingStore

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

    async def project(self, message: Message, row: InboxRow) -> None:
        """Bring the rows of a group up to the message; `row` is one of them. 1 WCU for each row of a direct group.

        Of a group of several members the head, the sender's row, and the rows of those that the message mentions.
        Returns when `write` does.
        """
        await self.write(message.group_uuid, self._steps(message, row))

    def _steps(self, message: Message, row: InboxRow) -> list[Step]:
        steps: list[Step] = [partial(self._advance, message, user) for user in row.projected_users]
        if row.kind is GroupKind.DIRECT:
            return steps
        mentioned = message.mentions - {message.user_uuid}
        return [*steps, partial(self._mark_sent, message), *self.mention_steps(message, mentioned)]

    def mention_steps(self, message: Message, added: Iterable[UUID], dropped: Iterable[UUID] = ()) -> Iterator[Step]:
        """Yield the writes of rows of members that a message mentions, or mentions no longer. 1 WCU for each."""
        for user in added:
            yield partial(self._write_row, self._store.heads.add_mention, message, user)
        for user in dropped:
            yield partial(self._write_row, self._store.heads.drop_mention, message, user)

    async def write(self, group: UUID, steps: Iterable[Step]) -> None:
        """Write rows of a group; return after 1.5 s at the latest.

        Raises nothing: what cannot be written in time goes on in the background.
        """
        await wait([self._tasks.start(self._run(step, group)) for step in steps], WAIT_SECONDS)

    def repair(self, message: Message, row: InboxRow) -> None:
        """Bring rows that were found behind the log up to the message, in the background, once at a time per group."""
        self.write_later(message.group_uuid, self._steps(message, row))

    def count_gone(self, messages: Iterable[Message], row: InboxRow) -> None:
        """Let messages that expire not count as unread after their deadlines, in the background. 1 WCU for each."""
        self.write_later(row.group_uuid, [partial(self._count_gone, message, row) for message in messages])

    def write_later(self, group: UUID, steps: Iterable[Step]) -> None:
        """Write rows of a group in the background, unless another such write of the group is running."""
        if group not in self._repairing:
            self._repairing.add(group)
            for step in steps:
                task = self._tasks.start(self._run(step, group))
                task.add_done_callback(lambda _: self._repairing.discard(group))

    async def _advance(self, message: Message, user: UUID) -> None:
        row = await self._store.advance_inbox_row(message, user=user)
        if row and row.is_active:  # a request that was declined stays so
            is_cleared = message.number <= row.cleared_number
            await self._publish(GroupChanged(row) if is_cleared else MessageAppended(message, row))

    async def _mark_sent(self, message: Message) -> None:
        if row := await self._store.heads.mark_sent(message):
            await self._publish(GroupChanged(row))

    async def _write_row(
        self, write: Callable[[Message, UUID], Awaitable[InboxRow | None]], message: Message, user: UUID
    ) -> None:
        if row := await write(message, user):
            await self._publish(GroupChanged(await self._store.mentions.complete(row, ())))

    async def _count_gone(self, message: Message, row: InboxRow) -> None:
        counted = await self._store.count_gone(message, row)
        if counted.version > row.version:
            await self._publish(GroupChanged(counted))

    async def _run(self, step: Step, group: UUID) -> None:
        is_done = False
        self._pending += 1
        try:
            for attempt in range(ATTEMPTS):
                if attempt:
                    await self._tasks.sleep(INBOX_ROW.seconds(attempt - 1))
                with suppress(Unavailable):
                    await step()
                    is_done = True
                if is_done or self._pending > MAX_PENDING:
                    break
        finally:
            self._pending -= 1
            if not is_done:
                log.error("inbox_row_left_behind", group_uuid=str(group))
