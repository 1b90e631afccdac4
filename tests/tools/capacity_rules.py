"""AWS's charging rules as pure functions: sizes in bytes, units of reads and writes, entries of an index.

Sources in the DynamoDB Developer Guide: "Item sizes and formats" (CapacityUnitCalculations), "Read and write
operations" (read-write-operations, which also says that a failed condition is charged by the larger of the item that
stands and the item that was tried), "Global secondary indexes" (GSI.ThroughputConsiderations) and "Transactions"
(transaction-apis).
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self, TypeAlias

AttributeValue: TypeAlias = Mapping[str, Any]
RawItem: TypeAlias = Mapping[str, AttributeValue]
"""An item in DynamoDB's tagged form: `{"pk": {"S": "USR#1"}}`."""

READ_BLOCK = 4096
WRITE_BLOCK = 1024
CONTAINER_OVERHEAD = 3
ELEMENT_OVERHEAD = 1


def item_size(item: RawItem | None) -> int:
    """Return the bytes of an item: the names and values of its attributes. 0 when there is none."""
    return sum(_utf8(name) + value_size(value) for name, value in (item or {}).items())


def value_size(value: AttributeValue) -> int:
    """Return the bytes of one attribute's value, without its name.

    AWS publishes no size for sets: one of binary values or numbers counts as a list of them, the most that could be
    meant. Other sets are refused, as nothing here stores them.
    """
    [(tag, raw)] = value.items()
    if tag not in _SIZES:
        raise ValueError(f"AWS publishes no size for the type {tag}")
    return _SIZES[tag](raw)


def number_size(text: str) -> int:
    """One byte and one more per two significant digits; zeroes at both ends are trimmed. A sign takes a byte."""
    number = Decimal(text)
    if not number:
        return 1
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    return (len(digits) + 1) // 2 + 1 + (number < 0)


def _utf8(text: str) -> int:
    return len(text.encode())


def _binary(raw: bytes | str) -> int:
    """Raw bytes, or base64 where a client leaves the wire's form alone."""
    return len(b64decode(raw)) if isinstance(raw, str) else len(raw)


def _list(values: Iterable[AttributeValue]) -> int:
    return CONTAINER_OVERHEAD + sum(ELEMENT_OVERHEAD + value_size(value) for value in values)


def _binary_set(values: Iterable[bytes | str]) -> int:
    return _list({"B": value} for value in values)


def _number_set(values: Iterable[str]) -> int:
    return _list({"N": value} for value in values)


def _map(values: RawItem) -> int:
    return CONTAINER_OVERHEAD + ELEMENT_OVERHEAD * len(values) + item_size(values)


def _one(_: bool) -> int:
    return 1


_SIZES: dict[str, Callable[[Any], int]] = {
    "S": _utf8,
    "N": number_size,
    "B": _binary,
    "BOOL": _one,
    "NULL": _one,
    "BS": _binary_set,
    "NS": _number_set,
    "L": _list,
    "M": _map,
}


def read_units(size: int, *, consistent: bool) -> float:
    """Return the RCU of one item or of a page of a query. A missing item costs as much as the smallest one."""
    blocks = _blocks(size, READ_BLOCK)
    return float(blocks) if consistent else blocks / 2


def write_units(*sizes: int) -> int:
    """Return the WCU of a write, by the largest of the sizes that the item had, got or was meant to get."""
    return _blocks(max(sizes), WRITE_BLOCK)


def _blocks(size: int, block: int) -> int:
    return max(1, -(-size // block))


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index. `projected` names the attributes that an entry holds, None means all of them."""

    name: str
    keys: tuple[str, ...]
    projected: frozenset[str] | None

    @classmethod
    def all_of(cls, table: Mapping[str, Any]) -> tuple[Self, ...]:
        """The indexes of a table as DescribeTable tells them."""
        table_keys = _key_names(table)
        return tuple(cls._of(index, table_keys) for index in table.get("GlobalSecondaryIndexes", ()))

    @classmethod
    def _of(cls, index: Mapping[str, Any], table_keys: tuple[str, ...]) -> Self:
        keys, projection = _key_names(index), index["Projection"]
        chosen = frozenset([*table_keys, *keys, *projection.get("NonKeyAttributes", ())])
        return cls(index["IndexName"], keys, None if projection["ProjectionType"] == "ALL" else chosen)

    def entry(self, item: RawItem | None) -> RawItem | None:
        """Return the index entry of an item, or None for an item without all key attributes of the index."""
        if item is None or any(key not in item for key in self.keys):
            return None
        return {name: value for name, value in item.items() if self.projected is None or name in self.projected}

    def write_units(self, before: RawItem | None, after: RawItem | None) -> int:
        """0 for an entry that stays as it is, 1 write when it appears, disappears or changes, 2 when its key moves."""
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old and new and all(old[key] == new[key] for key in self.keys):
            return write_units(item_size(old), item_size(new))
        return sum(write_units(item_size(entry)) for entry in (old, new) if entry)


def _key_names(described: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in described["KeySchema"])
