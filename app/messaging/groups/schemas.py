"""Schemas of groups of several members."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from app.http.types import EXAMPLE_UUID, PAGE, RequestModel, ResponseModel, Timestamp, Uuid
from app.messaging.groups.models import MAX_TITLE, Member, Role
from app.users.models import Name
from app.users.schemas import GIVEN_HANDLE, DisplayName, display_name_of, handle_of

MAX_ADDED = 20
"""Users that one call adds to a group: they fit into one transaction."""


_title: Any = {  # by the rules of a display name
    "description": "Title, 1 to 50 characters; control and invisible characters are dropped",
    "json_schema_extra": {"minLength": 1, "maxLength": MAX_TITLE, "pattern": r"\S"},
    "examples": ["Launch week"],
}
GivenHandle = Annotated[str, Field(max_length=64, json_schema_extra=GIVEN_HANDLE)]
_shows_history: Any = {
    "description": "Whether new members see the messages of before they came. Once true it stays so",
    "examples": [False],
}


class MessageGroupCreate(RequestModel):
    """A group of several members; the caller is its owner."""

    title: DisplayName = Field(**_title)
    handles: Annotated[list[GivenHandle], Field(min_length=1, max_length=PAGE)] = Field(
        description="The other members; case does not matter", examples=[["amelie", "jonas"]]
    )
    uuid: Uuid | None = Field(
        None,
        description="The client's id of this call, best a UUIDv7. A repeated call with the same uuid and content"
        " gets the same group.",
        examples=[EXAMPLE_UUID],
    )
    shows_history: Annotated[bool, Field(strict=True)] | None = Field(None, **_shows_history)


class MessageGroupUpdate(RequestModel):
    """New values of a group; what is left out stays as it is."""

    title: DisplayName | None = Field(None, **_title)
    shows_history: Annotated[bool, Field(strict=True)] | None = Field(None, **_shows_history)


class MembersCreate(RequestModel):
    """Users to add to a group."""

    handles: Annotated[list[GivenHandle], Field(min_length=1, max_length=MAX_ADDED)] = Field(
        description="Their handles, at most 20; case does not matter", examples=[["amelie"]]
    )


class MemberUpdate(RequestModel):
    """A member's new role."""

    role: Role = Field(description="The role; `owner` makes the caller an admin", examples=["admin"])


class MemberView(ResponseModel):
    """A member of a group."""

    user_uuid: Uuid = Field(description="The member", examples=[EXAMPLE_UUID])
    display_name: str = display_name_of("the member")
    handle: str | None = handle_of("the member")
    role: Role = Field(description="What the member may do in the group", examples=["member"])
    joined_at: Timestamp = Field(description="Time at which the member was added")
    added_by: Uuid = Field(description="The user that added the member", examples=[EXAMPLE_UUID])

    @classmethod
    def of(cls, member: Member, names: Mapping[UUID, Name]) -> "MemberView":
        name = names[member.user_uuid]
        return cls(
            user_uuid=member.user_uuid,
            display_name=name.display_name,
            handle=name.handle,
            role=member.role,
            joined_at=member.joined_at,
            added_by=member.added_by,
        )
