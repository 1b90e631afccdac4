"""Retention: an installation may keep the content of messages for a number of days; no read shows older content.

Such a message *has ended*. It keeps its number, sender and times, so that logs have no gaps, and looks like one that
has expired. Reads decide by the clock; `cruddur purge` removes from the table what they do not show any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.messaging.models import Message, MessageKind
from app.messaging.row_models import InboxRow


@dataclass(frozen=True, slots=True)
class Retention:
    """Content is kept for `period` after its message was sent; None: for ever."""

    period: timedelta | None = None

    @classmethod
    def of_days(cls, days: int | None) -> "Retention":
        """Return the retention of a number of days; None: for ever."""
        return cls(timedelta(days=days) if days else None)

    def end_of(self, sent_at: datetime) -> datetime | None:
        """Return when the content ends of a message that was sent at a time, None for never."""
        return sent_at + self.period if self.period else None

    def has_ended(self, sent_at: datetime, at: datetime) -> bool:
        """Return whether the content of a message that was sent at one time has ended at another."""
        return self.period is not None and sent_at + self.period <= at

    def applied(self, message: Message, at: datetime) -> Message:
        """Return a message as it may be read at a time: without its text if it has ended. System messages never end."""
        has_ended = self.has_ended(message.created_at, at) and _can_end(message)
        if not has_ended and message.ended_at is None:
            return message
        return replace(message, text="", ended_at=message.ended_at or self.end_of(message.created_at))

    def applied_to_all(self, messages: Sequence[Message], at: datetime) -> list[Message]:
        """Return messages as they may be read at a time."""
        if self.period is None and not [message for message in messages if message.ended_at]:
            return list(messages)
        return [self.applied(message, at) for message in messages]

    def with_end(self, message: Message) -> Message:
        """Return a message that has not ended with the time at which its text will be gone as `expires_at`.

        A quote has no time of its own from which a client could tell.
        """
        end = self.end_of(message.created_at)
        if end is None or message.ended_at or not _can_end(message):
            return message
        return replace(message, ended_at=min(end, message.deadline or end))

    def applied_to_row(self, row: InboxRow, at: datetime) -> InboxRow:
        """Return a row as it may be shown at a time: if all messages have ended, without a preview or unread ones."""
        ends_at = self.end_of(row.last_at)
        if ends_at is None or ends_at > at:
            return replace(row, ends_at=ends_at) if ends_at else row
        is_told = row.last_number in row.systems
        return replace(row, preview="", expires_at=row.expires_at if is_told else ends_at, ends_at=ends_at)


def _can_end(message: Message) -> bool:
    return message.kind is MessageKind.TEXT and not message.deleted_at


KEEP_ALL = Retention()
