"""Items of an erasure: what ends a membership, and the queries and deletions of everything under a key.

A row that is deleted does not come back: every update of a row has a condition that a missing one does not meet.
"""

from uuid import UUID

from app.gateways.dynamodb import Delete, Key, Query, StoredItem, Update
from app.messaging.inbox_items import to_inbox_row
from app.messaging.items import inbox_key
from app.messaging.row_models import InboxRow, MemberState

KEYS = "#pk, #sk"


def leave(user: UUID, group: UUID) -> Update:
    """Return the update after which a member can neither send to a group nor change its messages."""
    return Update(
        inbox_key(user, group),
        "SET #state = :left, #v = #v + :one",
        {":left": str(MemberState.LEFT), ":one": 1},
        condition="attribute_exists(#v) AND attribute_not_exists(#state)",
    )


def refuse_sends(user: UUID, group: UUID) -> Update:
    """Return the update after which a member can send nothing to the other: cannot-message."""
    return Update(
        inbox_key(user, group),
        "SET #blocked = :true, #v = #v + :one",
        {":true": True, ":one": 1},
        condition="attribute_exists(#v) AND (attribute_not_exists(#blocked) OR #blocked <> :true)",
    )


def key_of(item: StoredItem) -> Key:
    return {name: item[name]["S"] for name in ("pk", "sk")}


def items_of(user: UUID, *, limit: int) -> Query:
    """Return the query for everything that is stored under a user's key."""
    return Query("#pk = :pk", {":pk": f"USR#{user}"}, limit=limit, consistent=True)


def log_entries(group: UUID, *, limit: int) -> Query:
    """Return the query for the keys of a group's messages and changes."""
    return Query("#pk = :pk", {":pk": f"MSG#{group}"}, limit=limit, consistent=True, projection=KEYS)


def delete(item: StoredItem) -> Delete:
    """Return the deletion of an item, whether it is there."""
    return Delete(key_of(item))


def to_row(item: StoredItem) -> InboxRow | None:
    """Return an item under a user's key as an inbox row, None if it is another one."""
    return to_inbox_row(item) if item["sk"]["S"].startswith("GRP#") else None
