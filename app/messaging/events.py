"""Domain events of messaging. Each event but UserBlocked has one receiver, the user `to`.

They are published after the rows are written. The log and the rows are authoritative: a lost event can be found there.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from app.messaging.models import Change, Message
from app.messaging.row_models import InboxRow


@dataclass(frozen=True, slots=True)
class MessageAppended:
    """A message was appended to a group; `row` is the receiver's row after it, or after a later change."""

    message: Message
    row: InboxRow
    kind: Literal["message"] = "message"

    @property
    def to(self) -> UUID:
        """The receiver."""
        return self.row.user_uuid


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message of a group was changed; `row` is the receiver's row after it, or after a later change."""

    change: Change
    row: InboxRow
    kind: Literal["change"] = "change"

    @property
    def to(self) -> UUID:
        """The receiver."""
        return self.row.user_uuid


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """The receiver's row of a group has changed."""

    row: InboxRow
    kind: Literal["group"] = "group"

    @property
    def to(self) -> UUID:
        """The receiver."""
        return self.row.user_uuid


@dataclass(frozen=True, slots=True)
class HeadMoved:
    """The head of a group of several members has changed, by a message, by a change, or otherwise.

    `row` is the head. The receiver is a member, whose own row the publisher does not know.
    """

    to: UUID
    row: InboxRow
    message: Message | None = None
    change: Change | None = None
    kind: Literal["head"] = "head"

    @classmethod
    def of(cls, event: "Event") -> "HeadMoved":
        """Return an event of the head for its members; it has no receiver yet."""
        match event:
            case MessageAppended(message, row):
                return cls(row.user_uuid, row, message=message)
            case MessageChanged(change, row):
                return cls(row.user_uuid, row, change=change)
            case GroupChanged(row):
                return cls(row.user_uuid, row)
        raise AssertionError("a head has no other event")

    def sent_to(self, user: UUID) -> "HeadMoved":
        """Return the event for a member."""
        return HeadMoved(user, self.row, self.message, self.change)


@dataclass(frozen=True, slots=True)
class MarkerMoved:
    """A member has read, or received, up to a number. The member may be the receiver, on another device."""

    to: UUID
    group_uuid: UUID
    user_uuid: UUID
    number: int
    """The number of the last message read."""
    kind: Literal["read"] = "read"
    received_number: int = 0
    """That of InboxRow."""

    @classmethod
    def of(cls, row: InboxRow, *, to: UUID) -> "MarkerMoved":
        """Return the event of the markers in a member's row."""
        return cls(to, row.group_uuid, row.user_uuid, row.read_number, received_number=row.received_number)

    @property
    def delivered_number(self) -> int:
        """Return that of InboxRow."""
        return max(self.received_number, self.number)


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """Another member types, or has stopped typing."""

    to: UUID
    group_uuid: UUID
    user_uuid: UUID
    is_typing: bool
    kind: Literal["typing"] = "typing"


@dataclass(frozen=True, slots=True)
class UserBlocked:
    """A user has blocked another one. It stays in the process: the other user is told nothing of it."""

    user_uuid: UUID
    other_uuid: UUID


Event: TypeAlias = MessageAppended | MessageChanged | GroupChanged | HeadMoved | MarkerMoved | TypingChanged
