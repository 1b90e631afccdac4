"""The items of a scan, aggregated by log and inbox row in a temporary SQLite file, so that memory is bounded.

A scan is no snapshot: a group that looks wrong here is only suspicious, and is read again, strongly consistent.
"""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from app.cli.table.digests import change_digest, digest_of
from app.cli.table.group_audit import SCHEMA as GROUPS
from app.cli.table.group_audit import GroupAudit, StoredRow
from app.cli.table.log_audit import SCHEMA as LOGS
from app.cli.table.log_audit import LogAudit
from app.cli.table.pair_audit import SCHEMA as PAIRS
from app.cli.table.pair_audit import PairAudit
from app.cli.temporary import TemporaryDatabase
from app.gateways.dynamodb import StoredItem
from app.messaging import change_items, inbox_items
from app.messaging.models import Change, Message
from app.messaging.my_view import pins
from app.messaging.row_models import MAX_MENTIONS_COUNTED, InboxRow

SCHEMA = """
    CREATE TABLE inbox_rows (
        owner BLOB, message_group BLOB, peer BLOB, last INTEGER, read INTEGER, newest BLOB, newest_change BLOB,
        PRIMARY KEY (owner, message_group)
    ) WITHOUT ROWID;
    CREATE TABLE pins (owner BLOB, message_group BLOB, position INTEGER, is_row INTEGER,
        PRIMARY KEY (owner, message_group, is_row)) WITHOUT ROWID;
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


class Audit(TemporaryDatabase):
    """Takes the items during the scan, and answers after it."""

    def __init__(self) -> None:
        super().__init__(LOGS + SCHEMA + PAIRS + GROUPS)
        self.logs = LogAudit(self._db)
        """The messages and changes."""
        self.pairs = PairAudit(self._db)
        """The blocks and requests."""
        self.groups = GroupAudit(self._db)
        """The heads, members and rows of groups of several members."""

    def add(self, page: Sequence[StoredItem]) -> None:
        """Add items as the table stores them, of any kind."""
        found = [(item, change_items.to_entity(item)) for item in page]
        entities = [entity for _, entity in found if entity]
        self.logs.add_messages(entity for entity in entities if isinstance(entity, Message))
        self.logs.add_changes(entity for entity in entities if isinstance(entity, Change))
        self.groups.add(entities)
        self._add_rows([(item, entity) for item, entity in found if isinstance(entity, InboxRow)])
        others = [item for item, entity in found if entity is None]
        self.pairs.add(others)
        self._add_pins_of_users(filter(pins.is_pins, others))

    def _add_rows(self, found: Sequence[StoredRow]) -> None:
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
        self.pairs.add_rows((row, peer) for row, peer, _ in rows)
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

    def _add_pins_of_users(self, found: Iterable[StoredItem]) -> None:
        for stored in map(pins.to_pins, found):
            self._add_pins((stored.user_uuid, group, at, False) for at, group in enumerate(stored.groups, 1))

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

    def count_rows(self) -> int:
        """Return the number of inbox rows of direct groups."""
        ((rows,),) = self._db.execute("SELECT count(*) FROM inbox_rows")
        return int(rows)

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
