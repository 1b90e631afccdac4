"""The response of a stream: server-sent events on a connection that is bounded, and aborted at its end if it stalls."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from app.concurrency import full_jitter
from app.errors import Unavailable
from app.http.connection import Connection
from app.limits import TooManyRequests, require_own
from app.limits.rates import EVENT_TRAFFIC
from app.realtime.delivered import ResyncRequired
from app.realtime.events import LiveEvent
from app.realtime.schemas import EventView
from app.realtime.stream import Stream

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

log = structlog.get_logger(__name__)

BUFFER_BYTES = 32 * 1024
"""Bytes that may wait in the connection; Linux takes twice that in the kernel."""
CLOSE_SECONDS = 1.0
"""Longest time for a client to read the last of a stream that has closed."""
RETRY_MS = 500, 3_000
"""Bounds of the delay after which the client of an ended stream reconnects; spread, so that not all do at once."""
LINE_END = re.compile("[\u0085\u2028\u2029]")
"""Characters that JSON may hold unescaped, and at which many clients end a line, though the format does not."""
UNBUFFERED = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


class EventStream(StreamingResponse):
    """A stream's items as server-sent events, in FastAPI's format.

    FastAPI's EventSourceResponse would put two tasks and two queues around them, which take 21 of 76 kB of a stream,
    and send heartbeats of its own.
    """

    media_type = "text/event-stream"

    def __init__(self, stream: Stream, view: Callable[[LiveEvent | ResyncRequired], Awaitable[EventView]]) -> None:
        """`view` returns an event as its receiver sees it."""
        super().__init__(_encoded(stream, view), headers=UNBUFFERED)
        self._closed = stream.closed

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        connection = Connection(receive)
        connection.limit_buffers(BUFFER_BYTES)
        try:
            async with asyncio.timeout(None) as deadline:
                self._closed.add_done_callback(lambda _: _close_soon(deadline))
                await super().__call__(scope, receive, connection.unchunked(scope, send))
        except TimeoutError:
            connection.abort()
            await asyncio.sleep(0)  # the server learns of it in the next turn of the loop


def escape_line_ends(text: str) -> str:
    """Return JSON on one line for all clients, also those that end lines where the format does not."""
    return LINE_END.sub(lambda end: f"\\u{ord(end[0]):04x}", text)


def _close_soon(deadline: asyncio.Timeout) -> None:
    with suppress(RuntimeError):  # the response has ended already
        deadline.reschedule(asyncio.get_running_loop().time() + CLOSE_SECONDS)


async def _encoded(
    stream: Stream, view: Callable[[LiveEvent | ResyncRequired], Awaitable[EventView]]
) -> AsyncIterator[bytes]:
    first, last = RETRY_MS
    retry: int | None = first + round(full_jitter(last - first))
    try:
        while not stream.is_over:
            for item in await stream.next_items():
                if item.event is None:
                    yield KEEPALIVE_COMMENT
                    continue
                event = await view(item.event)
                data = escape_line_ends(event.model_dump_json())
                yield format_sse_event(data_str=data, event=event.type, id=item.position, retry=retry)
                retry = None
            require_own(EVENT_TRAFFIC)
    except TooManyRequests:
        log.info("stream_ended_at_limit")
    except Unavailable:
        log.warning("stream_ended_unavailable")  # its client resumes after its last position
