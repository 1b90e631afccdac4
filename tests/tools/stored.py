"""Stored items as plain values, to compare with what was written."""

from collections.abc import Iterable

from app.gateways.dynamodb import Item, StoredItem, unmarshal_item


def plain(item: StoredItem | None) -> Item | None:
    """Return the values of an item, None without one."""
    return unmarshal_item(item) if item else None


def sort_keys(items: Iterable[StoredItem]) -> list[str]:
    return [item["sk"]["S"] for item in items]
