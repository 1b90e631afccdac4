"""The lines of an export of the caller's own data."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.http.types import EXAMPLE_UUID, ResponseModel, Timestamp, Uuid
from app.messaging.change_schemas import EditView
from app.messaging.group_schemas import MessageGroupView, ReadMarkerView
from app.messaging.groups.schemas import MemberView
from app.messaging.models import LAST_NUMBER
from app.messaging.schemas import MAX_VERSION, MessageView
from app.messaging.settings.schemas import SettingsView
from app.settings import LARGEST_GROUP
from app.users.schemas import UserView

Count = Annotated[int, Field(ge=0, le=MAX_VERSION)]


class ProfileLine(ResponseModel):
    """The caller; the first line."""

    type: Literal["profile"] = Field(description="Type of line")
    user: UserView = Field(description="The caller")
    settings: SettingsView = Field(description="The caller's settings")
    exported_at: Timestamp = Field(description="Time of the begin of the export")


class GroupLine(ResponseModel):
    """A message group of the caller; its messages follow."""

    type: Literal["group"] = Field(description="Type of line")
    group: MessageGroupView = Field(description="The caller's view of the group")
    read_markers: list[ReadMarkerView] = Field(description="How far each member has read", max_length=100)
    members: list[MemberView] = Field(
        description="The members of a `group`; empty for a `direct` group, whose other user `group` names",
        max_length=LARGEST_GROUP,
    )


class MessageLine(ResponseModel):
    """A message of the group before it, in the order of the numbers."""

    type: Literal["message"] = Field(description="Type of line")
    message: MessageView = Field(description="The message as the caller sees it")


class EditsLine(ResponseModel):
    """The earlier texts of the message before it, as far as members can read them."""

    type: Literal["edits"] = Field(description="Type of line")
    message_group_uuid: Uuid = Field(description="The group", examples=[EXAMPLE_UUID])
    number: int = Field(ge=1, le=LAST_NUMBER, description="Number of the message", examples=[42])
    edits: list[EditView] = Field(description="Earlier texts, the newest first", max_length=50)


class EndLine(ResponseModel):
    """The end of a whole export, with the numbers of its other lines: a file without it was cut off."""

    type: Literal["end"] = Field(description="Type of line")
    groups: Count = Field(description="Lines of type `group`", examples=[3])
    messages: Count = Field(description="Lines of type `message`", examples=[120])
    edits: Count = Field(description="Lines of type `edits`", examples=[2])


class ProblemLine(ResponseModel):
    """The reason why an export ends here, before it is whole: the members of a problem document; the last line."""

    type: Literal["problem"] = Field(description="Type of line")
    status: int = Field(ge=400, le=599, description="The status that an answer would have", examples=[503])
    code: str = Field(
        description="Stable name of the problem type; switch on this", max_length=64, examples=["unavailable"]
    )
    detail: str = Field(
        description="Explanation for developers",
        max_length=1000,
        examples=["The services this request needs were too slow"],
    )


ExportLine = TypeAliasType(
    "ExportLine",
    Annotated[
        ProfileLine | GroupLine | MessageLine | EditsLine | EndLine | ProblemLine,
        Field(
            discriminator="type",
            description="A line of an export, by its `type`. More types will be added: keep those that are not known.",
        ),
    ],
)
"""A named type, so that the OpenAPI document and generated clients have a name for it."""
