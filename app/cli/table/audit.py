"""The items of a scan, aggregated by log and inbox row in a temporary SQLite file, so that memory is bounded.

A scan is no snapshot: a group that looks wrong here is only suspicious, and is read again, strongly consistent.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from app.cli.table import group_audit, log_audit, pair_audit, pin_audit, row_audit
from app.cli.temporary import TemporaryDatabase
from app.gateways.dynamodb import StoredItem
from app.messaging import change_items
from app.messaging.models import Change, Message, direct_group_uuid
from app.messaging.row_models import InboxRow

SCHEMA: Final = """
    CREATE VIEW suspicious_logs AS
        SELECT message_group FROM logs WHERE messages <> last
        UNION SELECT message_group FROM change_logs WHERE changes <> last
        UNION SELECT message_group FROM wrong_messages;
    CREATE VIEW suspicious_rows AS
        SELECT message_group FROM inbox_rows LEFT JOIN logs USING (message_group)
            WHERE logs.last IS NULL OR logs.last <> inbox_rows.last OR read > inbox_rows.last
            OR logs.newest <> inbox_rows.newest
        UNION SELECT message_group FROM inbox_rows LEFT JOIN change_logs USING (message_group)
            WHERE newest_change IS NOT change_logs.newest
        UNION SELECT message_group FROM (
            SELECT message_group, user, number FROM unread_mentions WHERE place <= (SELECT mentions FROM limits)
            EXCEPT SELECT * FROM row_mentions)
        UNION SELECT message_group FROM (SELECT * FROM row_mentions EXCEPT SELECT * FROM mentions)
        UNION SELECT message_group FROM direct_logs LEFT JOIN inbox_rows USING (message_group)
            GROUP BY message_group HAVING count(owner) <> 2
        UNION SELECT mine.message_group FROM inbox_rows mine LEFT JOIN inbox_rows theirs
            ON theirs.owner = mine.peer AND theirs.message_group = mine.message_group
            AND theirs.peer = mine.owner WHERE theirs.owner IS NULL;
    CREATE VIEW counts AS SELECT
        (SELECT coalesce(sum(messages), 0) FROM logs) AS messages,
        (SELECT count(*) FROM logs) AS logs,
        (SELECT count(*) FROM inbox_rows) + (SELECT count(*) FROM group_rows) AS inbox_rows,
        (SELECT coalesce(sum(changes), 0) FROM change_logs) AS changes,
        (SELECT count(*) FROM heads) AS heads;
"""
"""Views of the tables of several parts."""
PARTS: Final = (log_audit, row_audit, pair_audit, pin_audit, group_audit)


class Audit(TemporaryDatabase):
    """Takes the items during the scan, and answers after it."""

    def __init__(self) -> None:
        super().__init__("".join(part.SCHEMA for part in PARTS) + SCHEMA)
        self.logs = log_audit.LogAudit(self._db)
        self.rows = row_audit.RowAudit(self._db)
        self.pairs = pair_audit.PairAudit(self._db)
        self.pins = pin_audit.PinAudit(self._db)
        self.groups = group_audit.GroupAudit(self._db)

    def add(self, page: Sequence[StoredItem]) -> None:
        """Add items as the table stores them, of any kind."""
        found = [(item, change_items.to_entity(item)) for item in page]
        entities = [entity for _, entity in found if entity]
        others = [item for item, entity in found if entity is None]
        rows = [(item, entity) for item, entity in found if isinstance(entity, InboxRow)]
        self.logs.add_messages(entity for entity in entities if isinstance(entity, Message))
        self.logs.add_changes(entity for entity in entities if isinstance(entity, Change))
        self.rows.add(rows)
        self.pairs.add(others)
        self.pairs.add_rows(row for _, row in rows)
        self.pins.add(others)
        self.pins.add_rows(row for _, row in rows)
        self.groups.add(entities)
        self.groups.add_rows(rows)

    def counts(self) -> dict[str, int]:
        """Return the numbers of messages, logs, inbox rows, changes and heads, by name."""
        found = self._db.execute("SELECT * FROM counts")
        names = [name for name, *_ in found.description]
        return dict(zip(names, found.fetchone(), strict=True))

    def suspicious_groups(self) -> Iterator[UUID]:
        """Yield the groups with a hole, with a row that does not fit its logs, without a log or a row, or with a
        message that is not as its changes make it; of several members those whose items do not agree.
        """
        return self._uuids(
            """
            SELECT * FROM suspicious_logs UNION SELECT * FROM suspicious_rows UNION SELECT * FROM suspicious_groups
            """
        )

    def members(self, group: UUID) -> set[tuple[UUID, UUID]]:
        """Return the members of a direct group, each with the peer: owners of rows, peers in rows and, without rows,
        the senders of the log.
        """
        named = self.rows.members(group)
        pairs = {pair for pair in named or self.logs.senders(group) if direct_group_uuid(*pair) == group}
        return named | pairs | {(other, one) for one, other in pairs}

    def users(self) -> Iterator[UUID]:
        """Yield the owners of rows, their peers and the senders of messages."""
        return self._uuids(
            """
            SELECT owner FROM inbox_rows UNION SELECT peer FROM inbox_rows
            UNION SELECT one FROM logs UNION SELECT other FROM logs
            UNION SELECT user FROM group_rows UNION SELECT user FROM members
            """
        )

    def _uuids(self, sql: str) -> Iterator[UUID]:
        for (uuid,) in self._db.execute(sql):
            yield UUID(bytes=uuid)
