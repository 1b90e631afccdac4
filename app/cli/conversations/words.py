"""Names, messages and rows in words, for people."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from app.cli.console import readable
from app.messaging.clock import now
from app.messaging.groups.models import SystemEvent, SystemEventType
from app.messaging.models import Message
from app.messaging.row_models import InboxRow
from app.messaging.visibility import has_expired
from app.users.models import Name

DELETED: Final = "[deleted]"
EXPIRED: Final = "[expired]"
EXPIRING: Final = "[expires]"
HIDDEN: Final = "[hidden]"
CHANGED: Final = "[group changed]"
"""Texts that stand for those of messages without one."""


def full_name(name: Name) -> str:
    """Return a user's names."""
    return readable(name.display_name) + (f" @{name.handle}" if name.handle else "")


def message_in_words(message: Message, names: Mapping[UUID, Name], viewer: UUID | None) -> str:
    """Return a message's text with what it replies to and what its changes have left; `names` has those of its users.

    A system message is what it tells, after the name of its sender.
    """
    if message.event:
        return _event_in_words(message.event, names)
    if message.deleted_at:
        return DELETED
    if has_expired(message, now()) or viewer in message.hidden_by:
        return HIDDEN if viewer in message.hidden_by else EXPIRED
    reply = f"[re {message.reply_to}] " if message.reply_to else ""
    edited = " [edited]" if message.edited_at else ""
    reactions = ", ".join(f"{emoji} {len(users)}" for emoji, users in sorted(message.reactions.items()))
    return f"{reply}{readable(message.text)}{edited}{reactions and f' [{reactions}]'}"


def _event_in_words(event: SystemEvent, names: Mapping[UUID, Name]) -> str:
    title, users = readable(event.title or ""), ", ".join(readable(names[user].display_name) for user in event.users)
    words = {
        SystemEventType.CREATED: f'created "{title}" with {users}',
        SystemEventType.RENAMED: f'renamed the group "{title}"',
        SystemEventType.HISTORY: "lets new members read earlier messages",
        SystemEventType.ROLE: f"made {users} {event.role}",
        SystemEventType.LEFT: f"left, and made {users} owner" if users else "left",
    }
    return f"[{words.get(event.type, f'{event.type} {users}')}]"


def preview_in_words(row: InboxRow) -> str:
    """Return the beginning of the last message of a group, or what stands for one that has no text."""
    if row.preview:
        return readable(row.preview)
    if row.last_number in row.systems:
        return CHANGED
    return EXPIRING if row.expires_at else DELETED


def view_in_words(row: InboxRow) -> str:
    """Return what a user has made of a group."""
    marks = {
        f"pinned {row.pin_position}": row.pin_position,
        "muted": row.is_muted(now()),
        f"cleared {row.cleared_number}": row.cleared_number,
    }
    return ", ".join(mark for mark, is_set in marks.items() if is_set)
