"""What ASGI has no words for: cutting the connection of a client who does not read, and hearing early of the end."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Cuttable:
    """The outermost, next to the server: gives a request `cut`, which drops its connection and what waits in it.

    A response that is merely left off would be flushed to a client that does not read, for ever. uvicorn's `send` is a
    method of the object that has the transport; another server's may not be, and then nothing is cut.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        scope["cut"] = transport.abort if transport else lambda: None
        await self._app(scope, receive, send)


@contextmanager
def on_stop_signal(callback: Callable[[], None]) -> Iterator[None]:
    """Call back, in the running loop, when the process is asked to stop.

    The lifespan's own end comes only after the last response, and an event stream is one that does not end by itself.
    The server's handler stays in charge: it is called as before.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def handle(number: int, frame: "FrameType | None") -> Any:
        loop.call_soon_threadsafe(callback)
        handler = before[signal.Signals(number)]
        return handler(number, frame) if callable(handler) else None

    ours = [number for number in STOP_SIGNALS if callable(before[number])]  # else nobody would end the process
    for number in ours:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
