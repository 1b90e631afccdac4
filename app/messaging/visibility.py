"""Visibility of messages: a member sees nothing of one that the member has hidden, or whose text has expired.

A message that is not visible keeps its number, sender and times, so that numbers have no gaps for any client.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from app.messaging.clock import now
from app.messaging.models import Message
from app.messaging.preview import preview
from app.messaging.row_models import MAX_GONE, InboxRow


def is_visible(message: Message, user: UUID, at: datetime) -> bool:
    """Return whether a member sees the text of a message, as far as it has one."""
    return user not in message.hidden_by and not has_expired(message, at)


def has_expired(message: Message, at: datetime) -> bool:
    """Return whether the text of a message has expired."""
    expires_at = message.expires_at
    return expires_at is not None and expires_at <= at


def seen_by(message: Message, user: UUID, at: datetime | None = None) -> Message:
    """Return a message as a member sees it at a time, by default now."""
    if is_visible(message, user, at or now()):
        return message
    return replace(message, text="", reactions={}, edits=(), mentions=frozenset(), quoted=None)


def is_uncounted(message: Message, row: InboxRow) -> bool:
    """Return whether a message that expires will count as unread after that, although the row has room to know it."""
    is_unread = row.read_number < message.number <= row.last_number and message.user_uuid != row.user_uuid
    return is_unread and message.expires_at is not None and message.number not in row.gone and len(row.gone) < MAX_GONE


def preview_for(message: Message, user: UUID) -> str:
    """Return what a member's row shows of a message: nothing of one that the member has hidden, or that expires."""
    return "" if user in message.hidden_by or message.expires_in is not None else preview(message.text)
