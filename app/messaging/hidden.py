"""Hidden messages: a member has deleted them on all devices of the member's own; other members see them as before."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from app.concurrency import NUMBER_CONTENTION, SEND_SECONDS, deadline
from app.concurrency.publish import Publish
from app.errors import Unavailable
from app.messaging.errors import MessageNotFound
from app.messaging.events import GroupChanged
from app.messaging.models import Change, Message
from app.messaging.projection import Projection
from app.messaging.row_models import InboxRow
from app.messaging.store import MessagingStore

ATTEMPTS = 8
"""Attempts to write a row that others write at the same time."""


class HiddenMessages:
    """Hides messages from members."""

    def __init__(
        self, store: MessagingStore, projection: Projection, publish: Publish, clock: Callable[[], datetime]
    ) -> None:
        """Publish GroupChanged to a user with another hidden message."""
        self._store = store
        self._projection = projection
        self._publish = publish
        self._clock = clock

    async def hide(self, read_row: Callable[[], Awaitable[InboxRow]], number: int) -> Message:
        """Hide a message from the user whose row this reads, and return it. 4 WCU and 1 RCU.

        Nothing is written if the user has hidden it before. Raises MessageNotFound and Unavailable.
        """
        async with deadline(2 * SEND_SECONDS):
            for attempt in range(ATTEMPTS):
                row = await read_row()
                message = await self._store.message(row.group_uuid, number)
                if message is None or number <= row.cleared_number:
                    raise MessageNotFound
                if row.user_uuid in message.hidden_by:
                    return message
                if row.last_number < number:  # behind the log: a process ended between commit and projection
                    await self._projection.project(message, row)
                elif hidden := await self._store.hide(message, row, self._clock()):
                    await self._publish(GroupChanged(hidden))
                    return replace(message, hidden_by=message.hidden_by | {row.user_uuid})
                await asyncio.sleep(NUMBER_CONTENTION.seconds(attempt))
        raise Unavailable("Others write the inbox row at the same time")


async def without_hidden_texts(store: MessagingStore, row: InboxRow, changes: Sequence[Change]) -> list[Change]:
    """Return changes of a group without the texts of messages that the row's user has hidden or cleared, or that ended.

    0.5 RCU for each message with another text, if the user has hidden a message of the group, or messages end.
    """
    edited = {change.message_number for change in changes if change.text is not None}
    visible = {number for number in edited if number > row.cleared_number} - {*row.hidden}
    if visible and (row.hide_count or store.retention.period):
        found = await store.messages_at({(row.group_uuid, number) for number in visible})
        visible -= {m.number for m in found if row.user_uuid in m.hidden_by or m.ended_at or m.deleted_at}
    return [change if change.message_number in visible else replace(change, text=None) for change in changes]
