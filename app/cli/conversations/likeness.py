"""Comparisons of messages and changes of an export with those that are there."""

from dataclasses import replace

from app.cli.changed_messages import as_sent
from app.messaging.models import Change, Message


def without_texts(change: Change) -> Change:
    """Return a change as it is once its message is deleted."""
    return replace(change, text=None, earlier_text=None)


def without_content(message: Message) -> Message:
    """Return of a message what no change of it alters."""
    return replace(as_sent(message), text="", mentions=frozenset(), expires_in=None)


def is_alike(message: Message, there: Message) -> bool:
    """Return whether two messages are the same but for what one of them has kept or lost since.

    That is what a deletion removes last, a text that has expired or ended, and the members that have hidden the
    message.
    """
    return _comparable(message, there) == _comparable(there, message)


def _comparable(message: Message, other: Message) -> Message:
    if message.deleted_at:
        message = replace(message, edits=(), expires_in=None)
    can_expire = message.expires_in is not None or message.ended_at or other.ended_at
    text = message.text if message.text and (other.text or not can_expire) else ""
    return replace(message, text=text, hidden_by=frozenset(), ended_at=None)
