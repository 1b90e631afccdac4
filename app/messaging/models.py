"""Messages, changes of messages, drafts and blocks inside the service."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from app.messaging.groups.models import SystemEvent
from app.messaging.preview import preview
from app.messaging.records import record

DIRECT_GROUPS = UUID("6f1a3c1e-52a7-5d0b-9d53-0c7f6b0b7a11")
"""The namespace of direct groups' ids. With another one every pair would get a second group."""
LAST_NUMBER = 10**12 - 1
"""The greatest number of a message or of a change: sort keys hold twelve digits."""


class MessageKind(StrEnum):
    """The kind of a message: `text` was written by a user, `system` tells what a user has done to the group."""

    TEXT = "text"
    SYSTEM = "system"


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
    them; a deleted message has some, or `expires_in`, only until their texts are removed.
    """

    group_uuid: UUID
    number: int
    uuid: UUID
    user_uuid: UUID
    text: str
    created_at: datetime
    kind: MessageKind = MessageKind.TEXT
    reply_to: int | None = None
    expires_in: int | None = None
    """Seconds after `created_at` when its text expires. A deletion for all members removes it with the text."""
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    version: int = 1
    change_number: int = 0
    edits: tuple[int, ...] = ()
    reactions: Mapping[str, frozenset[UUID]] = field(default_factory=dict, hash=False)
    """The users that have reacted with an emoji, by emoji."""
    mentions: frozenset[UUID] = frozenset()
    """The members that it mentions."""
    hidden_by: frozenset[UUID] = frozenset()
    """The members that have deleted it for themselves."""
    event: SystemEvent | None = None
    """The content of a system message."""
    ended_at: datetime | None = None
    """The time at which the installation's retention ended it, see `app.messaging.retention`: it has no text."""
    quoted: "Message | None" = field(default=None, compare=False)
    """The message that it replies to, with the beginning of its text, if it was read with it. It is not stored."""

    @property
    def may_vanish(self) -> bool:
        """Return whether a member may not see its text: it expires or has ended, or a member has hidden it."""
        return self.expires_in is not None or self.ended_at is not None or bool(self.hidden_by)

    @property
    def has_texts_to_remove(self) -> bool:
        """Return whether the message is deleted, and may have texts in other items."""
        return self.deleted_at is not None and (bool(self.edits) or self.expires_in is not None)

    @property
    def deadline(self) -> datetime | None:
        """Return the time at which the text expires as its sender has set it, None if it stays, or is deleted."""
        if self.expires_in is None or self.deleted_at:
            return None
        return self.created_at + timedelta(seconds=self.expires_in)

    @property
    def expires_at(self) -> datetime | None:
        """Return the time from which no member sees the text, None if it stays so far, or is deleted."""
        return self.ended_at if self.expires_in is None else self.ended_at or self.deadline


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
    expires_in: int | None = None
    event: SystemEvent | None = None
    """The content of a system message, which the service itself sends."""


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


def direct_group_uuid(one: UUID, other: UUID) -> UUID:
    """Return the id of the direct group of two users, in whichever order they are given."""
    first, second = sorted((str(one), str(other)))
    return uuid5(DIRECT_GROUPS, f"{first}:{second}")


def quote_of(message: Message) -> Message:
    """Return what a reply shows of a message: the beginning of its text, and no reactions."""
    return replace(message, text=preview(message.text), reactions={}, edits=(), mentions=frozenset(), quoted=None)
