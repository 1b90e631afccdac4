"""The data plane and aioboto3's client: what one sends and reads, the other does, too."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any
from zlib import crc32

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
)
from botocore.model import ListShape, MapShape, Shape, StructureShape

from app.gateways.dynamodb import Query, Table, unmarshal_item
from app.gateways.dynamodb.client import open_client
from app.settings import Settings
from tests.tools.scripted_server import ScriptedServer, answer, scripted_server

pytestmark = pytest.mark.usefixtures("aws_environment")

CALLS: dict[str, dict[str, Any]] = {
    "get_item": {},
    "query": {},
    "scan": {},
    "batch_get_item": {"RequestItems": {}},
    "batch_write_item": {"RequestItems": {}},
    "put_item": {},
    "update_item": {},
    "delete_item": {},
    "transact_write_items": {"TransactItems": []},
}
"""The data plane's calls, each with the least that botocore needs to resolve its endpoint."""


def examples(shape: Shape) -> Any:
    """Return a value of the shape as DynamoDB's JSON has it, with all members."""
    if isinstance(shape, StructureShape) and shape.name == "AttributeValue":
        return {"M": {"a": {"B": "AP8="}, "b": {"L": [{"N": "1"}, {"NULL": True}]}}}
    if isinstance(shape, StructureShape):
        return {name: examples(member) for name, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [examples(shape.member)] * 2
    if isinstance(shape, MapShape):
        return {"key": examples(shape.value)}
    return {"integer": 7, "boolean": True, "double": 1.5}.get(shape.type_name, "text")


def _errors() -> Iterator[tuple[str, str]]:
    model = botocore.session.get_session().get_service_model("dynamodb")
    for call in CALLS:
        operation = "".join(map(str.capitalize, call.split("_")))
        for shape in model.operation_model(operation).error_shapes:
            yield call, shape.name


def _plain(value: Any) -> Any:
    """Return the value with binary values as bytes, which one of the clients has decoded."""
    if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in {"B", "L", "M", "N", "S", "NULL"}:
        return unmarshal_item({"": value})[""]
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    return list(map(_plain, value)) if isinstance(value, list) else value


Both = tuple[Any, Any, ScriptedServer]


@pytest.fixture
async def both(data_plane_settings: Settings) -> AsyncIterator[Both]:
    """Yield the service's client, aioboto3's and the server that they talk to."""
    async with scripted_server(lambda _: answer()) as server:
        ours = data_plane_settings.model_copy(update={"dynamodb_endpoint_url": f"http://127.0.0.1:{server.port}"})
        async with (
            open_client(ours) as quick,
            open_client(ours.model_copy(update={"dynamodb_client": "aioboto3"})) as plain,
        ):
            yield quick, plain, server


@pytest.mark.parametrize("prefix", ["", "com.amazonaws.dynamodb.v20120810#"])
async def test_every_error_of_the_model_has_the_members_that_botocore_gives_it(both: Both, prefix: str) -> None:
    model = botocore.session.get_session().get_service_model("dynamodb")
    quick, plain, server = both
    for call, code in _errors():
        body = examples(model.shape_for(code)) | {"__type": prefix + code}
        server.script = lambda _, body=body: answer(body, 400, x_amzn_requestid="R1")  # type: ignore[misc]
        found = []
        for client in (quick, plain):
            with pytest.raises(ClientError) as error:
                await getattr(client, call)(**CALLS[call])
            response = dict(error.value.response)
            metadata: Any = response.pop("ResponseMetadata")
            found.append((_plain(response), metadata["HTTPStatusCode"], metadata["RequestId"]))
        assert found[0] == found[1], code
        assert found[0][0]["Error"]["Code"] == code


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (answer({"__type": "X#SomethingNew:http://a/b", "Message": "m"}, 400), "SomethingNew"),
        (answer({"message": "no type"}, 400), "400"),
        (answer(b"<html>", 503), "503"),
        (answer(b"", 500), "500"),
        (answer(b"[]", 502), "502"),
    ],
)
async def test_an_error_that_the_model_does_not_have_gets_its_code_or_status(
    both: Both, reply: bytes, code: str
) -> None:
    quick, plain, server = both
    server.script = lambda _: reply
    with pytest.raises(ClientError) as error:
        await quick.get_item()
    assert error.value.response["Error"]["Code"] == code
    if reply.endswith(b"}"):
        with pytest.raises(ClientError) as theirs:
            await plain.get_item()
        assert theirs.value.response["Error"] == error.value.response["Error"]


def generated(random: Random, depth: int) -> dict[str, Any]:
    """Return a value of any type as DynamoDB's JSON has it."""
    values: dict[str, Any] = {
        "S": "".join(random.choices('aä👍"\\\u2028\x00 ', k=random.randint(0, 9))),
        "N": str(random.randint(-(10**37), 10**37)),
        "B": b64encode(random.randbytes(random.randint(0, 9))).decode(),
        "BOOL": random.random() < 0.5,
        "NULL": True,
    }
    if depth:
        values["L"] = [generated(random, depth - 1) for _ in range(random.randint(0, 3))]
        values["M"] = {f"k{n}": generated(random, depth - 1) for n in range(random.randint(0, 3))}
    tag = random.choice(list(values))
    return {tag: values[tag]}


async def test_generated_answers_are_read_alike_through_both_clients(both: Both) -> None:
    random, (quick, plain, server) = Random(7), both  # noqa: S311  # repeatable

    for _ in range(100):
        items = [
            {f"a{n}": generated(random, 2) for n in range(random.randint(0, 5))} for _ in range(random.randint(0, 4))
        ]
        body = json.dumps({"Items": items, "Count": len(items)}, ensure_ascii=random.random() < 0.5).encode()
        server.script = lambda _, body=body: answer(body, x_amz_crc32=str(crc32(body)))  # type: ignore[misc]
        query = Query("#pk = :pk", {":pk": b"\x00"}, limit=100)
        ours, theirs = [list(map(unmarshal_item, await Table(client, "t").query(query))) for client in (quick, plain)]
        assert ours == theirs


async def test_requests_are_equal_through_both_clients(both: Both) -> None:
    quick, plain, server = both
    request = {"TableName": "t", "Key": {"pk": {"S": 'ä👍"\\'}, "b": {"B": b"\x00\xff"}}, "ConsistentRead": True}
    for client in (quick, plain):
        await client.get_item(**request)
    ours, theirs = server.received
    assert ours.body == theirs.body
    same = ("content-type", "host", "x-amz-target", "user-agent")
    assert [ours.headers[name] for name in same] == [theirs.headers[name] for name in same]
    scopes = [one.headers["authorization"].partition(", Signature")[0] for one in (ours, theirs)]
    assert scopes[0] == scopes[1]


async def test_calls_on_tables_go_through_aioboto3(both: Both) -> None:
    quick, _, server = both
    server.script = lambda _: answer({"TableNames": ["a"]})
    assert (await quick.list_tables())["TableNames"] == ["a"]
