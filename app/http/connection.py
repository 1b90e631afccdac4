"""What ASGI has no words for: cutting the connection of a client who does not read, and hearing early of the end."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import Receive

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Connection:
    """The server's end of a request's connection. Behind a server that shows nothing of it, all this does nothing.

    uvicorn's `receive` is a method of the object that has the transport.
    """

    def __init__(self, receive: "Receive") -> None:
        self._transport: asyncio.Transport | None = getattr(getattr(receive, "__self__", None), "transport", None)

    def cut(self) -> None:
        """Drop it with what waits in it. Left off, a response would be flushed to who does not read, for ever."""
        if self._transport:
            self._transport.abort()

    def bound(self, size: int) -> None:
        """Let no more than about this many bytes wait in it, and as many in the kernel, until sending waits, too."""
        if self._transport:
            self._transport.set_write_buffer_limits(high=size)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


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
