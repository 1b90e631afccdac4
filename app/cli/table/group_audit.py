"""The items of groups of several members from a scan: heads, members and rows, and which of them do not agree.

A row of such a group may know less than the head: it follows from what the head has told it. Rows of former members
follow nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias
from uuid import UUID

from app.cli.table.digests import change_digest, digest_of
from app.gateways.dynamodb import StoredItem
from app.messaging import inbox_items, items
from app.messaging.clock import now
from app.messaging.groups.models import MAX_SYSTEMS, Member
from app.messaging.groups.stored import TOLD, Head
from app.messaging.inbox_items import BUCKET_MS, bucket
from app.messaging.models import Message, MessageKind
from app.messaging.row_models import MAX_MENTIONS_COUNTED, InboxRow, MemberState

StoredRow: TypeAlias = tuple[StoredItem, InboxRow]
"""An inbox row as the table stores it, and what it says."""
LATE_BUCKETS: Final = 2
"""Rows that were not told for so many times ten minutes are left behind: the service tells them within a minute."""

SCHEMA: Final = """
    CREATE TABLE limits (mentions INTEGER, systems INTEGER);
    CREATE TABLE heads (
        message_group BLOB PRIMARY KEY, last INTEGER, newest BLOB, newest_change BLOB, members INTEGER, version INTEGER,
        told BLOB, preview TEXT, is_pending INTEGER, is_late INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE members (message_group BLOB, user BLOB, role TEXT, PRIMARY KEY (message_group, user)) WITHOUT ROWID;
    CREATE TABLE group_rows (
        message_group BLOB, user BLOB, role TEXT, is_active INTEGER, is_indexed INTEGER, is_open INTEGER,
        version INTEGER, told BLOB, preview TEXT, read INTEGER, PRIMARY KEY (message_group, user)
    ) WITHOUT ROWID;
    CREATE TABLE systems (message_group BLOB, number INTEGER, PRIMARY KEY (message_group, number)) WITHOUT ROWID;
    CREATE TABLE head_systems (message_group BLOB, number INTEGER, PRIMARY KEY (message_group, number)) WITHOUT ROWID;
    CREATE TABLE group_mentions (message_group BLOB, user BLOB, number INTEGER,
        PRIMARY KEY (message_group, user, number)) WITHOUT ROWID;
    CREATE VIEW direct_logs AS SELECT * FROM logs WHERE substr(hex(message_group), 13, 1) <> '8';
    CREATE VIEW headless AS SELECT message_group FROM (
            SELECT message_group FROM logs WHERE substr(hex(message_group), 13, 1) = '8'
            UNION SELECT message_group FROM fences WHERE substr(hex(message_group), 13, 1) = '8'
            UNION SELECT message_group FROM members UNION SELECT message_group FROM group_rows
        ) LEFT JOIN heads USING (message_group) WHERE newest IS NULL;
    CREATE VIEW wrong_systems AS
        SELECT message_group FROM (SELECT * FROM head_systems EXCEPT SELECT * FROM systems)
        UNION SELECT message_group FROM (
            SELECT message_group, number FROM (
                SELECT *, row_number() OVER (PARTITION BY message_group ORDER BY number DESC) AS place FROM systems)
            WHERE place <= (SELECT systems FROM limits) EXCEPT SELECT * FROM head_systems);
    CREATE VIEW wrong_mentions AS
        SELECT message_group FROM (SELECT * FROM group_mentions EXCEPT SELECT * FROM mentions)
        UNION SELECT message_group FROM (
            SELECT message_group, user, number FROM (
                SELECT mentions.*, row_number() OVER (PARTITION BY message_group, user ORDER BY number DESC) AS place
                FROM mentions JOIN group_rows USING (message_group, user) WHERE is_active AND number > read)
            WHERE place <= (SELECT mentions FROM limits) EXCEPT SELECT * FROM group_mentions);
    CREATE VIEW wrong_heads AS
        SELECT message_group FROM heads LEFT JOIN logs USING (message_group)
            WHERE heads.last IS NOT logs.last OR heads.newest IS NOT logs.newest
        UNION SELECT message_group FROM heads LEFT JOIN change_logs USING (message_group)
            WHERE newest_change IS NOT change_logs.newest
        UNION SELECT message_group FROM heads WHERE members = 0 OR is_late
            OR members <> (SELECT count(*) FROM members WHERE members.message_group = heads.message_group);
    CREATE VIEW wrong_members AS
        SELECT message_group FROM members LEFT JOIN group_rows USING (message_group, user)
            WHERE is_active IS NOT 1 OR members.role <> group_rows.role
        UNION SELECT message_group FROM group_rows LEFT JOIN members USING (message_group, user)
            WHERE is_active AND members.user IS NULL;
    CREATE VIEW wrong_rows AS
        SELECT message_group FROM group_rows AS own JOIN heads USING (message_group)
            WHERE is_active AND (NOT is_indexed OR own.version > heads.version
                OR (NOT is_pending AND NOT is_open AND own.version < heads.version)
                OR (own.version = heads.version
                    AND (own.told <> heads.told OR coalesce(own.preview, heads.preview) <> heads.preview)))
        UNION SELECT message_group FROM group_rows JOIN logs USING (message_group) WHERE read > logs.last;
    CREATE VIEW suspicious_groups AS
        SELECT * FROM headless UNION SELECT * FROM wrong_heads UNION SELECT * FROM wrong_systems
        UNION SELECT * FROM wrong_members UNION SELECT * FROM wrong_rows UNION SELECT * FROM wrong_mentions;
"""
"""Tables and views beside those of the audit. The id of a group of several members is a UUIDv8.

Of a head, `is_pending` says that its rows are being told, and `is_late` that they should have been long ago.
"""


class GroupAudit:
    """Takes heads, members and rows of groups of several members during the scan, and answers after it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database
        self._db.execute("INSERT INTO limits VALUES (?, ?)", (MAX_MENTIONS_COUNTED, MAX_SYSTEMS))

    def add(self, entities: Sequence[object]) -> None:
        """Add those of these entities that are heads and members, and the numbers of system messages."""
        heads = [each for each in entities if isinstance(each, Head)]
        self._db.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(_head, heads))
        numbers = ((head.group_uuid.bytes, number) for head in heads for number in head.systems)
        self._db.executemany("INSERT OR REPLACE INTO head_systems VALUES (?, ?)", numbers)
        members = ((m.group_uuid.bytes, m.user_uuid.bytes, str(m.role)) for m in entities if isinstance(m, Member))
        self._db.executemany("INSERT OR REPLACE INTO members VALUES (?, ?, ?)", members)
        messages = (each for each in entities if isinstance(each, Message))
        systems = ((m.group_uuid.bytes, m.number) for m in messages if m.kind is MessageKind.SYSTEM)
        self._db.executemany("INSERT OR REPLACE INTO systems VALUES (?, ?)", systems)

    def add_rows(self, found: Sequence[StoredRow]) -> None:
        """Add those of these inbox rows that are of these groups."""
        of_several = [(item, row) for item, row in found if row.peer_uuid is None]
        mentions = ((r.group_uuid.bytes, r.user_uuid.bytes, n) for _, r in of_several for n in r.unread_mentions)
        self._db.executemany("INSERT OR IGNORE INTO group_mentions VALUES (?, ?, ?)", mentions)
        values = (_row(row, is_indexed(item)) for item, row in of_several)
        self._db.executemany("INSERT OR REPLACE INTO group_rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)

    def users(self, group: UUID) -> Iterator[UUID]:
        """Yield the owners of a group's rows, and its members."""
        sql = "SELECT user FROM group_rows WHERE message_group = ?1 UNION SELECT user FROM members"
        for (user,) in self._db.execute(f"{sql} WHERE message_group = ?1", (group.bytes,)):
            yield UUID(bytes=user)


def is_indexed(item: StoredItem) -> bool:
    """Return whether a row is in the index at its own time."""
    return bool(inbox_items.row_projection(item)["index key"] == int(item["at"]["N"]) // BUCKET_MS)


def is_pending(head: Head) -> bool:
    """Return whether rows are to be told of a head, whether a process knows it or has ended before it could."""
    return head.pending_bucket is not None or head.active_bucket > head.told_bucket


def is_late(head: Head) -> bool:
    """Return whether the rows should have been told of a head long ago."""
    since = head.active_bucket if head.pending_bucket is None else head.pending_bucket
    return is_pending(head) and since <= bucket(now()) - LATE_BUCKETS


def end_of(head: Head) -> dict[str, object]:
    """Return what a head holds of the newest message, to compare with `message_projection`."""
    at = items.to_ms(head.last_at)
    return {
        "time": at,
        "sender": head.last_by.bytes,
        "preview": head.preview,
        "index key": at // BUCKET_MS,
        "deadline": head.expires_at,
    }


def _head(head: Head) -> tuple[object, ...]:
    return (
        *(head.group_uuid.bytes, head.last_number, digest_of(end_of(head)), change_digest(head)),
        *(head.member_count, head.head_version, _told_digest(head), head.preview),
        *(is_pending(head), is_late(head)),
    )


def _row(row: InboxRow, is_in_index: bool) -> tuple[object, ...]:
    return (
        *(row.group_uuid.bytes, row.user_uuid.bytes, str(row.role)),
        *(row.state is MemberState.ACTIVE, is_in_index, row.is_open, row.head_version, _told_digest(row)),
        None if row.sees_nothing_of(row.last_number) else row.preview,
        row.delivered_number,
    )


def _told_digest(of: Head | InboxRow) -> bytes:
    """Return the digest of what a head says, and of what a row was told, but for the preview, which may be hidden."""
    told = {name: getattr(of, name) for name in TOLD if name != "preview"}
    return digest_of(told | {"systems": sorted(of.systems)})
