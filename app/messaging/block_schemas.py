"""Schemas of blocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.http.types import EXAMPLE_UUID, HANDLE, Timestamp, Uuid
from app.users.models import Name


@dataclass(slots=True)
class BlockView:
    """Another user, and whether the caller has blocked that user."""

    user_uuid: Annotated[Uuid, Field(description="The other user", examples=[EXAMPLE_UUID])]
    display_name: Annotated[
        str,
        Field(description="Display name of the other user", min_length=1, max_length=50, examples=["Amélie Laurent"]),
    ]
    handle: Annotated[
        str | None,
        Field(
            description="Handle of the other user; null when the account is gone",
            min_length=3,
            max_length=30,
            pattern=HANDLE,
            examples=["amelie"],
        ),
    ]
    blocked_at: Annotated[Timestamp | None, Field(description="Time of the block; null: the user is not blocked")]

    @classmethod
    def of(cls, user: UUID, name: Name, blocked_at: datetime | None) -> "BlockView":
        return cls(user, name.display_name, name.handle, blocked_at)
