"""The DynamoDB client of a process: aioboto3's, without the work that it repeats on every call.

Three of botocore's extension points are used: the response parser returns the decoded JSON, the user agent is built
once, and requests are not validated, because this package builds them all. A Query of 20 items takes half of the CPU
(tests/benchmarks); a test compares every call that the service makes with the plain client's.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.parsers import AioJSONParser
from aiobotocore.session import AioSession
from botocore.exceptions import HTTPClientError
from botocore.useragent import UserAgentString

from app.settings import LOOPBACK, TableSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

CONNECT_SECONDS = 1.0
READ_SECONDS = 1.5


class _RawJsonParser(AioJSONParser):
    """Returns DynamoDB's JSON unchanged: binary values stay base64 text. Errors are parsed by botocore."""

    async def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        if response["status_code"] >= 300:
            return await super().parse(response, shape)
        try:
            parsed = json.loads(response["body"])
        except ValueError as error:
            raise HTTPClientError(error=error) from error
        parsed["ResponseMetadata"] = {"HTTPStatusCode": response["status_code"]}
        return parsed


class _ParserFactory:
    """Creates the response parser of a client, in the form that botocore expects."""

    def create_parser(self, protocol_name: str) -> _RawJsonParser:
        if protocol_name != "json":
            raise ValueError(f"The protocol {protocol_name} is not supported: DynamoDB uses json")
        return _RawJsonParser()


class _CachedUserAgent(UserAgentString):
    """The user agent of a client, built at its first call."""

    _text: str | None = None

    def to_string(self) -> str:
        if self._text is None:
            self._text = super().to_string()
        return self._text


def _session() -> AioSession:
    session = AioSession()
    session.register_component("response_parser_factory", _ParserFactory())
    session.register_component("user_agent_creator", _CachedUserAgent.from_environment())
    return session


def credentials_for(endpoint: str | None) -> dict[str, str]:
    """Return made-up credentials for a local engine, which must not get real ones; else leave them to AWS's chain."""
    if endpoint and urlsplit(endpoint).hostname in LOOPBACK:
        return {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return {}


@asynccontextmanager
async def open_client(
    settings: TableSettings, *, plain: bool = False, read_seconds: float = READ_SECONDS
) -> AsyncIterator["DynamoDBClient"]:
    """Open the client of a process; it connects at the first call. `plain` leaves out the three changes."""
    config = AioConfig(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=100,
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=plain,
        tcp_keepalive=True,
    )
    session = aioboto3.Session(region_name=settings.aws_region, botocore_session=AioSession() if plain else _session())
    endpoint = settings.dynamodb_endpoint_url
    async with session.client("dynamodb", endpoint_url=endpoint, config=config, **credentials_for(endpoint)) as client:
        yield client
