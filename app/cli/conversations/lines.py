"""The lines of an export: changes, messages, rows and users, and a last line that says that nothing is missing."""

from collections import Counter
from dataclasses import asdict, replace
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Field,
    TypeAdapter,
    model_validator,
)

from app.cli.conversations.head_lines import ChangeNumber, HeadLine, LineModel, Number, Numbers
from app.messaging.groups.models import MAX_TITLE, Role, SystemEvent, has_head
from app.messaging.hiding import MAX_HIDDEN
from app.messaging.mention_schemas import MAX_MENTIONS
from app.messaging.models import Block, Change, ChangeType, Message, MessageKind, direct_group_uuid
from app.messaging.preview import PREVIEW_BYTES
from app.messaging.row_models import MAX_GONE, Folder, InboxRow, MemberState
from app.messaging.schemas import MAX_TEXT
from app.messaging.settings.items import Senders, UserSettings
from app.users.models import NewUser, StoredErasure
from app.users.schemas import ABOUT_LENGTH, HandleCreate

Emoji = Annotated[str, Field(min_length=1, max_length=64)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


Mentions = Annotated[
    tuple[UUID, ...], Field(max_length=MAX_MENTIONS), AfterValidator(lambda users: tuple(sorted(users)))
]


class MessageLine(LineModel):
    """A message on a line of an export."""

    entity: Literal["message"] = "message"
    group_uuid: UUID
    number: Number
    uuid: UUID
    user_uuid: UUID
    text: Annotated[str, Field(max_length=MAX_TEXT)]
    created_at: AwareDatetime
    kind: MessageKind = MessageKind.TEXT
    reply_to: Number | None = None
    expires_in: Annotated[int, Field(ge=1)] | None = None
    edited_at: AwareDatetime | None = None
    deleted_at: AwareDatetime | None = None
    version: Annotated[int, Field(ge=1)] = 1
    change_number: ChangeNumber = 0
    edits: tuple[Number, ...] = ()
    reactions: dict[Emoji, list[UUID]] = Field(default_factory=dict)
    mentions: Mentions = ()
    hidden_by: list[UUID] = Field(default_factory=list)
    event: SystemEvent | None = None
    ended_at: AwareDatetime | None = None

    @classmethod
    def of(cls, message: Message) -> Self:
        """Return the line of a message; reactions come in the order of their emoji."""
        reactions = {emoji: sorted(users) for emoji, users in sorted(message.reactions.items())}
        stored = asdict(replace(message, quoted=None))
        del stored["quoted"]
        sets = {"mentions": tuple(sorted(message.mentions)), "hidden_by": sorted(message.hidden_by)}
        return cls(**stored | {"reactions": reactions} | sets)

    def value(self) -> Message:
        reactions = {emoji: frozenset(users) for emoji, users in self.reactions.items()}
        sets = {"mentions": frozenset(self.mentions), "hidden_by": frozenset(self.hidden_by), "event": self.event}
        return Message(**self.model_dump(exclude={"entity", "event"}) | {"reactions": reactions} | sets)


class ChangeLine(LineModel):
    """A change of a message on a line of an export."""

    entity: Literal["change"] = "change"
    group_uuid: UUID
    number: Number
    uuid: UUID
    user_uuid: UUID
    created_at: AwareDatetime
    type: ChangeType
    message_number: Number
    text: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    earlier_text: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    version: Annotated[int, Field(ge=2)] | None = None
    emoji: Emoji | None = None
    mentions: Mentions = ()

    def value(self) -> Change:
        return Change(**self.model_dump(exclude={"entity"}) | {"mentions": frozenset(self.mentions)})


class InboxRowLine(LineModel):
    """A member's inbox row on a line of an export."""

    entity: Literal["inbox_row"] = "inbox_row"
    user_uuid: UUID
    group_uuid: UUID
    peer_uuid: UUID | None
    last_number: Number
    last_at: AwareDatetime
    last_by: UUID
    preview: Annotated[str, Field(max_length=PREVIEW_BYTES)]
    read_number: Annotated[int, Field(ge=0)]
    version: Annotated[int, Field(ge=1)]
    state: MemberState = MemberState.ACTIVE
    is_blocked: bool = False
    muted_until: AwareDatetime | None = None
    pinned_at: AwareDatetime | None = None
    change_number: ChangeNumber = 0
    changed_at: AwareDatetime | None = None
    mentioned: Annotated[tuple[Number, ...], Field(max_length=MAX_MENTIONS)] = ()
    received_number: Annotated[int, Field(ge=0)] = 0
    expires_at: AwareDatetime | None = None
    gone: Annotated[dict[Number, AwareDatetime], Field(max_length=MAX_GONE)] = Field(default_factory=dict)
    hidden: Annotated[tuple[Number, ...], Field(max_length=MAX_HIDDEN)] = ()
    hide_count: Annotated[int, Field(ge=0)] = 0
    is_marked_unread: bool = False
    blocked_at: AwareDatetime | None = None
    peer_read: Annotated[int, Field(ge=0)] | None = None
    peer_delivered: Annotated[int, Field(ge=0)] = 0
    folder: Folder = Folder.INBOX
    awaits_acceptance: bool = False
    cleared_number: Annotated[int, Field(ge=0)] = 0
    pin_position: Annotated[int, Field(ge=1)] | None = None
    title: Annotated[str, Field(max_length=MAX_TITLE)] | None = None
    member_count: Annotated[int, Field(ge=0)] = 2
    role: Role = Role.MEMBER
    systems: Numbers = ()
    head_version: Annotated[int, Field(ge=0)] = 0
    is_open: bool = False
    shows_history: bool = False

    @classmethod
    def of(cls, row: InboxRow) -> Self:
        """Return the line of a row."""
        numbers = {"mentioned": tuple(sorted(row.mentioned)), "systems": tuple(sorted(row.systems))}
        stored = asdict(row)
        del stored["ends_at"]
        return cls(**stored | numbers)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        if self.peer_uuid is None:
            if not has_head(self.group_uuid) or self.title is None:
                raise ValueError("peer_uuid is missing, and the row is of no group of several members")
        elif self.group_uuid != direct_group_uuid(self.user_uuid, self.peer_uuid):
            raise ValueError("group_uuid is not the group of user_uuid and peer_uuid")
        elif max(self.read_number, self.received_number, self.cleared_number) > self.last_number:
            raise ValueError("a marker is beyond last_number")
        if bool(self.change_number) != bool(self.changed_at):
            raise ValueError("change_number and changed_at belong together")
        return self

    def value(self) -> InboxRow:
        sets = {"mentioned": frozenset(self.mentioned), "systems": frozenset(self.systems)}
        return InboxRow(**self.model_dump(exclude={"entity"}) | sets)


class BlockLine(LineModel):
    """A user's block of another on a line of an export."""

    entity: Literal["block"] = "block"
    user_uuid: UUID
    other_uuid: UUID
    blocked_at: AwareDatetime

    def value(self) -> Block:
        return Block(**self.model_dump(exclude={"entity"}))


class UserLine(LineModel):
    """A user on a line of an export."""

    entity: Literal["user"] = "user"
    uuid: UUID
    handle: HandleCreate
    display_name: Annotated[str, Field(min_length=1, max_length=50)]
    cognito_user_id: Annotated[str, Field(min_length=1)]
    email: str | None = None
    created_at: AwareDatetime
    disabled_at: AwareDatetime | None = None
    disabled_until: AwareDatetime | None = None
    disabled_reason: str | None = None
    about: Annotated[str, Field(max_length=ABOUT_LENGTH)] = ""
    is_discoverable: bool = True

    def value(self) -> NewUser:
        return NewUser(**self.model_dump(exclude={"entity"}))


class SettingsLine(LineModel):
    """A user's settings on a line of an export."""

    entity: Literal["settings"] = "settings"
    user_uuid: UUID
    receipts: bool = True
    messages_from: Senders = "everyone"
    typing: bool = True
    presence: bool = False

    def value(self) -> UserSettings:
        return UserSettings(**self.model_dump(exclude={"entity", "user_uuid"}))


class ErasureLine(LineModel):
    """An erased user on a line of an export: digests in place of the handle and of the account's subject."""

    entity: Literal["erasure"] = "erasure"
    user_uuid: UUID
    subject_digest: Digest
    handle_digest: Digest | None = None
    erased_at: AwareDatetime
    handle_held_until: AwareDatetime
    removes_messages: bool

    @classmethod
    def of(cls, erasure: StoredErasure) -> Self:
        digests = {"subject_digest": erasure.subject_digest.hex()}
        if erasure.handle_digest:
            digests["handle_digest"] = erasure.handle_digest.hex()
        return cls.model_validate(asdict(erasure) | digests)

    def value(self) -> StoredErasure:
        return StoredErasure(
            self.user_uuid,
            bytes.fromhex(self.subject_digest),
            bytes.fromhex(self.handle_digest) if self.handle_digest else None,
            self.erased_at,
            self.handle_held_until,
            self.removes_messages,
        )


class EndLine(LineModel):
    """The last line of an export, with the numbers of the others."""

    entity: Literal["end"] = "end"
    messages: int
    inbox_rows: int
    users: int
    changes: int = 0
    settings: int = 0
    erasures: int = 0
    blocks: int = 0
    heads: int = 0
    """None of these in an export of an earlier version."""


GroupLine = ChangeLine | MessageLine | HeadLine | InboxRowLine
Line = GroupLine | BlockLine | UserLine | SettingsLine | ErasureLine | EndLine
ENTITIES: Final = frozenset({"change", "message", "head", "inbox_row", "block", "user", "settings", "erasure", "end"})
LINE: Final = TypeAdapter[Line](Annotated[Line, Field(discriminator="entity")])


def end_line(written: Counter[str]) -> EndLine:
    """Return the line that ends an export with so many lines of each entity."""
    return EndLine(
        messages=written["message"],
        inbox_rows=written["inbox_row"],
        users=written["user"],
        changes=written["change"],
        settings=written["settings"],
        erasures=written["erasure"],
        blocks=written["block"],
        heads=written["head"],
    )
