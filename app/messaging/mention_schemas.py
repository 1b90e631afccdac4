"""Schemas of mentions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from app.http.types import EXAMPLE_UUID, HANDLE, Uuid
from app.users.models import Name

MAX_MENTIONS = 100
"""The most members that a message may mention."""


def _distinct(uuids: list[UUID]) -> list[UUID]:
    if len({*uuids}) < len(uuids):
        raise ValueError("not distinct")
    return uuids


Mentions = Annotated[
    list[Uuid], Field(max_length=MAX_MENTIONS, json_schema_extra={"uniqueItems": True}), AfterValidator(_distinct)
]


@dataclass(slots=True)
class MentionView:
    """A member that a message mentions, by its present name."""

    user_uuid: Annotated[Uuid, Field(description="The member", examples=[EXAMPLE_UUID])]
    display_name: Annotated[
        str, Field(description="Display name of the member", min_length=1, max_length=50, examples=["Amélie Laurent"])
    ]
    handle: Annotated[
        str | None,
        Field(
            description="Handle of the member; null when the account is gone",
            min_length=3,
            max_length=30,
            pattern=HANDLE,
            examples=["amelie"],
        ),
    ]

    @classmethod
    def of_all(cls, users: Iterable[UUID], names: Mapping[UUID, Name]) -> "list[MentionView]":
        """Return members in the order of their ids."""
        return [cls(user, names[user].display_name, names[user].handle) for user in sorted(users)]
