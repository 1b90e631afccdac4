"""The DynamoDB client of a process: aioboto3's, and in front of its calls on items a data plane of this package.

Both have the same methods, and DYNAMODB_CLIENT=aioboto3 takes the data plane away; a test compares every call that the
service makes through both. aioboto3 resolves credentials, region and endpoint for both.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import SplitResult, urlsplit

import aioboto3
import structlog
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore import xform_name
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from app.errors import Unavailable
from app.gateways.aws_errors import INVALID_CREDENTIALS
from app.gateways.credentials import AwsCredentials
from app.gateways.dynamodb.connection import CONNECT_SECONDS, MAX_CONNECTIONS, ConnectionPool
from app.gateways.dynamodb.data_plane import DataPlane, Endpoint, read_object
from app.settings import LOOPBACK, AwsSettings, TableSettings

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

log = structlog.get_logger(__name__)

READ_SECONDS = 1.5
START_SECONDS = 1.0
"""Patience of a start with a source of credentials."""
CONFIG = AioConfig(
    connect_timeout=CONNECT_SECONDS,
    max_pool_connections=MAX_CONNECTIONS,
    retries={"total_max_attempts": 1, "mode": "standard"},
    parameter_validation=False,
    tcp_keepalive=True,
)


class DynamoDbClient:
    """aioboto3's client, but for the calls on items, which the data plane serves if it can.

    Both are opened as soon as there are credentials, so a process can start without them.
    """

    def __init__(self, settings: TableSettings, credentials: AwsCredentials, *, read_seconds: float) -> None:
        self._settings = settings
        self._credentials = credentials
        self._read_seconds = read_seconds
        self._stack = AsyncExitStack()
        self._client: Any = None
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

    async def delete_item(self, **request: Any) -> Any:
        return await self._call("DeleteItem", request)

    async def transact_write_items(self, **request: Any) -> Any:
        return await self._call("TransactWriteItems", request)

    def __getattr__(self, name: str) -> Any:
        """Return the method of aioboto3's client."""

        async def call(**request: Any) -> Any:
            return await getattr(await self.opened(), name)(**request)

        call.__name__ = name
        return call

    async def _call(self, operation: str, request: dict[str, Any]) -> Any:
        client = self._client or await self.opened()
        try:
            if self._data_plane:
                return await self._data_plane.call(operation, request)
            return await getattr(client, xform_name(operation))(**request)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in INVALID_CREDENTIALS:
                self._credentials.discard()
            raise

    async def opened(self) -> Any:
        """Return aioboto3's client, and open the data plane, as its endpoint may depend on the credentials."""
        async with self._lock:
            if self._client is None:
                await self._credentials.get()
                client = await self._open_client(self._credentials.session)
                if _can_serve(self._settings, client.meta.endpoint_url):
                    self._data_plane = await self._open_data_plane(client, self._credentials.session)
                self._client = client
            return self._client

    async def _open_client(self, session: AioSession) -> Any:
        config = CONFIG.merge(AioConfig(read_timeout=self._read_seconds))
        opened = aioboto3.Session(region_name=region_of(self._settings, session), botocore_session=session)
        endpoint = self._settings.dynamodb_endpoint_url
        client = await self._stack.enter_async_context(opened.client("dynamodb", endpoint_url=endpoint, config=config))
        client.meta.events.register("before-parse.dynamodb", _require_json)
        return client

    async def _open_data_plane(self, client: "DynamoDBClient", session: AioSession) -> DataPlane:
        url, endpoint = await resolve(client)
        context = await asyncio.to_thread(_ssl_context, session) if url.scheme == "https" else None
        pool = ConnectionPool(url.hostname or "", url.port or {"https": 443}.get(url.scheme, 80), ssl_context=context)
        return DataPlane(endpoint, pool, self._credentials.get, read_seconds=self._read_seconds)

    @property
    def is_served_here(self) -> bool:
        """Return whether the data plane serves the calls on items."""
        return self._data_plane is not None

    async def aclose(self) -> None:
        """Close all connections."""
        if self._data_plane:
            await self._data_plane.aclose()
        await self._stack.aclose()
        await self._credentials.aclose()


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
    if response_dict["status_code"] < 300:
        read_object(response_dict["body"])


def _ssl_context(session: AioSession) -> ssl.SSLContext:
    """Return a context with the certificates that botocore trusts: a configured bundle, or its own."""
    bundle = session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")
    return ssl.create_default_context(cafile=bundle or get_cert_path(True))


def _can_serve(settings: TableSettings, url: str) -> bool:
    """Return whether the data plane can serve this endpoint, and may."""
    if settings.dynamodb_client == "aioboto3":
        return False
    reason = "a path in the endpoint's URL" if urlsplit(url).path.strip("/") else ""
    if urlsplit(url).scheme in get_environ_proxies(url):
        reason = "a proxy"
    if reason:
        log.warning("data_plane_not_used", reason=reason)
    return not reason


def region_of(settings: AwsSettings, session: AioSession | None = None) -> str:
    """Return AWS_REGION, else AWS_DEFAULT_REGION, the region of the profile, or us-east-1."""
    return settings.aws_region or (session or AioSession()).get_config_variable("region") or "us-east-1"


def credentials_for(endpoint: str | None) -> dict[str, str]:
    """Return made-up credentials for a local engine, which must not get real ones; else leave them to AWS's chain."""
    if endpoint and urlsplit(endpoint).hostname in LOOPBACK:
        return {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return {}


@asynccontextmanager
async def open_client(
    settings: TableSettings, *, read_seconds: float = READ_SECONDS
) -> AsyncIterator["DynamoDBClient"]:
    """Open the client of a process. What finds no credentials in time opens with the first call that has some."""
    credentials = AwsCredentials(**credentials_for(settings.dynamodb_endpoint_url))
    client = DynamoDbClient(settings, credentials, read_seconds=read_seconds)
    try:
        # It takes 0.1 s of the event loop, for which no request should have to wait.
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                await client.opened()
        yield cast("DynamoDBClient", client)
    finally:
        await client.aclose()
