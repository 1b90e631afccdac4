"""Heads of groups of several members, and members, with all that the table stores of them, to be moved and checked."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from app.gateways.dynamodb import Item, Put, Query, StoredItem, to_bytes
from app.messaging.groups import items, member_items
from app.messaging.groups.models import Member
from app.messaging.inbox_items import bucket
from app.messaging.items import ABSENT, messages_between, times, to_ms
from app.messaging.models import LAST_NUMBER, MessageKind
from app.messaging.records import record
from app.messaging.row_models import InboxRow

TOLD = (
    *("last_number", "last_at", "last_by", "preview", "change_number", "changed_at", "expires_at"),
    *("title", "member_count", "systems", "shows_history"),
)
"""The fields of a head that a row of its version has, too."""


@record(frozen=True, slots=True)
class Head:
    """The head of a group, as the table stores it."""

    group_uuid: UUID
    title: str
    member_count: int
    last_number: int
    last_at: datetime
    last_by: UUID
    preview: str
    systems: frozenset[int]
    head_version: int
    structure_version: int
    """The version that the rows of all members must have been told of."""
    told_bucket: int
    """The last ten minutes in which the group was active and all rows were told of it."""
    digest: bytes
    """The digest of the creation."""
    change_number: int = 0
    changed_at: datetime | None = None
    expires_at: datetime | None = None
    shows_history: bool = False
    pending_bucket: int | None = None
    """The ten minutes of which rows are to be told; None while there are none."""

    @property
    def active_bucket(self) -> int:
        """Return the ten minutes of the last message or change."""
        return bucket(max(self.last_at, self.changed_at or self.last_at))

    def told(self, row: InboxRow) -> InboxRow:
        """Return a row with what the head says, whatever the row has been told."""
        preview = "" if row.sees_nothing_of(self.last_number) else self.preview
        fields: dict[str, Any] = {name: getattr(self, name) for name in TOLD} | {"preview": preview}
        return replace(row, **fields, head_version=self.head_version)


def to_head(item: StoredItem) -> Head:
    """Return the head that an item stores."""
    row = items.to_head(item)
    return Head(
        group_uuid=row.group_uuid,
        **{name: getattr(row, name) for name in TOLD},
        head_version=row.head_version,
        structure_version=int(item["structure"]["N"]),
        told_bucket=int(item["bumped"]["N"]),
        digest=to_bytes(item["digest"]["B"]),
        pending_bucket=int(item["activity_bucket"]["N"]) if "activity_bucket" in item else None,
    )


def head_item(head: Head) -> Item:
    """Return a head as the table stores it."""
    item: Item = {
        **items.head_key(head.group_uuid),
        "title": head.title,
        "members": head.member_count,
        "last": head.last_number,
        "at": to_ms(head.last_at),
        "by": head.last_by,
        "text": head.preview,
        "bumped": head.told_bucket,
        "structure": head.structure_version,
        "digest": head.digest,
        "v": head.head_version,
    }
    optional: Item = {"systems": head.systems, "k": head.change_number, "all": head.shows_history}
    item |= {name: value for name, value in optional.items() if value}
    if head.pending_bucket is not None:
        item |= {"inbox": items.BUMP, "activity_bucket": head.pending_bucket}
    return item | times(changed=head.changed_at, until=head.expires_at)


def copied_head(head: Head) -> Put:
    """Return the put of a head from another table, in place of none or of one at an earlier version."""
    return Put(head_item(head), f"{ABSENT} OR #v < :v", {":v": head.head_version})


def restored_head(head: Head, seen: Head) -> Put:
    """Return the put of a head in place of the one that was seen, which must not have changed since."""
    return Put(head_item(head), "#v = :seen", {":seen": seen.head_version})


def copied_member(member: Member) -> Put:
    """Return the put of a member from another table, in place of what is there."""
    return replace(member_items.new_member(member), condition="")


def system_messages(group: UUID, *, consistent: bool) -> Query:
    """Return the query for the system messages of a group, which reads its whole log."""
    log = messages_between(group, 1, LAST_NUMBER, consistent=consistent)
    return replace(log, filter="#kind = :kind", values={**log.values, ":kind": str(MessageKind.SYSTEM)})
