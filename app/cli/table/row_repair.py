"""Reads rows of direct groups, strongly consistent, and repairs what follows from their logs."""

from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from app.cli.changed_messages import at_change
from app.cli.services import Services
from app.cli.table.changed import ChangeInspector, holes, settle
from app.cli.table.findings import Finding
from app.cli.table.row_checks import RowState
from app.errors import AppError
from app.gateways.dynamodb import ConditionFailed, Put, StoredItem
from app.messaging import inbox_items, inbox_writes, items
from app.messaging.clock import now
from app.messaging.requests.store import as_other_side
from app.messaging.row_models import InboxRow
from app.messaging.visibility import is_uncounted

CHECKS: Final = 3
"""Checks of a row that others write meanwhile."""
RECHECKED: Final = frozenset({"row-behind", "row-differs"})


class RowInspector:
    """Checks rows of direct groups, and repairs them if asked to."""

    def __init__(self, services: Services, changes: ChangeInspector, *, repair: bool) -> None:
        self._table = services.table
        self._store = services.messaging
        self._retention = services.retention
        self._erasures = services.user_store.erasures
        self._changes = changes
        self._repair = repair

    async def inspect(self, group: UUID, members: Collection[tuple[UUID, UUID]]) -> AsyncIterator[Finding]:
        """Yield the defects that log and rows have now; `members` have peers, and no row if they are erased."""
        erased = await self._erasures.erased_users({user for user, _ in members})
        left = [(user, peer) for user, peer in members if user not in erased]
        newest = await self._store.newest_messages(group, limit=1, consistent=True)
        if not newest:
            for user, _ in left:
                yield Finding("row-without-log", "an inbox row without messages", group, user)
            return
        if missing := await holes(newest[0].number, partial(self._store.messages_between, group, consistent=True)):
            yield Finding("hole", f"there is no message {missing}", group)
        if not left:
            yield Finding("log-without-row", f"{newest[0].number} messages that no user can see", group)
        for user, peer in left:
            if state := await self._defective(group, user):
                kind, detail = state.defect()
                is_repaired = self._repair and await self._repair_row(state, user, peer)
                yield Finding(kind, detail, group, user, repaired=is_repaired)

    async def inspect_unread(self, found: Iterable[tuple[UUID, UUID, int]]) -> AsyncIterator[Finding]:
        """Yield the defects of rows that do not know of unread messages that they expire."""
        for user, group, number in found:
            row, message = await self._store.inbox_row(user, group), await self._store.message(group, number)
            if row and message and is_uncounted(message, row):
                detail = f"message {number} expires and stays unread"
                is_repaired = self._repair and number in (await self._store.count_gone(message, row)).gone
                yield Finding("row-differs", detail, group, user, repaired=is_repaired)

    async def _defective(self, group: UUID, user: UUID) -> RowState | None:
        """Return a row with its logs if it has a defect, unless others write it."""
        before: StoredItem | None = None
        for _ in range(CHECKS):
            state = await self._read(group, user)
            kind, _ = state.defect()
            if kind not in RECHECKED or state.item == before:
                return state if kind else None
            before = state.item
            await settle()
        return None

    async def _read(self, group: UUID, user: UUID) -> RowState:
        """Return a row and its logs, which are read after it: nothing that happens in between makes it look ahead."""
        item = await self._table.get(items.inbox_key(user, group), consistent=True)
        change = await self._store.changes.newest_change(group)
        (last,) = await self._store.newest_messages(group, limit=1, consistent=True)
        has_ended = self._retention.has_ended(last.created_at, now())
        if item is None:
            return RowState(None, None, last, change, has_ended=has_ended)
        row = inbox_items.to_inbox_row(item)
        mentions = (await self._with_mentions(row)).unread_mentions
        return RowState(item, row, last, change, frozenset(mentions), has_ended=has_ended)

    async def _with_mentions(self, row: InboxRow) -> InboxRow:
        """Return a row with the unread mentions of its log, which is read after it."""
        after = min(row.seen_number, row.last_number)
        found = await self._store.mentions.unread(row.user_uuid, row.group_uuid, after=after)
        return replace(row, mentioned=found)

    async def _repair_row(self, state: RowState, user: UUID, peer: UUID) -> bool:
        """Write what the row takes from its logs, and nothing else; return False if another writer was faster.

        The row gets the number of a change only after all changes up to it were applied to their messages.
        """
        row, last, change = state.row, state.last, state.change
        with suppress(AppError, ConditionFailed):
            if change:
                await self._changes.catch_up(change, after=row.change_number if row else 0)
                (last,) = await self._store.newest_messages(last.group_uuid, limit=1, consistent=True)
            if row is None:
                first = inbox_items.first_inbox_row(last, user=user, peer=peer)
                if peer_row := await self._store.inbox_row(peer, last.group_uuid):
                    first = as_other_side(first, peer_row)
                first = await self._with_mentions(at_change(first, change))
                await self._table.put(Put(inbox_items.inbox_item(first), condition=items.ABSENT))
                return True
            if is_behind := row.last_number < last.number:
                row = await self._store.advance_inbox_row(last, user=user) or row
            wanted = await self._with_mentions(at_change(row, change))
            if not is_behind or row != wanted:
                await self._table.update(inbox_writes.reset_inbox_row(last, wanted))
            return True
        return False
