"""The line of an export for the head of a group of several members, and what all lines have in common."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from app.messaging.groups.models import MAX_SYSTEMS, MAX_TITLE, Member, Role
from app.messaging.groups.stored import Head
from app.messaging.models import LAST_NUMBER
from app.messaging.preview import PREVIEW_BYTES
from app.settings import LARGEST_GROUP

Number = Annotated[int, Field(ge=1, le=LAST_NUMBER)]
ChangeNumber = Annotated[int, Field(ge=0, le=LAST_NUMBER)]
Numbers = Annotated[tuple[Number, ...], Field(max_length=MAX_SYSTEMS)]


class LineModel(BaseModel):
    """A line, or a part of one, which has no fields but its own."""

    model_config = ConfigDict(extra="forbid")


class MemberEntry(LineModel):
    """A member in the line of a head."""

    user_uuid: UUID
    role: Role
    joined_at: AwareDatetime
    added_by: UUID


class HeadLine(LineModel):
    """The head of a group of several members on a line of an export, with the members of its `structure_version`."""

    entity: Literal["head"] = "head"
    group_uuid: UUID
    title: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    member_count: Annotated[int, Field(ge=0)]
    last_number: Number
    last_at: AwareDatetime
    last_by: UUID
    preview: Annotated[str, Field(max_length=PREVIEW_BYTES)]
    systems: Numbers
    head_version: Annotated[int, Field(ge=1)]
    structure_version: Annotated[int, Field(ge=1)]
    told_bucket: Annotated[int, Field(ge=0)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    change_number: ChangeNumber = 0
    changed_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    shows_history: bool = False
    pending_bucket: Annotated[int, Field(ge=0)] | None = None
    members: Annotated[list[MemberEntry], Field(max_length=LARGEST_GROUP)]

    @classmethod
    def of(cls, head: Head, members: Iterable[Member]) -> Self:
        """Return the line of a head and its members."""
        entries = [{name: value for name, value in asdict(each).items() if name != "group_uuid"} for each in members]
        sets = {"systems": tuple(sorted(head.systems)), "digest": head.digest.hex(), "members": entries}
        return cls(**asdict(head) | sets)

    def value(self) -> Head:
        sets = {"systems": frozenset(self.systems), "digest": bytes.fromhex(self.digest)}
        return Head(**self.model_dump(exclude={"entity", "members"}) | sets)

    def member_values(self) -> list[Member]:
        """Return the members."""
        return [Member(self.group_uuid, **entry.model_dump()) for entry in self.members]
