"""Message groups and messages on the wire."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from app.http.types import EXAMPLE_UUID, HANDLE, PlainDigits, RequestModel, ResponseModel, Timestamp, Uuid, never_null
from app.messaging.models import LAST_NUMBER, Draft, GroupKind, InboxRow, MemberState, Message, MessageKind
from app.users.models import Name

Number = Annotated[int, Field(strict=True, ge=1, le=LAST_NUMBER)]
"""The number of a message in a body."""
NumberParameter = Annotated[int, Field(ge=1, le=LAST_NUMBER), PlainDigits]
"""The number of a message in a query."""
MAX_VERSION = 2**53 - 1
"""The greatest integer that JavaScript counts to."""
MAX_TEXT = 16 * 1024
"""Of a text in an answer: what fits into a request's body, as white space around it is kept and does not count."""
ONE_TARGET = {
    "if": {"required": ["handle"]},
    "then": {"not": {"required": ["message_group_uuid"]}},
    "else": {"required": ["message_group_uuid"]},
}
TEXT: dict[str, Any] = {"minLength": 1, "maxLength": 1024, "pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}
"""What Messaging checks of a text, with codes of its own."""

_display_name: Any = Field(description="Name for people", min_length=1, max_length=50, examples=["Amélie Laurent"])
_handle: Any = Field(
    description="Unique name; null when the account is gone",
    min_length=3,
    max_length=30,
    pattern=HANDLE,
    examples=["amelie"],
)


def _one_target(schema: dict[str, Any]) -> None:
    never_null(schema)
    schema |= ONE_TARGET


class MessageCreate(RequestModel):
    """A message to a group that one is in, or to a person; exactly one of the two."""

    model_config = ConfigDict(json_schema_extra=_one_target)

    message: str = Field(
        description="The text: 1 to 1024 characters after trimming; kept and given back exactly as sent",
        json_schema_extra=TEXT,
        examples=["Shall we ship it today?"],
    )
    message_group_uuid: Uuid | None = Field(None, description="The group to append to", examples=[EXAMPLE_UUID])
    handle: str | None = Field(
        None,
        description="The person to write to, with whom a direct group is started or found; case does not matter",
        max_length=64,
        json_schema_extra={"minLength": 3, "maxLength": 31, "pattern": r"^@?[A-Za-z0-9_]{3,30}$"},
        examples=["amelie"],
    )
    uuid: Uuid | None = Field(
        None,
        description="The client's id of this message, best a UUIDv7. A repeated send with the same uuid and content"
        " is answered with the same message and adds none.",
        examples=[EXAMPLE_UUID],
    )
    after: Annotated[int, Field(strict=True, ge=0, le=LAST_NUMBER)] | None = Field(
        None,
        description="The group's last number that the client knew when it tried this uuid first (0: none). With it,"
        " a send may be repeated for ever; without it, while fewer than 16 other messages have landed.",
        examples=[41],
    )
    reply_to: Number | None = Field(None, description="The number of the message this answers", examples=[40])

    def draft(self, user: Uuid) -> Draft:
        return Draft(user, self.message, self.uuid, self.after, self.reply_to)


class MessageView(ResponseModel):
    """A message of a group's log."""

    uuid: Uuid = Field(description="Id of the message", examples=[EXAMPLE_UUID])
    message_group_uuid: Uuid = Field(description="The group it belongs to", examples=[EXAMPLE_UUID])
    number: int = Field(
        ge=1, le=LAST_NUMBER, description="Its place in the group: 1, 2, 3, … without holes", examples=[42]
    )
    kind: MessageKind = Field(description="What sort of entry this is", examples=["text"])
    user_uuid: Uuid = Field(description="The sender", examples=[EXAMPLE_UUID])
    display_name: str = _display_name
    handle: str | None = _handle
    message: str = Field(description="The text", max_length=MAX_TEXT, examples=["Shall we ship it today?"])
    created_at: Timestamp = Field(description="When it was accepted")
    reply_to: int | None = Field(
        description="The number of the message this answers", ge=1, le=LAST_NUMBER, examples=[40]
    )
    edited_at: Timestamp | None = Field(description="When it was last changed")
    deleted_at: Timestamp | None = Field(description="When it was deleted for everyone; the text is empty then")

    @classmethod
    def of(cls, message: Message, sender: Name) -> "MessageView":
        return cls(
            uuid=message.uuid,
            message_group_uuid=message.group_uuid,
            number=message.number,
            kind=message.kind,
            user_uuid=message.user_uuid,
            display_name=sender.display_name,
            handle=sender.handle,
            message=message.text,
            created_at=message.created_at,
            reply_to=message.reply_to,
            edited_at=message.edited_at,
            deleted_at=message.deleted_at,
        )


class MessageGroupView(ResponseModel):
    """A group as one of its members sees it."""

    uuid: Uuid = Field(description="Id of the group", examples=[EXAMPLE_UUID])
    kind: GroupKind = Field(description="`direct`: the one group of two people", examples=["direct"])
    display_name: str = Field(
        description="Name of the other person", min_length=1, max_length=50, examples=["Amélie Laurent"]
    )
    handle: str | None = Field(
        description="Unique name of the other person; null when it is gone",
        min_length=3,
        max_length=30,
        pattern=HANDLE,
        examples=["amelie"],
    )
    message: str = Field(
        description="Beginning of the last text, at most 120 bytes", max_length=120, examples=["Shall we ship it"]
    )
    created_at: Timestamp = Field(description="Time of the last activity")
    last_number: int = Field(ge=1, le=LAST_NUMBER, description="Number of the last message", examples=[42])
    last_message_by: Uuid = Field(description="Sender of the last message", examples=[EXAMPLE_UUID])
    read_number: int = Field(ge=0, le=LAST_NUMBER, description="Number up to which one has read", examples=[40])
    unread_count: int = Field(ge=0, le=LAST_NUMBER, description="last_number - read_number", examples=[2])
    state: MemberState = Field(description="Where one stands towards the group", examples=["active"])
    muted_until: Timestamp | None = Field(description="No notifications before this time")
    pinned_at: Timestamp | None = Field(description="When one pinned the group")
    version: int = Field(ge=1, le=MAX_VERSION, description="Grows with every change of this view", examples=[57])

    @classmethod
    def of(cls, row: InboxRow, peer: Name) -> "MessageGroupView":
        return cls(
            uuid=row.group_uuid,
            kind=GroupKind.DIRECT,
            display_name=peer.display_name,
            handle=peer.handle,
            message=row.preview,
            created_at=row.last_at,
            last_number=row.last_number,
            last_message_by=row.last_by,
            read_number=row.read_number,
            unread_count=row.unread_count,
            state=row.state,
            muted_until=row.muted_until,
            pinned_at=row.pinned_at,
            version=row.version,
        )


class ReadMarkerUpdate(RequestModel):
    """How far one has read."""

    number: Number = Field(description="Number of the last message that was read", examples=[42])


class ReadMarkerView(ResponseModel):
    """How far a member has read."""

    user_uuid: Uuid = Field(description="The member", examples=[EXAMPLE_UUID])
    number: int = Field(
        ge=0, le=LAST_NUMBER, description="Number of the last message that was read; 0 for none", examples=[42]
    )


class TypingView(ResponseModel):
    """How long it counts that one types."""

    expires_in: int = Field(ge=0, le=60, description="Seconds until it must be said again; 0: it ended", examples=[15])


class CounterView(ResponseModel):
    """How much waits for the reader."""

    count: int = Field(ge=0, le=MAX_VERSION, description="Groups with unread messages", examples=[3])
