"""The response of an export: JSON lines on a connection whose buffers are bounded, so that a slow reader slows it."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from fastapi.responses import StreamingResponse

from app.http.connection import Connection
from app.personal_data.export_schemas import ExportLine
from app.realtime.event_stream import escape_line_ends

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

BUFFER_BYTES = 32 * 1024
"""Bytes that may wait in the connection; Linux takes twice that in the kernel."""
CHUNK_BYTES = 8 * 1024
"""Bytes that lines are collected to before they are sent."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Disposition": 'attachment; filename="cruddur-export.jsonl"',
    "X-Accel-Buffering": "no",
}


class ExportStream(StreamingResponse):
    """The lines of an export as application/jsonl. Nothing is read ahead of the client."""

    media_type = "application/jsonl"

    def __init__(self, lines: AsyncIterator[ExportLine]) -> None:
        super().__init__(_chunks(lines), headers=HEADERS)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        connection = Connection(receive)
        connection.limit_buffers(BUFFER_BYTES)
        await super().__call__(scope, receive, connection.unchunked(scope, send))


async def _chunks(lines: AsyncIterator[ExportLine]) -> AsyncIterator[bytes]:
    chunk = bytearray()
    async for line in lines:
        chunk += escape_line_ends(line.model_dump_json()).encode() + b"\n"
        if len(chunk) >= CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    yield bytes(chunk)
