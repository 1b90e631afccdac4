"""The table as an operator needs it: whole-table reads, bulk writes, the schema, patience, and what it all costs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from app.concurrency import full_jitter
from app.errors import Unavailable
from app.gateways.dynamodb import Item, Table, marshal_item, unmarshal_item
from app.gateways.dynamodb.client import open_client
from app.gateways.dynamodb.consumed import Consumed
from app.gateways.dynamodb.table import THROTTLES
from app.settings import TableSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

WRITE_BATCH = 25
"""Items in one BatchWriteItem, AWS's limit."""
LONGEST_PAUSE = 10.0
READ_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Segment:
    """One of several disjoint parts of a table, which may be scanned at the same time."""

    number: int = 0
    of: int = 1


class OperatedTable(Table):
    """A Table that can do more and can wait: a throttle slows it down for as long as it lasts and never fails."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self.consumed = Consumed()
        super().__init__(client, name, meter=self.consumed)

    async def scan(self, segment: Segment = Segment(), *, page: int | None = None) -> AsyncIterator[list[Item]]:
        """All items of a segment, page by page (at most 1 MB each, or `page` items), eventually consistent."""
        request: dict[str, Any] = {"Segment": segment.number, "TotalSegments": segment.of}
        if page:
            request["Limit"] = page
        while True:
            answer = await self._call(self._client.scan, **request)
            yield list(map(unmarshal_item, answer["Items"]))
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    async def put_all(self, items: Sequence[Item]) -> None:
        """Write whole items, whatever stands there, 25 at a time; for data that is the same each time."""
        for start in range(0, len(items), WRITE_BATCH):
            chunk = items[start : start + WRITE_BATCH]
            left: Any = {self.name: [{"PutRequest": {"Item": marshal_item(item)}} for item in chunk]}
            for pause in _pauses():
                answer = await self._retry(self._client.batch_write_item, RequestItems=left)
                left = {self.name: _as_sent(answer.get("UnprocessedItems", {}).get(self.name, ()))}
                if not left[self.name]:
                    break
                await asyncio.sleep(pause)

    async def describe(self) -> Mapping[str, Any] | None:
        """DynamoDB's own description, with its TimeToLive; None when there is no such table."""
        table = await self._table()
        if not table:
            return None
        expiry = await self._call(self._client.describe_time_to_live)
        return {**table, "TimeToLive": expiry["TimeToLiveDescription"]}

    async def _table(self) -> Mapping[str, Any]:
        """Nothing if there is none."""
        answer = await self._call(self._unless("ResourceNotFoundException", self._client.describe_table))
        table: Mapping[str, Any] = answer.get("Table", {})
        return table

    async def tables(self) -> list[str]:
        """The names of all tables of the account and region, or of the engine."""
        names: list[str] = []
        request: dict[str, Any] = {}
        while True:
            answer = await self._retry(self._client.list_tables, **request)
            names += answer["TableNames"]
            if "LastEvaluatedTableName" not in answer:
                return names
            request = {"ExclusiveStartTableName": answer["LastEvaluatedTableName"]}

    async def drop(self) -> None:
        """Delete the table, and return when it is gone."""
        await self._call(self._client.delete_table)
        for pause in _pauses():
            if not await self._table():
                return
            await asyncio.sleep(pause)

    async def _retry(self, method: Callable[..., Any], **request: Any) -> Any:
        """Waits out throttles beyond what the service does."""
        for pause in _pauses():
            try:
                return await super()._retry(method, **request)
            except Unavailable as error:
                if str(error.__cause__) not in THROTTLES:
                    raise
            await asyncio.sleep(pause)
        raise AssertionError("unreachable")


def _pauses() -> Iterator[float]:
    """Seconds to wait after each try, without an end: full jitter, doubling up to ten."""
    for tries in count():
        yield full_jitter(min(LONGEST_PAUSE, 0.1 * 2 ** min(tries, 10)))


@asynccontextmanager
async def open_operated_table(settings: TableSettings) -> AsyncIterator[OperatedTable]:
    """As open_table, for a tool, which has no one waiting for an answer within two seconds."""
    async with open_client(settings, read_seconds=READ_SECONDS) as client:
        yield OperatedTable(client, settings.dynamodb_table)


def _as_sent(requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What came back unprocessed, to be sent again: binary values came as base64 text and must leave as bytes."""
    items = (unmarshal_item(request["PutRequest"]["Item"]) for request in requests)
    return [{"PutRequest": {"Item": marshal_item(item)}} for item in items]
