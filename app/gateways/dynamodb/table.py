"""Table: reads, writes and transactions on the one table, retried in one place, faults as errors of ours."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from app.concurrency import full_jitter
from app.errors import Unavailable
from app.gateways import aws_errors
from app.gateways.dynamodb.client import open_client
from app.gateways.dynamodb.consumed import METERED, Consumed, Meter, note_answer, note_refusal
from app.gateways.dynamodb.values import Check, Item, Key, Put, Query, Update, Write, marshal_item, unmarshal_item
from app.settings import TableSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

log = structlog.get_logger(__name__)

THROTTLES = aws_errors.THROTTLES | {"LimitExceededException"}
"""DynamoDB's codes. In other services LimitExceededException is a quota, which no waiting helps."""
TRANSIENT = THROTTLES | {
    "InternalServerError", "ItemCollectionSizeLimitExceededException", "ReplicatedWriteConflictException",
    "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable", "TransactionConflict",
    "TransactionConflictException", "TransactionInProgressException",
}  # fmt: skip
MAX_ATTEMPTS = 6
"""Tries of one call, about half a second of backing off in all; the caller's deadline may end it sooner."""
CREATE_CHECKS = 120
CREATE_PAUSE = 0.5
"""Seconds between them: a new table is waited for for a minute."""
BATCH_SIZE = 100
"""Keys in one BatchGetItem, AWS's limit."""


class ConditionFailed(Exception):
    """A conditional write found something else; `item` is what it found, None when there was nothing."""

    def __init__(self, item: Item | None = None) -> None:
        super().__init__("condition failed")
        self.item = item


class TransactionRejected(Exception):
    """A transaction's conditions failed; `failed` maps the position of each to the item that it found."""

    def __init__(self, failed: dict[int, Item | None]) -> None:
        super().__init__(f"conditions failed at {sorted(failed)}")
        self.failed = failed


_TRANSACT_NAMES = {Put: "Put", Update: "Update", Check: "ConditionCheck"}


class Table:
    """One DynamoDB table. Raises ConditionFailed, TransactionRejected or Unavailable, and nothing of botocore's."""

    def __init__(self, client: "DynamoDBClient", name: str, *, meter: Meter | None = None) -> None:
        self._client = client
        self._meter = meter or Consumed()
        self.name = name

    async def get(self, key: Key, *, consistent: bool = False) -> Item | None:
        """The item at this key, or None."""
        answer = await self._call(self._client.get_item, Key=marshal_item(key), ConsistentRead=consistent)
        return unmarshal_item(answer["Item"]) if "Item" in answer else None

    async def query(self, query: Query) -> list[Item]:
        """All items that the query selects, up to its limit, over as many pages as it takes."""
        items: list[Item] = []
        request = query.request()
        while query.limit is None or len(items) < query.limit:
            if query.limit is not None:
                request["Limit"] = query.limit - len(items)
            answer = await self._call(self._client.query, **request)
            items += map(unmarshal_item, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return items

    async def batch_get(self, keys: Sequence[Key]) -> list[Item]:
        """The items at these keys that exist, in no particular order, eventually consistent."""
        chunks = [keys[start : start + BATCH_SIZE] for start in range(0, len(keys), BATCH_SIZE)]
        found = await asyncio.gather(*map(self._batch_get_chunk, chunks))
        return [item for items in found for item in items]

    async def _batch_get_chunk(self, keys: Sequence[Key]) -> list[Item]:
        items: list[Item] = []
        wanted: Any = {self.name: {"Keys": [marshal_item(key) for key in keys]}}
        for pause in _pauses():
            answer = await self._retry(self._client.batch_get_item, RequestItems=wanted)
            items += map(unmarshal_item, answer["Responses"].get(self.name, ()))
            wanted = answer.get("UnprocessedKeys")
            if not wanted:
                return items
            await asyncio.sleep(pause)
        raise Unavailable("DynamoDB left keys unprocessed")

    async def put(self, put: Put) -> None:
        """Write the item, or raise ConditionFailed with what stands there."""
        await self._call(self._client.put_item, **put.request(), ReturnValuesOnConditionCheckFailure="ALL_OLD")

    async def update(self, update: Update) -> Item:
        """Change the item and return it as it is now, or raise ConditionFailed with what stands there."""
        request = update.request() | {"ReturnValues": "ALL_NEW", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        answer = await self._call(self._client.update_item, **request)
        return unmarshal_item(answer["Attributes"])

    async def transact(self, writes: Sequence[Write]) -> None:
        """All of these writes or none. Repeated tries carry one token, so it is applied once."""
        items = [{_TRANSACT_NAMES[type(write)]: self._in_transaction(write)} for write in writes]
        await self._retry(self._client.transact_write_items, TransactItems=items, ClientRequestToken=str(uuid4()))

    def _in_transaction(self, write: Write) -> dict[str, Any]:
        return write.request() | {"TableName": self.name, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}

    async def ping(self) -> None:
        """Prove with the cheapest read (half a unit) that the table answers."""
        await self.get({"pk": "PING", "sk": "PING"})

    async def create(
        self, definition: Mapping[str, Any], *, ttl_attribute: str, point_in_time_recovery: bool = False
    ) -> bool:
        """Make sure the table is there, active and has its switches on; False when it was there already.

        A start that died half-way is finished by the next one.
        """
        created = await self._create(definition)
        await self._expire_by(ttl_attribute)
        if point_in_time_recovery:
            await self._call(
                self._client.update_continuous_backups,
                PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
            )
        return created

    async def _create(self, definition: Mapping[str, Any]) -> bool:
        create = self._unless("ResourceInUseException", self._client.create_table)
        describe = self._unless("ResourceNotFoundException", self._client.describe_table)  # for a moment
        created = await self._retry(create, **definition)
        for _ in range(CREATE_CHECKS):
            told = await self._call(describe)
            if told.get("Table", {}).get("TableStatus") == "ACTIVE":
                return bool(created)
            await asyncio.sleep(CREATE_PAUSE)
        raise Unavailable(f"The table {self.name} is being created and not active yet: do this again later")

    async def _expire_by(self, attribute: str) -> None:
        told = await self._call(self._client.describe_time_to_live)
        if told["TimeToLiveDescription"].get("TimeToLiveStatus", "DISABLED") == "DISABLED":
            await self._call(
                self._client.update_time_to_live,
                TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
            )

    def _unless(self, code: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, with an empty answer where DynamoDB refuses with this code."""

        async def call(**request: Any) -> Any:
            try:
                return await method(**request)
            except ClientError as error:
                if _code(error) != code:
                    raise
                return {}

        return call

    async def _call(self, method: Callable[..., Any], **request: Any) -> Any:
        return await self._retry(method, TableName=self.name, **request)

    async def _retry(self, method: Callable[..., Any], **request: Any) -> Any:
        """The one retry layer: throttles, conflicts, server and connection faults, with full jitter."""
        call = method.__name__
        if call in METERED:
            request["ReturnConsumedCapacity"] = "INDEXES"
        for pause in _pauses():
            try:
                answer = await method(**request)
            except ClientError as error:
                note_refusal(self._meter, call, _code(error), request)
                fault = _translate(error)
            except (BotoCoreError, OSError) as error:
                fault = _Transient(type(error).__name__)
            else:
                note_answer(self._meter, call, answer.get("ConsumedCapacity"))
                return answer
            if not isinstance(fault, _Transient):
                raise fault
            self._meter.retried(call, str(fault))
            log.warning("dynamodb_retry", operation=call, cause=str(fault))
            await asyncio.sleep(pause)
        raise Unavailable("DynamoDB does not answer") from fault


class _Transient(Exception):
    """A fault that another try may not meet."""


def _pauses() -> list[float]:
    """Seconds to wait after each try."""
    return [full_jitter(min(0.4, 0.025 * 2**tries)) for tries in range(MAX_ATTEMPTS)]


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _translate(error: ClientError) -> Exception:
    code, response = _code(error), cast("dict[str, Any]", error.response)
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(_item_or_none(response))
    if code == "TransactionCanceledException":
        return _cancellation(response.get("CancellationReasons", ()))
    if code in TRANSIENT or response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
        return _Transient(code)
    if code == "ValidationException":
        return error  # a mistake in our own request, not a fault of the dependency
    log.error("dynamodb_refused", code=code)
    return Unavailable(f"DynamoDB refused the call: {code}")


def _cancellation(reasons: Sequence[Mapping[str, Any]]) -> Exception:
    """Failed conditions win over conflicts and throttles: they would fail again."""
    failed = {at: _item_or_none(why) for at, why in enumerate(reasons) if why["Code"] == "ConditionalCheckFailed"}
    return TransactionRejected(failed) if failed else _Transient("TransactionCanceledException")


def _item_or_none(holder: Mapping[str, Any]) -> Item | None:
    return unmarshal_item(holder["Item"]) if holder.get("Item") else None


@asynccontextmanager
async def open_table(settings: TableSettings, *, meter: Meter | None = None) -> AsyncIterator[Table]:
    """Open the one client of this process. Connecting happens at the first call."""
    async with open_client(settings) as client:
        yield Table(client, settings.dynamodb_table, meter=meter)
