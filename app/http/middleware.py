"""The middleware around every request: request ids, access log, response headers, CORS, and errors as problems.

Only ResponseHeadersMiddleware wraps `send`: a wrapper costs as much as a middleware that only passes the request on.
"""

import os
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from app.errors import CorsRefused, InternalError
from app.http.connection import StopSignal
from app.http.context import context_of
from app.http.limits import debit_traffic, delay_refusal
from app.http.problems import render
from app.limits import Limits
from app.limits.rates import EVENT_TRAFFIC
from app.observability.metrics import OTHER, Metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("app.access")

MAX_LINES = 100
"""Log lines of a second for requests without a user and for those that a limit refuses. More share a line."""
LIMITED = frozenset({429, 503})

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
RESPONSE_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=63072000"),
    (b"content-security-policy", API_POLICY.encode()),
    (b"cache-control", b"no-store"),
    (b"vary", b"Origin"),
]
"""The headers of every response that does not set its own."""
HEAD_BYTES = 800
"""About the size of a response's head."""
RESPONSE_HEADER_NAMES = frozenset(name for name, _ in RESPONSE_HEADERS)


class LineLimit:
    """Limits the log lines of a second, and logs how many it has left out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._end = 0.0

    def start(self, now: float) -> None:
        """Begin another second if the last is over."""
        if now < self._end:
            return
        if self._count > self._most:
            log.warning("requests_not_logged", count=self._count - self._most)
        self._count, self._end = 0, now + 1

    def take(self) -> bool:
        """Count a line, and return whether it may be written."""
        self._count += 1
        return self._count <= self._most


class AccessLogMiddleware:
    """Gives each request an id and the limits of the process, then logs and counts it."""

    def __init__(self, app: "ASGIApp", metrics: Metrics, limits: Limits) -> None:
        self._app = app
        self._metrics = metrics
        self._limits = limits
        self._lines = LineLimit(MAX_LINES)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, context = time.perf_counter(), context_of(scope)
        self._lines.start(started)
        context.request_id, context.limits = _request_id(scope), self._limits
        bound = structlog.contextvars.bind_contextvars(request_id=context.request_id)
        try:
            await self._app(scope, receive, send)
        finally:
            seconds = time.perf_counter() - started
            debit_traffic(scope)
            if (context.user and context.status not in LIMITED) or self._lines.take():
                path = getattr(scope.get("route"), "path_format", None)  # the template: paths contain handles
                user, ms = str(context.user) if context.user else None, round(seconds * 1000, 1)
                log.info("request", method=scope["method"], route=path, status=context.status, ms=ms, user=user)
            structlog.contextvars.reset_contextvars(**bound)
            self._metrics.answered(getattr(scope.get("route"), "name", OTHER), context.status, seconds)


def _request_id(scope: "Scope") -> str:
    """Return the client's own id if it is well-formed, else a new id."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            given = value.decode("latin-1")
            return given if REQUEST_ID.fullmatch(given) else os.urandom(16).hex()
    return os.urandom(16).hex()


class ResponseHeadersMiddleware:
    """Adds the headers that every response has, notes its status and its size, and gives up the place of its request.

    From the stop signal on, `Connection: close` is one of them: no client is to send again on what is about to end.
    """

    def __init__(self, app: "ASGIApp", stop: StopSignal) -> None:
        self._app = app
        self._stop = stop

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        context = context_of(scope)

        async def send_with_headers(message: "Message") -> None:
            if message["type"] == "http.response.start":
                context.status = message["status"]
                context.place.leave()  # the client may take its time to read
                if context.status in LIMITED:
                    await delay_refusal(scope)
                given, missing = dict(message["headers"]), RESPONSE_HEADERS
                if not RESPONSE_HEADER_NAMES.isdisjoint(given):
                    missing = [header for header in RESPONSE_HEADERS if header[0] not in given]
                message["headers"] = [
                    *message["headers"],
                    *missing,
                    (b"x-request-id", context.request_id.encode()),
                    *context.limit_fields,
                    *([(b"connection", b"close")] if self._stop.received else ()),
                ]
                context.sent += HEAD_BYTES
            else:
                context.sent += len(message.get("body", b""))
                if message.get("more_body"):  # a stream: it has no end to wait for
                    debit_traffic(scope, EVENT_TRAFFIC)
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class OriginMiddleware(CORSMiddleware):
    """CORS for requests with an `Origin`. The others pass: their responses have `Vary: Origin` anyway."""

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        headers = dict(scope["headers"]) if scope["type"] == "http" else {}
        if b"origin" not in headers:
            await self.app(scope, receive, send)
        elif scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await self._preflight(scope)(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def _preflight(self, scope: "Scope") -> Response:
        """Return the answer to a preflight. A refusal is a problem, without a header that allows anything."""
        response = self.preflight_response(Headers(scope=scope))
        if response.status_code == HTTPStatus.OK:
            return response
        problem = render(CorsRefused(), context_of(scope).request_id)
        problem.headers["Vary"] = response.headers["Vary"]
        return problem


class ProblemMiddleware:
    """Renders errors by the application's handlers, inside CORS, so that browsers may read them.

    An error without a handler is a bug: it is logged, and rendered as a problem without details.
    """

    def __init__(self, app: "ASGIApp", handlers: Mapping[Any, Any]) -> None:
        self._app = app
        self._handlers = handlers

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            if scope["type"] != "http":
                raise
            context = context_of(scope)
            handler = next((self._handlers[kind] for kind in type(error).__mro__ if kind in self._handlers), None)
            if context.status or handler is None:
                log.exception("request_failed")
            if context.status:
                raise
            response = await handler(Request(scope), error) if handler else render(InternalError(), context.request_id)
            await response(scope, receive, send)
