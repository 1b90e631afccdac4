"""The DynamoDB client of a process: aioboto3's, and in front of its calls on items a data plane of this package.

Both have the same methods, and DYNAMODB_CLIENT=aioboto3 takes the data plane away; a test compares every call that the
service makes through both. aioboto3 resolves credentials, region and endpoint for both.
"""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

import aioboto3
import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.awsrequest import AWSPreparedRequest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import HTTPClientError, NoCredentialsError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from app.gateways.dynamodb.connection import CONNECT_SECONDS, MAX_CONNECTIONS, ConnectionPool
from app.gateways.dynamodb.data_plane import DataPlane, Endpoint
from app.settings import LOOPBACK, TableSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

log = structlog.get_logger(__name__)

READ_SECONDS = 1.5


class DataPlaneClient:
    """aioboto3's client, but for the calls on items."""

    def __init__(self, client: "DynamoDBClient", session: AioSession, *, read_seconds: float) -> None:
        """Take the credentials of the session, which are those of the client."""
        self._client = client
        self._session = session
        self._read_seconds = read_seconds
        self._data_plane: DataPlane | None = None
        self._lock = asyncio.Lock()

    async def get_item(self, **request: Any) -> Any:
        return await self._call("GetItem", request)

    async def query(self, **request: Any) -> Any:
        return await self._call("Query", request)

    async def scan(self, **request: Any) -> Any:
        return await self._call("Scan", request)

    async def batch_get_item(self, **request: Any) -> Any:
        return await self._call("BatchGetItem", request)

    async def batch_write_item(self, **request: Any) -> Any:
        return await self._call("BatchWriteItem", request)

    async def put_item(self, **request: Any) -> Any:
        return await self._call("PutItem", request)

    async def update_item(self, **request: Any) -> Any:
        return await self._call("UpdateItem", request)

    async def transact_write_items(self, **request: Any) -> Any:
        return await self._call("TransactWriteItems", request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def _call(self, operation: str, request: dict[str, Any]) -> Any:
        return await (self._data_plane or await self._open()).call(operation, request)

    async def _open(self) -> DataPlane:
        """Return the data plane. The first call makes it, as its endpoint may depend on the credentials."""
        async with self._lock:
            if self._data_plane is None:
                url, endpoint = await resolve(self._client)
                context = await asyncio.to_thread(_ssl_context, self._session) if url.scheme == "https" else None
                pool = ConnectionPool(
                    url.hostname or "", url.port or {"https": 443}.get(url.scheme, 80), ssl_context=context
                )
                self._data_plane = DataPlane(endpoint, pool, self._get_credentials, read_seconds=self._read_seconds)
            return self._data_plane

    async def _get_credentials(self) -> ReadOnlyCredentials:
        """Return the credentials of this moment. The session renews them before they expire."""
        credentials = await self._session.get_credentials()
        if credentials is None:
            raise NoCredentialsError
        return await credentials.get_frozen_credentials()

    async def aclose(self) -> None:
        """Close all connections of the data plane."""
        if self._data_plane:
            await self._data_plane.aclose()


class _Resolved(Exception):
    """Carries the request that botocore would send."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__(request.url)
        self.request = request


async def resolve(client: "DynamoDBClient") -> tuple[SplitResult, Endpoint]:
    """Return where botocore would send a GetItem, and how it would sign it; nothing is sent.

    It makes the only GetItem of this client. Raises BotoCoreError, as without credentials.
    """

    def stop(request: AWSPreparedRequest, **_: object) -> None:
        raise _Resolved(request)

    client.meta.events.register("before-send.dynamodb.GetItem", stop)
    try:
        await client.get_item(TableName="resolved", Key={})
    except _Resolved as resolved:
        url, headers = urlsplit(resolved.request.url), resolved.request.headers
        scope = _text(headers["Authorization"]).partition("Credential=")[2].partition(",")[0]
        region, service = scope.split("/")[2:4]
        return url, Endpoint(url.netloc, region, service, _text(headers["User-Agent"]))
    finally:
        client.meta.events.unregister("before-send.dynamodb.GetItem", stop)
    raise AssertionError("unreachable")


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _require_json(response_dict: dict[str, Any], **_: object) -> None:
    """Raise HTTPClientError for a result that is no JSON object, which botocore's parser takes for an empty one."""
    if response_dict["status_code"] >= 300:
        return
    try:
        result = json.loads(response_dict["body"])
    except ValueError as error:
        raise HTTPClientError(error=error) from error
    if not isinstance(result, dict):
        raise HTTPClientError(error="The answer is no JSON object")


def _ssl_context(session: AioSession) -> ssl.SSLContext:
    """Return a context with the certificates that botocore trusts: a configured bundle, or its own."""
    bundle = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    return ssl.create_default_context(cafile=bundle or get_cert_path(True))


def _needs_aioboto3(url: str) -> str | None:
    """Return why the data plane cannot serve this endpoint, None if it can."""
    if urlsplit(url).scheme in get_environ_proxies(url):
        return "a proxy"
    return "a path in the endpoint's URL" if urlsplit(url).path.strip("/") else None


def credentials_for(endpoint: str | None) -> dict[str, str]:
    """Return made-up credentials for a local engine, which must not get real ones; else leave them to AWS's chain."""
    if endpoint and urlsplit(endpoint).hostname in LOOPBACK:
        return {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return {}


@asynccontextmanager
async def open_client(
    settings: TableSettings, *, read_seconds: float = READ_SECONDS
) -> AsyncIterator["DynamoDBClient"]:
    """Open the client of a process; it connects at the first call."""
    config = AioConfig(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        max_pool_connections=MAX_CONNECTIONS,
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=False,
        tcp_keepalive=True,
    )
    session, endpoint = AioSession(), settings.dynamodb_endpoint_url
    if local := credentials_for(endpoint):
        session.set_credentials(local["aws_access_key_id"], local["aws_secret_access_key"])
    opened = aioboto3.Session(region_name=settings.aws_region, botocore_session=session)
    async with opened.client("dynamodb", endpoint_url=endpoint, config=config) as client:
        client.meta.events.register("before-parse.dynamodb", _require_json)
        if settings.dynamodb_client == "aioboto3":
            yield client
            return
        if reason := _needs_aioboto3(client.meta.endpoint_url):
            log.warning("data_plane_not_used", reason=reason)
            yield client
            return
        ours = DataPlaneClient(client, session, read_seconds=read_seconds)
        try:
            yield cast("DynamoDBClient", ours)
        finally:
            await ours.aclose()
