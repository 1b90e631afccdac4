"""The data plane against scripted servers: what it sends, its faults and retries, and what it resolves."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from zlib import crc32

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

from app.errors import Unavailable
from app.gateways.dynamodb.client import open_client, resolve
from app.gateways.dynamodb.connection import ConnectionPool
from app.gateways.dynamodb.data_plane import DataPlane, Endpoint
from app.settings import Settings
from tests.gateways.certificates import Authority
from tests.tools.scripted_server import HANG, Received, Script, ScriptedServer, answer, scripted_server

pytestmark = pytest.mark.usefixtures("aws_environment")


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
    data_plane_settings: Settings, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    aws = data_plane_settings.model_copy(
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
    data_plane_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    async with open_client(data_plane_settings.model_copy(update={"dynamodb_endpoint_url": None})) as client:
        with pytest.raises(Unavailable, match="no AWS credentials"):
            await client.get_item(TableName="t", Key={})


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [({"HTTP_PROXY": "http://proxy.test:1"}, "http://ddb.test/"), ({}, "http://ddb.test/path")],
    ids=["proxy", "path"],
)
async def test_an_endpoint_beyond_the_data_plane_is_left_to_aioboto3(
    data_plane_settings: Settings, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], endpoint: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for url, is_served_here in ((endpoint, False), ("http://ddb.test/", True)):
        async with open_client(data_plane_settings.model_copy(update={"dynamodb_endpoint_url": url})) as opened:
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
    data_plane_settings: Settings,
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
        secure = data_plane_settings.model_copy(update={"dynamodb_endpoint_url": f"https://127.0.0.1:{server.port}"})
        async with open_client(secure) as client:
            if error:
                with pytest.raises(error):
                    await client.query(TableName="t")
                return
            answers = await asyncio.gather(*(client.query(TableName="t") for _ in range(10)))
            assert [found["Count"] for found in answers] == [3] * 10


async def test_a_refused_connection_is_botocores_error(data_plane_settings: Settings) -> None:
    unused = data_plane_settings.model_copy(update={"dynamodb_endpoint_url": "http://127.0.0.1:1"})
    async with open_client(unused) as client:
        with pytest.raises(EndpointConnectionError):
            await client.query(TableName="t")
