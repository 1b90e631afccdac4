"""Schemas of the caller's own data."""

from typing import Annotated, Literal

from pydantic import Field

from app.http.types import ResponseModel, Timestamp
from app.users.models import Erasure


class ErasureView(ResponseModel):
    """The deletion of the caller's user."""

    erased_at: Timestamp = Field(description="Time from which the user is deleted")
    handle_held_until: Timestamp = Field(description="Time from which any new user may register the handle")
    messages: Annotated[
        Literal["keep", "remove"],
        Field(
            description="`keep`: the other members keep the messages, without a name; `remove`: they are deleted",
            examples=["keep"],
        ),
    ]

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureView":
        return cls(
            erased_at=erasure.erased_at,
            handle_held_until=erasure.handle_held_until,
            messages="remove" if erasure.removes_messages else "keep",
        )
