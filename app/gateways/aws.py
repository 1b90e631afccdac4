"""The AWS gateway of the command line: Cognito, CloudWatch, auto scaling and the settings of tables.

Credentials and endpoints come from AWS's own variables: AWS_PROFILE and the like, and AWS_ENDPOINT_URL for an emulator.
Every fault is Unavailable, or NotFound for a resource that does not exist, with one line that names the remedy.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aioboto3
import structlog
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from app.concurrency import AWS_COMMAND
from app.errors import AppError, NotFound, Unavailable
from app.gateways.aws_errors import ACCESS_DENIED, INVALID_CREDENTIALS, NOT_FOUND, THROTTLES
from app.gateways.dynamodb.client import credentials_for, region_of
from app.gateways.dynamodb.faults import MISSING_CREDENTIALS, code_of
from app.settings import TableSettings

log = structlog.get_logger(__name__)

CALL_SECONDS = 30
"""Deadline of one call with botocore's standard retries."""
MAX_ATTEMPTS = 8
"""Attempts of a call that is throttled in spite of those retries."""
CONFIG = AioConfig(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 3, "mode": "standard"})

SIGN_IN = "set AWS_PROFILE or the AWS_ACCESS_KEY_ID variables, or run `aws sso login`"


class Aws:
    """Clients of AWS services, each opened at its first call and closed with the stack."""

    def __init__(self, settings: TableSettings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._clients: dict[tuple[str, str], Any] = {}

    async def call(self, service: str, operation: str, *, region: str = "", **request: Any) -> Mapping[str, Any]:
        """Return the response to one call of botocore's method with this name, such as `describe_table`.

        Waits throttling out for about two minutes. Raises NotFound or Unavailable.
        """
        region = region or region_of(self._settings)
        for attempt in range(MAX_ATTEMPTS):
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    client = await self._client(service, region)
                    answer: Mapping[str, Any] = await getattr(client, operation)(**request)
                    return answer
            except ClientError as error:
                if code_of(error) not in THROTTLES:
                    raise _translate_rejection(service, error) from None  # the message carries the text of AWS
            except (BotoCoreError, ResponseParserError, OSError, TimeoutError) as error:
                raise _translate_fault(service, error) from None
            seconds = AWS_COMMAND.seconds(attempt)
            log.warning("aws_throttled", service=service, operation=operation, seconds=seconds)
            await asyncio.sleep(seconds)
        raise Unavailable(f"{service} has throttled {operation} {MAX_ATTEMPTS} times in a row: try again later")

    async def items(
        self, service: str, operation: str, key: str, *, more: str = "NextToken", region: str = "", **request: Any
    ) -> AsyncIterator[Any]:
        """Yield the items under `key` of all pages of a listing; `more` names the token. Raises like `call`."""
        page: dict[str, Any] = {}
        while True:
            answer = await self.call(service, operation, region=region, **request, **page)
            for item in answer.get(key, ()):
                yield item
            if not answer.get(more):
                return
            page = {more: answer[more]}

    async def endpoint(self, service: str, *, region: str = "") -> str:
        """Return the address that the service's calls go to."""
        client = await self._client(service, region or region_of(self._settings))
        return str(client.meta.endpoint_url)

    async def is_amazon(self, service: str, *, region: str = "") -> bool:
        """Return whether the service's calls go to AWS and not to an emulator."""
        host = urlsplit(await self.endpoint(service, region=region)).hostname or ""
        return host.endswith((".amazonaws.com", ".api.aws", ".amazonaws.com.cn"))

    async def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._clients:
            session = aioboto3.Session(region_name=region)
            endpoint = self._settings.dynamodb_endpoint_url if service == "dynamodb" else None
            client = session.client(service, endpoint_url=endpoint, config=CONFIG, **credentials_for(endpoint))
            self._clients[service, region] = await self._stack.enter_async_context(client)
        return self._clients[service, region]


@asynccontextmanager
async def open_aws(settings: TableSettings) -> AsyncIterator[Aws]:
    """Open the gateway, which connects to a service at its first call."""
    async with AsyncExitStack() as stack:
        yield Aws(settings, stack)


def _translate_rejection(service: str, error: ClientError) -> AppError:
    """Return the error that says what AWS's error code means to the operator."""
    code, message = code_of(error), _one_line(error.response.get("Error", {}).get("Message", ""))
    if code in ACCESS_DENIED:
        return Unavailable(f"Access denied: the caller needs the permission {service}:{error.operation_name}")
    if code in INVALID_CREDENTIALS:
        return Unavailable(f"AWS does not take the credentials ({code}): {SIGN_IN}")
    if code in NOT_FOUND:
        return NotFound(f"{service} has no such resource: {message}")
    return Unavailable(f"{service} refused {error.operation_name}: {code}: {message}")


def _translate_fault(service: str, error: Exception) -> Unavailable:
    if isinstance(error, MISSING_CREDENTIALS):
        return Unavailable(f"No AWS credentials: {SIGN_IN} ({_one_line(error)})")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{service} did not answer within {CALL_SECONDS} s: check the network")
    if isinstance(error, ResponseParserError):
        return Unavailable(f"The response of {service} is not one of AWS: check for a proxy in between")
    return Unavailable(f"{service} does not answer: {_one_line(error)}")


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
