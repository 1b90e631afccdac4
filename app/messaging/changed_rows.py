"""Inbox rows after changes: each row moves from change to change without leaving one out, its preview with them."""

from dataclasses import replace
from functools import partial
from uuid import UUID

from app.concurrency.publish import Publish
from app.errors import Unavailable
from app.messaging.change_store import RowNotAdvanced
from app.messaging.events import MessageChanged
from app.messaging.groups.models import HEAD
from app.messaging.models import Change, Message
from app.messaging.projection import Projection, Step
from app.messaging.row_models import GroupKind, InboxRow, MemberState
from app.messaging.store import MessagingStore

ATTEMPTS = 8
"""Attempts to write a row that others write at the same time; each one brings it nearer."""


class ChangedRows:
    """Writes the numbers of changes, and the previews that follow them, to the rows of a group's members."""

    def __init__(self, store: MessagingStore, projection: Projection, publish: Publish) -> None:
        """Publish MessageChanged for each row of an active member that was moved."""
        self._store = store
        self._projection = projection
        self._publish = publish

    async def advance(self, change: Change, message: Message, row: InboxRow, before: Message | None = None) -> None:
        """Bring both members' rows, or the head, up to a change that is applied to its message. 1 WCU for each row.

        `row` is one of them, as it was read before, and `before` the message as it was: in a group of several the rows
        of members that it mentions now, or did before, follow. Returns when Projection.write does.
        """
        is_last, told = row.last_number == message.number, replace(change, earlier_text=None)
        steps: list[Step] = [
            partial(self._advance, told, message, user, is_last=is_last) for user in row.projected_users
        ]
        if before and row.kind is GroupKind.GROUP:
            added, dropped = message.mentions - before.mentions, before.mentions - message.mentions
            steps += self._projection.mention_steps(message, added - {message.user_uuid}, dropped)
        await self._projection.write(change.group_uuid, steps)

    def repair(self, message: Message, row: InboxRow) -> None:
        """Bring rows that were found behind the last change of a message up to it, in the background.

        1 RCU and 1 WCU for each row, once at a time per group; for an unfinished deletion what that costs.
        """
        steps = [partial(self._repair, message, user) for user in row.projected_users]
        self._projection.write_later(message.group_uuid, steps)

    async def _repair(self, message: Message, user: UUID) -> None:
        if message.has_texts_to_remove:  # no change looks for them once the rows are past the deletion
            await self._store.changes.remove_texts(message)
        if change := await self._store.changes.change(message.group_uuid, message.change_number):
            await self._advance(replace(change, earlier_text=None), message, user, is_last=True)

    async def _advance(self, change: Change, message: Message, user: UUID, *, is_last: bool) -> None:
        for _ in range(ATTEMPTS):
            try:
                row = await self._store.changes.advance_row(change, message, user=user, is_last=is_last)
            except RowNotAdvanced as error:
                if error.row is None:
                    return
                row = error.row
            if row.sees_nothing_of(message.number):  # perhaps since the message was read
                message = replace(message, hidden_by=message.hidden_by | {user})
            if row.change_number >= change.number:
                if user != HEAD:
                    row = await self._store.mentions.complete(row, ())  # an edit may have added one too many
                if row.state is MemberState.ACTIVE:
                    is_hidden = user in message.hidden_by
                    await self._publish(MessageChanged(replace(change, text=None) if is_hidden else change, row))
                return
            await self._bring_near(row, change, message)
            is_last = row.last_number <= message.number
        raise Unavailable("Others write the inbox row at the same time")

    async def _bring_near(self, row: InboxRow, change: Change, message: Message) -> None:
        """Make up for what the row lacks: earlier changes, in order, and the message itself."""
        missed = await self._store.changes.changes_between(
            change.group_uuid, row.change_number + 1, change.number - 1, consistent=True
        )
        for earlier in missed:
            if changed := await self._store.message(earlier.group_uuid, earlier.message_number):
                is_last = row.last_number == earlier.message_number
                await self._advance(earlier, changed, row.user_uuid, is_last=is_last)
        if row.last_number < message.number:
            await self._store.advance_inbox_row(message, user=row.user_uuid)
