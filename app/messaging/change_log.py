"""Appending to a group's change log, and applying each change to its message: once, and in the order of the log.

The entry is the commit, and the message's item follows. These hold at any moment, whatever process ends:

- A process appends at a number only after it has applied all changes before it, so what a rule has checked is true.
- A row has a change's number only after that change, and all before it, were applied. A change that a process has left
  committed but not applied is therefore after the row's number, where the next change finds it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION
from app.errors import Unavailable
from app.messaging.change_store import ChangeNumberTaken
from app.messaging.errors import MessageNotFound, UuidTaken
from app.messaging.group_locks import EMPTY, GroupLocks, Tail
from app.messaging.models import LAST_NUMBER, Change, ChangeDraft, ChangeType, Message
from app.messaging.row_models import InboxRow
from app.messaging.store import MessagingStore
from app.messaging.uuid7 import uuid7

Rule = Callable[[Message], bool]
"""Returns whether a draft changes the message as it stands, or raises why it may not."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The message after a draft, and the change that it became; None if the message was so already."""

    message: Message
    change: Change | None
    before: Message | None = None
    """The message before the change."""


class ChangeLog:
    """Finds the number for a change, commits it there by one conditional put, and applies it to its message."""

    def __init__(self, store: MessagingStore, clock: Callable[[], datetime], *, keeps_texts: bool) -> None:
        """With `keeps_texts`, earlier texts of a message are kept in its edits: each its own, the first one both."""
        self._store = store
        self._locks = GroupLocks()
        self._clock = clock
        self._keeps_texts = keeps_texts

    async def append(self, draft: ChangeDraft, row: InboxRow, rule: Rule) -> Changed:
        """Return the message with the draft applied, whether now, by an earlier attempt, or because it was so already.

        `row` is a row of the group, read strongly consistent. Raises what the rule raises, MessageNotFound, UuidTaken
        when another edit of the same version has the draft's uuid, and Unavailable. 2 WCU and 1 RCU; 1 RCU more for an
        edit that may be an earlier attempt, and 1 WCU more for the text that it replaces unless texts are kept.
        """
        async with self._locks.of(draft.group_uuid):
            known = Tail(row.change_number, row.changed_at or EMPTY.at)
            tail = max(known, self._locks.tail(draft.group_uuid))
            for attempt in count():
                message = await self._message(draft.group_uuid, draft.message_number)
                if duplicate := await self._find_duplicate(draft, message):
                    return Changed(await self._complete(message), duplicate)
                if not rule(message):
                    return Changed(await self._complete(message), None)
                change = self._entry(draft, message, tail)
                others = await self._commit(change, is_contended=attempt > 0)
                if not others:
                    changed = await self._apply(change, message)
                    self._locks.record_tail(draft.group_uuid, Tail(change.number, change.created_at))
                    return Changed(changed, change, message)
                tail = await self.catch_up(others)
        raise AssertionError("unreachable")

    async def catch_up(self, changes: Sequence[Change]) -> Tail:
        """Apply changes that other processes have committed, which follow what is applied; return the last of them.

        1 RCU and 1 WCU for each, whether it was applied or not.
        """
        for change in changes:
            await self._apply(change, await self._message(change.group_uuid, change.message_number))
        self._locks.record_tail(changes[-1].group_uuid, Tail(changes[-1].number, changes[-1].created_at))
        return self._locks.tail(changes[-1].group_uuid)

    async def _message(self, group: UUID, number: int) -> Message:
        message = await self._store.message(group, number)
        if message is None:
            raise MessageNotFound
        return message

    async def _find_duplicate(self, draft: ChangeDraft, message: Message) -> Change | None:
        """Return the earlier attempt of an edit: the change that replaced the version which the draft replaces."""
        version = draft.version or 0
        if draft.uuid is None or message.deleted_at or not 0 < version <= len(message.edits):
            return None
        edit = await self._store.changes.change(draft.group_uuid, message.edits[version - 1])
        if edit is None or edit.uuid != draft.uuid:
            return None
        is_other = edit.text != draft.text or draft.mentions not in {edit.mentions, None}
        if edit.user_uuid != draft.user_uuid or (is_other and edit.text is not None):  # its text may be removed
            raise UuidTaken
        return edit

    def _entry(self, draft: ChangeDraft, message: Message, tail: Tail) -> Change:
        """Return the change that the draft becomes after the end of the log; nothing is written."""
        is_edit, is_first = draft.type is ChangeType.EDIT, message.version == 1
        return Change(
            group_uuid=draft.group_uuid,
            number=tail.number + 1,
            uuid=draft.uuid or uuid7(),
            user_uuid=draft.user_uuid,
            created_at=max(self._clock(), tail.at, message.created_at),
            type=draft.type,
            message_number=draft.message_number,
            text=draft.text,
            earlier_text=message.text if is_edit and is_first and self._keeps_texts else None,
            version=message.version + 1 if is_edit else None,
            emoji=draft.emoji,
            mentions=(message.mentions if draft.mentions is None else draft.mentions) if is_edit else frozenset(),
        )

    async def _commit(self, change: Change, *, is_contended: bool) -> list[Change]:
        """Put a change at its number; return the changes that stand there and after it if others were faster."""
        group, number, changes = change.group_uuid, change.number, self._store.changes
        try:
            await changes.append(change)
            return []
        except ChangeNumberTaken as error:
            winner = error.winner
        except Unavailable:
            # Only the answer may have been lost: read the number before reporting that the outcome is unknown.
            if await changes.change(group, number) != change:
                raise
            return []
        if winner == change:  # the answer of an attempt was lost
            return []
        if not is_contended:
            return [winner]
        # Read to the end of the log instead of trying each number, after the others had a moment.
        await asyncio.sleep(NUMBER_CONTENTION.seconds(0))
        later = await changes.changes_between(group, number + 1, LAST_NUMBER, consistent=True)
        # A range is not read at one moment: a change may be in it without the one before.
        return [winner, *(other for other, expected in zip(later, count(number + 1)) if other.number == expected)]

    async def _apply(self, change: Change, message: Message) -> Message:
        applied = await self._store.changes.apply(change, message)
        if applied is None:
            raise MessageNotFound
        return await self._complete(applied) if change.type in {ChangeType.EDIT, ChangeType.DELETE} else applied

    async def _complete(self, message: Message) -> Message:
        """Remove the texts that are not to be kept, also those that another process has left half done."""
        if message.has_texts_to_remove:
            await self._store.changes.remove_texts(message)
        elif not self._keeps_texts and len(message.edits) > 1:
            await self._store.changes.remove_text(message.group_uuid, message.edits[-2])
        return message
