"""The items of a scan, aggregated by log and inbox row in a temporary SQLite file, so that memory is bounded.

A scan is no snapshot: a group that looks wrong here is only suspicious, and is read again, strongly consistent.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from app.cli.table.digests import change_digest, digest_of, edit_digest, sum_digest
from app.cli.table.group_audit import SCHEMA as GROUPS
from app.cli.table.group_audit import GroupAudit, StoredRow
from app.cli.temporary import TemporaryDatabase
from app.gateways.dynamodb import StoredItem
from app.messaging import block_items, inbox_items, items
from app.messaging.models import Change, ChangeType, Message, direct_group_uuid
from app.messaging.my_view import pins
from app.messaging.row_models import MAX_MENTIONS_COUNTED

SCHEMA = """
    CREATE TABLE logs (
        message_group BLOB PRIMARY KEY, messages INTEGER, last INTEGER, one BLOB, other BLOB, newest BLOB
    ) WITHOUT ROWID;
    CREATE TABLE change_logs (
        message_group BLOB PRIMARY KEY, changes INTEGER, last INTEGER, newest BLOB
    ) WITHOUT ROWID;
    CREATE TABLE inbox_rows (
        owner BLOB, message_group BLOB, peer BLOB, last INTEGER, read INTEGER, newest BLOB, newest_change BLOB,
        PRIMARY KEY (owner, message_group)
    ) WITHOUT ROWID;
    CREATE TABLE blocks (message_group BLOB, owner BLOB, peer BLOB, PRIMARY KEY (message_group, owner)) WITHOUT ROWID;
    CREATE TABLE fences (message_group BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID;
    CREATE TABLE blocked_rows (
        message_group BLOB, owner BLOB, peer BLOB, own INTEGER, PRIMARY KEY (message_group, owner)
    ) WITHOUT ROWID;
    CREATE TABLE pending (
        message_group BLOB, owner BLOB, peer BLOB, is_request INTEGER, PRIMARY KEY (message_group, owner)
    ) WITHOUT ROWID;
    CREATE TABLE pins (owner BLOB, message_group BLOB, position INTEGER, is_row INTEGER,
        PRIMARY KEY (owner, message_group, is_row)) WITHOUT ROWID;
    CREATE TABLE mentions (message_group BLOB, user BLOB, number INTEGER, PRIMARY KEY (message_group, user, number))
        WITHOUT ROWID;
    CREATE TABLE row_mentions (message_group BLOB, user BLOB, number INTEGER, PRIMARY KEY (message_group, user, number))
        WITHOUT ROWID;
    CREATE VIEW unread_mentions AS
        SELECT mentions.*, row_number() OVER (PARTITION BY message_group, user ORDER BY number DESC) AS place
        FROM mentions JOIN inbox_rows USING (message_group) WHERE owner = user AND number > read;
    CREATE TABLE changed_messages (
        message_group BLOB, number INTEGER,
        last INTEGER, last_edit INTEGER, edit BLOB, edits INTEGER, reactions INTEGER, deleted INTEGER, texts INTEGER,
        own_last INTEGER, own_edit BLOB, own_edits INTEGER, own_reactions INTEGER, own_deleted INTEGER,
        own_text INTEGER,
        PRIMARY KEY (message_group, number)
    ) WITHOUT ROWID;
    CREATE TABLE expiring (message_group BLOB, number INTEGER, sender BLOB, PRIMARY KEY (message_group, number))
        WITHOUT ROWID;
    CREATE TABLE gone (owner BLOB, message_group BLOB, number INTEGER, PRIMARY KEY (owner, message_group, number))
        WITHOUT ROWID;
    CREATE VIEW uncounted AS SELECT owner, message_group, number FROM inbox_rows JOIN expiring USING (message_group)
        WHERE number > read AND number <= inbox_rows.last AND owner <> sender AND NOT EXISTS (
            SELECT 1 FROM gone WHERE gone.owner = inbox_rows.owner AND gone.message_group = inbox_rows.message_group
            AND gone.number = expiring.number);
    CREATE VIEW wrong_messages AS SELECT message_group, number FROM changed_messages
        WHERE last IS NOT own_last OR edit IS NOT own_edit OR deleted IS NOT own_deleted
        OR iif(deleted IS NULL, edits IS NOT own_edits OR reactions IS NOT own_reactions,
            texts > 0 OR own_text > 0 OR own_edits <> 0 OR own_reactions <> 0);
"""
"""`changed_messages` has each message that was changed: what its changes make of it, and what the message has (own_…).

Both sides come in any order. Lists and sets are compared by the sum of their members' digests: an edit adds to one, a
reaction to the other, which its removal takes away again.
"""


class Audit(TemporaryDatabase):
    """Takes the items during the scan, and answers after it."""

    def __init__(self) -> None:
        super().__init__(SCHEMA + GROUPS)
        self.groups = GroupAudit(self._db)
        """The heads, members and rows of groups of several members."""

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
            ((m.group_uuid.bytes, m.number, m.user_uuid.bytes) for m in ordered if m.expires_at),
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

    def add_rows(self, found: Sequence[StoredRow]) -> None:
        """Add inbox rows."""
        self.groups.add_rows([(item, row) for item, row in found if row.peer_uuid is None])
        rows = [
            (row, row.peer_uuid.bytes, digest_of(inbox_items.row_projection(item)))
            for item, row in found
            if row.peer_uuid
        ]
        self._db.executemany(
            "INSERT OR IGNORE INTO row_mentions VALUES (?, ?, ?)",
            ((r.group_uuid.bytes, r.user_uuid.bytes, n) for r, *_ in rows for n in r.unread_mentions),
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO gone VALUES (?, ?, ?)",
            ((r.user_uuid.bytes, r.group_uuid.bytes, n) for r, *_ in rows for n in r.gone),
        )
        self._add_pins(
            (r.user_uuid, r.group_uuid, r.pin_position if pins.can_be_pinned(r) else 0, True)
            for _, r in found
            if r.pin_position
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO blocked_rows VALUES (?, ?, ?, ?)",
            (
                (r.group_uuid.bytes, r.user_uuid.bytes, peer, r.blocked_at is not None)
                for r, peer, _ in rows
                if r.is_blocked or r.blocked_at or r.peer_read is not None
            ),
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?)",
            ((r.group_uuid.bytes, r.user_uuid.bytes, peer, r.is_request) for r, peer, _ in rows if r.is_pending),
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO inbox_rows VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    *(r.user_uuid.bytes, r.group_uuid.bytes, peer),
                    *(r.last_number, max(r.delivered_number, r.cleared_number)),
                    digest,
                    change_digest(r),
                )
                for r, peer, digest in rows
            ),
        )

    def add_others(self, found: Iterable[StoredItem]) -> None:
        """Add blocks, the fences at the ends of logs, and pins, as the table stores them."""
        for item in found:
            if pins.is_pins(item):
                stored = pins.to_pins(item)
                self._add_pins((stored.user_uuid, group, at, False) for at, group in enumerate(stored.groups, 1))
            if items.is_fence(item):
                fence = UUID(item["pk"]["S"][4:]).bytes, int(item["sk"]["S"][2:])
                self._db.execute("INSERT OR REPLACE INTO fences VALUES (?, ?)", fence)
            elif block_items.is_block(item):
                block = block_items.to_block(item)
                group = direct_group_uuid(block.user_uuid, block.other_uuid).bytes
                row = group, block.user_uuid.bytes, block.other_uuid.bytes
                self._db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", row)

    def _add_pins(self, found: Iterable[tuple[UUID, UUID, int, bool]]) -> None:
        places = ((owner.bytes, group.bytes, position, is_row) for owner, group, position, is_row in found)
        self._db.executemany("INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)", places)

    def wrong_pins(self) -> Iterator[UUID]:
        """Yield the users whose rows have other positions than their pins."""
        return self._uuids(
            """
            SELECT DISTINCT owner FROM (SELECT owner FROM pins
                GROUP BY owner, message_group HAVING count(*) <> 2 OR min(position) <> max(position))
            """
        )

    def pairs_to_check(self) -> Iterator[tuple[UUID, UUID]]:
        """Yield pairs of users whose rows or log do not follow their blocks."""
        found = self._db.execute(
            """
            SELECT DISTINCT min(owner, peer), max(owner, peer) FROM (
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
                WHERE message_group NOT IN (SELECT message_group FROM blocks)
            )
            """
        )
        for owner, peer in found.fetchall():
            yield UUID(bytes=owner), UUID(bytes=peer)

    def requests_to_check(self) -> Iterator[tuple[UUID, UUID]]:
        """Yield pairs of users of whom one waits for what the other is not asked, or with an answer in the log."""
        found = self._db.execute(
            """
            SELECT DISTINCT min(owner, peer), max(owner, peer) FROM (
            SELECT owner, peer FROM pending JOIN logs USING (message_group) WHERE one <> other
            UNION SELECT mine.owner, mine.peer FROM pending mine LEFT JOIN pending theirs
                ON theirs.message_group = mine.message_group AND theirs.owner = mine.peer
                AND theirs.is_request <> mine.is_request WHERE theirs.owner IS NULL
            )
            """
        )
        for owner, peer in found.fetchall():
            yield UUID(bytes=owner), UUID(bytes=peer)

    def counts(self) -> tuple[int, int, int, int]:
        """Return the numbers of messages, logs, inbox rows and changes."""
        ((messages, logs),) = self._db.execute("SELECT coalesce(sum(messages), 0), count(*) FROM logs")
        ((rows,),) = self._db.execute("SELECT count(*) FROM inbox_rows")
        ((changes,),) = self._db.execute("SELECT coalesce(sum(changes), 0) FROM change_logs")
        return messages, logs, rows, changes

    def suspicious_groups(self) -> Iterator[UUID]:
        """Yield the groups with a hole, with a row that does not fit its logs, without a log or a row, or with a
        message that is not as its changes make it; of several members those whose items do not agree.
        """
        return self._uuids(
            """
            SELECT message_group FROM logs WHERE messages <> last
            UNION SELECT message_group FROM change_logs WHERE changes <> last
            UNION SELECT message_group FROM wrong_messages
            UNION SELECT message_group FROM inbox_rows LEFT JOIN logs USING (message_group)
                WHERE logs.last IS NULL OR logs.last <> inbox_rows.last OR read > inbox_rows.last
                OR logs.newest <> inbox_rows.newest
            UNION SELECT message_group FROM inbox_rows LEFT JOIN change_logs USING (message_group)
                WHERE newest_change IS NOT change_logs.newest
            UNION SELECT message_group FROM (
                SELECT message_group, user, number FROM unread_mentions WHERE place <= ?
                EXCEPT SELECT * FROM row_mentions
            )
            UNION SELECT message_group FROM (SELECT * FROM row_mentions EXCEPT SELECT * FROM mentions)
            UNION SELECT message_group FROM direct_logs LEFT JOIN inbox_rows USING (message_group)
                GROUP BY message_group HAVING count(owner) <> 2
            UNION SELECT mine.message_group FROM inbox_rows mine LEFT JOIN inbox_rows theirs
                ON theirs.owner = mine.peer AND theirs.message_group = mine.message_group
                AND theirs.peer = mine.owner WHERE theirs.owner IS NULL
            UNION SELECT * FROM suspicious_groups
            """,
            MAX_MENTIONS_COUNTED,
        )

    def suspicious_messages(self, group: UUID) -> Iterator[int]:
        """Yield the numbers of the group's messages that are not as their changes make them."""
        found = self._db.execute(
            "SELECT number FROM wrong_messages WHERE message_group = ? ORDER BY number", (group.bytes,)
        )
        return (number for (number,) in found)

    def uncounted_messages(self) -> Iterator[tuple[UUID, UUID, int]]:
        """Yield each user, group and number of an unread message that expires, which the user's row does not know."""
        for owner, group, number in self._db.execute("SELECT * FROM uncounted"):
            yield UUID(bytes=owner), UUID(bytes=group), number

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
            UNION SELECT user FROM group_rows UNION SELECT user FROM members
            """
        )

    def _uuids(self, sql: str, *values: int) -> Iterator[UUID]:
        for (uuid,) in self._db.execute(sql, values):
            yield UUID(bytes=uuid)


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
