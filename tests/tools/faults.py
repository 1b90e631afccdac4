"""Faults between the service and DynamoDB, made at the client: what throttling, resets and lost answers look like."""

import random
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

ENDPOINT = "http://dynamodb.invalid"


def throttled(operation: str) -> ClientError:
    return client_error("ProvisionedThroughputExceededException", operation)


def client_error(code: str, operation: str = "PutItem", *, status: int = 400, **more: Any) -> ClientError:
    """The error that botocore raises for this code."""
    response = {"Error": {"Code": code, "Message": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(response, operation)  # type: ignore[arg-type]


class FaultyClient:
    """Passes calls on to a real client, but a share of them meets a fault.

    A third of the faults comes before the call is applied as a throttle, a third as a closed connection, and a third
    after it was applied: the answer is lost.
    """

    def __init__(self, client: Any, *, share: float, seed: int) -> None:
        self._client = client
        self._share = share
        self._random = random.Random(seed)  # noqa: S311  # repeatable
        self.faults = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        async def call(**request: Any) -> Any:
            if self._random.random() >= self._share:
                return await method(**request)
            self.faults += 1
            return await self._fail(name, method, request)

        call.__name__ = name
        return call

    async def _fail(self, name: str, method: Callable[..., Any], request: dict[str, Any]) -> Any:
        match self._random.randrange(3):
            case 0:
                raise throttled(name)
            case 1:
                raise ConnectionClosedError(endpoint_url=ENDPOINT)
        await method(**request)
        raise ReadTimeoutError(endpoint_url=ENDPOINT)
