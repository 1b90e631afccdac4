"""Schemas of blocks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.http.types import EXAMPLE_UUID, Timestamp, Uuid
from app.users.models import Name
from app.users.schemas import display_name_of, handle_of


@dataclass(slots=True)
class BlockView:
    """Another user, and whether the caller has blocked that user."""

    user_uuid: Annotated[Uuid, Field(description="The other user", examples=[EXAMPLE_UUID])]
    display_name: Annotated[str, display_name_of("the other user")]
    handle: Annotated[str | None, handle_of("the other user")]
    blocked_at: Annotated[Timestamp | None, Field(description="Time of the block; null: the user is not blocked")]

    @classmethod
    def of(cls, user: UUID, name: Name, blocked_at: datetime | None) -> "BlockView":
        return cls(user, name.display_name, name.handle, blocked_at)
