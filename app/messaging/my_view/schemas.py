"""Schemas of the caller's own view of a message group."""

from typing import Annotated

from pydantic import Field

from app.http.types import RequestModel
from app.messaging.my_view.items import ViewChange


class ViewUpdate(RequestModel):
    """New values in the caller's view of a group; what is left out stays as it is."""

    is_marked_unread: Annotated[bool, Field(strict=True)] | None = Field(
        None, description="Whether the group counts as unread although its messages were read", examples=[True]
    )

    def change(self) -> ViewChange:
        return ViewChange(**self.model_dump(exclude_unset=True))
