"""The mentions that inbox rows count: the numbers of the newest messages that mention the row's user.

A message adds its number in the same update that moves the row to it, and a change adds or takes it away with its own.
What is here makes up for messages that a row was moved past, and keeps the rows short.
"""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from app.errors import Unavailable
from app.gateways.dynamodb import Item, Table, Update
from app.messaging import inbox_items, items
from app.messaging.models import LAST_NUMBER
from app.messaging.row_models import MAX_MENTIONS_COUNTED, InboxRow

MAX_MENTIONS_KEPT = 24
"""Numbers of mentions that a row keeps. With more, those that are read, and all but the newest 20, are taken away."""
MAX_SKIPPED = 100
"""Messages that a row was moved past, the newest ones, which are searched for mentions."""
ATTEMPTS = 8
"""Attempts to add to a row that changes are written to at the same time."""


class MentionStore:
    """Reads mentions from logs, and adds them to rows."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def complete(self, row: InboxRow, numbers: Iterable[int]) -> InboxRow:
        """Return a row that has the mentions among these messages, of which those that are read do not count.

        May raise Unavailable. 1 RCU for each 4 KB of at most 100 messages, and 1 WCU if the row lacked some; nothing
        without an unread one among the numbers. 1 WCU more when the row keeps too many.
        """
        unread = [number for number in numbers if number > row.seen_number][-MAX_SKIPPED:]
        row = await self._add(row, unread) if unread else row
        return await self._trim(row) if len(row.mentioned) > MAX_MENTIONS_KEPT else row

    async def _add(self, row: InboxRow, numbers: list[int]) -> InboxRow:
        for _ in range(ATTEMPTS):
            query = items.messages_between(row.group_uuid, numbers[0], numbers[-1], consistent=True)
            found = items.to_messages(await self._table.query(query))
            mentioned = {message.number for message in found if inbox_items.mentions(message, row.user_uuid)}
            missing = frozenset(mentioned.intersection(numbers) - row.mentioned)
            if not missing:
                return row
            item, is_added = await self._table.try_update(_add(row, missing))
            row = inbox_items.to_inbox_row(item) if item else row  # with a change that the messages may not have had
            if is_added or item is None:
                return row
        raise Unavailable("Others write the inbox row at the same time")

    async def _trim(self, row: InboxRow) -> InboxRow:
        return inbox_items.to_inbox_row(await self._table.update(_trim(row)))

    async def unread(self, user: UUID, group: UUID, *, after: int) -> frozenset[int]:
        """Return the numbers of the newest messages after a number that mention a user, at most 20.

        They are read strongly consistent: 1 RCU for each 4 KB of all messages after it.
        """
        every = items.messages_between(group, after + 1, LAST_NUMBER, consistent=True)
        of_user = replace(every, filter="contains(#mentions, :user)", values={**every.values, ":user": user})
        found = await self._table.query(of_user)
        numbers = [message.number for message in items.to_messages(found) if inbox_items.mentions(message, user)]
        return frozenset(numbers[-MAX_MENTIONS_COUNTED:])


def _add(row: InboxRow, numbers: frozenset[int]) -> Update:
    """Return the update that adds mentions to a row, if no change was written to it since it was read.

    The messages were read after it, so they had all of its changes.
    """
    values: Item = {":numbers": numbers, ":one": 1}
    condition = "attribute_exists(#v) AND attribute_not_exists(#k)"
    if row.change_number:
        condition, values = "#k = :k", values | {":k": row.change_number}
    key = items.inbox_key(row.user_uuid, row.group_uuid)
    return Update(key, "SET #v = #v + :one ADD #mentioned :numbers", values, condition)


def _trim(row: InboxRow) -> Update:
    excess = row.mentioned.difference(row.unread_mentions)
    is_cut = any(number > row.read_number for number in excess)
    expression = f"DELETE #mentioned :excess {'SET #cut = :true' if is_cut else 'REMOVE #cut'}"
    values: Item = {":excess": excess} | ({":true": True} if is_cut else {})
    return Update(items.inbox_key(row.user_uuid, row.group_uuid), expression, values, condition="attribute_exists(#v)")
