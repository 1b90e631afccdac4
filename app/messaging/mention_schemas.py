"""Schemas of mentions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field

from app.http.types import EXAMPLE_UUID, Uuid
from app.users.models import Name
from app.users.schemas import display_name_of, handle_of

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
    display_name: Annotated[str, display_name_of("the member")]
    handle: Annotated[str | None, handle_of("the member")]

    @classmethod
    def of_all(cls, users: Iterable[UUID], names: Mapping[UUID, Name]) -> "list[MentionView]":
        """Return members in the order of their ids."""
        return [cls(user, names[user].display_name, names[user].handle) for user in sorted(users)]
