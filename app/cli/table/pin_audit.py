"""The pins of a scan: which users' rows have other positions than their pins."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from app.gateways.dynamodb import StoredItem
from app.messaging.my_view.pins import can_be_pinned, is_pins, to_pins
from app.messaging.row_models import InboxRow

SCHEMA: Final = """
    CREATE TABLE pins (owner BLOB, message_group BLOB, position INTEGER, is_row INTEGER,
        PRIMARY KEY (owner, message_group, is_row)) WITHOUT ROWID;
    CREATE VIEW wrong_pins AS SELECT DISTINCT owner FROM (
        SELECT owner FROM pins GROUP BY owner, message_group HAVING count(*) <> 2 OR min(position) <> max(position));
"""
"""The table and the view beside those of the audit."""


class PinAudit:
    """Takes users' pins, and what rows know of them, during the scan, and answers after it."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add(self, found: Iterable[StoredItem]) -> None:
        """Add those of these items that are users' pins."""
        for pins in map(to_pins, filter(is_pins, found)):
            self._add((pins.user_uuid, group, at, False) for at, group in enumerate(pins.groups, 1))

    def add_rows(self, rows: Iterable[InboxRow]) -> None:
        """Add the positions that inbox rows have."""
        self._add(
            (row.user_uuid, row.group_uuid, row.pin_position if can_be_pinned(row) else 0, True)
            for row in rows
            if row.pin_position
        )

    def _add(self, found: Iterable[tuple[UUID, UUID, int, bool]]) -> None:
        places = ((owner.bytes, group.bytes, position, is_row) for owner, group, position, is_row in found)
        self._db.executemany("INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)", places)

    def users(self) -> Iterator[UUID]:
        """Yield the users whose rows have other positions than their pins."""
        for (owner,) in self._db.execute("SELECT owner FROM wrong_pins"):
            yield UUID(bytes=owner)
