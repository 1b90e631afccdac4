"""Route classes: they authenticate a request first, and then read it strictly."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import Headers

from app.auth.strict_json import Malformed, read_json
from app.auth.tokens import Claims
from app.errors import (
    BodyTooLarge,
    InvalidParameter,
    MalformedJson,
    RequestTimeout,
    Unauthenticated,
    UnsupportedMediaType,
)
from app.http.context import address_of, context_of, state_of
from app.limits.rates import UNVERIFIED_TOKEN
from app.observability.metrics import operation

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

MAX_BODY_BYTES = 16 * 1024
BODY_SECONDS = 5.0
TOO_LARGE = f"The request body has more than {MAX_BODY_BYTES} bytes"


@dataclass(frozen=True, slots=True)
class Body:
    """The body of a request, and the value of its JSON."""

    content: bytes
    value: object

    async def receive(self) -> "Message":
        """Return the body as the server would."""
        return {"type": "http.request", "body": self.content, "more_body": False}


@dataclass(frozen=True, slots=True)
class Admitted:
    """The parts of a request that its route has read."""

    query: dict[str, str]
    body: Body | None


class Digits(Convertor[str]):
    """Matches the digits of a number in a path, and nothing else: `/1` leads to another route than `/changes`.

    It stays a text, as the number may have more digits than Python reads.
    """

    regex = "[0-9]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("digits", Digits())


class NamedRoute(APIRoute):
    """A route whose name labels the metrics of its requests, and is its id in the OpenAPI document."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.operation_id = self.name  # the method of generated clients

    async def admit(self, scope: "Scope", receive: "Receive") -> Admitted:  # noqa: ARG002  # ApiRoute reads the body from it
        """Return the query and the body of a request. Raises an AppError for a request that the route refuses."""
        return Admitted(dict(_parameters(scope)), None)

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        operation.set(self.name)
        await super().handle(scope, receive, send)


class ApiRoute(NamedRoute):
    """A route that refuses ambiguous requests: repeated parameters and JSON that is not strict."""

    async def authenticate(self, scope: "Scope") -> None:
        """Accept each caller. Raises TooManyRequests."""
        context_of(scope).limits.admit_address(self.name, address_of(scope))

    async def admit(self, scope: "Scope", receive: "Receive") -> Admitted:
        await self.authenticate(scope)
        pairs = _parameters(scope)
        query = dict(pairs)
        if len(query) < len(pairs):
            raise InvalidParameter("A parameter is repeated: it may be given once")
        body = await _read_body(scope, receive) if self.body_field else None
        await context_of(scope).place.turn()
        return Admitted(query, body)

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["method"] not in (self.methods or ()):
            await self.authenticate(scope)
        elif body := (await self.admit(scope, receive)).body:
            receive = body.receive
        await super().handle(scope, receive, send)


class SignedInRoute(ApiRoute):
    """A route that requires a valid access token. It is verified before the rest of the request is read."""

    async def authenticate(self, scope: "Scope") -> None:
        """Verify the access token, and spend a call. Raises Unauthenticated, Unavailable and TooManyRequests."""
        await super().authenticate(scope)
        context, authorization = context_of(scope), authorization_of(scope)
        context.claims = state_of(scope)["verifier"].cached(authorization) or await _verify(scope, authorization)
        context.place.assign(context.claims.sub)
        context.limit_fields = context.limits.admit_account(self.name, context.claims.sub)


async def _verify(scope: "Scope", authorization: Sequence[str]) -> Claims:
    """Verify a token that was not seen before. An address has a limited number of tokens that are not valid."""
    quota = context_of(scope).limits.of(address_of(scope))
    quota.require(UNVERIFIED_TOKEN)
    try:
        return await state_of(scope)["verifier"].verify(authorization)
    except Unauthenticated:
        quota.debit(UNVERIFIED_TOKEN)
        raise


def authorization_of(scope: "Scope") -> list[str]:
    """Return all values of the Authorization header."""
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"authorization"]


def _parameters(scope: "Scope") -> list[tuple[str, str]]:
    query: bytes = scope["query_string"]
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True) if query else []


async def _read_body(scope: "Scope", receive: "Receive") -> Body:
    """Return the whole body, which is strict JSON. A body that is too large is refused as early as possible."""
    headers = Headers(scope=scope)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType
    if (length := headers.get("content-length", "")).isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
        raise BodyTooLarge(TOO_LARGE)
    place = context_of(scope).place
    place.leave()  # the client may take its time
    try:
        async with asyncio.timeout(BODY_SECONDS):
            content = await _receive(receive)
        place.take()
    except TimeoutError:
        raise RequestTimeout(f"The request body did not arrive within {BODY_SECONDS:g} s") from None
    try:
        return Body(content, read_json(content))
    except Malformed:
        raise MalformedJson from None


async def _receive(receive: "Receive") -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedJson  # the client is gone; a part of a body must not pass for the whole
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge(TOO_LARGE)
        if not message.get("more_body"):
            return bytes(body)
