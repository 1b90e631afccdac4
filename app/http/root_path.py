"""The prefix of a proxy: the same paths are served with it and without it, as some proxies strip it and some do not."""

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from app.http.context import context_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class RootPathMiddleware:
    """Takes the prefix off the path, so that nothing inside knows of it but links.

    The prefix is that of the settings, else that of the server (`uvicorn --root-path`), which adds it to each path.
    """

    def __init__(self, app: "ASGIApp", root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        prefix: str = self._root_path or scope.get("root_path", "")
        if scope["type"] == "http" and prefix:
            path: str = scope["path"]
            if path == prefix:  # the page names its files relative to a folder
                return await RedirectResponse(f"{prefix}/")(scope, receive, send)
            while path.startswith(f"{prefix}/"):  # twice, if the server has added what a proxy has passed on
                path = path.removeprefix(prefix)
            scope = {**scope, "root_path": "", "path": path, "raw_path": path.encode()}
            context_of(scope).root_path = prefix
        return await self._app(scope, receive, send)
