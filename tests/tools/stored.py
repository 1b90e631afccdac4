"""Stored items as plain values, to compare with what was written, and rows to write without a send."""

from collections.abc import Iterable
from uuid import UUID

from app.gateways.dynamodb import Item, Put, StoredItem, unmarshal_item
from app.messaging.inbox_items import first_inbox_row, inbox_item
from app.messaging.items import ABSENT
from app.messaging.models import Message


def plain(item: StoredItem | None) -> Item | None:
    """Return the values of an item, None without one."""
    return unmarshal_item(item) if item else None


def sort_keys(items: Iterable[StoredItem]) -> list[str]:
    return [item["sk"]["S"] for item in items]


def new_inbox_row(message: Message, *, user: UUID, peer: UUID) -> Put:
    """Return the put of a member's first row; it fails if the member has one."""
    return Put(inbox_item(first_inbox_row(message, user=user, peer=peer)), condition=ABSENT)
