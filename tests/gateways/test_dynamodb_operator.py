"""OperatedTable: scans, bulk writes, throttling and consumed units, on a real engine and with faults."""

import json
from base64 import b64encode
from typing import Any
from uuid import uuid4

import pytest

from app.concurrency import Backoff
from app.errors import Unavailable
from app.gateways.dynamodb import MAX_ATTEMPTS, Put, Query, operator, table, unmarshal_item
from app.gateways.dynamodb.operator import OperatedTable, Segment, open_operated_table
from app.settings import Settings
from migrations.dynamodb_table import TTL_ATTRIBUTE, create_table
from tests.fixtures.app import Service
from tests.tools.faults import client_error, throttled


@pytest.fixture
def fresh(settings: Settings) -> Settings:
    """Settings of a table of the test's own."""
    return settings.model_copy(update={"dynamodb_table": f"test-{uuid4()}"})


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "DYNAMODB_REQUEST", Backoff(0, 0))
    monkeypatch.setattr(operator, "DYNAMODB_COMMAND", Backoff(0, 0))


class ScriptedClient:
    """Answers each call with the next step, and further ones with the last step."""

    class exceptions:  # noqa: N801  # as botocore names it
        """The exception that the gateway catches."""

        class ResourceNotFoundException(Exception):
            """Raised for a table that does not exist."""

    def __init__(self, *steps: Any) -> None:
        self.steps = list(steps)
        self.requests: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(**request: Any) -> Any:
            self.requests.append(request)
            step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
            if isinstance(step, Exception):
                raise step
            return step

        call.__name__ = name
        return call


def scripted(*steps: Any) -> tuple[OperatedTable, ScriptedClient]:
    client = ScriptedClient(*steps)
    return OperatedTable(client, "test"), client  # type: ignore[arg-type]


async def test_the_segments_of_a_scan_together_are_the_table(fresh: Settings) -> None:
    await create_table(fresh)
    wanted = [{"pk": f"P{number % 7}", "sk": f"{number:03d}"} for number in range(60)]
    async with open_operated_table(fresh) as table:
        await table.put_all(wanted)
        found = [item for n in range(3) async for page in table.scan(Segment(n, 3), page=4) for item in page]
    assert sorted(map(unmarshal_item, found), key=lambda item: str(item["sk"])) == wanted


async def test_consumed_units_are_added_up(fresh: Settings) -> None:
    await create_table(fresh)
    async with open_operated_table(fresh) as table:
        await table.put(Put({"pk": "a", "sk": "b", "filler": "x" * 1500}))
        await table.put_all([{"pk": "a", "sk": f"{number}"} for number in range(30)])
        assert (table.consumed.calls, table.consumed.write_units) == (3, 32)
        await table.get({"pk": "a", "sk": "b"}, consistent=True)
        await table.get({"pk": "a", "sk": "b"})
        assert table.consumed.read_units == 1.5


async def test_a_table_is_described_listed_and_dropped(fresh: Settings) -> None:
    async with open_operated_table(fresh) as table:
        assert await table.describe() is None
        await create_table(fresh)
        description = await table.describe()
        assert description is not None
        assert (description["TableName"], description["TimeToLive"]["AttributeName"]) == (table.name, TTL_ATTRIBUTE)
        assert table.name in await table.tables()
        await table.drop()
        assert await table.describe() is None


async def test_tables_are_listed_over_pages() -> None:
    table, client = scripted({"TableNames": ["a"], "LastEvaluatedTableName": "a"}, {"TableNames": ["b"]})
    assert await table.tables() == ["a", "b"]
    assert client.requests == [{}, {"ExclusiveStartTableName": "a"}]


@pytest.mark.usefixtures("no_backoff")
async def test_any_number_of_throttles_is_waited_out() -> None:
    table, client = scripted(*[throttled("GetItem")] * 50, {})
    assert await table.get({"pk": "a", "sk": "b"}) is None
    assert len(client.requests) == 51
    assert table.consumed.calls == 1


@pytest.mark.usefixtures("no_backoff")
async def test_other_faults_are_not_waited_out() -> None:
    table, client = scripted(client_error("InternalServerError", status=500))
    with pytest.raises(Unavailable):
        await table.get({"pk": "a", "sk": "b"})
    assert len(client.requests) == MAX_ATTEMPTS


@pytest.mark.usefixtures("no_backoff")
async def test_unprocessed_writes_of_a_batch_are_sent_again() -> None:
    left = {"test": [{"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"S": "2"}}}}]}
    table, client = scripted({"UnprocessedItems": left}, {"UnprocessedItems": left}, {})
    await table.put_all([{"pk": "a", "sk": "1"}, {"pk": "a", "sk": "2"}])
    assert [request["RequestItems"] for request in client.requests[1:]] == [left, left]


@pytest.mark.usefixtures("no_backoff")
async def test_unprocessed_keys_are_asked_for_until_all_are_read() -> None:
    key = {"pk": {"S": "a"}, "sk": {"S": "1"}}
    left = {"Responses": {}, "UnprocessedKeys": {"test": {"Keys": [key]}}}
    table, client = scripted(*[left] * 3 * MAX_ATTEMPTS, {"Responses": {"test": [key]}})
    assert await table.batch_get([{"pk": "a", "sk": "1"}]) == [key]
    assert len(client.requests) == 3 * MAX_ATTEMPTS + 1


class LeavingOneUnprocessed:
    """Leaves the second item of the first batch unprocessed, as a throttled table does."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._is_first = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def batch_write_item(self, **request: Any) -> Any:
        if not self._is_first:
            return await self._client.batch_write_item(**request)
        self._is_first = False
        ((name, requests),) = request["RequestItems"].items()
        await self._client.batch_write_item(**request | {"RequestItems": {name: requests[:1]}})
        return {"UnprocessedItems": {name: self._received(requests[1:])}}

    def _received(self, requests: Any) -> Any:
        """Return the requests as this client returns binary values: the data plane as text, aioboto3 as bytes."""
        if not self._client.is_served_here:
            return requests
        return json.loads(json.dumps(requests, default=lambda data: b64encode(data).decode()))


@pytest.mark.parametrize("client_name", ["data-plane", "aioboto3"])
async def test_binary_values_survive_being_unprocessed_and_sent_again(
    service: Service, settings: Settings, client_name: str
) -> None:
    assert service.state["table"].name == settings.dynamodb_table
    settings = settings.model_copy(update={"dynamodb_client": client_name})
    pk, uuid = f"TEST#{uuid4()}", uuid4()
    written = [{"pk": pk, "sk": sk, "id": uuid} for sk in "12"]
    async with open_operated_table(settings) as real:
        client: Any = LeavingOneUnprocessed(real._client)  # noqa: SLF001  # the fault stands between the gateway and its client
        await OperatedTable(client, settings.dynamodb_table).put_all(written)
        found = await real.query(Query("#pk = :pk", {":pk": pk}))
    assert [unmarshal_item(item)["id"] for item in found] == [uuid.bytes] * 2
