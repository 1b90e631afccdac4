"""Attributes of an inbox row that its user changes, and which nothing in the group's logs decides."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from app.gateways.dynamodb import Item, Update
from app.messaging.inbox_items import inbox_item
from app.messaging.items import NEXT_VERSION, assign, inbox_key, to_ms
from app.messaging.row_models import Folder, InboxRow, MemberState


class Unset(Enum):
    """The type of the value that a change leaves as it is."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class ViewChange:
    """New values in a member's own view of a group; what is UNSET stays as it is."""

    is_marked_unread: bool | Unset = UNSET
    muted_until: datetime | Unset | None = UNSET
    is_archived: bool | Unset = UNSET
    cleared_number: int | Unset = UNSET
    pin_position: int | Unset | None = UNSET
    """None unpins the group. `applied` leaves it to the caller, as it depends on other groups."""

    @property
    def is_plain(self) -> bool:
        """Return whether it sets attributes whatever the row is."""
        return self.is_archived is self.cleared_number is self.pin_position is UNSET

    def attributes(self) -> Item:
        """Return the attributes that the row is to have after a plain change, None for those that it is not to have."""
        wanted: Item = {}
        if self.is_marked_unread is not UNSET:
            wanted["u"] = self.is_marked_unread or None
        if self.muted_until is not UNSET:
            wanted["muted"] = to_ms(self.muted_until) if self.muted_until else None
        return wanted

    def applied(self, row: InboxRow) -> InboxRow:
        """Return a row after the change. A request stays in the requests."""
        given = {"is_marked_unread": self.is_marked_unread, "muted_until": self.muted_until}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not UNSET}
        if self.is_archived is not UNSET and row.folder is not Folder.REQUESTS:
            values["folder"] = Folder.ARCHIVE if self.is_archived else Folder.INBOX
        if self.cleared_number is not UNSET and self.cleared_number > row.cleared_number:
            values |= {"cleared_number": self.cleared_number, "is_marked_unread": False}
            values |= {"preview": ""} if self.cleared_number >= row.last_number else {}
        return replace(row, **values)


def left(row: InboxRow) -> InboxRow:
    """Return a row after its user has left the group: in no list, until a message brings it back to the inbox.

    A request is declined by that: no message brings it back.
    """
    folder = row.folder if row.is_request else Folder.INBOX
    return replace(row, state=MemberState.LEFT, folder=folder, is_marked_unread=False)


def change_view(user: UUID, group: UUID, change: ViewChange) -> Update:
    """Return the update that makes a plain change with an attribute, for an active member.

    It fails for a row that has these attributes already, so that repetitions leave its version.
    """
    changed = change.attributes()
    wanted = {name: value for name, value in changed.items() if value is not None}
    gone = changed.keys() - wanted.keys()
    differs = [f"attribute_not_exists(#{name}) OR #{name} <> :{name}" for name in wanted]
    differs += [f"attribute_exists(#{name})" for name in gone]
    condition = f"attribute_exists(#v) AND attribute_not_exists(#state) AND ({' OR '.join(differs)})"
    expression, values = assign(wanted, gone, first=[NEXT_VERSION])
    return Update(inbox_key(user, group), expression, values | {":one": 1}, condition)


def rewrite(row: InboxRow, wanted: InboxRow) -> Update:
    """Return the update that makes a row as it is wanted, at the next version, unless it has changed meanwhile."""
    before, after = inbox_item(row), inbox_item(replace(wanted, version=row.version + 1))
    changed = {name: value for name, value in after.items() if before.get(name) != value}
    expression, values = assign(changed, before.keys() - after.keys())
    return Update(inbox_key(row.user_uuid, row.group_uuid), expression, values | {":seen": row.version}, "#v = :seen")
