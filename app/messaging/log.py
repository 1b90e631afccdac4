"""Appending to a group's log: once per client uuid, in turns, without holes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from uuid import UUID

from app.concurrency import full_jitter
from app.errors import Unavailable
from app.messaging.errors import ReplyBeyondEnd, UuidTaken
from app.messaging.models import Draft, Message
from app.messaging.store import MessagingStore, NumberTaken
from app.messaging.turns import Turns
from app.messaging.uuid7 import uuid7

NEWEST_COMPARED = 16
"""Messages that a retry without `after` is compared with."""
JITTER_SECONDS = 0.02


def now() -> datetime:
    """The time in UTC, to the millisecond, as messages carry it."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


class Log:
    """Finds the number for a draft and commits it there. The one conditional put is the commit."""

    def __init__(self, store: MessagingStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._turns = Turns()
        self._clock = clock

    def entry(self, draft: Draft, *, group: UUID, number: int) -> Message:
        """The draft as it would stand at this number."""
        return Message(
            group_uuid=group,
            number=number,
            uuid=draft.uuid or uuid7(),
            user_uuid=draft.user_uuid,
            text=draft.text,
            created_at=self._clock(),
            reply_to=draft.reply_to,
        )

    async def append(self, draft: Draft, *, group: UUID, known: int) -> Message:
        """The committed message, or the one that an earlier try of this draft committed.

        `known` is the end of the log as an inbox row tells it; the log may be further. Raises UuidTaken when the
        draft's uuid stands for other content, ReplyBeyondEnd when it replies to a number that is not there.
        """
        searched = max(known, self._turns.tail(group))
        after = draft.after
        if after is None or after > searched:  # who claims to be ahead of the log is not believed
            after = max(0, searched - NEWEST_COMPARED)
        if earlier := await self._earlier_try(draft, group, after, searched):
            return earlier
        async with self._turns.take(group):
            tail = max(searched, self._turns.tail(group))
            earlier = await self._earlier_try(draft, group, searched, tail)
            message = earlier or await self._commit(self.entry(draft, group=group, number=tail + 1))
            self._turns.saw(group, message.number)
        return message

    async def _earlier_try(self, draft: Draft, group: UUID, after: int, until: int) -> Message | None:
        """What an earlier try of this draft committed in this stretch. Beyond it, the put itself finds out."""
        if draft.uuid is None or after >= until:
            return None
        found = await self._store.messages_with_uuid(group, draft.uuid, after=after, until=until)
        return _own(found, self.entry(draft, group=group, number=until))

    async def _commit(self, message: Message) -> Message:
        """Put the message at its number or, as long as others are faster, at the next free one."""
        await self._require_reply_target(message)
        for lost in count():
            try:
                return await self._put(message)
            except NumberTaken as taken:
                landed = [taken.winner] if lost == 0 else await self._read_on(taken.winner)
            if own := _own(landed, message):
                return own
            message = replace(message, number=landed[-1].number + 1, created_at=self._clock())
        raise AssertionError("unreachable")

    async def _read_on(self, winner: Message) -> list[Message]:
        """Two numbers lost in a row: step aside for a moment, then read up to the end instead of trying each."""
        await asyncio.sleep(full_jitter(JITTER_SECONDS))
        return [winner, *await self._store.messages_after(winner.group_uuid, winner.number)]

    async def _put(self, message: Message) -> Message:
        try:
            await self._store.append_message(message)
        except Unavailable:
            # Only the answer may have been lost: look before saying that nothing is known.
            stored = await self._store.message(message.group_uuid, message.number)
            if stored and (own := _own([stored], message)):
                return own
            raise
        return message

    async def _require_reply_target(self, message: Message) -> None:
        target = message.reply_to
        if target is None or target < message.number:
            return
        if await self._store.message(message.group_uuid, target) is None:
            raise ReplyBeyondEnd


def _own(landed: Sequence[Message], message: Message) -> Message | None:
    """The entry with this message's uuid, which must have the same content."""
    for other in landed:
        if other.uuid == message.uuid:
            if (other.user_uuid, other.text, other.reply_to) != (message.user_uuid, message.text, message.reply_to):
                raise UuidTaken
            return other
    return None
