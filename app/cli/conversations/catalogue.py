"""The groups of a table in a temporary SQLite file, so that memory is bounded, and which of them are exported."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from app.cli.temporary import TemporaryDatabase
from app.messaging.items import from_ms, to_ms
from app.messaging.models import Block


class Catalogue(TemporaryDatabase):
    """Takes group ids, from a scan and from the file of an interrupted export."""

    def __init__(self) -> None:
        super().__init__(
            """
            CREATE TABLE groups (uuid BLOB PRIMARY KEY, done INTEGER) WITHOUT ROWID;
            CREATE TABLE blocks (user BLOB, other BLOB, at INTEGER, PRIMARY KEY (user, other)) WITHOUT ROWID;
            """
        )

    def add(self, groups: Iterable[UUID]) -> None:
        """Add groups of the table."""
        self._db.executemany("INSERT OR IGNORE INTO groups VALUES (?, 0)", ((group.bytes,) for group in groups))

    def add_blocks(self, blocks: Iterable[Block]) -> None:
        """Add blocks of the table."""
        rows = ((block.user_uuid.bytes, block.other_uuid.bytes, to_ms(block.blocked_at)) for block in blocks)
        self._db.executemany("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", rows)

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks."""
        for user, other, at in self._db.execute("SELECT user, other, at FROM blocks ORDER BY user, other"):
            yield Block(UUID(bytes=user), UUID(bytes=other), from_ms(at))

    def record_done(self, group: UUID) -> None:
        """Record that a group is exported."""
        self._db.execute("INSERT OR REPLACE INTO groups VALUES (?, 1)", (group.bytes,))

    def counts(self) -> tuple[int, int]:
        """Return the numbers of groups that are exported, and of those that are not."""
        done, left = self._db.execute(
            "SELECT coalesce(sum(done), 0), coalesce(sum(1 - done), 0) FROM groups"
        ).fetchone()
        return int(done), int(left)

    def left(self) -> Iterator[UUID]:
        """Yield the groups that are not exported yet."""
        for (group,) in self._db.execute("SELECT uuid FROM groups WHERE NOT done ORDER BY uuid"):
            yield UUID(bytes=group)
