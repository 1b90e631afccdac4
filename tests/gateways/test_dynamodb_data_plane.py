"""The data plane against scripted servers: results and errors as aioboto3 has them, and what it resolves."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import IPv4Address
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import botocore.session
import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import (
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.model import ListShape, MapShape, Shape, StructureShape

from app.errors import Unavailable
from app.gateways.dynamodb import Query, Table, unmarshal_item
from app.gateways.dynamodb.client import open_client, resolve
from app.gateways.dynamodb.connection import ConnectionPool
from app.gateways.dynamodb.data_plane import DataPlane, Endpoint
from app.settings import Settings
from tests.gateways.certificates import Authority
from tests.tools.scripted_server import HANG, Received, Script, ScriptedServer, answer, scripted_server

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
AWS_VARIABLES = (
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_ACCOUNT_ID",
    "AWS_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
)


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials in the environment, and nothing else of this machine's."""
    for name in AWS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Return settings for the data plane, whichever client the other tests use."""
    return settings.model_copy(update={"dynamodb_client": "data-plane"})


@asynccontextmanager
async def data_plane(
    script: Script, credentials: Iterator[ReadOnlyCredentials] | None = None, *, seconds: float = 1
) -> AsyncIterator[tuple[DataPlane, ScriptedServer]]:
    async def get_credentials() -> ReadOnlyCredentials:
        return next(credentials) if credentials else ReadOnlyCredentials("AKID", "secret", None, None)

    async with scripted_server(script) as server:
        pool = ConnectionPool("127.0.0.1", server.port)
        endpoint = Endpoint(f"127.0.0.1:{server.port}", "us-east-1", "dynamodb", "cruddur")
        plane = DataPlane(endpoint, pool, get_credentials, read_seconds=seconds)
        try:
            yield plane, server
        finally:
            await plane.aclose()


async def test_a_request_is_dynamodbs_json_with_a_signature() -> None:
    async with data_plane(lambda _: answer({"Item": {"a": {"B": "AP8="}}})) as (plane, server):
        result = await plane.call(
            "GetItem", {"TableName": "t", "Key": {"pk": {"B": b"\x00\xff"}, "t": {"S": "ä\u2028"}}}
        )
    assert result == {"Item": {"a": {"B": "AP8="}}, "ResponseMetadata": {"HTTPStatusCode": 200}}
    (request,) = server.received
    assert request.body == {"TableName": "t", "Key": {"pk": {"B": "AP8="}, "t": {"S": "ä\u2028"}}}
    assert request.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert request.headers["user-agent"] == "cruddur"
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-target," in request.headers["authorization"]


async def test_a_value_that_dynamodb_does_not_have_is_refused_before_it_is_sent() -> None:
    async with data_plane(lambda _: answer()) as (plane, server):
        with pytest.raises(TypeError):
            await plane.call("PutItem", {"Item": {"pk": {"S": datetime.now(UTC)}}})
    assert server.received == []


async def test_renewed_credentials_sign_the_next_request() -> None:
    credentials = iter([ReadOnlyCredentials("OLD", "s", "one", None), ReadOnlyCredentials("NEW", "s", "two", None)])
    async with data_plane(lambda _: answer(), credentials) as (plane, server):
        await plane.call("Query", {})
        await plane.call("Query", {})
    first, second = (request.headers for request in server.received)
    assert (first["x-amz-security-token"], second["x-amz-security-token"]) == ("one", "two")
    assert "Credential=OLD/" in first["authorization"]
    assert "Credential=NEW/" in second["authorization"]
    assert "x-amz-date;x-amz-security-token;x-amz-target," in second["authorization"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (None, ConnectionClosedError),
        (HANG, ReadTimeoutError),
        (b"SSH-2.0\r\n", HTTPClientError),
        (answer(b"<html>"), HTTPClientError),
        (answer(b"[]"), HTTPClientError),
        (answer(b"null"), HTTPClientError),
        (answer({}, x_amz_crc32="1"), ChecksumError),
        (answer({}, 500, x_amz_crc32="1"), ChecksumError),
    ],
    ids=["closed", "silent", "no HTTP", "no JSON", "a list", "null", "checksum", "checksum of an error"],
)
async def test_a_fault_is_the_error_that_botocore_has_for_it(reply: bytes | None, error: type[Exception]) -> None:
    async with data_plane(lambda _: reply, seconds=0.2) as (plane, _):
        with pytest.raises(error):
            await plane.call("PutItem", {})


async def test_a_right_checksum_is_accepted() -> None:
    body = b'{"Count": 1}'
    async with data_plane(lambda _: answer(body, x_amz_crc32=str(crc32(body)))) as (plane, _):
        assert (await plane.call("Query", {}))["Count"] == 1


@pytest.mark.parametrize("operation", ["GetItem", "Query", "BatchGetItem", "Scan"])
async def test_a_read_on_a_stale_connection_is_sent_again(operation: str) -> None:
    replies = [answer(), None, answer({"Count": 7})]
    async with data_plane(lambda _: replies.pop(0)) as (plane, server):
        await plane.call("Query", {})
        assert (await plane.call(operation, {}))["Count"] == 7
    assert len(server.received) == 3


async def test_a_read_is_sent_again_over_a_new_connection_and_not_over_another_stale_one() -> None:
    async with data_plane(lambda _: answer()) as (plane, server):
        await asyncio.gather(*(plane.call("Query", {}) for _ in range(5)))
        assert server.connections == 5
        served = len(server.received)
        server.script = lambda _: None if server.connections == 5 else answer({"Count": 7})
        assert (await plane.call("Query", {}))["Count"] == 7
    assert len(server.received) == served + 2


@pytest.mark.parametrize("operation", ["PutItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem"])
async def test_a_write_on_a_stale_connection_is_left_to_the_caller(operation: str) -> None:
    replies = [answer(), None, answer()]
    async with data_plane(lambda _: replies.pop(0)) as (plane, server):
        await plane.call("Query", {})
        with pytest.raises(ConnectionClosedError):
            await plane.call(operation, {})
    assert len(server.received) == 2


@pytest.mark.parametrize("skew", [timedelta(hours=2), -timedelta(minutes=9)])
async def test_a_wrong_clock_is_corrected_once_by_the_servers(skew: timedelta) -> None:
    def script(received: Received) -> bytes:
        at = datetime.now(UTC) + skew
        signed = datetime.strptime(received.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if abs(at - signed) < timedelta(minutes=5):
            return answer()
        body = {"__type": "com.amazon.coral.service#InvalidSignatureException", "message": "Signature expired"}
        return answer(body, 400, date=format_datetime(at, usegmt=True))

    async with data_plane(script) as (plane, server):
        await plane.call("PutItem", {})
        await plane.call("PutItem", {})
    assert len(server.received) == 3


async def test_all_requests_that_a_wrong_clock_refused_are_sent_again() -> None:
    def script(received: Received) -> bytes:
        signed = datetime.strptime(received.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        at = datetime.now(UTC) + timedelta(hours=1)
        if at - signed < timedelta(minutes=5):
            return answer()
        return answer({"__type": "InvalidSignatureException"}, 400, date=format_datetime(at, usegmt=True))

    async with data_plane(script) as (plane, server):
        await asyncio.gather(*(plane.call("PutItem", {}) for _ in range(10)))
    assert len(server.received) == 20


@pytest.mark.parametrize("date", ["now", "yesterday", ""])
async def test_a_wrong_signature_of_another_cause_is_not_sent_again(date: str) -> None:
    date = format_datetime(datetime.now(UTC), usegmt=True) if date == "now" else date
    reply = answer({"__type": "InvalidSignatureException", "message": "wrong key"}, 400, date=date)
    async with data_plane(lambda _: reply) as (plane, server):
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            await plane.call("PutItem", {})
    assert len(server.received) == 1


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
async def both(settings: Settings) -> AsyncIterator[Both]:
    """Yield the service's client, aioboto3's and the server that they talk to."""
    async with scripted_server(lambda _: answer()) as server:
        ours = settings.model_copy(update={"dynamodb_endpoint_url": f"http://127.0.0.1:{server.port}"})
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


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "https://dynamodb.eu-west-1.amazonaws.com/"),
        ({"AWS_ENDPOINT_URL_DYNAMODB": "http://ddb.test:8000"}, "http://ddb.test:8000/"),
        ({"AWS_USE_FIPS_ENDPOINT": "true"}, "https://dynamodb-fips.eu-west-1.amazonaws.com/"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://dynamodb.eu-west-1.api.aws/"),
        ({"AWS_ACCOUNT_ID": "123456789012"}, "https://123456789012.ddb.eu-west-1.amazonaws.com/"),
    ],
    ids=["region", "endpoint", "FIPS", "dual stack", "account"],
)
async def test_the_endpoint_is_the_one_that_botocore_resolves(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    aws = settings.model_copy(
        update={"dynamodb_endpoint_url": None, "aws_region": "eu-west-1", "dynamodb_client": "aioboto3"}
    )
    async with open_client(aws) as opened:
        client: Any = opened
        resolved, endpoint = await resolve(await client.opened())
        assert resolved.geturl() == url
        assert (endpoint.region, endpoint.service) == ("eu-west-1", "dynamodb")
        assert endpoint.host == resolved.netloc
        assert "Botocore" in endpoint.user_agent or "botocore" in endpoint.user_agent


async def test_missing_credentials_are_unavailable_at_the_call(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    async with open_client(settings.model_copy(update={"dynamodb_endpoint_url": None})) as client:
        with pytest.raises(Unavailable, match="no AWS credentials"):
            await client.get_item(TableName="t", Key={})


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [({"HTTP_PROXY": "http://proxy.test:1"}, "http://ddb.test/"), ({}, "http://ddb.test/path")],
    ids=["proxy", "path"],
)
async def test_an_endpoint_beyond_the_data_plane_is_left_to_aioboto3(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], endpoint: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for url, is_served_here in ((endpoint, False), ("http://ddb.test/", True)):
        async with open_client(settings.model_copy(update={"dynamodb_endpoint_url": url})) as opened:
            client: Any = opened
            await client.opened()
            assert client.is_served_here is is_served_here
        monkeypatch.setenv("NO_PROXY", "ddb.test")


@pytest.mark.parametrize(
    ("variable", "name", "error"),
    [
        ("AWS_CA_BUNDLE", "127.0.0.1", None),
        ("REQUESTS_CA_BUNDLE", "127.0.0.1", None),
        ("AWS_CA_BUNDLE", "10.0.0.1", SSLError),
        (None, "127.0.0.1", SSLError),
    ],
    ids=["bundle", "other variable", "other name", "unknown authority"],
)
async def test_tls_trusts_the_given_authority_and_the_right_name_only(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str | None,
    name: str,
    error: type[Exception] | None,
) -> None:
    authority = Authority(tmp_path)
    if variable:
        monkeypatch.setenv(variable, str(authority.bundle))
    async with scripted_server(lambda _: answer({"Count": 3}), tls=authority.server(IPv4Address(name))) as server:
        secure = settings.model_copy(update={"dynamodb_endpoint_url": f"https://127.0.0.1:{server.port}"})
        async with open_client(secure) as client:
            if error:
                with pytest.raises(error):
                    await client.query(TableName="t")
                return
            answers = await asyncio.gather(*(client.query(TableName="t") for _ in range(10)))
            assert [found["Count"] for found in answers] == [3] * 10


async def test_a_refused_connection_is_botocores_error(settings: Settings) -> None:
    unused = settings.model_copy(update={"dynamodb_endpoint_url": "http://127.0.0.1:1"})
    async with open_client(unused) as client:
        with pytest.raises(EndpointConnectionError):
            await client.query(TableName="t")


async def test_calls_on_tables_go_through_aioboto3(both: Both) -> None:
    quick, _, server = both
    server.script = lambda _: answer({"TableNames": ["a"]})
    assert (await quick.list_tables())["TableNames"] == ["a"]
