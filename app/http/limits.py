"""A limit on concurrent requests: a request above it is refused at once instead of waiting."""

from typing import TYPE_CHECKING

from app.errors import Overloaded

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

UNLIMITED = frozenset({"/api/health-check", "/api/events"})
"""Health checks are never refused; event streams, which are idle most of the time, have a limit of their own."""


class ConcurrencyLimitMiddleware:
    """Refuses API requests above the limit: raises Overloaded. Idle connections do not count."""

    def __init__(self, app: "ASGIApp", limit: int) -> None:
        self._app = app
        self._limit = limit
        self._running = 0

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/") or scope["path"] in UNLIMITED:
            return await self._app(scope, receive, send)
        if self._running >= self._limit:
            raise Overloaded
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
