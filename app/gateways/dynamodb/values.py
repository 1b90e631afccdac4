"""Values, writes and queries of DynamoDB as plain data, and their marshalling to DynamoDB's JSON."""

import re
from binascii import a2b_base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

Set: TypeAlias = frozenset[UUID] | frozenset[int]
Value: TypeAlias = str | int | bool | bytes | UUID | list[Any] | dict[str, Any] | Set | None
Item: TypeAlias = dict[str, Any]
"""An item to write: plain values by the names of its attributes."""
StoredItem: TypeAlias = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB returns it: tagged JSON, in which binary values are base64 text or, by aioboto3, bytes."""
Key: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Put:
    """Writes a whole item. In expressions `#name` stands for the attribute `name`, `:name` for a value."""

    item: Item
    condition: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Return the members of the API request, without the table's name."""
        return {"Item": marshal_item(self.item)} | _expressions(condition=self.condition, values=self.values)


@dataclass(frozen=True, slots=True)
class Update:
    """Changes attributes of one item in place."""

    key: Key
    expression: str
    values: Mapping[str, Value]
    condition: str = ""

    def request(self) -> dict[str, Any]:
        """Return the members of the API request, without the table's name."""
        changes = _expressions(self.expression, condition=self.condition, values=self.values)
        return {"Key": marshal_item(self.key), "UpdateExpression": self.expression} | changes


@dataclass(frozen=True, slots=True)
class Check:
    """Requires a condition of an item that the transaction does not write."""

    key: Key
    condition: str
    values: Mapping[str, Value] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Return the members of the API request, without the table's name."""
        return {"Key": marshal_item(self.key)} | _expressions(condition=self.condition, values=self.values)


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes an item, if it is there and meets the condition."""

    key: Key
    condition: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)

    def request(self) -> dict[str, Any]:
        """Return the members of the API request, without the table's name."""
        return {"Key": marshal_item(self.key)} | _expressions(condition=self.condition, values=self.values)


Write: TypeAlias = Put | Update | Check | Delete


@dataclass(frozen=True, slots=True)
class Query:
    """Selects items of one partition in key order; `limit` counts items, None means all of them."""

    condition: str
    values: Mapping[str, Value]
    index: str | None = None
    limit: int | None = None
    descending: bool = False
    consistent: bool = False
    after: Key | Item | None = None
    """The key, with the keys of the index, of an item that the selection follows in key order, whether it exists."""
    filter: str = ""
    """A filter expression; items that it drops are read and charged all the same."""
    projection: str = ""
    """The attributes to transfer, all by default; the others are read and charged all the same."""

    def request(self) -> dict[str, Any]:
        """Return the members of the API request, without the table's name."""
        request = _expressions(self.condition, self.filter, self.projection, values=self.values)
        if self.filter:
            request["FilterExpression"] = self.filter
        if self.projection:
            request["ProjectionExpression"] = self.projection
        if self.after:
            request["ExclusiveStartKey"] = marshal_item(self.after)
        request |= {"IndexName": self.index} if self.index else {"ConsistentRead": self.consistent}
        return request | {"KeyConditionExpression": self.condition, "ScanIndexForward": not self.descending}


def projection_request(projection: str) -> dict[str, Any]:
    """Return the members of a request for keys that say which attributes to transfer."""
    if not projection:
        return {}
    return {"ProjectionExpression": projection, "ExpressionAttributeNames": _names(projection)}


_NAME = re.compile(r"#(\w+)")


@lru_cache(maxsize=256)
def _names(*expressions: str) -> dict[str, str]:
    return {f"#{name}": name for expression in expressions for name in _NAME.findall(expression)}


def _expressions(*expressions: str, condition: str = "", values: Mapping[str, Value]) -> dict[str, Any]:
    """Return the members of a request that its expressions need; DynamoDB refuses empty ones."""
    request: dict[str, Any] = {}
    if condition:
        request["ConditionExpression"] = condition
    if names := _names(condition, *expressions):
        request["ExpressionAttributeNames"] = names
    if values:
        request["ExpressionAttributeValues"] = marshal_item(values)
    return request


def to_bytes(data: str | bytes) -> bytes:
    """Return the bytes of a binary value."""
    return data if isinstance(data, bytes) else a2b_base64(data)


def _marshal_set(members: frozenset[UUID] | frozenset[int]) -> dict[str, Any]:
    """Return a set of one kind; DynamoDB has no empty sets."""
    numbers = [str(member) for member in sorted(members) if isinstance(member, int)]
    return {"NS": numbers} if numbers else {"BS": sorted(uuid.bytes for uuid in members if isinstance(uuid, UUID))}


_MARSHAL: dict[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda text: {"S": text},
    int: lambda number: {"N": str(number)},
    bool: lambda flag: {"BOOL": flag},
    bytes: lambda data: {"B": data},
    UUID: lambda uuid: {"B": uuid.bytes},
    type(None): lambda _: {"NULL": True},
    list: lambda values: {"L": [marshal(value) for value in values]},
    dict: lambda values: {"M": marshal_item(values)},
    frozenset: _marshal_set,
}
_UNMARSHAL: dict[str, Callable[[Any], Value]] = {
    "S": str,
    "N": int,
    "BOOL": bool,
    "B": to_bytes,
    "NULL": lambda _: None,
    "L": lambda values: [unmarshal(value) for value in values],
    "M": lambda members: {name: unmarshal(value) for name, value in members.items()},
    "BS": lambda values: frozenset(UUID(bytes=to_bytes(value)) for value in values),
    "NS": lambda values: frozenset(map(int, values)),
}


def marshal(value: Value) -> dict[str, Any]:
    """Return a value as DynamoDB's tagged JSON. UUIDs become 16 bytes each; a float raises KeyError."""
    return _MARSHAL[type(value)](value)


def marshal_item(item: Mapping[str, Value]) -> dict[str, Any]:
    """Return an item, key or mapping of values as DynamoDB's tagged JSON."""
    return {name: _MARSHAL[type(value)](value) for name, value in item.items()}


def unmarshal(value: Mapping[str, Any]) -> Value:
    """Return the plain value of DynamoDB's tagged JSON. Numbers are integers."""
    for tag, raw in value.items():
        return _UNMARSHAL[tag](raw)
    raise ValueError("An attribute value has no type")


def unmarshal_item(item: StoredItem) -> Item:
    """Return the plain values of a stored item."""
    return {name: unmarshal(value) for name, value in item.items()}


@lru_cache(maxsize=10_000)
def to_known_uuid(data: str | bytes) -> UUID:
    """Return the UUID of a binary value that many items share, such as a user's: it is remembered."""
    return UUID(bytes=to_bytes(data))


text_to_uuid = lru_cache(maxsize=10_000)(UUID)
"""Returns the UUID in a key's text, which many items share: it is remembered."""
