"""The inbox rows of direct groups from a scan, with what they know of mentions and of messages that do not count."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from app.cli.table.digests import change_digest, digest_of
from app.cli.table.group_audit import StoredRow
from app.messaging import inbox_items

SCHEMA: Final = """
    CREATE TABLE inbox_rows (
        owner BLOB, message_group BLOB, peer BLOB, last INTEGER, read INTEGER, newest BLOB, newest_change BLOB,
        PRIMARY KEY (owner, message_group)
    ) WITHOUT ROWID;
    CREATE TABLE row_mentions (message_group BLOB, user BLOB, number INTEGER, PRIMARY KEY (message_group, user, number))
        WITHOUT ROWID;
    CREATE VIEW unread_mentions AS
        SELECT mentions.*, row_number() OVER (PARTITION BY message_group, user ORDER BY number DESC) AS place
        FROM mentions JOIN inbox_rows USING (message_group) WHERE owner = user AND number > read;
    CREATE TABLE gone (owner BLOB, message_group BLOB, number INTEGER, PRIMARY KEY (owner, message_group, number))
        WITHOUT ROWID;
    CREATE VIEW uncounted AS SELECT owner, message_group, number FROM inbox_rows JOIN expiring USING (message_group)
        WHERE number > read AND number <= inbox_rows.last AND owner <> sender AND NOT EXISTS (
            SELECT 1 FROM gone WHERE gone.owner = inbox_rows.owner AND gone.message_group = inbox_rows.message_group
            AND gone.number = expiring.number);
"""
"""Tables and views beside those of the logs."""


class RowAudit:
    """Takes inbox rows of direct groups during the scan, and answers after it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add(self, found: Sequence[StoredRow]) -> None:
        """Add those of these inbox rows that are of direct groups."""
        direct = [(item, row, row.peer_uuid.bytes) for item, row in found if row.peer_uuid]
        mentions = ((row.group_uuid.bytes, row.user_uuid.bytes, n) for _, row, _ in direct for n in row.unread_mentions)
        self._db.executemany("INSERT OR IGNORE INTO row_mentions VALUES (?, ?, ?)", mentions)
        gone = ((row.user_uuid.bytes, row.group_uuid.bytes, n) for _, row, _ in direct for n in row.gone)
        self._db.executemany("INSERT OR REPLACE INTO gone VALUES (?, ?, ?)", gone)
        values = (
            (
                *(row.user_uuid.bytes, row.group_uuid.bytes, peer),
                *(row.last_number, max(row.delivered_number, row.cleared_number)),
                *(digest_of(inbox_items.row_projection(item)), change_digest(row)),
            )
            for item, row, peer in direct
        )
        self._db.executemany("INSERT OR REPLACE INTO inbox_rows VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def uncounted_messages(self) -> Iterator[tuple[UUID, UUID, int]]:
        """Yield each user, group and number of an unread message that expires, which the user's row does not know."""
        for owner, group, number in self._db.execute("SELECT * FROM uncounted"):
            yield UUID(bytes=owner), UUID(bytes=group), number

    def members(self, group: UUID) -> set[tuple[UUID, UUID]]:
        """Return the owners of the group's rows, each with the peer that the row names."""
        found = self._db.execute("SELECT owner, peer FROM inbox_rows WHERE message_group = ?", (group.bytes,))
        return {(UUID(bytes=owner), UUID(bytes=peer)) for owner, peer in found}

    def doubled_pairs(self) -> Iterator[tuple[UUID, UUID, list[UUID]]]:
        """Yield each pair of users that shares more than one group, with the groups."""
        found = self._db.execute(
            """
            SELECT owner, peer, group_concat(hex(message_group)) FROM inbox_rows
            WHERE owner < peer GROUP BY owner, peer HAVING count(*) > 1
            """
        )
        for owner, peer, groups in found.fetchall():
            yield UUID(bytes=owner), UUID(bytes=peer), [UUID(each) for each in groups.split(",")]
