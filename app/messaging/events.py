"""What happened to whom: each event is for one person, and says who that is by `to`.

They are told after the rows are written. The log and the rows are the truth; an event that gets lost is found there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from app.messaging.models import InboxRow, Message


@dataclass(frozen=True, slots=True)
class MessageAppended:
    """A message landed in a group; `row` is the receiver's own, as the message left it or as somebody did since."""

    message: Message
    row: InboxRow
    kind: Literal["message"] = "message"

    @property
    def to(self) -> UUID:
        return self.row.user_uuid


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """The receiver's own row of a group is another one now."""

    row: InboxRow
    kind: Literal["group"] = "group"

    @property
    def to(self) -> UUID:
        return self.row.user_uuid


@dataclass(frozen=True, slots=True)
class MarkerMoved:
    """A member, maybe the receiver on another device, has read up to a number."""

    to: UUID
    group_uuid: UUID
    user_uuid: UUID
    number: int
    kind: Literal["read"] = "read"


@dataclass(frozen=True, slots=True)
class TypingChanged:
    """Another member began to type, goes on, or stopped."""

    to: UUID
    group_uuid: UUID
    user_uuid: UUID
    is_typing: bool
    kind: Literal["typing"] = "typing"


Event: TypeAlias = MessageAppended | GroupChanged | MarkerMoved | TypingChanged
Publish: TypeAlias = Callable[..., Awaitable[None]]
"""Takes any number of events. It is quick, as answers wait for it, and it never raises."""


async def nobody_listens(*_: Event) -> None:
    """For processes that publish nothing, such as the command line."""
