"""The blocks and requests of a scan: which pairs of users have rows, or the end of a log, that do not follow them."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from app.gateways.dynamodb import StoredItem
from app.messaging import block_items, items
from app.messaging.models import direct_group_uuid
from app.messaging.row_models import InboxRow

SCHEMA: Final = """
    CREATE TABLE blocks (message_group BLOB, owner BLOB, peer BLOB, PRIMARY KEY (message_group, owner)) WITHOUT ROWID;
    CREATE TABLE fences (message_group BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID;
    CREATE TABLE blocked_rows (
        message_group BLOB, owner BLOB, peer BLOB, own INTEGER, PRIMARY KEY (message_group, owner)
    ) WITHOUT ROWID;
    CREATE TABLE pending (
        message_group BLOB, owner BLOB, peer BLOB, is_request INTEGER, PRIMARY KEY (message_group, owner)
    ) WITHOUT ROWID;
    CREATE VIEW wrong_blocks AS
        SELECT owner, peer FROM blocks LEFT JOIN fences USING (message_group) LEFT JOIN logs USING (message_group)
            WHERE number IS NOT coalesce(logs.last, 0) + 1
        UNION SELECT blocks.owner, blocks.peer FROM blocks JOIN inbox_rows USING (message_group)
            LEFT JOIN blocked_rows ON blocked_rows.message_group = inbox_rows.message_group
            AND blocked_rows.owner = inbox_rows.owner
            WHERE blocked_rows.owner IS NULL OR blocked_rows.own <> EXISTS (
                SELECT 1 FROM blocks mine
                WHERE mine.message_group = inbox_rows.message_group AND mine.owner = inbox_rows.owner)
        UNION SELECT owner, peer FROM blocks JOIN logs USING (message_group) WHERE 2 <> (
            SELECT count(*) FROM inbox_rows WHERE inbox_rows.message_group = blocks.message_group)
        UNION SELECT owner, peer FROM blocked_rows
            WHERE message_group NOT IN (SELECT message_group FROM blocks)
        UNION SELECT owner, peer FROM inbox_rows JOIN fences USING (message_group)
            WHERE message_group NOT IN (SELECT message_group FROM blocks);
    CREATE VIEW wrong_requests AS
        SELECT owner, peer FROM pending JOIN logs USING (message_group) WHERE one <> other
        UNION SELECT mine.owner, mine.peer FROM pending mine LEFT JOIN pending theirs
            ON theirs.message_group = mine.message_group AND theirs.owner = mine.peer
            AND theirs.is_request <> mine.is_request WHERE theirs.owner IS NULL;
"""
"""Tables and views beside those of the audit."""


class PairAudit:
    """Takes blocks, and what rows and logs know of them, during the scan, and answers after it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add(self, found: Iterable[StoredItem]) -> None:
        """Add those of these items that are blocks, and fences at the ends of logs."""
        for item in found:
            if items.is_fence(item):
                fence = UUID(item["pk"]["S"][4:]).bytes, int(item["sk"]["S"][2:])
                self._db.execute("INSERT OR REPLACE INTO fences VALUES (?, ?)", fence)
            elif block_items.is_block(item):
                block = block_items.to_block(item)
                group = direct_group_uuid(block.user_uuid, block.other_uuid).bytes
                row = group, block.user_uuid.bytes, block.other_uuid.bytes
                self._db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", row)

    def add_rows(self, rows: Iterable[InboxRow]) -> None:
        """Add what those of these inbox rows that are of direct groups know of blocks and requests."""
        for row in rows:
            if row.peer_uuid is None:
                continue
            place = row.group_uuid.bytes, row.user_uuid.bytes, row.peer_uuid.bytes
            if row.is_blocked or row.blocked_at or row.peer_read is not None:
                values = *place, row.blocked_at is not None
                self._db.execute("INSERT OR REPLACE INTO blocked_rows VALUES (?, ?, ?, ?)", values)
            if row.is_pending:
                self._db.execute("INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?)", (*place, row.is_request))

    def blocks_to_check(self) -> Iterator[tuple[UUID, UUID]]:
        """Yield pairs of users whose rows or log do not follow their blocks."""
        return self._pairs("SELECT DISTINCT min(owner, peer), max(owner, peer) FROM wrong_blocks")

    def requests_to_check(self) -> Iterator[tuple[UUID, UUID]]:
        """Yield pairs of users whose rows do not agree on a request, or whose log has an answer to it."""
        return self._pairs("SELECT DISTINCT min(owner, peer), max(owner, peer) FROM wrong_requests")

    def _pairs(self, sql: str) -> Iterator[tuple[UUID, UUID]]:
        for one, other in self._db.execute(sql).fetchall():
            yield UUID(bytes=one), UUID(bytes=other)
