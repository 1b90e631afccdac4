"""Appending to a group's log: once for each uuid of a client, at numbers without gaps."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION
from app.errors import Unavailable
from app.messaging.errors import AfterTooOld, ReplyBeyondEnd, UuidTaken
from app.messaging.group_locks import EMPTY, GroupLocks, Tail
from app.messaging.models import LAST_NUMBER, Draft, Message
from app.messaging.store import MessagingStore, NumberTaken
from app.messaging.uuid7 import uuid7

NEWEST_COMPARED = 16
"""Newest messages that a draft without `after` is compared with."""

NUMBERS_AFTER = 500
"""A draft with `after` gets one of this many numbers after it, or none. Its earlier attempts can be nowhere else."""


class SteadyClock:
    """The time in UTC, to the millisecond, which is the precision of a message's `created_at`; it never goes back.

    If the machine's clock is set back, the time of before goes on, until the machine's clock has reached it or the
    process ends: else active groups would stand below groups that have been silent for longer.
    """

    def __init__(self, machine: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._machine = machine
        self._ahead = timedelta(0)
        """Distance to the time since the machine's start, which cannot be set."""

    def __call__(self) -> datetime:
        uptime = datetime.fromtimestamp(time.monotonic(), UTC)
        self._ahead = max(self._ahead, self._machine() - uptime)
        at = uptime + self._ahead
        return at.replace(microsecond=at.microsecond // 1000 * 1000)


now = SteadyClock()


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
        )

    async def append(
        self, draft: Draft, *, group: UUID, known: Tail, guard: Callable[[], None] = lambda: None
    ) -> Message:
        """Return the committed message, or the one that an earlier attempt with the draft's uuid committed.

        `known` is the end of the log by an inbox row; the log may reach further. Raises UuidTaken when a message with
        other content has the uuid, AfterTooOld when 500 others follow the draft's `after`, ReplyBeyondEnd when the
        draft replies to a number that the group does not have, and Unavailable. 1 WCU, 1 RCU for a reply
        beyond the known end, and 1 RCU for each 4 KB of messages that are searched for the uuid. `guard` may refuse a
        message that was not committed before: it is called immediately before each attempt to write.
        """
        last = _last_number(draft)
        searched = max(known, self._locks.tail(group))
        after = draft.after
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

    async def _commit(self, message: Message, last: int, guard: Callable[[], None]) -> Message:
        """Put the message at its number or, while other processes take that, at the next free number up to `last`."""
        await self._require_reply_target(message)
        for attempt in count():
            if message.number > last:
                raise AfterTooOld
            guard()
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

    async def _require_reply_target(self, message: Message) -> None:
        target = message.reply_to
        if target is None or target < message.number:
            return
        if await self._store.message(message.group_uuid, target) is None:
            raise ReplyBeyondEnd


def _last_number(draft: Draft) -> int:
    """Return the highest number that the draft may get."""
    if draft.uuid is None or draft.after is None:
        return LAST_NUMBER
    return min(draft.after + NUMBERS_AFTER, LAST_NUMBER)


def _match(appended: Sequence[Message], message: Message) -> Message | None:
    """Return the entry with this message's uuid, or raise UuidTaken if its content differs.

    A message that was edited or deleted does not have the text that was sent: then sender and target decide.
    """
    for other in appended:
        if other.uuid == message.uuid:
            is_as_sent = other.version == 1 and not other.deleted_at
            text = message.text if is_as_sent else other.text
            if (other.user_uuid, other.text, other.reply_to) != (message.user_uuid, text, message.reply_to):
                raise UuidTaken
            return other
    return None
