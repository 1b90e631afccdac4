"""Removing from the table what no read shows any more, as the installation's retention has ended it.

Any method may raise Unavailable. Units are those of messages and rows of ordinary size.
"""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Item, StoredItem, Table, Update
from app.messaging.change_items import change_key
from app.messaging.expiring import ExpiringTexts
from app.messaging.items import from_ms, message_key, to_ms
from app.messaging.models import Change, Message, MessageKind
from app.messaging.retention import Retention
from app.messaging.visibility import has_expired


class RetentionStore:
    """Finds and ends messages and previews that are past a retention, among items of the whole table."""

    def __init__(self, table: Table, retention: Retention) -> None:
        self._table = table
        self._texts = ExpiringTexts(table)
        self._retention = retention

    def is_overdue(self, message: Message, at: datetime) -> bool:
        """Return whether a message, as the table has it, has a text somewhere which has ended.

        That of a message which has expired by its sender's deadline is left to DynamoDB. One that was ended has a text
        again if an edit was applied late.
        """
        if message.kind is MessageKind.SYSTEM or message.deleted_at or message.ended_at:
            return bool(message.ended_at and message.text)
        return not has_expired(message, at) and self._retention.has_ended(message.created_at, at)

    def is_change_overdue(self, change: Change, at: datetime) -> bool:
        """Return whether a change has texts of a message that must have ended, as it was sent before.

        It finds what no message leads to: edits that were never applied, and those of an unfinished deletion.
        """
        has_text = change.text is not None or change.earlier_text is not None
        return has_text and self._retention.has_ended(change.created_at, at)

    def is_preview_overdue(self, item: StoredItem, at: datetime) -> bool:
        """Return whether an inbox row, or a head, has a preview of a message that has ended."""
        has_preview = "at" in item and "last" in item and bool(item.get("text", {}).get("S"))
        return has_preview and self._retention.has_ended(from_ms(int(item["at"]["N"])), at)

    async def end(self, message: Message) -> None:
        """Remove the texts of a message and of its edits, in this order: edits, message. 1 WCU for each.

        1 WCU more for a message that expires, whose text is an item of its own.
        """
        for number in message.edits:
            await self._end_texts(message.group_uuid, number)
        condition = "attribute_exists(#text)"
        if message.expires_in is not None:
            await self._texts.remove(message)
            condition = "attribute_exists(#pk) AND attribute_not_exists(#deleted)"
        ended_at = self._retention.end_of(message.created_at) or message.created_at
        expression = "SET #ended = if_not_exists(#ended, :ended) REMOVE #text"
        key = message_key(message.group_uuid, message.number)
        await self._update(Update(key, expression, {":ended": to_ms(ended_at)}, condition))

    async def end_change(self, change: Change) -> None:
        """Remove the texts of a change. 1 WCU."""
        await self._end_texts(change.group_uuid, change.number)

    async def _end_texts(self, group: UUID, number: int) -> None:
        await self._update(Update(change_key(group, number), "REMOVE #text, #earlier", {}, "attribute_exists(#pk)"))

    async def end_preview(self, item: StoredItem) -> None:
        """Empty the preview of a row or a head, unless it has a later message by now. 1 WCU."""
        key = {"pk": item["pk"]["S"], "sk": item["sk"]["S"]}
        values: Item = {":none": "", ":last": int(item["last"]["N"])}
        await self._update(Update(key, "SET #text = :none", values, condition="#last = :last"))

    async def _update(self, update: Update) -> None:
        with suppress(ConditionFailed):  # another process has changed it since it was read
            await self._table.update(update)
