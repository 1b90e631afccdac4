"""The effect of changes on messages and rows as plain values: what the table holds once they are applied."""

from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from app.messaging.groups.stored import Head
from app.messaging.models import Change, ChangeType, Message
from app.messaging.row_models import InboxRow

T = TypeVar("T", InboxRow, Head)


def with_change(message: Message, change: Change) -> Message:
    """Return a message with one more change applied."""
    match change.type:
        case ChangeType.EDIT:
            changed = replace(
                message,
                text=change.text or "",
                edited_at=change.created_at,
                version=change.version or message.version,
                edits=(*message.edits, change.number),
                mentions=change.mentions,
            )
        case ChangeType.DELETE:
            nothing: frozenset[UUID] = frozenset()
            changed = replace(message, text="", deleted_at=change.created_at, edits=(), reactions={}, mentions=nothing)
        case ChangeType.REACT | ChangeType.UNREACT:
            emoji, user = change.emoji or "", frozenset({change.user_uuid})
            users = message.reactions.get(emoji, frozenset())
            users = users | user if change.type is ChangeType.REACT else users - user
            reactions = {**message.reactions, emoji: users}  # an emoji of which no user is left has no entry
            changed = replace(message, reactions={each: by for each, by in reactions.items() if by})
    return replace(changed, change_number=change.number)


def as_sent(message: Message) -> Message:
    """Return a message without its changes; text and mentions are the present ones, as it keeps no others."""
    return Message(
        message.group_uuid,
        message.number,
        message.uuid,
        message.user_uuid,
        message.text,
        message.created_at,
        message.kind,
        message.reply_to,
        message.expires_in,
        mentions=message.mentions,
    )


def at_change(of: T, change: Change | None) -> T:
    """Return a row or a head at this change, the last one of its group, or at none."""
    if change is None:
        return replace(of, change_number=0, changed_at=None)
    return replace(of, change_number=change.number, changed_at=change.created_at)
