"""The effect of changes on messages and rows as plain values: what the table holds once they are applied."""

from dataclasses import replace
from uuid import UUID

from app.messaging.models import Change, ChangeType, Message
from app.messaging.row_models import InboxRow


def with_change(message: Message, change: Change) -> Message:
    """Return a message with one more change applied."""
    match change.type:
        case ChangeType.EDIT:
            changed = _edited(message, change)
        case ChangeType.DELETE:
            nothing: frozenset[UUID] = frozenset()
            changed = replace(message, text="", deleted_at=change.created_at, edits=(), reactions={}, mentions=nothing)
        case ChangeType.REACT | ChangeType.UNREACT:
            changed = replace(message, reactions=_reactions(message, change))
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


def at_change(row: InboxRow, change: Change | None) -> InboxRow:
    """Return a row at this change, the last one of its group, or at none."""
    if change is None:
        return replace(row, change_number=0, changed_at=None)
    return replace(row, change_number=change.number, changed_at=change.created_at)


def _edited(message: Message, change: Change) -> Message:
    return replace(
        message,
        text=change.text or "",
        edited_at=change.created_at,
        version=change.version or message.version,
        edits=(*message.edits, change.number),
        mentions=change.mentions,
    )


def _reactions(message: Message, change: Change) -> dict[str, frozenset[UUID]]:
    """Return the reactions after a change; an emoji of which no user is left has no entry."""
    emoji, user = change.emoji or "", frozenset({change.user_uuid})
    users = message.reactions.get(emoji, frozenset())
    users = users | user if change.type is ChangeType.REACT else users - user
    return {each: by for each, by in {**message.reactions, emoji: users}.items() if by}
