"""Requests in DynamoDB: one method per access pattern. Any method may raise Unavailable."""

from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from app.gateways.dynamodb import ConditionFailed, Table, TransactionRejected
from app.messaging import inbox_items
from app.messaging import items as keys
from app.messaging.models import direct_group_uuid
from app.messaging.requests import items
from app.messaging.row_models import Folder, InboxRow

MAX_MESSAGES = 3
"""Messages that a requester can send before the receiver accepts."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The rows of two users, and whether the one that is asked has written."""

    rows: tuple[InboxRow, InboxRow]
    has_answer: bool

    @property
    def differences(self) -> list[str]:
        """Return what does not fit, in words: the log decides, and without an answer the receiver's row."""
        if self.has_answer:
            return [f"the row of {row.user_uuid}" for row in self.rows if row.is_pending]
        one, other = self.rows
        pairs = (one, other), (other, one)
        return [f"the row of {row.user_uuid}" for row, peer in pairs if row.awaits_acceptance != peer.is_request]


def as_other_side(row: InboxRow, peer: InboxRow) -> InboxRow:
    """Return a row as the other side of the request that the peer's row has, if it has one."""
    folder = Folder.REQUESTS if peer.awaits_acceptance else row.folder
    return replace(row, folder=folder, awaits_acceptance=peer.is_request)


class RequestStore:
    """Reads and writes what makes a group a request."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def accept(self, row: InboxRow) -> bool:
        """Accept a request for both members, and return whether the receiver's `row` was one still. 6 WCU."""
        if row.peer_uuid is None:
            return False
        writes = [items.accept(row), items.stop_waiting(row.peer_uuid, row.group_uuid)]
        try:
            await self._table.transact(writes)
        except TransactionRejected as error:
            if 0 in error.failed:
                return False
            await self.settle(row)  # the requester is erased, and has no row
        return True

    async def decline(self, row: InboxRow) -> InboxRow | None:
        """Decline a request, and return the receiver's row, None if it is none any more. 2 WCU."""
        try:
            return inbox_items.to_inbox_row(await self._table.update(items.decline(row.user_uuid, row.group_uuid)))
        except ConditionFailed:
            return None

    async def is_answered(self, row: InboxRow) -> bool:
        """Return whether the receiver of a pending row has written, strongly consistent.

        1 RCU for each 4 KB of the log, which is short before the first answer.
        """
        return bool(await self._table.query(items.messages_of(row.receiver_uuid, row.group_uuid)))

    async def follow_log(self, row: InboxRow) -> InboxRow:
        """Return a pending row, after it has become one of an accepted group if its receiver has written.

        1 RCU; 1 WCU, 3 for that of the receiver, if there is an answer.
        """
        return await self.settle(row) if await self.is_answered(row) else row

    async def settle(self, row: InboxRow) -> InboxRow:
        """Make a pending row, of either member, one of an accepted group, and return it. 1 WCU, 3 in requests."""
        update = items.accept(row) if row.is_request else items.stop_waiting(row.user_uuid, row.group_uuid)
        item, _ = await self._table.try_update(update)
        return inbox_items.to_inbox_row(item) if item else row

    async def standing(self, one: UUID, other: UUID) -> Standing | None:
        """Return what there is of a request of two users, None unless both have rows. 2 RCU, and 1 for each 4 KB of the
        log.
        """
        group = direct_group_uuid(one, other)
        found = [await self._table.get(keys.inbox_key(user, group), consistent=True) for user in (one, other)]
        rows = [inbox_items.to_inbox_row(item) for item in found if item]
        if len(rows) < len(found):
            return None
        pending = [row for row in rows if row.is_pending]
        has_answer = bool(pending) and await self.is_answered(pending[0])
        return Standing((rows[0], rows[1]), has_answer)

    async def restore(self, standing: Standing) -> None:
        """Write what follows from the log, or from the receiver's row, to both rows. 4 WCU at most."""
        one, other = standing.rows
        for row, peer in ((one, other), (other, one)):
            if row.is_pending and (standing.has_answer or (row.awaits_acceptance and not peer.is_request)):
                await self.settle(row)
            elif peer.is_request and not row.awaits_acceptance and not standing.has_answer:
                with suppress(TransactionRejected):
                    await self._table.transact(items.wait_again(row))
