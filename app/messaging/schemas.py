"""Schemas of messages."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, GetPydanticSchema
from pydantic_core.core_schema import simple_ser_schema

from app.http.types import EXAMPLE_UUID, PlainDigits, RequestModel, Timestamp, Uuid, never_null
from app.messaging.groups.event_schemas import SystemEventView
from app.messaging.mention_schemas import MAX_MENTIONS, Mentions, MentionView
from app.messaging.models import LAST_NUMBER, Draft, Message, MessageKind
from app.messaging.preview import preview
from app.users.models import Name
from app.users.schemas import GIVEN_HANDLE, display_name_of, handle_of

Number = Annotated[int, Field(strict=True, ge=1, le=LAST_NUMBER)]
"""The number of a message in a body."""
NumberParameter = Annotated[int, Field(ge=1, le=LAST_NUMBER), PlainDigits]
"""The number of a message in a query."""
MAX_VERSION = 2**53 - 1
"""The greatest integer that a JavaScript number holds exactly."""
MAX_TEXT = 16 * 1024
"""The greatest length of a text in an answer. Earlier versions did not count the white space around a text."""
MIN_EXPIRES_IN, MAX_EXPIRES_IN = 5, 28 * 24 * 3600
"""Seconds until a message expires: at most four weeks."""
AS_STRING = GetPydanticSchema(lambda kind, schema_of: {**schema_of(kind), "serialization": simple_ser_schema("str")})
"""Serialises a StrEnum as the string that it is, without asking it for its value."""
ONE_TARGET = {
    "if": {"required": ["handle"]},
    "then": {"not": {"required": ["message_group_uuid"]}},
    "else": {"required": ["message_group_uuid"]},
}
TEXT: dict[str, Any] = {"minLength": 1, "maxLength": 1024, "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}
"""The rules for a text. Messaging checks them, with codes of their own."""

EXPIRES_AT: Any = Field(description="Time from which the text is empty for all members; null if the text stays")
IS_HIDDEN: Any = Field(description="Whether the caller has hidden it; the text is empty then", examples=[False])


def with_rule(rule: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a request whose schema has this rule beside that of all requests."""

    def extend(schema: dict[str, Any]) -> None:
        never_null(schema)
        schema |= rule

    return ConfigDict(json_schema_extra=extend)


class MessageCreate(RequestModel):
    """A message to a group of the caller, or to a user, but not to both."""

    model_config = with_rule(ONE_TARGET)

    message: str = Field(
        description="The text: 1 to 1024 characters, not only white space; stored and returned exactly as sent",
        json_schema_extra=TEXT,
        examples=["Shall we ship it today?"],
    )
    message_group_uuid: Uuid | None = Field(None, description="The group to append to", examples=[EXAMPLE_UUID])
    handle: str | None = Field(
        None,
        description="The user to write to: the direct group is found or created. Case does not matter",
        max_length=64,
        json_schema_extra=GIVEN_HANDLE,
        examples=["amelie"],
    )
    uuid: Uuid | None = Field(
        None,
        description="The client's id of this message, best a UUIDv7. A repeated send with the same uuid and content"
        " gets the same answer and adds no message.",
        examples=[EXAMPLE_UUID],
    )
    after: Annotated[int, Field(strict=True, ge=0, le=LAST_NUMBER)] | None = Field(
        None,
        description="The group's last number that the client knew when it first sent this uuid (0: none). With it, a"
        " send may be repeated at any time, and gets one of the 500 numbers after it or none; without it, a send may be"
        " repeated while fewer than 16 other messages were added.",
        examples=[41],
    )
    reply_to: Number | None = Field(None, description="Number of the message that is replied to", examples=[40])
    mentions: Mentions | None = Field(
        None, description="Ids of the members that the message mentions, in any order", examples=[[EXAMPLE_UUID]]
    )
    expires_in: Annotated[int, Field(strict=True, ge=MIN_EXPIRES_IN, le=MAX_EXPIRES_IN)] | None = Field(
        None,
        description="Seconds after which no member sees the text any more; without it the text stays",
        examples=[3600],
    )

    def draft(self, user: Uuid) -> Draft:
        return Draft(
            user,
            self.message,
            self.uuid,
            self.after,
            self.reply_to,
            mentions=frozenset(self.mentions or ()),
            expires_in=self.expires_in,
        )


@dataclass(slots=True)
class ReactionView:
    """The members that have reacted to a message with an emoji."""

    emoji: Annotated[str, Field(description="The emoji, fully qualified", min_length=1, max_length=16, examples=["👍"])]
    count: Annotated[int, Field(ge=1, le=MAX_VERSION, description="Members that have reacted with it", examples=[2])]
    me: Annotated[bool, Field(description="Whether the caller has reacted with it", examples=[True])]

    @classmethod
    def of_all(cls, reactions: Mapping[str, Collection[UUID]], viewer: UUID) -> list["ReactionView"]:
        """Return the reactions of users to a message, by emoji; the most frequent first."""
        views = [cls(emoji, len(users), viewer in users) for emoji, users in reactions.items()]
        return sorted(views, key=lambda view: (-view.count, view.emoji))


@dataclass(slots=True)
class QuoteView:
    """The message that another one replies to, as it stands."""

    number: Annotated[int, Field(ge=1, le=LAST_NUMBER, description="Its number in the group", examples=[40])]
    user_uuid: Annotated[Uuid, Field(description="Its sender", examples=[EXAMPLE_UUID])]
    display_name: Annotated[str, display_name_of("the sender")]
    handle: Annotated[str | None, handle_of("the sender")]
    message: Annotated[
        str,
        Field(
            description="Its text; a long one is cut after at most 79 visible characters, and ends in `…`",
            max_length=160,
            examples=["Shall we ship it"],
        ),
    ]
    deleted_at: Annotated[Timestamp | None, Field(description="Time of its deletion; the text is empty then")]
    expires_at: Annotated[Timestamp | None, EXPIRES_AT]
    is_hidden: Annotated[bool, IS_HIDDEN]

    @classmethod
    def of(cls, message: Message, sender: Name, viewer: UUID) -> "QuoteView":
        return cls(
            message.number,
            message.user_uuid,
            sender.display_name,
            sender.handle,
            preview(message.text),
            message.deleted_at,
            message.expires_at,
            viewer in message.hidden_by,
        )


@dataclass(slots=True)
class MessageView:
    """A message of a group's log, with its changes."""

    uuid: Annotated[Uuid, Field(description="Id of the message", examples=[EXAMPLE_UUID])]
    message_group_uuid: Annotated[Uuid, Field(description="Id of the group", examples=[EXAMPLE_UUID])]
    number: Annotated[
        int, Field(ge=1, le=LAST_NUMBER, description="Position in the group: 1, 2, 3, … without gaps", examples=[42])
    ]
    kind: Annotated[
        MessageKind,
        AS_STRING,
        Field(
            description="`text` was written by its sender; `system` tells what its sender has done to the group",
            examples=["text"],
        ),
    ]
    user_uuid: Annotated[Uuid, Field(description="The sender", examples=[EXAMPLE_UUID])]
    display_name: Annotated[str, display_name_of("the sender")]
    handle: Annotated[str | None, handle_of("the sender")]
    message: Annotated[str, Field(description="The text", max_length=MAX_TEXT, examples=["Shall we ship it today?"])]
    created_at: Annotated[Timestamp, Field(description="Time of acceptance")]
    reply_to: Annotated[
        int | None, Field(description="Number of the message that is replied to", ge=1, le=LAST_NUMBER, examples=[40])
    ]
    edited_at: Annotated[Timestamp | None, Field(description="Time of the last edit")]
    deleted_at: Annotated[
        Timestamp | None, Field(description="Time of deletion for all members; the text is empty then")
    ]
    version: Annotated[
        int, Field(ge=1, le=MAX_VERSION, description="Counts the texts that the message has had, from 1", examples=[1])
    ]
    change_number: Annotated[
        int,
        Field(
            ge=0,
            le=LAST_NUMBER,
            description="Number of the message's last change; it has all changes up to it. 0: none",
            examples=[7],
        ),
    ]
    reactions: Annotated[list[ReactionView], Field(description="The most frequent first", max_length=20)]
    reply: Annotated[
        QuoteView | None,
        Field(
            description="The message that is replied to; null also if it could not be read, and in a message that is"
            " hidden or has expired",
            examples=[
                {
                    "number": 40,
                    "user_uuid": EXAMPLE_UUID,
                    "display_name": "Amélie Laurent",
                    "handle": "amelie",
                    "message": "",
                    "deleted_at": "2026-11-24T09:30:00.123Z",
                    "expires_at": "2026-11-25T09:30:00.123Z",
                    "is_hidden": False,
                }
            ],
        ),
    ]
    mentions: Annotated[
        list[MentionView],
        Field(
            description="The members that it mentions, in the order of their ids",
            max_length=MAX_MENTIONS,
            examples=[[{"user_uuid": EXAMPLE_UUID, "display_name": "Amélie Laurent", "handle": "amelie"}]],
        ),
    ]
    expires_at: Annotated[Timestamp | None, EXPIRES_AT]
    is_hidden: Annotated[bool, IS_HIDDEN]
    event: Annotated[
        SystemEventView | None,
        Field(
            description="What a message of `kind` `system` tells, whose text is empty; null in all others",
            examples=[{"type": "renamed", "users": [], "title": "Launch week", "role": "admin"}],
        ),
    ]

    @classmethod
    def of(
        cls, message: Message, names: Mapping[UUID, Name], viewer: UUID, quote: QuoteView | None = None
    ) -> "MessageView":
        """Return a message for a viewer; `names` has those of its sender and of the members that it mentions."""
        sender = names[message.user_uuid]
        return cls(
            message.uuid,
            message.group_uuid,
            message.number,
            message.kind,
            message.user_uuid,
            sender.display_name,
            sender.handle,
            message.text,
            message.created_at,
            message.reply_to,
            message.edited_at,
            message.deleted_at,
            message.version,
            message.change_number,
            ReactionView.of_all(message.reactions, viewer) if message.reactions else [],
            quote,
            MentionView.of_all(message.mentions, names) if message.mentions else [],
            message.expires_at,
            viewer in message.hidden_by,
            SystemEventView.of(message.event, names) if message.event else None,
        )
