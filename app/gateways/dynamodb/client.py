"""The DynamoDB client of a process: aioboto3's, relieved of work that is done again on every call.

Three of botocore's extension points: the response parser hands on the decoded JSON, the user agent is built once, and
our own requests are not validated again. A Query of 20 items takes half of the CPU so (tests/benchmarks); a test
compares every call that the service makes with the plain client's.
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


class _JsonAsItIs(AioJSONParser):
    """DynamoDB's JSON is what callers want already. Binary values stay base64 text; errors go the usual way."""

    async def parse(self, response: Mapping[str, Any], shape: Any) -> Any:
        if response["status_code"] >= 300:
            return await super().parse(response, shape)
        try:
            parsed = json.loads(response["body"])
        except ValueError as error:
            raise HTTPClientError(error=error) from error
        parsed["ResponseMetadata"] = {"HTTPStatusCode": response["status_code"]}
        return parsed


class _Parsers:
    """What botocore asks for the parser of a protocol."""

    def create_parser(self, protocol_name: str) -> _JsonAsItIs:
        if protocol_name != "json":
            raise ValueError(f"DynamoDB speaks json, not {protocol_name}")
        return _JsonAsItIs()


class _UserAgent(UserAgentString):
    """The same for every call of a client."""

    _text: str | None = None

    def to_string(self) -> str:
        if self._text is None:
            self._text = super().to_string()
        return self._text


def _session() -> AioSession:
    session = AioSession()
    session.register_component("response_parser_factory", _Parsers())
    session.register_component("user_agent_creator", _UserAgent.from_environment())
    return session


def _credentials(settings: TableSettings) -> dict[str, str]:
    """A local engine takes any key, so real ones are never sent to it; otherwise AWS's own chain decides."""
    if settings.dynamodb_endpoint_url and urlsplit(settings.dynamodb_endpoint_url).hostname in LOOPBACK:
        return {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return {}


@asynccontextmanager
async def open_client(
    settings: TableSettings, *, as_it_comes: bool = False, read_seconds: float = READ_SECONDS
) -> AsyncIterator["DynamoDBClient"]:
    """The client of a process; connecting happens at the first call. `as_it_comes` is the plain one, for comparing."""
    config = AioConfig(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=100,
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=as_it_comes,
        tcp_keepalive=True,
    )
    session = aioboto3.Session(
        region_name=settings.aws_region, botocore_session=AioSession() if as_it_comes else _session()
    )
    endpoint = settings.dynamodb_endpoint_url
    async with session.client("dynamodb", endpoint_url=endpoint, config=config, **_credentials(settings)) as client:
        yield client
