"""Messages and rows as records, for machines."""

from dataclasses import asdict
from typing import Any

from app.cli.console import attributes
from app.messaging.models import Message
from app.messaging.row_models import InboxRow
from app.users.models import Name


def message_record(message: Message, sender: Name) -> dict[str, Any]:
    """Return a message with the names of its sender."""
    return {
        "message_group_uuid": message.group_uuid,
        **attributes(message, "number", "uuid", "user_uuid", "created_at"),
        **attributes(sender, "handle", "display_name"),
        "message": message.text,
        **attributes(message, "reply_to", "edited_at", "deleted_at", "version", "change_number", "mentions"),
        "reactions": {emoji: sorted(map(str, users)) for emoji, users in sorted(message.reactions.items())},
        **attributes(message, "expires_at", "hidden_by"),
        "event": message.event and asdict(message.event),
    }


def row_record(row: InboxRow, peer: Name, sender: Name) -> dict[str, Any]:
    """Return a row with the names of the peer, or the title of the group, and the handle of the last sender."""
    return {
        "message_group_uuid": row.group_uuid,
        **attributes(peer, "handle", "display_name"),
        **attributes(
            row, "last_at", "last_number", "read_number", "delivered_number", "unread_count", "is_marked_unread"
        ),
        "unread_mention_count": len(row.unread_mentions),
        "last_by": sender.handle,
        **attributes(row, "preview", "change_number", "changed_at", "kind", "member_count"),
        "role": row.role if row.title else None,
        **attributes(row, "folder", "muted_until", "pin_position", "cleared_number"),
    }
