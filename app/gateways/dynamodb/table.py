"""Table: reads, writes and transactions on one table, retried in one place; its faults as errors of this package."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from app.concurrency import DYNAMODB_REQUEST
from app.errors import Unavailable
from app.gateways.dynamodb.client import open_client
from app.gateways.dynamodb.consumed import METERED, Consumed, Meter, record_rejection, record_response
from app.gateways.dynamodb.faults import NO_ANSWER, ConditionFailed, Transient, code_of, translate
from app.gateways.dynamodb.values import (
    Check,
    Delete,
    Key,
    Put,
    Query,
    StoredItem,
    Update,
    Write,
    marshal_item,
    projection_request,
)
from app.settings import TableSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 6
"""Attempts of one call, about half a second of backoff in all; the caller's deadline may end it sooner."""
CREATE_CHECKS = 120
CREATE_INTERVAL = 0.5
"""Seconds between the checks whether a new table is active: a minute in all."""
BATCH_SIZE = 100
"""Keys in one BatchGetItem, a limit of DynamoDB."""


_WITH_ITEM = {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
"""Options of an update that returns the item, with or without the change."""
_TRANSACT_NAMES = {Put: "Put", Update: "Update", Check: "ConditionCheck", Delete: "Delete"}


class Table:
    """One DynamoDB table.

    Every method raises Unavailable when DynamoDB refuses, fails or does not answer after MAX_ATTEMPTS, whatever is
    wrong with it, with the table or with the credentials. 1 RCU is a strongly consistent read of up to 4 KB, or two
    eventually consistent ones; 1 WCU a write of up to 1 KB; a transaction costs twice that, and every index that a
    write changes as much again.
    """

    def __init__(self, client: "DynamoDBClient", name: str, *, meter: Meter | None = None) -> None:
        self._client = client
        self._meter = meter or Consumed()
        self.name = name

    async def get(self, key: Key, *, consistent: bool = False) -> StoredItem | None:
        """Return the item at this key, or None: 0.5 RCU per 4 KB, 1 if consistent."""
        response = await self._call(self._client.get_item, Key=marshal_item(key), ConsistentRead=consistent)
        return cast("StoredItem | None", response.get("Item"))

    async def query(self, query: Query) -> list[StoredItem]:
        """Return the items that the query selects, up to its limit, over as many pages as it takes.

        Costs 0.5 RCU per 4 KB of all items read together, filtered ones included; 1 if consistent.
        """
        items, _ = await self._query(query, "Count")
        return items

    async def select(self, query: Query) -> tuple[list[StoredItem], int]:
        """Return the items that a query with a filter selects, and how many it read: at most its limit.

        Costs as much as reading them all, but transfers only what is selected.
        """
        return await self._query(query, "ScannedCount")

    async def _query(self, query: Query, counted: str) -> tuple[list[StoredItem], int]:
        """Return the items of a query and the sum of the member `counted` of its pages, which its limit bounds."""
        items: list[StoredItem] = []
        count, request = 0, query.request()
        while query.limit is None or count < query.limit:
            if query.limit is not None:
                request["Limit"] = query.limit - count
            response = await self._call(self._client.query, **request)
            items += response["Items"]
            count += response[counted]
            if "LastEvaluatedKey" not in response:
                break
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]
        return items, count

    async def batch_get(self, keys: Sequence[Key], *, projection: str = "") -> list[StoredItem]:
        """Return the items at these keys that exist, in any order, eventually consistent: 0.5 RCU per 4 KB each.

        With a projection only the attributes that it names are transferred.
        """
        chunks = [keys[start : start + BATCH_SIZE] for start in range(0, len(keys), BATCH_SIZE)]
        found = await asyncio.gather(*(self._batch_get_chunk(chunk, projection) for chunk in chunks))
        return [item for items in found for item in items]

    async def _batch_get_chunk(self, keys: Sequence[Key], projection: str) -> list[StoredItem]:
        items: list[StoredItem] = []
        wanted: Any = {self.name: {"Keys": [marshal_item(key) for key in keys]} | projection_request(projection)}
        for seconds in self._waits():
            response = await self._retry(self._client.batch_get_item, RequestItems=wanted)
            items += response["Responses"].get(self.name, ())
            wanted = response.get("UnprocessedKeys")
            if not wanted:
                return items
            await asyncio.sleep(seconds)
        raise Unavailable(f"DynamoDB left keys unprocessed in {MAX_ATTEMPTS} attempts")

    def _waits(self) -> Iterator[float]:
        """Yield the seconds to wait after each attempt to get all of a batch processed."""
        return map(DYNAMODB_REQUEST.seconds, range(MAX_ATTEMPTS))

    async def put(self, put: Put) -> None:
        """Write the item: 1 WCU per KB, also if it raises ConditionFailed, with the item that is there."""
        await self._call(self._client.put_item, **put.request(), ReturnValuesOnConditionCheckFailure="ALL_OLD")

    async def update(self, update: Update) -> StoredItem:
        """Change the item and return it: 1 WCU per KB, also if it raises ConditionFailed with the item it found."""
        response = await self._call(self._client.update_item, **update.request(), **_WITH_ITEM)
        return cast("StoredItem", response["Attributes"])

    async def try_update(self, update: Update) -> tuple[StoredItem | None, bool]:
        """Change the item unless the condition fails; return it as it is then, and whether it was changed.

        1 WCU per KB in any case. The item is None if there is none.
        """
        try:
            response = await self._call(self._client.update_item, **update.request(), **_WITH_ITEM)
            return response["Attributes"], True
        except ConditionFailed as error:
            return error.item, False

    async def delete(self, delete: Delete) -> None:
        """Remove the item: 1 WCU per KB, also if there is none, or if it raises ConditionFailed."""
        await self._call(self._client.delete_item, **delete.request())

    async def transact(self, writes: Sequence[Write]) -> None:
        """Apply all of these writes or none: 2 WCU per KB of each, also if it raises TransactionRejected.

        All attempts carry one token, so the transaction is applied once.
        """
        options = {"TableName": self.name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        items = [{_TRANSACT_NAMES[type(write)]: write.request() | options} for write in writes]
        await self._retry(self._client.transact_write_items, TransactItems=items, ClientRequestToken=str(uuid4()))

    async def create(
        self, definition: Mapping[str, Any], *, ttl_attribute: str, point_in_time_recovery: bool = False
    ) -> bool:
        """Create the table unless it exists, wait until it is active, set its options; return whether it is new.

        A second call completes what an interrupted one has left undone.
        """
        created = await self._create(definition)
        expiry = await self._call(self._client.describe_time_to_live)
        if expiry["TimeToLiveDescription"].get("TimeToLiveStatus", "DISABLED") == "DISABLED":
            specification = {"Enabled": True, "AttributeName": ttl_attribute}
            await self._call(self._client.update_time_to_live, TimeToLiveSpecification=specification)
        if point_in_time_recovery:
            await self._enable_recovery()
        return created

    async def _create(self, definition: Mapping[str, Any]) -> bool:
        create = self._without_error("ResourceInUseException", self._client.create_table)
        describe = self._without_error("ResourceNotFoundException", self._client.describe_table)  # for a moment
        created = await self._retry(create, **definition)
        for _ in range(CREATE_CHECKS):
            response = await self._call(describe)
            if response.get("Table", {}).get("TableStatus") == "ACTIVE":
                return bool(created)
            await asyncio.sleep(CREATE_INTERVAL)
        seconds = CREATE_CHECKS * CREATE_INTERVAL
        raise Unavailable(f"The table {self.name} was not active after {seconds:.0f} s: try again later")

    async def _enable_recovery(self) -> None:
        """Switch point-in-time recovery on, which AWS refuses for a while after a table was created."""
        update = self._without_error("ContinuousBackupsUnavailableException", self._client.update_continuous_backups)
        for _ in range(CREATE_CHECKS):
            if await self._call(update, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}):
                return
            await asyncio.sleep(CREATE_INTERVAL)
        raise Unavailable(
            f"The table {self.name} is there, and point-in-time recovery could not be switched on",
            remedy="`python -m migrations table` tries it again",
        )

    def _without_error(self, code: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method with an empty response in place of the error with this code."""

        async def call(**request: Any) -> Any:
            try:
                return await method(**request)
            except ClientError as error:
                if code_of(error) != code:
                    raise
                return {}

        return call

    async def _call(self, method: Callable[..., Any], **request: Any) -> Any:
        return await self._retry(method, TableName=self.name, **request)

    async def _retry(self, method: Callable[..., Any], **request: Any) -> Any:
        """Call, and try again after throttles, conflicts, server and connection faults: the only place with retries."""
        call = method.__name__
        if call in METERED:
            request["ReturnConsumedCapacity"] = "INDEXES"
        for attempt in range(MAX_ATTEMPTS):
            try:
                response = await method(**request)
            except (ClientError, BotoCoreError, OSError) as error:
                if isinstance(error, ClientError):
                    record_rejection(self._meter, call, code_of(error), request)
                fault = translate(error, self.name)
                if not isinstance(fault, Transient):
                    raise fault from error
            else:
                record_response(self._meter, call, response.get("ConsumedCapacity"))
                return response
            self._meter.retried(call, str(fault))
            log.warning("dynamodb_retry", operation=call, cause=str(fault))
            await asyncio.sleep(DYNAMODB_REQUEST.seconds(attempt))
        raise Unavailable("DynamoDB does not answer", remedy=NO_ANSWER) from fault


@asynccontextmanager
async def open_table(settings: TableSettings, *, meter: Meter | None = None) -> AsyncIterator[Table]:
    """Open the table with a client of its own, which connects at the first call."""
    async with open_client(settings) as client:
        yield Table(client, settings.dynamodb_table, meter=meter)
