"""The middleware around every request: request ids, access log, security headers, and unhandled errors."""

import re
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog
from starlette.datastructures import Headers, MutableHeaders

from app.errors import InternalError
from app.http.context import RequestContext, context_of
from app.http.problems import render
from app.metrics import OTHER, Metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger("app.access")

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
API_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=63072000",
    "Content-Security-Policy": API_POLICY,
    "Cache-Control": "no-store",
}


class ServerErrorMiddleware:
    """Renders an unhandled exception as a problem without details, inside CORS, so that browsers may read it."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        has_started = False

        async def watch(message: "Message") -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception:
            if scope["type"] != "http":
                raise
            log.exception("request_failed")
            if has_started:
                raise
            await render(InternalError(), context_of(scope).request_id)(scope, receive, send)


class AccessLogMiddleware:
    """Gives each request an id, adds the headers that every response has, then logs and counts the request."""

    def __init__(self, app: "ASGIApp", metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started, status, context = time.perf_counter(), 0, context_of(scope)
        context.request_id = _request_id(scope)

        async def send_with_headers(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = context.request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=context.request_id):
            try:
                await self._app(scope, receive, send_with_headers)
            finally:
                seconds = time.perf_counter() - started
                _log_request(scope, context, status, seconds)
                self._metrics.answered(getattr(scope.get("route"), "name", OTHER), status, seconds)


def _request_id(scope: "Scope") -> str:
    """Return the client's own id if it is well-formed, else a new id."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex


def _log_request(scope: "Scope", context: RequestContext, status: int, seconds: float) -> None:
    # The template instead of the path: paths contain handles.
    path = getattr(scope.get("route"), "path", None)
    user = str(context.user) if context.user else None
    log.info("request", method=scope["method"], route=path, status=status, ms=round(seconds * 1000, 1), user=user)
