"""The messages and changes of a scan, aggregated by log, and what the changes of a message should have made of it."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

from app.cli.table.digests import digest_of, edit_digest, sum_digest
from app.messaging import inbox_items, items
from app.messaging.models import Change, ChangeType, Message

SCHEMA: Final = """
    CREATE TABLE logs (
        message_group BLOB PRIMARY KEY, messages INTEGER, last INTEGER, one BLOB, other BLOB, newest BLOB
    ) WITHOUT ROWID;
    CREATE TABLE change_logs (
        message_group BLOB PRIMARY KEY, changes INTEGER, last INTEGER, newest BLOB
    ) WITHOUT ROWID;
    CREATE TABLE mentions (message_group BLOB, user BLOB, number INTEGER, PRIMARY KEY (message_group, user, number))
        WITHOUT ROWID;
    CREATE TABLE changed_messages (
        message_group BLOB, number INTEGER,
        last INTEGER, last_edit INTEGER, edit BLOB, edits INTEGER, reactions INTEGER, deleted INTEGER, texts INTEGER,
        own_last INTEGER, own_edit BLOB, own_edits INTEGER, own_reactions INTEGER, own_deleted INTEGER,
        own_text INTEGER,
        PRIMARY KEY (message_group, number)
    ) WITHOUT ROWID;
    CREATE TABLE expiring (message_group BLOB, number INTEGER, sender BLOB, PRIMARY KEY (message_group, number))
        WITHOUT ROWID;
    CREATE VIEW wrong_messages AS SELECT message_group, number FROM changed_messages
        WHERE last IS NOT own_last OR edit IS NOT own_edit OR deleted IS NOT own_deleted
        OR iif(deleted IS NULL, edits IS NOT own_edits OR reactions IS NOT own_reactions,
            texts > 0 OR own_text > 0 OR own_edits <> 0 OR own_reactions <> 0);
"""
"""`changed_messages` has each message that was changed: what its changes make of it, and what the message has (own_…).

Both sides come in any order. Lists and sets are compared by the sum of their members' digests: an edit adds to one, a
reaction to the other, which its removal takes away again.
"""


class LogAudit:
    """Takes messages and changes during the scan, and answers after it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add_messages(self, messages: Iterable[Message]) -> None:
        """Add messages to their logs. A log without holes has as many messages as its last number."""
        ordered = sorted(messages, key=lambda message: (message.group_uuid.int, message.number))
        self._db.executemany(
            """
            INSERT INTO logs VALUES (?1, 1, ?2, ?3, ?3, ?4)
            ON CONFLICT DO UPDATE SET messages = messages + 1, last = max(last, ?2),
                one = min(one, ?3), other = max(other, ?3), newest = iif(?2 > last, ?4, newest)
            """,
            ((m.group_uuid.bytes, m.number, m.user_uuid.bytes, digest) for m, digest in _with_digests(ordered)),
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO mentions VALUES (?, ?, ?)",
            (
                (m.group_uuid.bytes, u.bytes, m.number)
                for m in ordered
                for u in m.mentions
                if inbox_items.mentions(m, u)
            ),
        )
        self._db.executemany(
            """
            INSERT INTO changed_messages VALUES (?1, ?2, 0, 0, NULL, 0, 0, NULL, 0, ?3, ?4, ?5, ?6, ?7, ?8)
            ON CONFLICT DO UPDATE SET own_last = ?3, own_edit = ?4, own_edits = ?5, own_reactions = ?6,
                own_deleted = ?7, own_text = ?8
            """,
            (
                (
                    *(m.group_uuid.bytes, m.number, m.change_number),
                    edit_digest(m.edited_at, m.version, m.text, m.mentions) if m.edited_at or m.version > 1 else None,
                    sum(sum_digest(number) for number in m.edits),
                    sum(sum_digest((emoji, user)) for emoji, users in m.reactions.items() for user in users),
                    items.to_ms(m.deleted_at) if m.deleted_at else None,
                    1 if m.text or (m.deleted_at and m.expires_in is not None) else 0,
                )
                for m in ordered
                if m.change_number
            ),
        )

        self._db.executemany(
            "INSERT OR REPLACE INTO expiring VALUES (?, ?, ?)",
            ((m.group_uuid.bytes, m.number, m.user_uuid.bytes) for m in ordered if m.deadline),
        )

    def add_changes(self, changes: Iterable[Change]) -> None:
        """Add changes to their logs, and to what they make of their messages."""
        ordered = sorted(changes, key=lambda change: (change.group_uuid.int, change.number))
        self._db.executemany(
            """
            INSERT INTO change_logs VALUES (?1, 1, ?2, ?3)
            ON CONFLICT DO UPDATE SET changes = changes + 1, newest = iif(?2 > last, ?3, newest), last = max(last, ?2)
            """,
            ((c.group_uuid.bytes, c.number, digest_of((c.number, c.created_at))) for c in ordered),
        )
        self._db.executemany(
            """
            INSERT INTO changed_messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, NULL, 0, 0, NULL, 0)
            ON CONFLICT DO UPDATE SET last = max(last, ?3), edit = iif(?4 > last_edit, ?5, edit),
                last_edit = max(last_edit, ?4), edits = edits + ?6, reactions = reactions + ?7,
                deleted = coalesce(?8, deleted), texts = texts + ?9
            """,
            map(_effect, ordered),
        )

    def suspicious_messages(self, group: UUID) -> Iterator[int]:
        """Yield the numbers of the group's messages that are not as their changes make them."""
        found = self._db.execute(
            "SELECT number FROM wrong_messages WHERE message_group = ? ORDER BY number", (group.bytes,)
        )
        return (number for (number,) in found)

    def senders(self, group: UUID) -> tuple[UUID, UUID] | None:
        """Return two senders of the log, twice the same if there is only one, or None without a log."""
        found = self._db.execute("SELECT one, other FROM logs WHERE message_group = ?", (group.bytes,)).fetchone()
        return (UUID(bytes=found[0]), UUID(bytes=found[1])) if found else None

    def counts(self) -> tuple[int, int, int]:
        """Return the numbers of messages, logs and changes."""
        ((messages, logs),) = self._db.execute("SELECT coalesce(sum(messages), 0), count(*) FROM logs")
        ((changes,),) = self._db.execute("SELECT coalesce(sum(changes), 0) FROM change_logs")
        return messages, logs, changes


def _with_digests(ordered: Sequence[Message]) -> Iterator[tuple[Message, bytes | None]]:
    """Yield each message with its digest, or None if a later message of its group follows."""
    for message, following in zip(ordered, [*ordered, None][1:], strict=True):
        is_last = following is None or following.group_uuid != message.group_uuid
        yield message, digest_of(inbox_items.message_projection(message)) if is_last else None


def _effect(change: Change) -> tuple[object, ...]:
    """Return what a change adds to the row of its message in changed_messages."""
    is_edit, is_deletion = change.type is ChangeType.EDIT, change.type is ChangeType.DELETE
    reaction = sum_digest((change.emoji, change.user_uuid))
    return (
        *(change.group_uuid.bytes, change.message_number, change.number),
        change.number if is_edit else 0,
        edit_digest(change.created_at, change.version, change.text, change.mentions) if is_edit else None,
        sum_digest(change.number) if is_edit else 0,
        {ChangeType.REACT: reaction, ChangeType.UNREACT: -reaction}.get(change.type, 0),
        items.to_ms(change.created_at) if is_deletion else None,
        int(change.text is not None or change.earlier_text is not None),
    )
