"""Messages, changes of messages, message groups and inbox rows inside the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid5

from app.records import record
from app.text import preview

DIRECT_GROUPS = UUID("6f1a3c1e-52a7-5d0b-9d53-0c7f6b0b7a11")
"""The namespace of direct groups' ids. With another one every pair would get a second group."""
LAST_NUMBER = 10**12 - 1
"""The greatest number of a message or of a change: sort keys hold twelve digits."""
MAX_MENTIONS_COUNTED = 20
"""Unread mentions that a row counts, the newest ones."""


class MemberState(StrEnum):
    """The state of a membership: active, or left."""

    ACTIVE = "active"
    LEFT = "left"


class GroupKind(StrEnum):
    """The kind of a group: `direct` is the one group of two users."""

    DIRECT = "direct"


class MessageKind(StrEnum):
    """The kind of a message: `text` was written by a user."""

    TEXT = "text"


class ChangeType(StrEnum):
    """The kind of a change of a message."""

    EDIT = "edit"
    DELETE = "delete"
    REACT = "react"
    UNREACT = "unreact"


@record(frozen=True, slots=True)
class Message:
    """An entry of a group's log, with its changes up to `change_number` applied. `number` counts from 1 without gaps.

    `version` counts the texts that the message has had, from 1. `edits` are the numbers of the changes that replaced
    them; a deleted message has some only until their texts are removed.
    """

    group_uuid: UUID
    number: int
    uuid: UUID
    user_uuid: UUID
    text: str
    created_at: datetime
    kind: MessageKind = MessageKind.TEXT
    reply_to: int | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    version: int = 1
    change_number: int = 0
    edits: tuple[int, ...] = ()
    reactions: Mapping[str, frozenset[UUID]] = field(default_factory=dict, hash=False)
    """The users that have reacted with an emoji, by emoji."""
    mentions: frozenset[UUID] = frozenset()
    """The members that it mentions."""
    quoted: "Message | None" = field(default=None, compare=False)
    """The message that it replies to, with the beginning of its text, if it was read with it. It is not stored."""


@record(frozen=True, slots=True)
class Change:
    """An entry of a group's change log: what a member has done to a message. `number` counts from 1 without gaps."""

    group_uuid: UUID
    number: int
    uuid: UUID
    user_uuid: UUID
    created_at: datetime
    type: ChangeType
    message_number: int
    text: str | None = None
    """The new text of an edit; None once it is removed."""
    earlier_text: str | None = None
    """The first text of a message, in the change that replaced it; None once the message is deleted."""
    version: int | None = None
    """The version of the message that an edit made."""
    emoji: str | None = None
    mentions: frozenset[UUID] = frozenset()
    """The members that the message mentions after an edit."""


@record(frozen=True, slots=True)
class InboxRow:
    """One member's view of one direct group: a projection of the log that only moves forward."""

    user_uuid: UUID
    group_uuid: UUID
    peer_uuid: UUID
    last_number: int
    last_at: datetime
    last_by: UUID
    preview: str
    read_number: int
    version: int
    state: MemberState = MemberState.ACTIVE
    is_blocked: bool = False
    muted_until: datetime | None = None
    pinned_at: datetime | None = None
    change_number: int = 0
    """The number of the last change of a message in the group."""
    changed_at: datetime | None = None
    mentioned: frozenset[int] = frozenset()
    """The numbers of the newest messages that mention the user, and maybe of some that are read."""
    blocked_at: datetime | None = None
    """The time at which the user blocked the peer."""
    peer_read: int | None = None
    """The read marker of the peer that a blocked user is shown."""

    @property
    def unread_mentions(self) -> list[int]:
        """Return the numbers of the newest unread messages that mention the user, at most 20, in order."""
        return sorted(number for number in self.mentioned if number > self.read_number)[-MAX_MENTIONS_COUNTED:]

    @property
    def unread_count(self) -> int:
        """Return the number of messages after the read marker."""
        return self.last_number - self.read_number


@dataclass(frozen=True, slots=True)
class Block:
    """A user's decision neither to hear from another user nor to be heard."""

    user_uuid: UUID
    other_uuid: UUID
    blocked_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A message to send. `after` is the last number that the client knew when it first tried this `uuid`."""

    user_uuid: UUID
    text: str
    uuid: UUID | None = None
    after: int | None = None
    reply_to: int | None = None
    mentions: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class ChangeDraft:
    """A change to make."""

    user_uuid: UUID
    group_uuid: UUID
    message_number: int
    type: ChangeType
    text: str | None = None
    emoji: str | None = None
    version: int | None = None
    """The version that an edit replaces."""
    uuid: UUID | None = None
    """The client's id of an edit."""
    mentions: frozenset[UUID] | None = None
    """The members that an edited message mentions; None: those of before."""


@dataclass(frozen=True, slots=True, order=True)
class InboxPosition:
    """A position in an inbox that is sorted by newest activity; the next page holds the rows strictly before it."""

    last_at: datetime
    group_uuid: UUID

    @classmethod
    def of(cls, row: InboxRow) -> "InboxPosition":
        """Return a row's own position."""
        return cls(row.last_at, row.group_uuid)


@dataclass(frozen=True, slots=True)
class BucketPosition:
    """A position in a large inbox: an entry of the index, which knows the ten minutes of a group's last activity.

    Groups behind it have no activity later than `latest_ms`: later ones of these ten minutes were before it.
    """

    bucket: int
    group_uuid: UUID
    latest_ms: int


def direct_group_uuid(one: UUID, other: UUID) -> UUID:
    """Return the id of the direct group of two users, in whichever order they are given."""
    first, second = sorted((str(one), str(other)))
    return uuid5(DIRECT_GROUPS, f"{first}:{second}")


def quote_of(message: Message) -> Message:
    """Return what a reply shows of a message: the beginning of its text, and no reactions."""
    return replace(message, text=preview(message.text), reactions={}, edits=(), mentions=frozenset(), quoted=None)
