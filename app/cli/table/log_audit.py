"""The messages and changes of a scan, aggregated by log, and what the changes of a message should have made of it."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from app.cli.table.digests import digest_of, edit_digest, sum_digest
from app.messaging import items
from app.messaging.inbox_items import mentions, message_projection
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

ADD_MESSAGE: Final = """
    INSERT INTO logs VALUES (?1, 1, ?2, ?3, ?3, ?4)
    ON CONFLICT DO UPDATE SET messages = messages + 1, last = max(last, ?2),
        one = min(one, ?3), other = max(other, ?3), newest = iif(?2 > last, ?4, newest)
"""
ADD_OWN: Final = """
    INSERT INTO changed_messages VALUES (?1, ?2, 0, 0, NULL, 0, 0, NULL, 0, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT DO UPDATE SET own_last = ?3, own_edit = ?4, own_edits = ?5, own_reactions = ?6,
        own_deleted = ?7, own_text = ?8
"""
ADD_CHANGE: Final = """
    INSERT INTO change_logs VALUES (?1, 1, ?2, ?3)
    ON CONFLICT DO UPDATE SET changes = changes + 1, newest = iif(?2 > last, ?3, newest), last = max(last, ?2)
"""
ADD_EFFECT: Final = """
    INSERT INTO changed_messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, NULL, 0, 0, NULL, 0)
    ON CONFLICT DO UPDATE SET last = max(last, ?3), edit = iif(?4 > last_edit, ?5, edit),
        last_edit = max(last_edit, ?4), edits = edits + ?6, reactions = reactions + ?7,
        deleted = coalesce(?8, deleted), texts = texts + ?9
"""


class LogAudit:
    """Takes messages and changes during the scan, and answers after it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add_messages(self, messages: Iterable[Message]) -> None:
        """Add messages to their logs. A log without holes has as many messages as its last number."""
        ordered = sorted(messages, key=_place)
        newest = {m.group_uuid: m for m in ordered}  # a row never shows one that a later message follows
        digests = {_place(m): digest_of(message_projection(m)) for m in newest.values()}
        logs = ((m.group_uuid.bytes, m.number, m.user_uuid.bytes, digests.get(_place(m))) for m in ordered)
        self._db.executemany(ADD_MESSAGE, logs)
        mentioned = ((m.group_uuid.bytes, u.bytes, m.number) for m in ordered for u in m.mentions if mentions(m, u))
        self._db.executemany("INSERT OR IGNORE INTO mentions VALUES (?, ?, ?)", mentioned)
        self._db.executemany(ADD_OWN, (_own(m) for m in ordered if m.change_number))
        expiring = ((m.group_uuid.bytes, m.number, m.user_uuid.bytes) for m in ordered if m.deadline)
        self._db.executemany("INSERT OR REPLACE INTO expiring VALUES (?, ?, ?)", expiring)

    def add_changes(self, changes: Iterable[Change]) -> None:
        """Add changes to their logs, and to what they make of their messages."""
        ordered = sorted(changes, key=_place)
        logs = ((c.group_uuid.bytes, c.number, digest_of((c.number, c.created_at))) for c in ordered)
        self._db.executemany(ADD_CHANGE, logs)
        self._db.executemany(ADD_EFFECT, map(_effect, ordered))

    def suspicious_messages(self, group: UUID) -> Iterator[int]:
        """Yield the numbers of the group's messages that are not as their changes make them."""
        found = self._db.execute(
            "SELECT number FROM wrong_messages WHERE message_group = ? ORDER BY number", (group.bytes,)
        )
        return (number for (number,) in found)

    def senders(self, group: UUID) -> set[tuple[UUID, UUID]]:
        """Return two senders of the log, twice the same if there is only one; none without a log."""
        found = self._db.execute("SELECT one, other FROM logs WHERE message_group = ?", (group.bytes,))
        return {(UUID(bytes=one), UUID(bytes=other)) for one, other in found}


def _place(entry: Message | Change) -> tuple[int, int]:
    """Return the place of an entry in the order of groups and numbers."""
    return entry.group_uuid.int, entry.number


def _own(message: Message) -> tuple[object, ...]:
    """Return what a changed message has itself, for the columns own_… of changed_messages."""
    is_edited = message.edited_at or message.version > 1
    reactions = ((emoji, user) for emoji, users in message.reactions.items() for user in users)
    return (
        *(message.group_uuid.bytes, message.number, message.change_number),
        edit_digest(message.edited_at, message.version, message.text, message.mentions) if is_edited else None,
        sum(map(sum_digest, message.edits)),
        sum(map(sum_digest, reactions)),
        items.to_ms(message.deleted_at) if message.deleted_at else None,
        1 if message.text or (message.deleted_at and message.expires_in is not None) else 0,
    )


def _effect(change: Change) -> tuple[object, ...]:
    """Return what a change adds to the row of its message in changed_messages."""
    edit = edit_digest(change.created_at, change.version, change.text, change.mentions)
    reaction = sum_digest((change.emoji, change.user_uuid))
    return (
        *(change.group_uuid.bytes, change.message_number, change.number),
        *((change.number, edit, sum_digest(change.number)) if change.type is ChangeType.EDIT else (0, None, 0)),
        {ChangeType.REACT: reaction, ChangeType.UNREACT: -reaction}.get(change.type, 0),
        items.to_ms(change.created_at) if change.type is ChangeType.DELETE else None,
        int(change.text is not None or change.earlier_text is not None),
    )
