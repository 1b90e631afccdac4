"""What every route does before its own work: refuse the unsigned first, then read the body strictly."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from app.errors import BodyTooLarge, InvalidParameter, MalformedJson, RequestTimeout, UnsupportedMediaType
from app.metrics import operation
from app.strict_json import Malformed, read_json

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

MAX_BODY_BYTES = 16 * 1024
BODY_SECONDS = 5.0


class NamedRoute(APIRoute):
    """A route whose name stands with what is counted while it is worked on."""

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        operation.set(self.name)
        await super().handle(scope, receive, send)


class ApiRoute(NamedRoute):
    """A route that takes one strict reading of a request only: no repeated parameters, no doubtful JSON."""

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["method"] in (self.methods or ()):
            _refuse_repeated_parameters(scope)
            if self.body_field:
                receive = _replay(await _read_body(scope, receive))
        await super().handle(scope, receive, send)


class SignedInRoute(ApiRoute):
    """A route for people with a valid token. Nothing else about the request is looked at before that."""

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        authorization = Headers(scope=scope).getlist("authorization")
        scope["state"]["claims"] = await scope["state"]["verifier"].verify(authorization)
        await super().handle(scope, receive, send)


def _refuse_repeated_parameters(scope: "Scope") -> None:
    if not scope["query_string"]:
        return
    names = Counter(name for name, _ in parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    if names.total() > len(names):
        raise InvalidParameter("A parameter may be given once only")


async def _read_body(scope: "Scope", receive: "Receive") -> bytes:
    """The whole body, known to be strict JSON. It is refused as soon as it is known to be too large."""
    headers = Headers(scope=scope)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType
    if (length := headers.get("content-length", "")).isdecimal() and int(length[:20]) > MAX_BODY_BYTES:
        raise BodyTooLarge
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await _collect(receive)
    except TimeoutError:
        raise RequestTimeout from None
    try:
        read_json(body)
    except Malformed:
        raise MalformedJson from None
    return body


async def _collect(receive: "Receive") -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MalformedJson  # to nobody; half a request must not pass for a whole one
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
        if not message.get("more_body"):
            return bytes(body)


def _replay(body: bytes) -> "Receive":
    async def receive() -> "Message":
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
