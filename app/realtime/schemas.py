"""Events and changes on the wire."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.http.types import EXAMPLE_UUID, RequestModel, ResponseModel, Uuid
from app.messaging.catchup import GROUPS, MESSAGES, SyncCursor
from app.messaging.models import LAST_NUMBER
from app.messaging.schemas import MAX_VERSION, MessageGroupView, MessageView
from app.users.schemas import UserShortView


class MessageEvent(ResponseModel):
    """A message landed in one of one's groups, from whomever."""

    type: Literal["message"] = Field(description="Kind of event")
    message: MessageView = Field(description="The message")
    group: MessageGroupView = Field(description="The group as one sees it since, or later")


class ReadEvent(ResponseModel):
    """A member, maybe oneself on another device, has read up to a number. Whoever sends has read up to that, too."""

    type: Literal["read"] = Field(description="Kind of event")
    message_group_uuid: Uuid = Field(description="The group", examples=[EXAMPLE_UUID])
    user_uuid: Uuid = Field(description="Who has read", examples=[EXAMPLE_UUID])
    number: int = Field(ge=0, le=LAST_NUMBER, description="Number of the last message read", examples=[42])


class GroupEvent(ResponseModel):
    """One's own view of a group changed. Of two views the one with the greater `version` is newer."""

    type: Literal["group"] = Field(description="Kind of event")
    group: MessageGroupView = Field(description="The group as one sees it now")


class ProfileEvent(ResponseModel):
    """Somebody in one's groups, or oneself, has another name."""

    type: Literal["profile"] = Field(description="Kind of event")
    user: UserShortView = Field(description="The user with the new name")


class TypingEvent(ResponseModel):
    """Another member types, or has stopped. It counts for 15 s, or until their next message."""

    type: Literal["typing"] = Field(description="Kind of event")
    message_group_uuid: Uuid = Field(description="The group", examples=[EXAMPLE_UUID])
    user_uuid: Uuid = Field(description="Who types", examples=[EXAMPLE_UUID])
    is_typing: bool = Field(description="False: has stopped", examples=[True])


class ResyncEvent(ResponseModel):
    """The stream does not go on from what one had: ask `sync_changes` for what changed."""

    type: Literal["resync"] = Field(description="Kind of event")
    reason: str = Field(
        description="Why: `new` stream, the last id has `expired`, too much waited (`overflow`); more may come",
        max_length=32,
        pattern="^[a-z-]+$",
        examples=["new"],
    )


EventView = TypeAliasType(
    "EventView",
    Annotated[
        MessageEvent | ReadEvent | GroupEvent | ProfileEvent | TypingEvent | ResyncEvent,
        Field(
            discriminator="type",
            description="Something that happened, by its `type`. More kinds will come: ignore what you do not know.",
        ),
    ],
)
"""Named, so that it has a name in the OpenAPI document and in what is generated from it."""


class KnownGroup(RequestModel):
    """What one has of a group."""

    number: Annotated[int, Field(strict=True, ge=0, le=LAST_NUMBER)] = Field(
        description="Highest number of the messages one has; 0 for none", examples=[42]
    )
    version: Annotated[int, Field(strict=True, ge=0, le=MAX_VERSION)] = Field(
        description="`version` of the group one has; 0 for none", examples=[57]
    )

    def known(self) -> SyncCursor:
        return SyncCursor(self.number, self.version)


class SyncCreate(RequestModel):
    """What one has."""

    groups: Annotated[dict[Uuid, KnownGroup], Field(max_length=GROUPS)] = Field(
        description="By id of the group, the most recently active ones first; empty for nothing",
        examples=[{EXAMPLE_UUID: {"number": 42, "version": 57}}],
    )


class SyncView(ResponseModel):
    """What changed meanwhile."""

    groups: Annotated[list[MessageGroupView], Field(max_length=2 * GROUPS)] = Field(
        description="Groups that one has not, or in another version, of the 150 newest and of those that were named"
    )
    messages: Annotated[list[MessageView], Field(max_length=MESSAGES)] = Field(
        description="Messages after `number` of the groups that were named, 100 in all at most; where a group's"
        " `last_number` is greater still, `list_messages` has the rest"
    )
    gone: Annotated[list[Uuid], Field(max_length=GROUPS)] = Field(
        description="Named groups that one is not in", examples=[[EXAMPLE_UUID]]
    )
