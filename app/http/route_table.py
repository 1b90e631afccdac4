"""The table of routes: finds a request's endpoint by method and path in one step."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fastapi.routing import RouteContext, iter_route_contexts

from app.http.endpoints import Endpoint, UnknownShape

if TYPE_CHECKING:
    from re import Pattern

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RouteTableMiddleware:
    """Passes a request to its endpoint, and every other request to FastAPI.

    FastAPI asks one router after the other, and each twice. It still answers for paths and methods that do not exist,
    serves routes that are no endpoints, and everything below a root path or with overridden dependencies. HEAD is
    served as GET without the body (RFC 9110, section 9.3.2).
    """

    def __init__(self, app: "ASGIApp", routes: Sequence["BaseRoute"], overrides: Mapping[Any, Any]) -> None:
        self._app = app
        self._overrides = overrides
        self._exact: dict[tuple[str, str], Endpoint] = {}
        self._patterns: dict[str, list[tuple[str, Pattern[str], RouteContext, Endpoint | None]]] = {}
        """Method → in order, what a path begins with, its pattern, and the route with its endpoint."""
        for context in iter_route_contexts(routes):
            if not context.methods or not context.path:
                break  # a mount, whose paths are its own business
            self._add(context, context.path, context.methods)

    def _add(self, context: RouteContext, path: str, methods: set[str]) -> None:
        """Add a route behind the others: the first that matches a path wins."""
        try:
            endpoint = Endpoint(context)
        except UnknownShape:
            endpoint = None
        for method in methods:
            patterns = self._patterns.setdefault(method, [])
            if context.param_convertors or not endpoint:
                patterns.append((path.partition("{")[0], context.path_regex, context, endpoint))
            elif not any(pattern.match(path) for _, pattern, _, _ in patterns):
                self._exact.setdefault((method, path), endpoint)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] == "http" and scope["method"] == "HEAD":
            get = {**scope, "method": "GET"}
            try:
                await self._serve(get, receive, _without_body(send))
            finally:
                scope["route"] = get.get("route")  # for the log line
        else:
            await self._serve(scope, receive, send)

    async def _serve(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        endpoint = None
        if scope["type"] == "http" and not scope.get("root_path") and not self._overrides:
            endpoint = self._find(scope)
        await (endpoint or self._app)(scope, receive, send)

    def _find(self, scope: "Scope") -> Endpoint | None:
        """Return the endpoint of a request after setting its path parameters, or None."""
        path: str = scope["path"]
        if endpoint := self._exact.get((scope["method"], path)):
            scope["path_params"] = {}
            return endpoint
        for prefix, pattern, context, found in self._patterns.get(scope["method"], ()):
            if path.startswith(prefix) and (match := pattern.match(path)):
                convertors, texts = context.param_convertors, match.groupdict()
                scope["path_params"] = {name: convertors[name].convert(text) for name, text in texts.items()}
                return found
        return None


def _without_body(send: "Send") -> "Send":
    is_complete = False

    async def send_head(message: "Message") -> None:
        nonlocal is_complete
        if message["type"] == "http.response.start":
            await send(message)
        elif not is_complete:  # of a stream, too, which ends when the server tells it that nothing more is read
            is_complete = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_head
