"""The effect of changes on messages and rows as plain values: what the table holds once they are applied."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from app.messaging.models import Change, ChangeType, Message
from app.messaging.row_models import InboxRow


def with_change(message: Message, change: Change) -> Message:
    """Return a message with one more change applied."""
    return replace(_EFFECTS[change.type](message, change), change_number=change.number)


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


def _edit(message: Message, change: Change) -> Message:
    return replace(
        message,
        text=change.text or "",
        edited_at=change.created_at,
        version=change.version or message.version,
        edits=(*message.edits, change.number),
        mentions=change.mentions,
    )


def _delete(message: Message, change: Change) -> Message:
    return replace(message, text="", deleted_at=change.created_at, edits=(), reactions={}, mentions=frozenset())


def _react(message: Message, change: Change) -> Message:
    users = message.reactions.get(change.emoji or "", frozenset())
    return replace(message, reactions={**message.reactions, change.emoji or "": users | {change.user_uuid}})


def _unreact(message: Message, change: Change) -> Message:
    users = message.reactions.get(change.emoji or "", frozenset()) - {change.user_uuid}
    others = {emoji: each for emoji, each in message.reactions.items() if emoji != change.emoji}
    return replace(message, reactions=others | ({change.emoji or "": users} if users else {}))


_EFFECTS: Final[Mapping[ChangeType, Callable[[Message, Change], Message]]] = {
    ChangeType.EDIT: _edit,
    ChangeType.DELETE: _delete,
    ChangeType.REACT: _react,
    ChangeType.UNREACT: _unreact,
}
