"""Events and changes as the API shows them."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field
from typing_extensions import TypeAliasType

from app.http.types import EXAMPLE_UUID, RequestModel, ResponseModel, Timestamp, Uuid
from app.messaging.catchup import GROUPS, MESSAGES, SyncCursor
from app.messaging.change_schemas import ChangeView
from app.messaging.events import MarkerMoved, TypingChanged
from app.messaging.group_schemas import DELIVERED_NUMBER, MessageGroupView
from app.messaging.models import LAST_NUMBER
from app.messaging.schemas import MAX_VERSION, MessageView
from app.realtime.events import PresenceChanged, ProfileChanged
from app.users.schemas import UserShortView


class MessageEvent(ResponseModel):
    """A message was appended to a group of the user's, by any member."""

    type: Literal["message"] = Field(description="Type of event")
    message: MessageView = Field(description="The message")
    group: MessageGroupView = Field(description="The user's view of the group after the message, or later")


class ChangeEvent(ResponseModel):
    """A message of a group of the user's was changed, by any member."""

    type: Literal["change"] = Field(description="Type of event")
    change: ChangeView = Field(description="The change; `change_number` counts those of a group without gaps")
    group: MessageGroupView = Field(description="The user's view of the group after the change, or later")


class ReadEvent(ResponseModel):
    """A member, or the user on another device, has read or received up to a number. Sending counts as reading."""

    type: Literal["read"] = Field(description="Type of event")
    message_group_uuid: Uuid = Field(description="The group", examples=[EXAMPLE_UUID])
    user_uuid: Uuid = Field(description="The member", examples=[EXAMPLE_UUID])
    number: int = Field(ge=0, le=LAST_NUMBER, description="Number of the last message read", examples=[42])
    delivered_number: int = DELIVERED_NUMBER

    @classmethod
    def of(cls, event: MarkerMoved) -> Self:
        """Return the event as the API shows it."""
        return cls(
            type="read",
            message_group_uuid=event.group_uuid,
            user_uuid=event.user_uuid,
            number=event.number,
            delivered_number=event.delivered_number,
        )


class GroupEvent(ResponseModel):
    """The user's own view of a group has changed. Of two views the one with the greater `version` is newer."""

    type: Literal["group"] = Field(description="Type of event")
    group: MessageGroupView = Field(description="The user's present view of the group")


class ProfileEvent(ResponseModel):
    """A user of a common group, or the user, has another display name."""

    type: Literal["profile"] = Field(description="Type of event")
    user: UserShortView = Field(description="The user with the new display name")

    @classmethod
    def of(cls, event: ProfileChanged) -> Self:
        """Return the event as the API shows it."""
        user = UserShortView(uuid=event.uuid, handle=event.handle, display_name=event.display_name)
        return cls(type="profile", user=user)


class TypingEvent(ResponseModel):
    """Another member types, or has stopped typing. Typing expires after 15 s, and with the member's next message."""

    type: Literal["typing"] = Field(description="Type of event")
    message_group_uuid: Uuid = Field(description="The group", examples=[EXAMPLE_UUID])
    user_uuid: Uuid = Field(description="The member", examples=[EXAMPLE_UUID])
    is_typing: bool = Field(description="Whether the member types; false: has stopped", examples=[True])

    @classmethod
    def of(cls, event: TypingChanged) -> Self:
        """Return the event as the API shows it."""
        return cls(
            type="typing",
            message_group_uuid=event.group_uuid,
            user_uuid=event.user_uuid,
            is_typing=event.is_typing,
        )


LAST_SEEN_AT: Any = Field(
    description="The minute in which the user was seen last; null while the user is online, and if it is not known"
)


class PresenceView(ResponseModel):
    """A user that shares presence with the caller. For up to 30 s after the last stream it counts as open."""

    user_uuid: Uuid = Field(description="The user", examples=[EXAMPLE_UUID])
    is_online: bool = Field(description="Whether the user has an event stream open", examples=[True])
    last_seen_at: Timestamp | None = LAST_SEEN_AT


class PresenceEvent(ResponseModel):
    """A user that shares presence with the user is online, or is not any more.

    Without `last_seen_at` the latter means, too, that the user does not share it any more.
    """

    type: Literal["presence"] = Field(description="Type of event")
    user_uuid: Uuid = Field(description="The user", examples=[EXAMPLE_UUID])
    is_online: bool = Field(description="Whether the user has an event stream open", examples=[True])
    last_seen_at: Timestamp | None = LAST_SEEN_AT

    @classmethod
    def of(cls, event: PresenceChanged) -> Self:
        """Return the event as the API shows it."""
        return cls(
            type="presence",
            user_uuid=event.user_uuid,
            is_online=event.is_online,
            last_seen_at=event.last_seen_at,
        )


class ResyncEvent(ResponseModel):
    """The stream does not continue from what the client has: call `sync_changes` for what has changed."""

    type: Literal["resync"] = Field(description="Type of event")
    reason: str = Field(
        description="The stream is `new`, its `Last-Event-ID` has `expired`, too many messages are missing (`gap`)"
        " or too much waited for the client (`overflow`). More reasons may be added",
        max_length=32,
        pattern="^[a-z-]+$",
        examples=["new"],
    )


EventView = TypeAliasType(
    "EventView",
    Annotated[
        MessageEvent | ChangeEvent | ReadEvent | GroupEvent | ProfileEvent | TypingEvent | PresenceEvent | ResyncEvent,
        Field(
            discriminator="type",
            description="A live event, by its `type`. More types will be added: ignore those that are not known.",
        ),
    ],
)
"""A named type, so that the OpenAPI document and generated clients have a name for it."""


class KnownGroup(RequestModel):
    """The client's state of a group."""

    number: Annotated[int, Field(strict=True, ge=0, le=LAST_NUMBER)] = Field(
        description="The highest number of a message that the client has; 0 for none", examples=[42]
    )
    version: Annotated[int, Field(strict=True, ge=0, le=MAX_VERSION)] = Field(
        description="The `version` of the group that the client has; 0 for none", examples=[57]
    )
    change_number: Annotated[int, Field(strict=True, ge=0, le=LAST_NUMBER)] | None = Field(
        None,
        description="The number of the last change that the client has applied; without it no changes are listed",
        examples=[7],
    )

    def cursor(self) -> SyncCursor:
        """Return it as the service compares it."""
        return SyncCursor(self.number, self.version, self.change_number)


class SyncCreate(RequestModel):
    """The client's state."""

    groups: Annotated[dict[Uuid, KnownGroup], Field(max_length=GROUPS)] = Field(
        description="By id of the group, the most recently active groups first; empty if the client has none",
        examples=[{EXAMPLE_UUID: {"number": 42, "version": 57}}],
    )


class SyncView(ResponseModel):
    """The changes that the client does not have."""

    groups: Annotated[list[MessageGroupView], Field(max_length=2 * GROUPS)] = Field(
        description="Of the 150 newest groups and the named groups, those that the client does not have in this version"
    )
    messages: Annotated[list[MessageView], Field(max_length=MESSAGES)] = Field(
        description="Messages after `number` of the named groups, at most 100 in all; where a group's `last_number` is"
        " greater, `list_messages` has the rest"
    )
    changes: Annotated[list[ChangeView], Field(max_length=MESSAGES)] = Field(
        description="Changes after `change_number` of the named groups, at most 100 in all; where a group's"
        " `change_number` is greater, `list_changes` has the rest"
    )
    gone: Annotated[list[Uuid], Field(max_length=GROUPS)] = Field(
        description="Named groups of which the user is not a member", examples=[[EXAMPLE_UUID]]
    )
