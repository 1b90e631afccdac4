"""Route classes: they authenticate a request first, and then read it strictly."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from app.errors import BodyTooLarge, InvalidParameter, MalformedJson, RequestTimeout, UnsupportedMediaType
from app.http.context import context_of, state_of
from app.metrics import operation
from app.strict_json import Malformed, read_json

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

MAX_BODY_BYTES = 16 * 1024
BODY_SECONDS = 5.0
TOO_LARGE = f"The request body has more than {MAX_BODY_BYTES} bytes"


class NamedRoute(APIRoute):
    """A route that labels the metrics of its requests with its name."""

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        operation.set(self.name)
        await super().handle(scope, receive, send)


class ApiRoute(NamedRoute):
    """A route that refuses ambiguous requests: repeated parameters and JSON that is not strict."""

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["method"] in (self.methods or ()):
            _refuse_repeated_parameters(scope)
            if self.body_field:
                receive = _replay(await _read_body(scope, receive))
        await super().handle(scope, receive, send)


class SignedInRoute(ApiRoute):
    """A route that requires a valid access token. It is verified before the rest of the request is read."""

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        authorization = Headers(scope=scope).getlist("authorization")
        context_of(scope).claims = await state_of(scope)["verifier"].verify(authorization)
        await super().handle(scope, receive, send)


def _refuse_repeated_parameters(scope: "Scope") -> None:
    if not scope["query_string"]:
        return
    names = Counter(name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    if names.total() > len(names):
        raise InvalidParameter("A parameter is repeated: it may be given once")


async def _read_body(scope: "Scope", receive: "Receive") -> bytes:
    """Return the whole body, which is strict JSON. A body that is too large is refused as early as possible."""
    headers = Headers(scope=scope)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType
    if (length := headers.get("content-length", "")).isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
        raise BodyTooLarge(TOO_LARGE)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _receive(receive)
    except TimeoutError:
        raise RequestTimeout(f"The request body did not arrive within {BODY_SECONDS:g} s") from None
    try:
        read_json(body)
    except Malformed:
        raise MalformedJson from None
    return body


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


def _replay(body: bytes) -> "Receive":
    async def receive() -> "Message":
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
