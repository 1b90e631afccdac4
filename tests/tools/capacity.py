"""A meter of DynamoDB capacity: it watches the requests that a test makes and applies AWS's rules to them.

Local engines misreport what transactions cost, so no answer's ConsumedCapacity is believed. The meter looks at each
item itself, with a client of its own, just before and just after a call.

    meter = Meter(client)
    store = MessagingStore(Table(meter.client, name))
    async with meter.measure() as spent:
        await store.append_message(message)
    assert spent.calls == ["PutItem"]
    assert spent.write_units == 1

Calls at the same time are measured right as long as they write different items: two writers of one item may both take
the other's change for their own. Outside `measure` nothing is looked at and nothing is slowed down.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from botocore.exceptions import ClientError

from tests.tools.capacity_rules import Index, RawItem, item_size, read_units, write_units

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

Request: TypeAlias = dict[str, Any]
Response: TypeAlias = Mapping[str, Any]

OK: Final = "OK"
UNANSWERED: Final = "no answer"
REFUSED_BUT_CHARGED: Final = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})
"""Refusals that come after the items were read. Throttled and invalid requests are free."""


@dataclass(eq=False, slots=True)
class Call:
    """One request. Units are exact: the smallest there is, half a read unit, has an exact float."""

    operation: str
    table_write_units: float = 0
    index_write_units: float = 0
    read_units: float = 0
    outcome: str = UNANSWERED
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def write_units(self) -> float:
        return self.table_write_units + self.index_write_units

    def __str__(self) -> str:
        in_indexes = f", {self.index_write_units:g} of them in indexes" if self.index_write_units else ""
        outcome = "" if self.outcome == OK else f"  ({self.outcome})"
        return f"{self.operation:20} {self.write_units:g} WCU{in_indexes}, {self.read_units:g} RCU{outcome}"


class Spent:
    """Record the units of a measurement, call by call in the order in which they began."""

    def __init__(self) -> None:
        self.entries: list[Call] = []

    @property
    def calls(self) -> list[str]:
        return [call.operation for call in self.entries]

    @property
    def write_units(self) -> float:
        return sum(call.write_units for call in self.entries)

    @property
    def index_write_units(self) -> float:
        """Return the part of `write_units` that the indexes took."""
        return sum(call.index_write_units for call in self.entries)

    @property
    def read_units(self) -> float:
        return sum(call.read_units for call in self.entries)

    def of(self, operation: str) -> "Spent":
        """Return the part that one operation took."""
        part = Spent()
        part.entries = [call for call in self.entries if call.operation == operation]
        return part

    def __repr__(self) -> str:
        total = f"{self.write_units:g} WCU, {self.read_units:g} RCU in {len(self.entries)} calls"
        return "\n    ".join([total, *map(str, self.entries)])


class Meter:
    """Give `meter.client` to the code under test; `raw` is what the meter itself reads with, by default the same."""

    def __init__(self, client: "DynamoDBClient", *, raw: "DynamoDBClient | None" = None) -> None:
        self._engine = _Engine(raw or client)
        self._running: list[Spent] = []
        self._committed: set[str] = set()
        self.client = cast("DynamoDBClient", _WatchedClient(client, self._pay))

    @asynccontextmanager
    async def measure(self) -> AsyncIterator[Spent]:
        """Count every call that begins inside of the block; its end waits for calls that still run."""
        spent = Spent()
        self._running.append(spent)
        try:
            yield spent
            while running := [call for call in spent.entries if not call.settled.is_set()]:
                await running[0].settled.wait()
        finally:
            self._running.remove(spent)

    async def _pay(self, operation: str, method: "_Method", request: Request) -> Any:
        if not self._running:
            return await method(**request)
        call = Call(operation)
        for spent in self._running:
            spent.entries.append(call)
        try:
            return await (self._write if operation in _WRITES else self._read)(call, method, request)
        finally:
            call.settled.set()

    async def _read(self, call: Call, method: "_Method", request: Request) -> Any:
        response: Response = {}
        try:
            response = await _outcome(call, method, request)
            return response
        finally:
            if call.outcome in {OK, UNANSWERED}:
                call.read_units = await _READS[call.operation](self._engine, request, response)

    async def _write(self, call: Call, method: "_Method", request: Request) -> Any:
        targets = _WRITES[call.operation](request)
        before = await self._engine.items(targets)
        token = request.get("ClientRequestToken")
        try:
            return await _outcome(call, method, request)
        finally:
            if token in self._committed:
                call.read_units = sum(2 * read_units(item_size(item), consistent=True) for item in before)
            elif call.outcome in REFUSED_BUT_CHARGED:
                await self._charge(call, targets, before, before)
            elif call.outcome in {OK, UNANSWERED}:
                await self._charge(call, targets, before, await self._engine.items(targets))
            if token and call.outcome == OK:
                self._committed.add(token)

    async def _charge(
        self, call: Call, targets: "list[_Target]", before: "list[_Found]", after: "list[_Found]"
    ) -> None:
        factor = 2 if call.operation == "TransactWriteItems" else 1
        for target, old, new in zip(targets, before, after, strict=True):
            sizes = item_size(old), item_size(new), item_size(target.attempt)
            call.table_write_units += factor * write_units(*sizes)
            if target.is_written:
                indexes = await self._engine.indexes(target.table)
                call.index_write_units += sum(index.write_units(old, new) for index in indexes)


_Method: TypeAlias = Callable[..., Awaitable[Any]]
_Found: TypeAlias = RawItem | None


async def _outcome(call: Call, method: _Method, request: Request) -> Response:
    try:
        response: Response = await method(**request)
    except ClientError as error:
        call.outcome = error.response["Error"]["Code"]
        raise
    call.outcome = OK
    return response


class _WatchedClient:
    """A client whose calls that cost units go through `pay`; all else is the client's own."""

    def __init__(self, client: "DynamoDBClient", pay: Callable[[str, _Method, Request], Awaitable[Any]]) -> None:
        self._client = client
        self._pay = pay

    def __getattr__(self, name: str) -> Any:
        if name in _NOT_MEASURED:
            raise NotImplementedError(f"the meter has no rule for {name}")
        method = getattr(self._client, name)
        operation = "".join(map(str.capitalize, name.split("_")))
        if operation not in _WRITES and operation not in _READS:
            return method

        @wraps(method)
        async def watched(**request: Any) -> Any:
            return await self._pay(operation, method, request)

        return watched


_NOT_MEASURED = frozenset(
    {
        "batch_write_item",
        "batch_execute_statement",
        "execute_statement",
        "execute_transaction",
        "get_paginator",
    }
)


@dataclass(frozen=True, slots=True)
class _Target:
    """An item that a write is about. `attempt` is the whole new item, where the request has it."""

    table: str
    source: Mapping[str, Any]
    attempt: RawItem | None = None
    is_written: bool = True


class _Engine:
    """Reads of the meter itself, which are never counted."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self.client: Any = client
        self._tables: dict[str, Response] = {}

    async def table(self, name: str) -> Response:
        if name not in self._tables:
            self._tables[name] = (await self.client.describe_table(TableName=name))["Table"]
        return self._tables[name]

    async def indexes(self, table: str) -> tuple[Index, ...]:
        return Index.all_of(await self.table(table))

    async def items(self, targets: Iterable[_Target]) -> list[_Found]:
        return await asyncio.gather(*map(self._item, targets))

    async def _item(self, target: _Target) -> _Found:
        schema = (await self.table(target.table))["KeySchema"]
        key = {part["AttributeName"]: target.source[part["AttributeName"]] for part in schema}
        found = await self.client.get_item(TableName=target.table, Key=key, ConsistentRead=True)
        return cast("_Found", found.get("Item"))


def _written(request: Request) -> list[_Target]:
    return [_target(request)]


def _target(request: Request, *, is_written: bool = True) -> _Target:
    item = request.get("Item")
    return _Target(request["TableName"], item or request["Key"], item, is_written)


def _transacted(request: Request) -> list[_Target]:
    actions = [action for entry in request["TransactItems"] for action in entry.items()]
    return [_target(action, is_written=kind != "ConditionCheck") for kind, action in actions]


async def _get(engine: _Engine, request: Request, _: Response) -> float:
    return await _units_of_each(engine, [_target(request)], consistent=request.get("ConsistentRead", False))


async def _batch_get(engine: _Engine, request: Request, response: Response) -> float:
    """Each item is rounded up for itself. Keys that came back unprocessed were not read."""
    units = 0.0
    for table, wanted in request["RequestItems"].items():
        left = response.get("UnprocessedKeys", {}).get(table, {}).get("Keys", ())
        targets = [_Target(table, key) for key in wanted["Keys"] if key not in left]
        units += await _units_of_each(engine, targets, consistent=wanted.get("ConsistentRead", False))
    return units


async def _transact_get(engine: _Engine, request: Request, _: Response) -> float:
    targets = [_target(entry["Get"]) for entry in request["TransactItems"]]
    return 2 * await _units_of_each(engine, targets, consistent=True)


async def _units_of_each(engine: _Engine, targets: list[_Target], *, consistent: bool) -> float:
    found = await engine.items(targets)
    return sum(read_units(item_size(item), consistent=consistent) for item in found)


async def _query(engine: _Engine, request: Request, response: Response) -> float:
    return await _page(engine.client.query, request, response)


async def _scan(engine: _Engine, request: Request, response: Response) -> float:
    return await _page(engine.client.scan, request, response)


async def _page(method: _Method, request: Request, response: Response) -> float:
    """A page is rounded up as a whole, by all that was read: also what a filter or projection kept back."""
    if not response or _HIDING & request.keys():
        response = await method(**_without_hiding(request, response))
    size = sum(map(item_size, response["Items"]))
    return read_units(size, consistent=request.get("ConsistentRead", False))


_HIDING = frozenset({"FilterExpression", "ProjectionExpression", "Select"})
_PLACEHOLDER = re.compile(r"[#:]\w+")


def _without_hiding(request: Request, response: Response) -> Request:
    """Return the request without filter and projection, and without the names and values that only those used."""
    plain = {name: value for name, value in request.items() if name not in _HIDING}
    used = set(_PLACEHOLDER.findall(request.get("KeyConditionExpression", "")))
    for part in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        plain[part] = {name: value for name, value in plain.get(part, {}).items() if name in used}
        if not plain[part]:
            del plain[part]
    return plain | ({"Limit": max(1, response["ScannedCount"])} if response else {})


_READS: dict[str, Callable[[_Engine, Request, Response], Awaitable[float]]] = {
    "GetItem": _get,
    "BatchGetItem": _batch_get,
    "TransactGetItems": _transact_get,
    "Query": _query,
    "Scan": _scan,
}
_WRITES: dict[str, Callable[[Request], list[_Target]]] = {
    "PutItem": _written,
    "UpdateItem": _written,
    "DeleteItem": _written,
    "TransactWriteItems": _transacted,
}
