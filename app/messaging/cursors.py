"""Cursors: positions in an inbox as opaque text."""

import re
from uuid import UUID

from app.errors import InvalidParameter
from app.messaging.inbox_items import BUCKET_MS
from app.messaging.items import from_ms, to_ms
from app.messaging.row_models import BucketPosition, InboxPosition

_CURSOR = re.compile(r"([0-9]{1,14})-([0-9a-f]{32})")
_IN_BUCKET = 9 * 10**13
"""Added to the time of a position within a bucket, which no other position's time reaches before the year 4821."""


def write_cursor(position: InboxPosition | BucketPosition) -> str:
    """Return the cursor of a position."""
    if isinstance(position, BucketPosition):
        return f"{_IN_BUCKET + position.latest_ms}-{position.group_uuid.hex}"
    return f"{to_ms(position.last_at)}-{position.group_uuid.hex}"


def read_cursor(cursor: str) -> InboxPosition | BucketPosition:
    """Return the position of a cursor, or raise InvalidParameter for any other text."""
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidParameter("cursor is not from a Link header")
    ms, group = int(match[1]), UUID(match[2])
    if ms >= _IN_BUCKET:
        latest_ms = ms - _IN_BUCKET
        return BucketPosition(latest_ms // BUCKET_MS, group, latest_ms)
    return InboxPosition(from_ms(ms), group)
