"""DataPlane: DynamoDB's calls on items, at the cost of little more than their JSON.

aioboto3 stays in charge of everything that is not the path of each request: credentials and their renewal, region,
endpoint, and all calls on tables. Its calls on items take five to ten times the CPU (docs/performance.md).
"""

import json
import ssl
import time
from base64 import b64encode
from binascii import crc32
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from pydantic_core import from_json

from app.gateways.dynamodb.connection import (
    ConnectFailed,
    ConnectionPool,
    ConnectTimeout,
    MalformedResponse,
    Response,
    StaleConnection,
)
from app.gateways.dynamodb.signature import Signer

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

log = structlog.get_logger(__name__)

SKEW_CODES: Final = frozenset(
    {
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
"""Refusals that a wrong clock of this machine may have caused."""
SKEW_SECONDS: Final = 240.0
"""Least difference of the clocks that counts as the cause; AWS allows five minutes."""
READS: Final = frozenset({"BatchGetItem", "GetItem", "Query", "Scan"})
"""Calls that change nothing, so that one may be sent again without its caller's knowledge."""
BOTOCORE_ERRORS: Final[Sequence[tuple[type[OSError], type[BotoCoreError]]]] = (
    (ConnectTimeout, ConnectTimeoutError),
    (ConnectFailed, EndpointConnectionError),
    (ssl.SSLError, SSLError),
    (TimeoutError, ReadTimeoutError),
    (MalformedResponse, HTTPClientError),
)
"""Faults of the connection, and botocore's error for each; the first that fits counts."""

GetCredentials: TypeAlias = Callable[[], Awaitable["ReadOnlyCredentials"]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The place of DynamoDB, and the names to sign and to introduce this client with, by botocore's rules."""

    host: str
    """The value of the Host header: with the port, unless it is the scheme's own."""
    region: str
    service: str
    user_agent: str


class DataPlane:
    """Sends calls to one endpoint; results and errors are those of aioboto3's client, with two differences.

    Binary values are base64 text. `ResponseMetadata` has no more than the status, and the id of a refused request.
    """

    def __init__(
        self, endpoint: Endpoint, pool: ConnectionPool, get_credentials: GetCredentials, *, read_seconds: float
    ) -> None:
        self._endpoint = endpoint
        self._pool = pool
        self._get_credentials = get_credentials
        self._read_seconds = read_seconds
        self._signer = Signer(endpoint.region, endpoint.service)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a call. Raises ClientError if DynamoDB refuses it, BotoCoreError for other faults.

        A read is sent a second time over a new connection if the server has closed the first before it answered. Any
        call is sent a second time if it was refused because of this machine's clock, with the server's time.
        """
        body, ahead = _encode(request).encode(), self._signer.ahead
        response = await self._send(operation, body)
        error = _refusal(operation, response) if response.status >= 300 else None
        if error and error.response["Error"]["Code"] in SKEW_CODES and self._adopt_time(response, ahead):
            response = await self._send(operation, body)
            error = _refusal(operation, response) if response.status >= 300 else None
        if error:
            raise error
        return read_object(response.body) | {"ResponseMetadata": {"HTTPStatusCode": response.status}}

    async def _send(self, operation: str, body: bytes) -> Response:
        data = self._signed(operation, body, await self._get_credentials())
        try:
            try:
                response = await self._pool.request(data, seconds=self._read_seconds)
            except StaleConnection:
                if operation not in READS:
                    raise
                response = await self._pool.request(data, seconds=self._read_seconds, new=True)
        except OSError as error:
            kind = next((theirs for ours, theirs in BOTOCORE_ERRORS if isinstance(error, ours)), ConnectionClosedError)
            raise kind(endpoint_url=self._endpoint.host, error=error) from error
        expected = response.headers.get(b"x-amz-crc32")
        if expected is not None and expected != (actual := b"%d" % crc32(response.body)):
            sums = {"expected_checksum": expected.decode("latin-1"), "actual_checksum": actual.decode()}
            raise ChecksumError(checksum_type="crc32", **sums)
        return response

    def _signed(self, operation: str, body: bytes, credentials: "ReadOnlyCredentials") -> bytes:
        """Return the whole request: its head and the body."""
        signed = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._endpoint.host,
            "x-amz-date": self._signer.now(),
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        if credentials.token:
            signed = dict(sorted({**signed, "x-amz-security-token": credentials.token}.items()))
        authorization = self._signer.authorization(
            signed, body, access_key=credentials.access_key or "", secret_key=credentials.secret_key or ""
        )
        lines = "".join([f"{name}: {value}\r\n" for name, value in signed.items()])
        return (
            f"POST / HTTP/1.1\r\n{lines}authorization: {authorization}\r\n"
            f"user-agent: {self._endpoint.user_agent}\r\ncontent-length: {len(body)}\r\n\r\n"
        ).encode() + body

    def _adopt_time(self, response: Response, signed_ahead: float) -> bool:
        """Sign with the server's time from now on if it differs from what was signed; return whether it does."""
        try:
            at = parsedate_to_datetime(response.headers.get(b"date", b"").decode("latin-1")).timestamp()
        except ValueError:
            return False
        ahead = at - time.time()
        if abs(ahead - signed_ahead) < SKEW_SECONDS:
            return False
        log.warning("clock_skewed", seconds=round(ahead))
        self._signer.ahead = ahead
        return True


def _base64(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is not a value of DynamoDB")


_encode = json.JSONEncoder(default=_base64, separators=(",", ":")).encode


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that is a result. Raises HTTPClientError for anything else."""
    try:
        result = from_json(body)
    except ValueError as error:
        raise HTTPClientError(error=error) from error
    if not isinstance(result, dict):
        raise HTTPClientError(error="The answer is no JSON object")
    return result


def _refusal(operation: str, response: Response) -> ClientError:
    """Return the error that botocore makes of this answer: the members of its shape beside `Error`."""
    try:
        members = dict(from_json(response.body))
    except (TypeError, ValueError):
        members = {}
    code = str(members.pop("__type", response.status)).partition(":")[0].rpartition("#")[2]
    message = members.get("message", members.get("Message", ""))
    request_id = response.headers.get(b"x-amzn-requestid", b"").decode("latin-1")
    metadata = {"HTTPStatusCode": response.status, "RequestId": request_id}
    answer: Any = members | {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
    return ClientError(answer, operation)
