"""The DynamoDB gateway: values, conditions by position, retries, pages, and every error that botocore's model names."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import botocore.session
import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)

from app.concurrency import Backoff, deadline
from app.errors import Unavailable
from app.gateways.dynamodb import (
    MAX_ATTEMPTS,
    Check,
    ConditionFailed,
    Put,
    Query,
    Table,
    TransactionRejected,
    Update,
    Write,
    open_table,
)
from app.settings import Settings
from migrations.dynamodb_table import create_table
from tests.fixtures.app import Service
from tests.tools.faults import ENDPOINT, client_error
from tests.tools.own_time import now
from tests.tools.stored import plain, sort_keys

ABSENT = "attribute_not_exists(#pk)"


@pytest.fixture
def table(service: Service) -> Table:
    return service.state["table"]


@pytest.fixture
def pk() -> str:
    return f"TEST#{uuid4()}"


class ScriptedClient:
    """Answers each call with the next step: an exception is raised, anything else returned."""

    def __init__(self, *steps: Any) -> None:
        self._steps = list(steps)
        self.requests: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def call(**request: Any) -> Any:
            self.requests.append(request)
            step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
            if isinstance(step, Exception):
                raise step
            return step

        call.__name__ = name
        return call


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.gateways.dynamodb.table.DYNAMODB_REQUEST", Backoff(0, 0))


def scripted(*steps: Any) -> tuple[Table, ScriptedClient]:
    client = ScriptedClient(*steps)
    return Table(client, "test"), client  # type: ignore[arg-type]


async def test_an_item_is_read_as_it_was_written(table: Table, pk: str) -> None:
    item = {
        "pk": pk,
        "sk": "1",
        "number": -5,
        "big": 10**30,
        "flag": True,
        "none": None,
        "text": "ä👍",
        "data": b"\x00\xff",
        "list": [1, "a", [False]],
        "map": {"inner": {"deep": 1}},
        "empty": "",
    }
    await table.put(Put(item))
    assert plain(await table.get({"pk": pk, "sk": "1"}, consistent=True)) == item
    assert await table.get({"pk": pk, "sk": "2"}) is None


async def test_a_uuid_is_kept_as_its_bytes(table: Table, pk: str) -> None:
    uuid = uuid4()
    await table.put(Put({"pk": pk, "sk": "1", "id": uuid}))
    assert plain(await table.get({"pk": pk, "sk": "1"})) == {"pk": pk, "sk": "1", "id": uuid.bytes}


async def test_a_failed_condition_carries_the_item_that_is_there(table: Table, pk: str) -> None:
    await table.put(Put({"pk": pk, "sk": "1", "who": "first"}, ABSENT))
    with pytest.raises(ConditionFailed) as failed:
        await table.put(Put({"pk": pk, "sk": "1", "who": "second"}, ABSENT))
    assert plain(failed.value.item) == {"pk": pk, "sk": "1", "who": "first"}
    with pytest.raises(ConditionFailed) as failed:
        await table.update(Update({"pk": pk, "sk": "2"}, "SET #n = :n", {":n": 1}, "#n < :n"))
    assert failed.value.item is None


async def test_an_update_returns_the_new_item(table: Table, pk: str) -> None:
    changed = await table.update(Update({"pk": pk, "sk": "1"}, "SET #state = :s", {":s": "x"}))
    assert plain(changed) == {"pk": pk, "sk": "1", "state": "x"}


async def test_a_transaction_is_all_or_nothing_and_names_failed_conditions_by_position(table: Table, pk: str) -> None:
    await table.put(Put({"pk": pk, "sk": "taken", "who": "first"}))
    writes: list[Write] = [
        Put({"pk": pk, "sk": "new"}, ABSENT),
        Put({"pk": pk, "sk": "taken"}, ABSENT),
        Check({"pk": pk, "sk": "none"}, ABSENT),
    ]
    with pytest.raises(TransactionRejected) as rejected:
        await table.transact(writes)
    assert {at: plain(item) for at, item in rejected.value.failed.items()} == {
        1: {"pk": pk, "sk": "taken", "who": "first"}
    }
    assert await table.get({"pk": pk, "sk": "new"}) is None
    await table.transact([writes[0], Update({"pk": pk, "sk": "taken"}, "SET #n = :n", {":n": 1}), writes[2]])
    assert sort_keys(await table.query(Query("#pk = :pk", {":pk": pk}))) == ["new", "taken"]


async def test_a_query_goes_on_over_pages_and_stops_at_its_limit(table: Table, pk: str) -> None:
    filler = "x" * 300_000
    await asyncio.gather(*(table.put(Put({"pk": pk, "sk": f"{n}", "filler": filler})) for n in range(8)))
    query = Query("#pk = :pk", {":pk": pk})
    assert sort_keys(await table.query(query)) == [f"{n}" for n in range(8)]
    limited = Query("#pk = :pk", {":pk": pk}, limit=5, descending=True)
    assert sort_keys(await table.query(limited)) == ["7", "6", "5", "4", "3"]


async def test_a_query_goes_on_after_a_key_whether_it_exists_or_not(table: Table, pk: str) -> None:
    await asyncio.gather(*(table.put(Put({"pk": pk, "sk": f"{n}"})) for n in range(5)))
    query = Query("#pk = :pk", {":pk": pk}, after={"pk": pk, "sk": "1x"})
    assert sort_keys(await table.query(query)) == ["2", "3", "4"]
    following = replace(query, after={"pk": pk, "sk": "2"}, descending=True)
    assert sort_keys(await table.query(following)) == ["1", "0"]


async def test_a_projection_transfers_the_attributes_that_it_names(table: Table, pk: str) -> None:
    keys = [{"pk": pk, "sk": f"{n:03d}"} for n in range(120)]
    await asyncio.gather(*(table.put(Put({**key, "n": 1, "filler": "x"})) for key in keys))
    query = Query("#pk = :pk", {":pk": pk, ":n": 1}, filter="#n = :n", projection="#sk, #n, #absent")
    expected = [{"sk": {"S": key["sk"]}, "n": {"N": "1"}} for key in keys]
    assert await table.query(query) == expected
    found = await table.batch_get(keys, projection="#sk, #n, #absent")
    assert sorted(found, key=lambda item: item["sk"]["S"]) == expected


async def test_a_selection_goes_on_over_pages(table: Table, pk: str) -> None:
    filler = "x" * 300_000
    await asyncio.gather(*(table.put(Put({"pk": pk, "sk": f"{n}", "n": n, "filler": filler})) for n in range(8)))
    selected, _ = await table.select(Query("#pk = :pk", {":pk": pk, ":n": 2}, filter="#n > :n"))
    assert len(selected) == 5  # the local engine counts an item twice that does not fit into a page


@pytest.mark.parametrize(("limit", "counted"), [(None, (5, 8)), (5, (2, 5)), (8, (5, 8)), (9, (5, 8))])
async def test_a_selection_stops_at_its_limit(
    table: Table, pk: str, limit: int | None, counted: tuple[int, int]
) -> None:
    await asyncio.gather(*(table.put(Put({"pk": pk, "sk": f"{n}", "n": n})) for n in range(8)))
    found, read = await table.select(Query("#pk = :pk", {":pk": pk, ":n": 2}, limit=limit, filter="#n > :n"))
    assert (len(found), read) == counted


async def test_a_batch_get_of_any_size_returns_the_items_that_exist(table: Table, pk: str) -> None:
    keys = [{"pk": pk, "sk": f"{n:03d}"} for n in range(230)]
    await asyncio.gather(*(table.put(Put(dict(key))) for key in keys[:210]))
    found = await table.batch_get(keys)
    assert sorted(sort_keys(found)) == [key["sk"] for key in keys[:210]]
    assert await table.batch_get([]) == []


@pytest.mark.usefixtures("no_backoff")
async def test_unprocessed_keys_are_asked_for_again() -> None:
    key = {"pk": {"S": "a"}, "sk": {"S": "b"}}
    some = {"Responses": {"test": [key]}, "UnprocessedKeys": {"test": {"Keys": [key]}}}
    rest = {"Responses": {"test": [key]}, "UnprocessedKeys": {}}
    table, client = scripted(some, some, rest)
    assert len(await table.batch_get([{"pk": "a", "sk": "b"}] * 3)) == 3
    assert len(client.requests) == 3
    hopeless, _ = scripted(some)
    with pytest.raises(Unavailable):
        await hopeless.batch_get([{"pk": "a", "sk": "b"}])


@pytest.mark.parametrize(
    "fault",
    [
        client_error("ProvisionedThroughputExceededException"),
        client_error("ThrottlingException"),
        client_error("InternalServerError", status=500),
        client_error("", status=503),
        client_error("TransactionInProgressException"),
        client_error("TransactionConflictException"),
        client_error(
            "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]
        ),
        client_error("TransactionCanceledException", CancellationReasons=[{"Code": "ThrottlingError"}]),
        ConnectionClosedError(endpoint_url=ENDPOINT),
        ConnectTimeoutError(endpoint_url=ENDPOINT),
        ReadTimeoutError(endpoint_url=ENDPOINT),
        EndpointConnectionError(endpoint_url=ENDPOINT),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("no_backoff")
async def test_transient_faults_are_retried_and_then_unavailable(fault: Exception) -> None:
    table, client = scripted(fault, fault, {})
    await table.put(Put({"pk": "a", "sk": "b"}))
    assert len(client.requests) == 3
    table, client = scripted(fault)
    with pytest.raises(Unavailable):
        await table.put(Put({"pk": "a", "sk": "b"}))
    assert len(client.requests) == MAX_ATTEMPTS


async def test_every_attempt_of_a_transaction_carries_one_token() -> None:
    table, client = scripted(
        ReadTimeoutError(endpoint_url=ENDPOINT), client_error("TransactionInProgressException"), {}
    )
    await table.transact([Put({"pk": "a", "sk": "b"})])
    assert len({request["ClientRequestToken"] for request in client.requests}) == 1


async def test_a_failed_condition_wins_over_a_conflict() -> None:
    reasons = [{"Code": "TransactionConflict"}, {"Code": "ConditionalCheckFailed"}]
    table, client = scripted(client_error("TransactionCanceledException", CancellationReasons=reasons))
    with pytest.raises(TransactionRejected) as rejected:
        await table.transact([Put({"pk": "a", "sk": "b"})] * 2)
    assert rejected.value.failed == {1: None}
    assert len(client.requests) == 1


USED = ("GetItem", "Query", "BatchGetItem", "PutItem", "UpdateItem", "TransactWriteItems")
OURS = {"ConditionalCheckFailedException": ConditionFailed, "TransactionCanceledException": TransactionRejected}


def errors_of_the_model() -> list[tuple[str, str]]:
    model = botocore.session.get_session().get_service_model("dynamodb")
    return [(name, shape.name) for name in USED for shape in model.operation_model(name).error_shapes]


@pytest.mark.parametrize(("operation", "code"), errors_of_the_model())
@pytest.mark.usefixtures("no_backoff")
async def test_every_error_of_the_model_becomes_an_error_of_the_gateway(operation: str, code: str) -> None:
    reasons = [{"Code": "ConditionalCheckFailed"}]
    table, _ = scripted(client_error(code, operation, CancellationReasons=reasons))
    with pytest.raises(OURS.get(code, Unavailable)):
        await call(table, operation)


async def call(table: Table, operation: str) -> None:
    key = {"pk": "a", "sk": "b"}
    match operation:
        case "GetItem":
            await table.get(key)
        case "Query":
            await table.query(Query("#pk = :pk", {":pk": "a"}))
        case "BatchGetItem":
            await table.batch_get([key])
        case "PutItem":
            await table.put(Put(dict(key)))
        case "UpdateItem":
            await table.update(Update(key, "SET #n = :n", {":n": 1}))
        case "TransactWriteItems":
            await table.transact([Put(dict(key))])


@pytest.mark.parametrize(
    "refusal",
    [client_error("AccessDeniedException"), client_error("UnrecognizedClientException"), NoCredentialsError()],
)
@pytest.mark.usefixtures("no_backoff")
async def test_refused_credentials_are_unavailable(refusal: Exception) -> None:
    table, _ = scripted(refusal)
    with pytest.raises(Unavailable):
        await table.get({"pk": "a", "sk": "b"})


async def test_a_request_that_does_not_fit_the_table_is_unavailable(table: Table) -> None:
    with pytest.raises(Unavailable, match="is not as the service needs it"):
        await table.query(Query("#wrong = :pk", {":pk": "a"}))


async def test_a_silent_engine_costs_the_deadline_at_most(settings: Settings) -> None:
    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    silent = settings.model_copy(update={"dynamodb_endpoint_url": f"http://127.0.0.1:{port}"})
    async with server, open_table(silent) as table:
        started = now()
        with pytest.raises(Unavailable):
            async with deadline(0.5):
                await table.get({"pk": "a", "sk": "b"})
        assert now() - started < 1.5
        server.close()


async def test_creating_the_table_again_changes_nothing(settings: Settings) -> None:
    assert await create_table(settings) is False


@pytest.mark.parametrize("mode", ["PROVISIONED", "PAY_PER_REQUEST"])
async def test_the_table_is_created_as_the_settings_say(settings: Settings, mode: str) -> None:
    name = f"test-{uuid4()}"
    chosen = settings.model_copy(
        update={
            "dynamodb_table": name,
            "dynamodb_billing_mode": mode,
            "dynamodb_read_units": 7,
            "dynamodb_write_units": 8,
            "dynamodb_index_read_units": 9,
            "dynamodb_index_write_units": 10,
        }
    )
    assert await create_table(chosen) is True
    async with open_table(chosen) as table:
        client: Any = table._client  # noqa: SLF001  # the gateway does not describe
        description = (await client.describe_table(TableName=name))["Table"]
        ttl = await client.describe_time_to_live(TableName=name)
    (index,) = description["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert [key["AttributeName"] for key in description["KeySchema"] + index["KeySchema"]] == [
        "pk",
        "sk",
        "inbox",
        "activity_bucket",
    ]
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "expires_at"
    units = [
        [of["ProvisionedThroughput"][f"{what}CapacityUnits"] for what in ("Read", "Write")]
        for of in (description, index)
    ]
    assert units == ([[7, 8], [9, 10]] if mode == "PROVISIONED" else [[0, 0], [0, 0]])
