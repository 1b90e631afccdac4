"""Appending to a group's log: once for each uuid of a client, at numbers without gaps."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import TypeAlias
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION
from app.errors import Unavailable
from app.messaging.errors import AfterTooOld, ReplyBeyondEnd, UuidTaken
from app.messaging.group_locks import EMPTY, GroupLocks, Tail
from app.messaging.models import LAST_NUMBER, Draft, Message, MessageKind
from app.messaging.store import MessagingStore, NumberTaken
from app.messaging.uuid7 import uuid7

NEWEST_COMPARED = 16
"""Newest messages that a draft without `after` is compared with."""

NUMBERS_AFTER = 500
"""A draft with `after` gets one of this many numbers after it, or none. Its earlier attempts can be nowhere else."""

Guard: TypeAlias = Callable[[int], Awaitable[None]]
"""May refuse a message at a number."""


async def admit_all(_: int) -> None:
    """Refuse nothing."""


class Log:
    """Finds the number for a draft and commits it there, by one conditional put."""

    def __init__(self, store: MessagingStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._locks = GroupLocks()
        self._clock = clock

    def entry(self, draft: Draft, *, group: UUID, after: Tail = EMPTY) -> Message:
        """Return the message that the draft becomes after the end of a log; nothing is written.

        It is not earlier than the message before it, even if the clocks of two machines differ.
        """
        return Message(
            group_uuid=group,
            number=after.number + 1,
            uuid=draft.uuid or uuid7(),
            user_uuid=draft.user_uuid,
            text=draft.text,
            created_at=max(self._clock(), after.at),
            reply_to=draft.reply_to,
            mentions=draft.mentions,
            expires_in=draft.expires_in,
            kind=MessageKind.SYSTEM if draft.event else MessageKind.TEXT,
            event=draft.event,
        )

    @asynccontextmanager
    async def turn(self, group: UUID) -> AsyncIterator["Turn"]:
        """Hold the lock of a group's log for the block, which appends a message by a transaction of its own."""
        async with self._locks.of(group):
            yield Turn(self, self._locks, group)

    async def append(self, draft: Draft, *, group: UUID, known: Tail, guard: Guard = admit_all) -> Message:
        """Return the committed message, or the one that an earlier attempt with the draft's uuid committed.

        `known` is the end of the log by an inbox row; the log may reach further. Raises UuidTaken when a message with
        other content has the uuid, AfterTooOld when 500 others follow the draft's `after`, ReplyBeyondEnd when the
        draft replies to a number that the group does not have, and Unavailable. 1 WCU, 2 for a message that expires,
        1 RCU for a reply beyond the known end, and 1 RCU for each 4 KB of messages that are searched for the uuid.
        `guard` may refuse a message that was not committed before: it is called immediately before each write.
        """
        searched = max(known, self._locks.tail(group))
        last, after = LAST_NUMBER, draft.after
        if draft.uuid is not None and after is not None:
            last = min(after + NUMBERS_AFTER, LAST_NUMBER)
        if after is None or after > searched.number:  # a client that claims to be ahead of the log is not believed
            after = max(0, searched.number - NEWEST_COMPARED)
        if duplicate := await self._find_duplicate(draft, group, after, min(searched.number, last)):
            return duplicate
        async with self._locks.of(group):
            tail = max(searched, self._locks.tail(group))
            duplicate = await self._find_duplicate(draft, group, searched.number, min(tail.number, last))
            message = duplicate or await self._commit(self.entry(draft, group=group, after=tail), last, guard)
            self._locks.record_tail(group, Tail(message.number, message.created_at))
        return message

    async def _find_duplicate(self, draft: Draft, group: UUID, after: int, until: int) -> Message | None:
        """Return what an earlier attempt committed in this range. A duplicate beyond it makes the put fail."""
        if draft.uuid is None or after >= until:
            return None
        found = await self._store.messages_with_uuid(group, draft.uuid, after=after, until=until)
        return _match(found, self.entry(draft, group=group))

    async def _commit(self, message: Message, last: int, guard: Guard) -> Message:
        """Put the message at its number or, while other processes take that, at the next free number up to `last`."""
        await guard(message.number)
        target = message.reply_to or 0
        if target >= message.number and await self._store.message(message.group_uuid, target) is None:
            raise ReplyBeyondEnd
        await self._store.texts.put(message)
        for attempt in count():
            if message.number > last:
                raise AfterTooOld
            await guard(message.number)
            try:
                return await self._put(message)
            except NumberTaken as error:
                appended = [error.winner]
            if attempt:  # read to the end of the log instead of trying each number, after the others had a moment
                await asyncio.sleep(NUMBER_CONTENTION.seconds(0))
                appended += await self._store.messages_after(message.group_uuid, message.number)
            if duplicate := _match(appended, message):
                return duplicate
            newest = appended[-1]
            message = replace(message, number=newest.number + 1, created_at=max(self._clock(), newest.created_at))
        raise AssertionError("unreachable")

    async def _put(self, message: Message) -> Message:
        try:
            await self._store.append_message(message)
        except Unavailable:
            # Only the answer may have been lost: read the number before reporting that the outcome is unknown.
            stored = await self._store.message(message.group_uuid, message.number)
            if stored and (duplicate := _match([stored], message)):
                return duplicate
            raise
        return message


class Turn:
    """A caller's turn to append to a group's log."""

    def __init__(self, log: Log, locks: GroupLocks, group: UUID) -> None:
        self._log = log
        self._locks = locks
        self._group = group

    def entry(self, draft: Draft, known: Tail) -> Message:
        """Return the message that the draft becomes after the end of the log; `known` is an end that was read."""
        return self._log.entry(draft, group=self._group, after=max(known, self._locks.tail(self._group)))

    def record(self, message: Message) -> None:
        """Remember that the log reaches to this message, which is committed."""
        self._locks.record_tail(self._group, Tail(message.number, message.created_at))


def _match(appended: Sequence[Message], message: Message) -> Message | None:
    """Return the entry with this message's uuid, or raise UuidTaken if its content differs.

    A message that was edited, deleted or has expired or ended does not have the text that was sent: then the rest
    decides.
    """
    for other in appended:
        if other.uuid == message.uuid:
            if _content(other) != _content(message, as_of=other):
                raise UuidTaken
            return other
    return None


def _content(message: Message, *, as_of: Message | None = None) -> tuple[object, ...]:
    """Return what two sends of a message have in common; `as_of` is the stored one, if that is another."""
    stands = as_of or message
    has_lost_text = not stands.text and (stands.expires_in is not None or stands.ended_at is not None)
    is_as_sent = stands.version == 1 and not stands.deleted_at and not has_lost_text
    text, mentions = (message.text, message.mentions) if is_as_sent else ("", None)
    return message.user_uuid, message.reply_to, text, mentions, None if stands.deleted_at else message.expires_in
