"""The service's client and aioboto3's plain one give equal results on every call, errors included."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from app.errors import Unavailable
from app.gateways.dynamodb import (
    Check,
    ConditionFailed,
    Put,
    Query,
    Table,
    TransactionRejected,
    Update,
    open_table,
    unmarshal_item,
)
from app.gateways.dynamodb.client import open_client
from app.settings import Settings
from tests.tools.stored import plain as values

Clients = tuple[Table, Table]
ABSENT = "attribute_not_exists(#pk)"


@pytest.fixture
async def both(settings: Settings) -> AsyncIterator[Clients]:
    """The table through the service's client and through a plain one."""
    async with (
        open_client(settings.model_copy(update={"dynamodb_client": "aioboto3"})) as plain,
        open_table(settings.model_copy(update={"dynamodb_client": "data-plane"})) as table,
    ):
        yield table, Table(plain, settings.dynamodb_table)


def everything(pk: str, sk: str) -> dict[str, Any]:
    return {
        "pk": pk,
        "sk": sk,
        "inbox": pk,
        "activity_bucket": 7,
        "text": 'ä👍\n"\\ \u2028',
        "number": -(10**20),
        "data": b"\x00\xff",
        "id": uuid4(),
        "nothing": None,
        "flag": True,
        "list": [1, "a", b"b", [None]],
        "map": {"in": {"x": b""}},
    }


async def test_reads_are_equal_through_both_clients(both: Clients) -> None:
    pk = f"TEST#{uuid4()}"
    for table in both:
        for sk in ("1", "2", "3"):
            await table.put(Put(everything(pk, sk)))
    quick, plain = both
    key = {"pk": pk, "sk": "2"}
    assert values(await quick.get(key, consistent=True)) == values(await plain.get(key, consistent=True)) is not None
    assert await quick.get({"pk": pk, "sk": "9"}) is await plain.get({"pk": pk, "sk": "9"}) is None
    queries = [
        Query("#pk = :pk", {":pk": pk}),
        Query(
            "#pk = :pk AND #sk BETWEEN :a AND :b", {":pk": pk, ":a": "2", ":b": "3"}, descending=True, consistent=True
        ),
        Query("#pk = :pk", {":pk": pk}, limit=2),
        Query("#inbox = :inbox", {":inbox": pk}, index="inbox-by-activity"),
        Query("#pk = :pk", {":pk": "nothing"}),
    ]
    for query in queries:
        assert list(map(values, await quick.query(query))) == list(map(values, await plain.query(query)))
    keys = [{"pk": pk, "sk": sk} for sk in "1239"]
    by_key = [
        sorted(map(unmarshal_item, await table.batch_get(keys)), key=lambda item: str(item["sk"])) for table in both
    ]
    assert by_key[0] == by_key[1]
    assert len(by_key[0]) == 3


async def test_writes_are_equal_through_both_clients(both: Clients) -> None:
    pk = f"TEST#{uuid4()}"
    change = Update({"pk": pk, "sk": "1"}, "SET #n = :n, #data = :data", {":n": 1, ":data": b"\x01"})
    assert values(await both[0].update(change)) == values(await both[1].update(change))


@pytest.mark.parametrize("has_item", [True, False])
async def test_failed_conditions_are_equal_through_both_clients(both: Clients, has_item: bool) -> None:
    pk = f"TEST#{uuid4()}"
    if has_item:
        await both[0].put(Put(everything(pk, "1")))
    condition = ABSENT if has_item else "attribute_exists(#pk)"
    found: list[Any] = []
    for table in both:
        with pytest.raises(ConditionFailed) as failed:
            await table.put(Put(everything(pk, "1"), condition))
        with pytest.raises(ConditionFailed) as update_failed:
            await table.update(Update({"pk": pk, "sk": "1"}, "SET #n = :n", {":n": 1}, condition))
        with pytest.raises(TransactionRejected) as rejected:
            await table.transact([Check({"pk": pk, "sk": "1"}, condition), Put(everything(pk, "2"))])
        rejections = {at: values(item) for at, item in rejected.value.failed.items()}
        found.append((values(failed.value.item), values(update_failed.value.item), rejections))
    assert found[0] == found[1]
    assert (found[0][0] is not None) == has_item


async def test_an_invalid_request_raises_the_same_error_through_both_clients(both: Clients) -> None:
    errors = []
    for table in both:
        with pytest.raises(Unavailable) as error:
            await table.query(Query("#pk > :pk", {":pk": "x"}))
        assert isinstance(error.value.__cause__, ClientError)
        errors.append(error.value.__cause__.response["Error"])
    assert errors[0] == errors[1]
    assert errors[0]["Code"] == "ValidationException"


@pytest.mark.parametrize("body", [b"<html/> \n", b'["Item"] '])
@pytest.mark.parametrize("client", ["data-plane", "aioboto3"])
async def test_a_response_that_is_no_json_object_is_unavailable_and_not_absence(
    settings: Settings, client: str, body: bytes
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    update = {"dynamodb_endpoint_url": address, "dynamodb_client": client}
    async with open_table(settings.model_copy(update=update)) as table:
        with pytest.raises(Unavailable):
            await table.get({"pk": "a", "sk": "b"})
    server.close()
