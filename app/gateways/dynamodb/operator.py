"""OperatedTable: scans, bulk writes and the schema for the command line, which waits throttling out."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from app.concurrency import DYNAMODB_COMMAND
from app.errors import Unavailable
from app.gateways.dynamodb import Item, StoredItem, Table, marshal_item
from app.gateways.dynamodb.client import open_client
from app.gateways.dynamodb.consumed import Consumed
from app.gateways.dynamodb.faults import THROTTLES
from app.settings import TableSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

WRITE_BATCH = 25
"""Items in one BatchWriteItem, a limit of DynamoDB."""
READ_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Segment:
    """One of `of` disjoint parts of a table, which may be scanned concurrently."""

    number: int = 0
    of: int = 1


class OperatedTable(Table):
    """A Table with an operator's methods, which waits for as long as DynamoDB throttles instead of failing.

    `consumed` adds up the calls and units of its life.
    """

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self.consumed = Consumed()
        super().__init__(client, name, meter=self.consumed)

    async def scan(
        self, segment: Segment = Segment(), *, page: int | None = None, index: str = ""
    ) -> AsyncIterator[list[StoredItem]]:
        """Yield all items of a segment in pages of 1 MB or `page` items: 0.5 RCU per 4 KB, eventually consistent.

        With an index, its entries.
        """
        request: dict[str, Any] = {"Segment": segment.number, "TotalSegments": segment.of}
        request |= {"IndexName": index} if index else {}
        request |= {"Limit": page} if page else {}
        while True:
            response = await self._call(self._client.scan, **request)
            yield response["Items"]
            if "LastEvaluatedKey" not in response:
                return
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]

    async def put_all(self, items: Sequence[Item]) -> None:
        """Write whole items without conditions, 25 per call: 1 WCU per KB each. For writes that are safe to repeat."""
        for start in range(0, len(items), WRITE_BATCH):
            chunk = items[start : start + WRITE_BATCH]
            left: Any = {self.name: [{"PutRequest": {"Item": marshal_item(item)}} for item in chunk]}
            for seconds in self._waits():
                response = await self._retry(self._client.batch_write_item, RequestItems=left)
                left = response.get("UnprocessedItems")
                if not left:
                    break
                await asyncio.sleep(seconds)

    async def describe(self) -> Mapping[str, Any] | None:
        """Return DynamoDB's description of the table, or None if there is no such table.

        It has the members TimeToLive and PointInTimeRecovery, too: on, off, or unknown without permission to ask.
        """
        table = await self._table()
        if not table:
            return None
        expiry, recovery = await self._call(self._client.describe_time_to_live), "unknown"
        with suppress(Unavailable):  # denied, or an engine without this call
            response = await self._call(self._client.describe_continuous_backups)
            state = response["ContinuousBackupsDescription"].get("PointInTimeRecoveryDescription", {})
            recovery = "on" if state.get("PointInTimeRecoveryStatus") == "ENABLED" else "off"
        return {**table, "TimeToLive": expiry["TimeToLiveDescription"], "PointInTimeRecovery": recovery}

    async def _table(self) -> Mapping[str, Any]:
        """Return the description of the table, empty if there is none."""
        response = await self._call(self._without_error("ResourceNotFoundException", self._client.describe_table))
        table: Mapping[str, Any] = response.get("Table", {})
        return table

    async def tables(self) -> list[str]:
        """Return the names of all tables of the account and region, or of the local engine."""
        names: list[str] = []
        request: dict[str, Any] = {}
        while True:
            response = await self._retry(self._client.list_tables, **request)
            names += response["TableNames"]
            if "LastEvaluatedTableName" not in response:
                return names
            request = {"ExclusiveStartTableName": response["LastEvaluatedTableName"]}

    async def drop(self) -> None:
        """Delete the table and return when DynamoDB no longer describes it."""
        await self._call(self._client.delete_table)
        for seconds in self._waits():
            if not await self._table():
                return
            await asyncio.sleep(seconds)

    async def _retry(self, method: Callable[..., Any], **request: Any) -> Any:
        """Retry like the service, and throttles without end."""
        for seconds in self._waits():
            try:
                return await super()._retry(method, **request)
            except Unavailable as error:
                if str(error.__cause__) not in THROTTLES:
                    raise
            await asyncio.sleep(seconds)
        raise AssertionError("unreachable")

    def _waits(self) -> Iterator[float]:
        """Yield the seconds to wait after each attempt, without end."""
        return map(DYNAMODB_COMMAND.seconds, count())


@asynccontextmanager
async def open_operated_table(settings: TableSettings) -> AsyncIterator[OperatedTable]:
    """Open the table for a command, whose calls may take READ_SECONDS each."""
    async with open_client(settings, read_seconds=READ_SECONDS) as client:
        yield OperatedTable(client, settings.dynamodb_table)
