"""Live events: what is published to a user's streams, and its JSON between processes."""

from dataclasses import dataclass
from datetime import datetime
from sys import getsizeof
from typing import Annotated, Literal, Self, TypeAlias
from uuid import UUID

import structlog
from pydantic import Field, TypeAdapter, ValidationError

from app.messaging.events import (
    GroupChanged,
    HeadMoved,
    MarkerMoved,
    MessageAppended,
    MessageChanged,
    TypingChanged,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """A user in a group of the receiver's, or the receiver, has another display name."""

    to: UUID
    uuid: UUID
    handle: str
    display_name: str
    kind: Literal["profile"] = "profile"


@dataclass(frozen=True, slots=True)
class PresenceChanged:
    """A peer is online, is not any more, or shares presence with the receiver no longer.

    With the receiver as the user it is for processes only, and says that the user shares presence from now on.
    """

    to: UUID
    user_uuid: UUID
    is_online: bool
    last_seen_at: datetime | None = None
    kind: Literal["presence"] = "presence"

    @classmethod
    def end(cls, user: UUID, *, to: UUID) -> Self:
        """Return the event that a receiver gets nothing of a user from now on."""
        return cls(to, user, is_online=False)

    @property
    def is_end(self) -> bool:
        """Return whether the receiver gets nothing of the user from now on."""
        return not self.is_online and self.last_seen_at is None


@dataclass(frozen=True, slots=True)
class EventsLost:
    """Events may not have reached the receiver's streams, which have to compare with the rows."""

    to: UUID
    kind: Literal["lost"] = "lost"


LiveEvent: TypeAlias = (
    MessageAppended
    | MessageChanged
    | GroupChanged
    | HeadMoved
    | MarkerMoved
    | TypingChanged
    | PresenceChanged
    | ProfileChanged
    | EventsLost
)
_adapter: TypeAdapter[LiveEvent] = TypeAdapter(Annotated[LiveEvent, Field(discriminator="kind")])


MESSAGE_BYTES, ROW_BYTES, SMALL_BYTES = 1_550, 1_060, 640
"""Bytes of memory of an event with a message or a change, an event with a row, and any other, without their texts."""


def size_of(event: LiveEvent) -> int:
    """Return the bytes of memory that an event and its delivery take at most."""
    match event:
        case MessageAppended(message, row):
            quote = ROW_BYTES + getsizeof(message.quoted.text) if message.quoted else 0
            return MESSAGE_BYTES + getsizeof(message.text) + getsizeof(row.preview) + quote
        case MessageChanged(change, row):
            return MESSAGE_BYTES + getsizeof(change.text) + getsizeof(change.earlier_text) + getsizeof(row.preview)
        case HeadMoved(_, row, message, change):
            texts = [message.text] if message else [change.text, change.earlier_text] if change else []
            return MESSAGE_BYTES + getsizeof(row.preview) + sum(map(getsizeof, texts))
        case GroupChanged(row):
            return ROW_BYTES + getsizeof(row.preview)
    return SMALL_BYTES


def conflation_key(event: LiveEvent) -> str | None:
    """Return a key that a later event shares if it says all that this one says; None for messages and changes."""
    match event:
        case MessageAppended() | MessageChanged():
            return None
        case HeadMoved(_, row, message, change):
            return None if message or change else f"head {row.group_uuid}"
        case GroupChanged(row):
            return f"group {row.group_uuid}"
        case MarkerMoved(_, group, user) | TypingChanged(_, group, user):
            return f"{event.kind} {group} {user}"
        case ProfileChanged(_, user) | PresenceChanged(_, user):
            return f"{event.kind} {user}"
    return event.kind


def state_of(event: LiveEvent) -> LiveEvent | None:
    """Return what a resumed stream needs of an event: the row, if it reads the log for the rest.

    Of typing and presence it needs nothing.
    """
    match event:
        case MessageAppended(_, row) | MessageChanged(_, row):
            return GroupChanged(row)
        case HeadMoved(to, row):
            return HeadMoved(to, row)
        case TypingChanged() | PresenceChanged():
            return None
    return event


def order_of(event: LiveEvent) -> int:
    """Return a number that is lower for the older one of two events with the same key; 0 if the later one counts."""
    match event:
        case GroupChanged(row):
            return row.view_version
        case HeadMoved(_, row):
            return row.head_version
        case MarkerMoved():
            return event.number + event.received_number  # of one row, where both only grow
    return 0


def encode(event: LiveEvent) -> bytes:
    """Return the event as JSON."""
    return _adapter.dump_json(event)


def decode(payload: bytes, *, to: UUID) -> LiveEvent:
    """Return the event, or EventsLost for a payload of a newer version of the service."""
    try:
        return _adapter.validate_json(payload)
    except ValidationError:
        log.warning("event_not_understood")
        return EventsLost(to)
