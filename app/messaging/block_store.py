"""Blocks in DynamoDB: each is written with all that follows from it in one transaction.

A transaction has a condition for everything that it was planned with, so whatever others write meanwhile, it either
holds or is planned anew. Any method may raise Unavailable.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from app.concurrency import NUMBER_CONTENTION
from app.errors import Unavailable
from app.gateways.dynamodb import Table, TransactionRejected, Write
from app.messaging import block_items, inbox_items, items
from app.messaging.models import Block, direct_group_uuid
from app.messaging.row_models import InboxRow, MemberState

ATTEMPTS = 16
"""Plans of a transaction whose group others write to at the same time."""


@dataclass(frozen=True, slots=True)
class Relation:
    """The blocks of two users, and what follows from them; `own` is the block of the first."""

    user: UUID
    other: UUID
    own: Block | None
    theirs: Block | None
    row: InboxRow | None
    peer_row: InboxRow | None
    end: int
    """The number of the group's last message, 0 without a group."""
    has_fence: bool

    @property
    def is_blocked_by_other(self) -> bool:
        """Return whether the other has blocked the user."""
        return self.theirs is not None

    @property
    def is_whole(self) -> bool:
        """Return whether rows and log fit together: there may be a first message between their reads."""
        return bool(self.rows) == bool(self.end)

    @property
    def differences(self) -> list[str]:
        """Return what does not follow from the blocks, in words. A group that an erased user has left is closed."""
        found = ["the end of the log"] if self.has_fence != self.is_blocked else []
        rows = [row for row, _ in self.rows]
        if any(row.state is MemberState.LEFT for row in rows):
            return found
        return found + [f"the row of {row.user_uuid}" for row in rows if self.differs(row)]

    @property
    def is_blocked(self) -> bool:
        """Return whether one has blocked the other."""
        return bool(self.own or self.theirs)

    def block_of(self, row: InboxRow) -> Block | None:
        """Return the block of the user whose row this is."""
        return self.own if row.user_uuid == self.user else self.theirs

    def differs(self, row: InboxRow) -> bool:
        """Return whether a row does not follow the blocks."""
        own = self.block_of(row)
        flags = row.is_blocked, row.peer_read is not None
        return flags != (self.is_blocked, self.is_blocked) or row.blocked_at != (own and own.blocked_at)

    @property
    def group(self) -> UUID:
        """Return the id of the direct group, whether or not it exists."""
        return direct_group_uuid(self.user, self.other)

    @property
    def rows(self) -> list[tuple[InboxRow, InboxRow]]:
        """Return both rows, each with the other, if there are two."""
        return [(self.row, self.peer_row), (self.peer_row, self.row)] if self.row and self.peer_row else []


Plan = Callable[[Relation], list[Write]]


class BlockStore:
    """Reads and writes blocks."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def block(self, block: Block) -> Block:
        """Write a block, unless there is one, and return it. 8 WCU and 5 RCU, 5 RCU if there is one."""
        plan = partial(_block, block)
        before = await self._apply(block.user_uuid, block.other_uuid, plan, lambda relation: relation.own is not None)
        return before.own or block

    async def unblock(self, user: UUID, other: UUID) -> None:
        """Delete a block, if there is one. 10 WCU and 5 RCU, 5 RCU if there is none."""
        await self._apply(user, other, _unblock, lambda relation: relation.own is None)

    async def restore(self, user: UUID, other: UUID) -> None:
        """Write what follows from the blocks of two users, unless it is there. 10 WCU at most, and 5 RCU."""
        await self._apply(user, other, _restore, lambda relation: not relation.differences)

    async def blocks(self, user: UUID, *, after: UUID | None, limit: int) -> list[Block]:
        """Return a user's blocks in the order of the others' ids, after one of them. 1 RCU for each 4 KB, about 35."""
        found = await self._table.query(block_items.blocks(user, after=after, limit=limit))
        return list(map(block_items.to_block, found))

    async def has_any(self, user: UUID, others: Collection[UUID]) -> bool:
        """Return whether a user has blocked one of the others, or is blocked by one. 1 RCU for each of them.

        Eventually consistent.
        """
        pairs = [pair for other in others for pair in ((user, other), (other, user))]
        return bool(await self._table.batch_get([items.block_key(*pair) for pair in pairs]))

    async def relation(self, user: UUID, other: UUID) -> Relation:
        """Return what two users have of one another, strongly consistent, but not of one moment. 5 RCU."""
        group = direct_group_uuid(user, other)
        own, others, row, peer_row, newest = await asyncio.gather(
            self._table.get(items.block_key(user, other), consistent=True),
            self._table.get(items.block_key(other, user), consistent=True),
            self._table.get(items.inbox_key(user, group), consistent=True),
            self._table.get(items.inbox_key(other, group), consistent=True),
            self._table.query(items.newest_messages(group, limit=1, consistent=True)),
        )
        number = int(newest[0]["sk"]["S"][2:]) if newest else 0
        has_fence = bool(newest) and items.is_fence(newest[0])
        return Relation(
            user,
            other,
            block_items.to_block(own) if own else None,
            block_items.to_block(others) if others else None,
            inbox_items.to_inbox_row(row) if row else None,
            inbox_items.to_inbox_row(peer_row) if peer_row else None,
            number - has_fence,
            has_fence,
        )

    async def _apply(self, user: UUID, other: UUID, plan: Plan, is_done: Callable[[Relation], bool]) -> Relation:
        """Write what is planned, and return what it was planned with."""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(NUMBER_CONTENTION.seconds(0))
            relation = await self.relation(user, other)
            if is_done(relation):
                return relation
            if relation.is_whole:
                with suppress(TransactionRejected):
                    await self._table.transact(plan(relation))
                    return relation
        raise Unavailable("Others write to the message group at the same time, or one of its inbox rows is missing")


def _block(block: Block, relation: Relation) -> list[Write]:
    if relation.has_fence:
        own = [block_items.add_own_block(relation.row, block.blocked_at)] if relation.row else []
        return [block_items.block_item(block), block_items.keep_fence(relation.group, relation.end + 1), *own]
    rows = [
        block_items.block_row(row, peer, at=block.blocked_at if row is relation.row else None)
        for row, peer in relation.rows
    ]
    return [block_items.block_item(block), block_items.set_fence(relation.group, relation.end + 1), *rows]


def _unblock(relation: Relation) -> list[Write]:
    user, other, is_open = relation.user, relation.other, not relation.is_blocked_by_other
    end = block_items.end_block(user, other)
    if not is_open:
        rows = [block_items.unblock_row(relation.row, is_open=False, is_own=True)] if relation.row else []
        return [end, block_items.has_blocked(other, user), *rows]
    both = [block_items.unblock_row(row, is_open=True, is_own=row is relation.row) for row, _ in relation.rows]
    fence = [block_items.lift_fence(relation.group, relation.end + 1)] if relation.has_fence else []
    return [end, items.not_blocked_by(other, user), *fence, *both]


def _restore(relation: Relation) -> list[Write]:
    user, other, is_blocked = relation.user, relation.other, relation.is_blocked
    writes: list[Write] = [
        block_items.has_blocked(user, other) if relation.own else items.not_blocked_by(user, other),
        block_items.has_blocked(other, user) if relation.theirs else items.not_blocked_by(other, user),
    ]
    if relation.has_fence != is_blocked:
        fence = block_items.set_fence if is_blocked else block_items.lift_fence
        writes.append(fence(relation.group, relation.end + 1))
    rows = [(row, peer if is_blocked else None) for row, peer in relation.rows if relation.differs(row)]
    return writes + [block_items.restore_row(row, relation.block_of(row), peer) for row, peer in rows]
