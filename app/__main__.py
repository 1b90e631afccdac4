"""The server: `python -m app` serves the API as the environment's settings say, with every bound that it needs."""

import argparse
import gc
import signal
from functools import partial
from typing import Any, cast

import uvicorn
from starlette.types import Message, Receive, Scope, Send

from app.errors import InvalidSettings
from app.http.protocol import BoundedProtocol, ConnectionLimits
from app.main import create_app
from app.settings import ServerSettings, read_settings

DRAIN_SECONDS = 10
"""Deadline of running requests at a stop."""


def main() -> None:
    """Serve until a stop signal. The exit code is 0 then, 3 if the service could not start, 2 for wrong settings."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.epilog = "All settings are environment variables: docs/operations.md lists them."
    parser.parse_args()
    try:
        settings = read_settings(ServerSettings)
    except InvalidSettings as error:
        parser.exit(2, f"{error}\n")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # uvicorn raises the signal again at its end, which is to be 0 then
    uvicorn.Server(_config(settings)).run()


class Service:
    """The application. A start that fails is told in one line, with its traceback at LOG_LEVEL=DEBUG only."""

    def __init__(self, settings: ServerSettings) -> None:
        self._app = create_app(settings)
        self._shows_traceback = settings.log_level == "DEBUG"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send if scope["type"] != "lifespan" else partial(self._send_lifespan, send))

    async def _send_lifespan(self, send: Send, message: Message) -> None:
        if message["type"] == "lifespan.startup.failed" and not self._shows_traceback:
            cause = message.get("message", "").strip().rpartition("\n")[2]
            message = {**message, "message": f"The service cannot start: {cause}. LOG_LEVEL=DEBUG shows where."}
        elif message["type"] == "lifespan.startup.complete":
            # What the start has made, most of it boto3's, stays out of all collections: each takes a tenth of a second.
            gc.collect()
            gc.freeze()
        await send(message)


def _config(settings: ServerSettings) -> uvicorn.Config:
    limits = ConnectionLimits(
        settings.max_connections, settings.max_connections_per_address, settings.forwarded_allow_ips
    )
    return uvicorn.Config(
        partial(Service, settings),
        factory=True,
        host="" if settings.host == "::" else settings.host,  # asyncio takes "" for all addresses, :: for IPv6 only
        port=settings.port,
        http=cast(Any, partial(BoundedProtocol, limits)),
        ws="none",
        lifespan="on",
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=DRAIN_SECONDS,
        forwarded_allow_ips=list(settings.forwarded_allow_ips),
        access_log=False,
        server_header=False,
        log_config=None,
    )


if __name__ == "__main__":
    main()
