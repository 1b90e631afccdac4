"""Schemas of changes of messages."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.http.types import EXAMPLE_UUID, RequestModel, Timestamp, Uuid
from app.messaging.mention_schemas import MAX_MENTIONS, Mentions
from app.messaging.models import LAST_NUMBER, Change, ChangeDraft, ChangeType
from app.messaging.schemas import AS_STRING, MAX_TEXT, MAX_VERSION, TEXT
from app.users.schemas import display_name_of, handle_of


@dataclass(slots=True)
class ChangeView:
    """A change of a message by a member. A client applies it to a message with a lower `change_number`."""

    change_number: Annotated[
        int, Field(ge=1, le=LAST_NUMBER, description="Position in the group: 1, 2, 3, … without gaps", examples=[7])
    ]
    uuid: Annotated[Uuid, Field(description="Id of the change", examples=[EXAMPLE_UUID])]
    message_group_uuid: Annotated[Uuid, Field(description="Id of the group", examples=[EXAMPLE_UUID])]
    number: Annotated[
        int, Field(ge=1, le=LAST_NUMBER, description="Number of the message that is changed", examples=[42])
    ]
    type: Annotated[
        ChangeType,
        AS_STRING,
        Field(
            description="`edit`: the message has another text. `delete`: its text and reactions are gone."
            " `react`, `unreact`: the member has reacted with the emoji, or does not any more. More types may be added",
            examples=["edit"],
        ),
    ]
    user_uuid: Annotated[Uuid, Field(description="The member", examples=[EXAMPLE_UUID])]
    created_at: Annotated[Timestamp, Field(description="Time of acceptance")]
    message: Annotated[
        str | None,
        Field(
            description="Of an `edit` the new text; null once it is removed: by a deletion of the message or, where"
            " earlier texts are not shown, by a later edit",
            max_length=MAX_TEXT,
            examples=["Shall we ship it tomorrow?"],
        ),
    ]
    version: Annotated[
        int | None, Field(ge=2, le=MAX_VERSION, description="Of an `edit` the new version", examples=[2])
    ]
    emoji: Annotated[
        str | None,
        Field(description="The emoji of a reaction", min_length=1, max_length=16, examples=["👍"]),
    ]
    mentions: Annotated[
        list[Uuid],
        Field(
            description="Ids of the members that the message mentions after an `edit`, in order",
            max_length=MAX_MENTIONS,
            examples=[[EXAMPLE_UUID]],
        ),
    ]

    @classmethod
    def of(cls, change: Change) -> "ChangeView":
        return cls(
            change.number,
            change.uuid,
            change.group_uuid,
            change.message_number,
            change.type,
            change.user_uuid,
            change.created_at,
            change.text,
            change.version,
            change.emoji,
            sorted(change.mentions),
        )


class MessageEdit(RequestModel):
    """Another text for a message of the caller's."""

    message: str = Field(
        description="The new text; the rules are those of a new message",
        json_schema_extra=TEXT,
        examples=["Shall we ship it tomorrow?"],
    )
    uuid: Uuid | None = Field(
        None,
        description="The client's id of this edit, best a UUIDv7: an edit that is repeated with the same uuid, text and"
        " version is applied once",
        examples=[EXAMPLE_UUID],
    )
    mentions: Mentions | None = Field(
        None,
        description="Ids of the members that the message mentions from now on, in any order; without it they stay",
        examples=[[EXAMPLE_UUID]],
    )

    def draft(self, user: UUID, group: UUID, number: int, *, version: int) -> ChangeDraft:
        """Return the user's edit of the version of a message."""
        mentions = None if self.mentions is None else frozenset(self.mentions)
        edit = ChangeType.EDIT
        return ChangeDraft(
            user, group, number, edit, text=self.message, version=version, uuid=self.uuid, mentions=mentions
        )


@dataclass(slots=True)
class EditView:
    """An earlier text of a message."""

    version: Annotated[int, Field(ge=1, le=MAX_VERSION, description="1 is the text that was sent", examples=[1])]
    message: Annotated[str, Field(description="The text", max_length=MAX_TEXT, examples=["Shall we ship it today?"])]
    created_at: Annotated[Timestamp, Field(description="Time of acceptance of this text")]


@dataclass(slots=True)
class ReactingUserView:
    """A member's reaction to a message."""

    emoji: Annotated[str, Field(description="The emoji, fully qualified", min_length=1, max_length=16, examples=["👍"])]
    user_uuid: Annotated[Uuid, Field(description="The member", examples=[EXAMPLE_UUID])]
    display_name: Annotated[str, display_name_of("the member")]
    handle: Annotated[str | None, handle_of("the member")]
