"""The items of a scan, aggregated by log and inbox row in a temporary SQLite file, so that memory is bounded.

A scan is no snapshot: a group that looks wrong here is only suspicious, and is read again, strongly consistent.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any
from uuid import UUID

from app.cli.temporary import TemporaryDatabase
from app.gateways.dynamodb import StoredItem
from app.messaging import items
from app.messaging.models import Message

SCHEMA = """
    CREATE TABLE logs (
        message_group BLOB PRIMARY KEY, messages INTEGER, last INTEGER, one BLOB, other BLOB, newest BLOB
    ) WITHOUT ROWID;
    CREATE TABLE inbox_rows (
        owner BLOB, message_group BLOB, peer BLOB, last INTEGER, read INTEGER, newest BLOB,
        PRIMARY KEY (owner, message_group)
    ) WITHOUT ROWID;
"""


class Audit(TemporaryDatabase):
    """Takes the items during the scan, and answers after it."""

    def __init__(self) -> None:
        super().__init__(SCHEMA)

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

    def add_rows(self, found: Iterable[StoredItem]) -> None:
        """Add inbox rows, as the table stores them."""
        self._db.executemany(
            "INSERT OR REPLACE INTO inbox_rows VALUES (?, ?, ?, ?, ?, ?)",
            (
                (r.user_uuid.bytes, r.group_uuid.bytes, r.peer_uuid.bytes, r.last_number, r.read_number, digest)
                for r, digest in ((items.to_inbox_row(item), _digest(items.row_projection(item))) for item in found)
            ),
        )

    def counts(self) -> tuple[int, int, int]:
        """Return the numbers of messages, logs and inbox rows."""
        ((messages, logs),) = self._db.execute("SELECT coalesce(sum(messages), 0), count(*) FROM logs")
        ((rows,),) = self._db.execute("SELECT count(*) FROM inbox_rows")
        return messages, logs, rows

    def suspicious_groups(self) -> Iterator[UUID]:
        """Yield the groups with a hole, with a row that does not fit its log, or without a log or a row."""
        return self._uuids(
            """
            SELECT message_group FROM logs WHERE messages <> last
            UNION SELECT message_group FROM inbox_rows LEFT JOIN logs USING (message_group)
                WHERE logs.last IS NULL OR logs.last <> inbox_rows.last OR read > inbox_rows.last
                OR logs.newest <> inbox_rows.newest
            UNION SELECT message_group FROM logs LEFT JOIN inbox_rows USING (message_group)
                GROUP BY message_group HAVING count(owner) <> 2
            UNION SELECT mine.message_group FROM inbox_rows mine LEFT JOIN inbox_rows theirs
                ON theirs.owner = mine.peer AND theirs.message_group = mine.message_group
                AND theirs.peer = mine.owner WHERE theirs.owner IS NULL
            """
        )

    def members(self, group: UUID) -> set[tuple[UUID, UUID]]:
        """Return the owners of the group's rows, each with the peer that the row names."""
        found = self._db.execute("SELECT owner, peer FROM inbox_rows WHERE message_group = ?", (group.bytes,))
        return {(UUID(bytes=owner), UUID(bytes=peer)) for owner, peer in found}

    def senders(self, group: UUID) -> tuple[UUID, UUID] | None:
        """Return two senders of the log, twice the same if there is only one, or None without a log."""
        found = self._db.execute("SELECT one, other FROM logs WHERE message_group = ?", (group.bytes,)).fetchone()
        return (UUID(bytes=found[0]), UUID(bytes=found[1])) if found else None

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

    def users(self) -> Iterator[UUID]:
        """Yield the owners of rows, their peers and the senders of messages."""
        return self._uuids(
            """
            SELECT owner FROM inbox_rows UNION SELECT peer FROM inbox_rows
            UNION SELECT one FROM logs UNION SELECT other FROM logs
            """
        )

    def _uuids(self, sql: str) -> Iterator[UUID]:
        for (uuid,) in self._db.execute(sql):
            yield UUID(bytes=uuid)


def _with_digests(ordered: Sequence[Message]) -> Iterator[tuple[Message, bytes | None]]:
    """Yield each message with its digest, or None if a later message of its group follows."""
    for message, following in zip(ordered, [*ordered, None][1:], strict=True):
        is_last = following is None or following.group_uuid != message.group_uuid
        yield message, _digest(items.message_projection(message)) if is_last else None


def _digest(projection: dict[str, Any]) -> bytes:
    """Return a short digest, for comparing: previews would make the file several times as large."""
    return blake2b(repr(projection).encode(), digest_size=8).digest()
