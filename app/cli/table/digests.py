"""Short digests of what items hold, for comparing: texts would make a temporary file several times as large."""

from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from app.messaging.groups.stored import Head
from app.messaging.row_models import InboxRow


def change_digest(row: InboxRow | Head) -> bytes | None:
    """Return the digest of the last change of a row or a head, as that of the change; None without one."""
    return digest_of((row.change_number, row.changed_at)) if row.change_number else None


def edit_digest(at: datetime | None, version: int | None, text: str | None, mentions: frozenset[UUID]) -> bytes:
    """Return the digest of what an edit makes of a message."""
    return digest_of((at, version, text or "", sorted(mentions)))


def digest_of(value: object) -> bytes:
    """Return a short digest of a value."""
    return blake2b(repr(value).encode(), digest_size=8).digest()


def sum_digest(value: object) -> int:
    """Return a digest of which millions can be added up in 64 bits."""
    return int.from_bytes(digest_of(value)[:5])
