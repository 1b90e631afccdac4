"""Cursors: positions in an inbox as opaque text."""

import re
from uuid import UUID

from app.errors import InvalidParameter
from app.messaging.items import from_ms, to_ms
from app.messaging.models import InboxPosition

_CURSOR = re.compile(r"([0-9]{1,14})-([0-9a-f]{32})")


def write_cursor(position: InboxPosition) -> str:
    """Return the cursor of a position."""
    return f"{to_ms(position.last_at)}-{position.group_uuid.hex}"


def read_cursor(cursor: str) -> InboxPosition:
    """Return the position of a cursor, or raise InvalidParameter for any other text."""
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidParameter("cursor is not from a Link header")
    return InboxPosition(from_ms(int(match[1])), UUID(match[2]))
