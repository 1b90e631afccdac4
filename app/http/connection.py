"""Bounding and aborting a response's connection, and acting early on the stop signal: ASGI offers neither."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

    from starlette.types import Message, Receive, Scope, Send

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ACCEPT_TURNS, ACCEPT_SECONDS = 2_048, 3
"""uvicorn's backlog; a turn of the loop accepts a connection. A turn takes a few µs, unless the loop is far behind."""


class Connection:
    """The server's end of a request's connection. On a server other than uvicorn its methods do nothing.

    uvicorn's `receive` is a method of the object that has the transport.
    """

    def __init__(self, receive: "Receive") -> None:
        self._cycle: Any = getattr(receive, "__self__", None)
        self._transport: asyncio.Transport | None = getattr(self._cycle, "transport", None)

    def abort(self) -> None:
        """Close it at once and discard its buffer, which a client that does not read would keep open for ever."""
        if self._transport:
            self._transport.abort()

    def unchunked(self, scope: "Scope", send: "Send") -> "Send":
        """Return a `send` for a body of unknown length: to a client of HTTP/1.0, one that ends with the connection.

        uvicorn chunks it, which such a client does not understand.
        """
        if self._transport is None or scope["http_version"] != "1.0":
            return send
        self._cycle.chunked_encoding = False

        async def send_as_it_is(message: "Message") -> None:
            self._cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        return send_as_it_is

    def limit_buffers(self, size: int) -> None:
        """Make `send` wait while about this many bytes are in its buffer, and give the kernel's the same size.

        Do nothing for a client that has left.
        """
        if self._transport and not self._transport.is_closing():
            self._transport.set_write_buffer_limits(high=size)
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


class StopSignal:
    """The request to end this process, which the server hears of once it has accepted what came before.

    uvicorn closes its listening sockets and its idle connections at its next tick. The kernel then resets the
    connections that wait in an accept queue, and those whose request is not read yet.
    """

    def __init__(self, delay: float = 0) -> None:
        """`delay` are the seconds from the signal to the callback, in which a load balancer notices."""
        self._delay = delay
        self.received = False
        self._end: asyncio.Task[None] | None = None

    @contextmanager
    def handled(self, callback: Callable[[], None]) -> Iterator[None]:
        """Call back in the running loop at the signal, and then, some turns later, the server's own handler.

        The lifespan's own end would be too late: it comes after the last response, and event streams do not end by
        themselves.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        handlers = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        replaced = {number: handler for number, handler in handlers.items() if callable(handler)}  # others end nothing

        def handle(number: int, frame: "FrameType | None") -> None:
            end = partial(replaced[signal.Signals(number)], number, frame)
            if self.received or not loop.is_running():  # the second signal is meant for now
                end()
            else:
                self.received = True
                stop = partial(self._stop, callback, end)
                loop.call_soon_threadsafe(partial(loop.call_later, self._delay, stop) if self._delay else stop)

        for number in replaced:
            signal.signal(number, handle)
        try:
            yield
        finally:
            for number, handler in replaced.items():
                signal.signal(number, handler)
            if self._end:
                self._end.cancel()

    def _stop(self, callback: Callable[[], None], end: Callable[[], object]) -> None:
        callback()
        self._end = asyncio.ensure_future(_call_once_accepted(end))


async def _call_once_accepted(end: Callable[[], object]) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + ACCEPT_SECONDS
    for _ in range(ACCEPT_TURNS):
        await asyncio.sleep(0)
        if loop.time() > deadline:
            break
    end()
