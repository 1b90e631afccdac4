"""Schema of what system messages tell."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.http.types import EXAMPLE_UUID
from app.messaging.groups.models import MAX_TITLE, Role, SystemEvent, SystemEventType
from app.messaging.mention_schemas import MAX_MENTIONS, MentionView
from app.users.models import Name


@dataclass(slots=True)
class SystemEventView:
    """The content of a system message: its sender has done this."""

    type: Annotated[
        SystemEventType,
        Field(
            description="`created` with `title` and `users`; `renamed` with `title`; `history`: new members see the"
            " messages of before; `added`, `removed` with `users`; `left`, with the new owner in `users` if the owner"
            " has left; `role` with `users` and `role`. More may be added",
            examples=["added"],
        ),
    ]
    users: Annotated[
        list[MentionView],
        Field(
            description="The users that it was done to",
            max_length=MAX_MENTIONS,
            examples=[[{"user_uuid": EXAMPLE_UUID, "display_name": "Amélie Laurent", "handle": "amelie"}]],
        ),
    ]
    title: Annotated[
        str | None, Field(description="The new title", min_length=1, max_length=MAX_TITLE, examples=["Launch week"])
    ]
    role: Annotated[Role | None, Field(description="The new role", examples=["admin"])]

    @classmethod
    def of(cls, event: SystemEvent, names: Mapping[UUID, Name]) -> "SystemEventView":
        """Return what a message tells; `names` has those of its users."""
        return cls(event.type, MentionView.of_all(event.users, names), event.title, event.role)
