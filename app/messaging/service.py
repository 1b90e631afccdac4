"""The rules of messaging: who may read and write what, and what each call means."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from app.concurrency import READ_SECONDS, SEND_SECONDS, deadline
from app.errors import Unavailable
from app.messaging.errors import (
    CannotMessage,
    GroupNotFound,
    MessageBlank,
    MessageMalformed,
    MessageTooLong,
    MessageToSelf,
    NumberBeyondEnd,
    OneTarget,
    ReplyBeyondEnd,
)
from app.messaging.events import (
    GroupChanged,
    MarkerMoved,
    MessageAppended,
    Publish,
    TypingChanged,
    nobody_listens,
)
from app.messaging.inbox import Inbox
from app.messaging.log import Log, now
from app.messaging.models import Draft, InboxPosition, InboxRow, MemberState, Message, direct_group_uuid
from app.messaging.projection import Projection
from app.messaging.store import GroupStarted, MarkerNotMoved, MessagingStore
from app.messaging.windows import Window
from app.users.service import Users


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of an inbox; `next` is where the following page starts, None on the last one."""

    rows: Sequence[InboxRow]
    next: InboxPosition | None


@dataclass(frozen=True, slots=True)
class History:
    """A stretch of a log, oldest first. `end` is the highest number that the group has."""

    messages: Sequence[Message]
    end: int


class Messaging:
    """Message groups and messages of direct groups. One instance per process."""

    def __init__(
        self,
        store: MessagingStore,
        users: Users,
        *,
        message_max_length: int,
        publish: Publish = nobody_listens,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._users = users
        self._publish = publish
        self._log = Log(store, clock)
        self._projection = Projection(store, self._projected)
        self._message_max_length = message_max_length
        self._sending: set[asyncio.Task[Message]] = set()
        self._inbox = Inbox(store)

    async def send(self, draft: Draft, *, group: UUID | None, handle: str | None) -> Message:
        """Append to a group that the sender is in, or to the direct group with the person of this handle.

        The same draft with the same uuid gives the same message, however often it is sent.
        """
        if (group is None) == (handle is None):
            raise OneTarget
        self._require_sendable(draft.text)
        if group is not None:
            return await self._see_through(self._send_to_group(draft, group))
        peer = await self._users.get_by_handle(handle or "")
        return await self._see_through(self._send_to_person(draft, peer.uuid))

    async def _see_through(self, send: Coroutine[Any, Any, Message]) -> Message:
        """Wait for a send until its deadline. Past it the send goes on: what it commits must reach the inboxes."""
        task = asyncio.create_task(send)
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        await asyncio.wait({task}, timeout=SEND_SECONDS)
        if not task.done():
            task.add_done_callback(_take_notice)
            raise Unavailable("The services this request needs were too slow")
        return task.result()

    async def _send_to_group(self, draft: Draft, group: UUID) -> Message:
        async with deadline(2 * SEND_SECONDS):
            row = await self._row(draft.user_uuid, group)
            message = await self._append(draft, row)
        return await self._settle(message, row)

    async def _send_to_person(self, draft: Draft, peer: UUID) -> Message:
        """The pair's direct group is for ever one and the same; its first message starts it."""
        if peer == draft.user_uuid:
            raise MessageToSelf
        group = direct_group_uuid(draft.user_uuid, peer)
        async with deadline(2 * SEND_SECONDS):
            row = await self._store.inbox_row(draft.user_uuid, group)
            if row is None and (first := await self._start(draft, group=group, peer=peer)):
                return first
            row = row or await self._store.inbox_row(draft.user_uuid, group)
            if row is None:
                raise Unavailable("This group's inbox row is missing, an operator must repair it")
            message = await self._append(draft, row)
        return await self._settle(message, row)

    async def _start(self, draft: Draft, *, group: UUID, peer: UUID) -> Message | None:
        """First contact; None when somebody else was first and it is an ordinary send now."""
        if draft.reply_to is not None:
            raise ReplyBeyondEnd
        message = self._log.entry(draft, group=group, number=1)
        try:
            rows = await self._store.start_direct_group(message, peer=peer)
        except GroupStarted:
            return None
        await asyncio.gather(*(self._projected(message, row) for row in rows))
        return message

    async def _append(self, draft: Draft, row: InboxRow) -> Message:
        if row.is_blocked:
            raise CannotMessage
        return await self._log.append(draft, group=row.group_uuid, known=row.last_number)

    async def _projected(self, message: Message, row: InboxRow) -> None:
        """A member's row knows of the message now."""
        await self._publish(MessageAppended(message, row))

    async def _settle(self, message: Message, row: InboxRow) -> Message:
        await self._projection.project(message, users=(row.user_uuid, row.peer_uuid))
        return message

    def _require_sendable(self, text: str) -> None:
        length = len(text.strip())
        if not length:
            raise MessageBlank
        if length > self._message_max_length:
            raise MessageTooLong(f"At most {self._message_max_length} characters")
        if "\0" in text:
            raise MessageMalformed

    async def group(self, user: UUID, group: UUID) -> InboxRow:
        """One group as its member sees it, or GroupNotFound."""
        async with deadline(READ_SECONDS):
            return await self._row(user, group)

    async def _row(self, user: UUID, group: UUID) -> InboxRow:
        """The proof of membership. A stranger learns as much as about a group that is not there."""
        row = await self._store.inbox_row(user, group)
        if row is None or row.state is not MemberState.ACTIVE:
            raise GroupNotFound
        return row

    async def history(self, user: UUID, group: UUID, window: Window) -> History:
        """A stretch of the log that includes every message answered before this call."""
        async with deadline(READ_SECONDS):
            row = await self._row(user, group)
            messages = await self._read(group, window, known=row.last_number)
        end = max(row.last_number, messages[-1].number if messages else 0)
        if end > row.last_number:
            self._projection.repair(messages[-1], users=(user, row.peer_uuid))
        return History(messages, end)

    async def _read(self, group: UUID, window: Window, *, known: int) -> list[Message]:
        """Eventually consistent, at half the price; once more strongly when that turns out to be behind."""
        messages = await self._store.messages_in(group, window)
        if not window.is_whole([message.number for message in messages], end=known):
            messages = await self._store.messages_in(group, window, consistent=True)
        return messages

    async def mark_read(self, user: UUID, group: UUID, number: int) -> InboxRow:
        """Move the read marker up to a number; going back leaves it where it is."""
        async with deadline(READ_SECONDS):
            row, end = await self._move_marker(user, group, number), None
            if row.read_number < number and (end := await self._store.message(group, number)):
                # The row was behind the log, as a crash between commit and projection leaves it.
                await self._projection.project(end, users=(user, row.peer_uuid))
                row = await self._move_marker(user, group, number)
        if row.read_number < number:
            raise Unavailable("The inbox row cannot be written at the moment") if end else NumberBeyondEnd
        return row

    async def _move_marker(self, user: UUID, group: UUID, number: int) -> InboxRow:
        try:
            row = await self._store.move_read_marker(user, group, number)
        except MarkerNotMoved as stands:
            if stands.row is None or stands.row.state is not MemberState.ACTIVE:
                raise GroupNotFound from None
            return stands.row
        await self._marker_moved(row)
        return row

    async def _marker_moved(self, row: InboxRow) -> None:
        members = (row.user_uuid, row.peer_uuid)
        moved = (MarkerMoved(to, row.group_uuid, row.user_uuid, row.read_number) for to in members)
        await self._publish(GroupChanged(row), *moved)

    async def read_markers(self, user: UUID, group: UUID) -> dict[UUID, int]:
        """How far each member has read; of the others as of a moment ago."""
        async with deadline(READ_SECONDS):
            row = await self._row(user, group)
            peer = await self._store.inbox_row(row.peer_uuid, group, consistent=False)
        return {user: row.read_number} | ({row.peer_uuid: peer.read_number} if peer else {})

    async def typing(self, user: UUID, group: UUID, *, is_typing: bool) -> None:
        """Tell the other members that this one types, or has stopped. Nothing of it is stored."""
        async with deadline(READ_SECONDS):
            row = await self._row(user, group)
        if row.is_blocked:
            raise CannotMessage
        await self._publish(TypingChanged(row.peer_uuid, group, user, is_typing))

    async def inbox(self, user: UUID, *, limit: int, behind: InboxPosition | None = None) -> InboxPage:
        """A page of a user's groups, newest activity first."""
        async with deadline(READ_SECONDS):
            rows = await self._inbox.newest_rows(user, behind=behind, limit=limit + 1)
        page = rows[:limit]
        return InboxPage(page, InboxPosition.of(page[-1]) if len(rows) > limit else None)

    async def drain(self, seconds: float) -> None:
        """At shutdown: let what runs behind answers finish."""
        if self._sending:
            await asyncio.wait(self._sending, timeout=seconds)
        for send in self._sending:
            send.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        await self._projection.drain(seconds)


def _take_notice(task: asyncio.Task[Message]) -> None:
    """Nobody waits for this send any more; its failure was answered as Unavailable already."""
    if not task.cancelled():
        task.exception()
