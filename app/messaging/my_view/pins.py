"""The pinned groups of a user: the item that holds their order, and what it writes to rows.

    pins   USR#<user>   PINS   groups uuids, in their order · v version

A row has its group's position, so that each answer and event has it. Rows and item are written in one transaction,
under the item's version: that keeps the order, and the greatest number of pins, whatever else is pinned meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from app.gateways.dynamodb import Key, Put, StoredItem, Update, Write, text_to_uuid, to_known_uuid
from app.messaging.items import ABSENT, inbox_key
from app.messaging.row_models import Folder, InboxRow, MemberState

MAX_PINS = 10
"""Pinned groups of a user."""


@dataclass(frozen=True, slots=True)
class Pins:
    """A user's pinned groups, in their order. Version 0 is that of a user that has never pinned one."""

    user_uuid: UUID
    groups: tuple[UUID, ...] = ()
    version: int = 0

    def position(self, group: UUID) -> int | None:
        """Return the position of a group, None if it is not pinned."""
        return self.groups.index(group) + 1 if group in self.groups else None

    def placed(self, group: UUID, position: int | None) -> "Pins":
        """Return the pins with a group at a position, or at the end before it; None: without the group."""
        order = [each for each in self.groups if each != group]
        if position is not None:
            order.insert(position - 1, group)
        return replace(self, groups=tuple(order))


def pins_key(user: UUID) -> Key:
    return {"pk": f"USR#{user}", "sk": "PINS"}


def is_pins(item: StoredItem) -> bool:
    """Return whether an item of the whole table is a user's pins."""
    return item["sk"] == {"S": "PINS"}


def to_pins(item: StoredItem) -> Pins:
    """Return the pins that an item stores."""
    groups = tuple(to_known_uuid(group["B"]) for group in item["groups"]["L"])
    return Pins(text_to_uuid(item["pk"]["S"][4:]), groups, int(item["v"]["N"]))


def put_pins(pins: Pins) -> Put:
    """Return the put of pins at the next version; it fails if they have changed since they were read."""
    item = {**pins_key(pins.user_uuid), "groups": list(pins.groups), "v": pins.version + 1}
    if not pins.version:
        return Put(item, condition=ABSENT)
    return Put(item, "#v = :seen", {":seen": pins.version})


def move_row(user: UUID, group: UUID, position: int | None) -> Update:
    """Return the update of a row whose position has changed, as another group was pinned or unpinned."""
    expression, values = "SET #v = #v + :one, #pin = :pin", {":one": 1, ":pin": position or 0}
    if position is None:
        expression, values = "SET #v = #v + :one REMOVE #pin, #pinned", {":one": 1}
    return Update(inbox_key(user, group), expression, values, condition="attribute_exists(#v)")


def can_be_pinned(row: InboxRow) -> bool:
    """Return whether a row is one of the inbox."""
    return row.state is MemberState.ACTIVE and row.folder is Folder.INBOX


def restored(pins: Pins, rows: Sequence[InboxRow]) -> list[Write]:
    """Return the writes of a transaction that makes a user's pins as all rows of the user say; none if they are so."""
    pinned = [row for row in rows if row.pin_position and can_be_pinned(row)]
    pinned.sort(key=lambda row: (row.pin_position or 0, row.group_uuid))
    wanted = replace(pins, groups=tuple(row.group_uuid for row in pinned[:MAX_PINS]))
    places = [(row, wanted.position(row.group_uuid)) for row in rows]
    moves = [move_row(row.user_uuid, row.group_uuid, place) for row, place in places if place != row.pin_position]
    return [put_pins(wanted), *moves] if wanted != pins or moves else []
