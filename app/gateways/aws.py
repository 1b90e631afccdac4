"""The gateway to what operators need of AWS beside the table's items: Cognito, CloudWatch, auto scaling, table units.

AWS's own variables say where and as whom: AWS_PROFILE and the like, and AWS_ENDPOINT_URL for an emulator. Every fault
is Unavailable, or NotFound for a thing that is not there, with one line that says what to do.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aioboto3
import structlog
from aiobotocore.config import AioConfig
from botocore import exceptions as aws_errors
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from app.errors import NotFound, Unavailable
from app.gateways.aws_errors import ACCESS_DENIED, INVALID_CREDENTIALS, NOT_FOUND, THROTTLES
from app.settings import LOOPBACK, TableSettings

log = structlog.get_logger(__name__)

CALL_SECONDS = 30
"""For one call with botocore's standard retries, which come at most two seconds after one another."""
PAUSES = (1, 2, 4, 8, 16, 30, 60)
"""Seconds between the tries of a call that is still throttled after those."""
CONFIG = AioConfig(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})

NO_KEYS = (
    aws_errors.NoCredentialsError, aws_errors.PartialCredentialsError, aws_errors.CredentialRetrievalError,
    aws_errors.ProfileNotFound, aws_errors.SSOError, aws_errors.TokenRetrievalError,
)  # fmt: skip
SIGN_IN = "set AWS_PROFILE or the AWS_ACCESS_KEY_ID variables, or run `aws sso login`"


class Throttled(Exception):
    """AWS wants us to be slower than botocore's own retries are."""


class Aws:
    """Clients of the services, each opened at its first call and closed with this."""

    def __init__(self, settings: TableSettings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._clients: dict[tuple[str, str], Any] = {}

    async def call(self, service: str, operation: str, *, region: str = "", **request: Any) -> Mapping[str, Any]:
        """One call by the name that botocore's method has, such as `describe_table`. Throttling is waited out."""
        for pause in PAUSES:
            try:
                return await self._try(service, operation, region or self._settings.aws_region, request)
            except Throttled:
                log.warning("aws_throttled", service=service, operation=operation, seconds=pause)
                await asyncio.sleep(pause)
        raise Unavailable(f"{service} has throttled {operation} for two minutes: try again later")

    async def items(
        self, service: str, operation: str, key: str, *, more: str = "NextToken", region: str = "", **request: Any
    ) -> AsyncIterator[Any]:
        """What all pages of a listing hold under `key`; `more` is what leads to the next one."""
        page: dict[str, Any] = {}
        while True:
            answer = await self.call(service, operation, region=region, **request, **page)
            for item in answer.get(key, ()):
                yield item
            if not answer.get(more):
                return
            page = {more: answer[more]}

    async def endpoint(self, service: str, *, region: str = "") -> str:
        """The address that the service's calls go to."""
        client = await self._client(service, region or self._settings.aws_region)
        return str(client.meta.endpoint_url)

    async def _try(self, service: str, operation: str, region: str, request: dict[str, Any]) -> Mapping[str, Any]:
        try:
            async with asyncio.timeout(CALL_SECONDS):
                client = await self._client(service, region)
                answer: Mapping[str, Any] = await getattr(client, operation)(**request)
                return answer
        except ClientError as error:
            raise _refusal(service, error) from None  # it has AWS's words
        except (BotoCoreError, ResponseParserError, OSError, TimeoutError) as error:
            raise _fault(service, error) from None

    async def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._clients:
            self._clients[service, region] = await self._stack.enter_async_context(self._open(service, region))
        return self._clients[service, region]

    def _open(self, service: str, region: str) -> Any:
        session = aioboto3.Session(region_name=region)
        endpoint = self._settings.dynamodb_endpoint_url if service == "dynamodb" else None
        return session.client(service, endpoint_url=endpoint, config=CONFIG, **_keys(endpoint))


@asynccontextmanager
async def open_aws(settings: TableSettings) -> AsyncIterator[Aws]:
    """Nothing is called until something is asked for."""
    async with AsyncExitStack() as stack:
        yield Aws(settings, stack)


def is_amazon(url: str) -> bool:
    """Whether this is the real thing and not an emulator."""
    host = urlsplit(url).hostname or ""
    return host.endswith((".amazonaws.com", ".api.aws", ".amazonaws.com.cn"))


def _keys(endpoint: str | None) -> dict[str, str]:
    """A local engine takes any key, so real ones are never sent to it."""
    if endpoint and urlsplit(endpoint).hostname in LOOPBACK:
        return {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return {}


def _refusal(service: str, error: ClientError) -> Exception:
    """What AWS's error code means for the one who runs the command."""
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), _one_line(told.get("Message", ""))
    if code in THROTTLES:
        return Throttled(code)
    if code in ACCESS_DENIED:
        return Unavailable(f"Access denied: whoever runs this needs the permission {service}:{error.operation_name}")
    if code in INVALID_CREDENTIALS:
        return Unavailable(f"AWS does not take the credentials ({code}): {SIGN_IN}")
    if code in NOT_FOUND:
        return NotFound(f"{service} does not have it: {message}")
    return Unavailable(f"{service} refused {error.operation_name}: {code}: {message}")


def _fault(service: str, error: Exception) -> Unavailable:
    if isinstance(error, NO_KEYS):
        return Unavailable(f"No AWS credentials: {SIGN_IN} ({_one_line(error)})")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{service} did not answer within {CALL_SECONDS} s: is the network there?")
    if isinstance(error, ResponseParserError):
        return Unavailable(f"{service} gave no answer of AWS's: does a proxy stand between?")
    return Unavailable(f"{service} does not answer: {_one_line(error)}")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
