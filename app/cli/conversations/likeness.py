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

    That is what a deletion removes last, a text that has expired, and the members that have hidden the message.
    """
    return _comparable(message, there) == _comparable(there, message)


def _comparable(message: Message, other: Message) -> Message:
    if message.deleted_at:
        message = replace(message, edits=(), expires_in=None)
    has_expired = message.expires_in is not None and not (message.text and other.text)
    return replace(message, text="" if has_expired else message.text, hidden_by=frozenset())
